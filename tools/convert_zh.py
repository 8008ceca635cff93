#!/usr/bin/env python3
"""Turn jieba's word list and pypinyin's tables into the Chinese dictionary that timbre maps (src/text/g2p/zh_dict.h).

    convert_zh.py --words dict.txt --phrases phrases_dict.json --characters pinyin_dict.json --out lexicon-zh.bin

A word has how rare it is (from jieba) and how it is read (from pypinyin) when its characters do not tell; characters
have their most frequent reading. The same input gives the same bytes; the file appears whole or not at all.
"""
import argparse
import json
import math
import os
import struct
import sys
import tempfile
import unicodedata

NO_WORD = 0xFFFF  # cost of an entry that only tells a reading
COST_OF_ONE = 2048  # steps per natural logarithm; 1 in 60 million is 36 667
WORD_MOST = 60  # bytes: 20 characters
TONES = {"\u0304": "1", "\u0301": "2", "\u030c": "3", "\u0300": "4"}
# Sandhi is the program's business; some phrases of the table have it in their readings, others not.
PLAIN = {("一", "yi2"): "yi1", ("一", "yi4"): "yi1", ("不", "bu2"): "bu4"}


def is_han(text):
    return all("\u3400" <= c <= "\u4dbf" or "\u4e00" <= c <= "\u9fff" or "\uf900" <= c <= "\ufaff" for c in text)


def plain(char, syllable):
    """'lǜ' to 'lv4': ü is v, ê is E, the tone a digit behind, 5 the neutral one."""
    tone, letters = "5", ""
    for c in unicodedata.normalize("NFD", syllable):
        if c in TONES:
            tone = TONES[c]
        elif c == "\u0308":
            letters = letters[:-1] + "v"
        elif c == "\u0302":
            letters = letters[:-1] + "E"
        elif c.isascii() and c.isalpha() or c == "ɡ":
            letters += "g" if c == "ɡ" else c
    if not letters:
        raise ValueError(f"{char}: no syllable in {syllable!r}")
    return PLAIN.get((char, letters + tone), letters + tone)


def read_words(path):
    """Word to (count, class)."""
    words = {}
    with open(path, encoding="utf-8") as f:
        for line in f:
            word, count, tag = line.rstrip("\n").split(" ")
            words[word] = int(count), tag
    return words


def read_readings(phrases_path, characters_path):
    readings = {}
    with open(characters_path, encoding="utf-8") as f:
        for code, syllables in json.load(f).items():
            char = chr(int(code))
            readings[char] = plain(char, syllables.split(",")[0])
    with open(phrases_path, encoding="utf-8") as f:
        for phrase, syllables in json.load(f).items():
            if len(phrase) == len(syllables):
                readings[phrase] = "".join(plain(c, s[0]) for c, s in zip(phrase, syllables))
    return readings


def build(words, readings):
    # jieba's own total, which its path search divides by, is that of all counts.
    log_total = math.log(sum(count for count, _ in words.values()))
    keys = sorted(k for k in ((w, w.encode()) for w in {*words, *readings} if is_han(w)) if len(k[1]) <= WORD_MOST)
    keys.sort(key=lambda k: k[1])
    pool, offsets = bytearray(), []
    for word, key in keys:
        count, tag = words.get(word, (0, "x"))
        cost = round((log_total - math.log(count)) * COST_OF_ONE) if count else NO_WORD
        reading = readings.get(word, "").encode()
        offsets.append(len(pool))
        pool += bytes([len(key)]) + key + struct.pack("<HBB", cost, ord(tag[0]), len(reading)) + reading
    head = b"TBZH" + struct.pack("<III", 1, len(offsets), len(pool))
    return head + struct.pack(f"<{len(offsets)}I", *offsets) + bytes(pool), len(offsets)


def write_whole(path, data):
    folder = os.path.dirname(os.path.abspath(path))
    os.makedirs(folder, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=folder, prefix=".lexicon-", delete=False) as f:
        try:
            f.write(data)
            f.flush()
            os.fsync(f.fileno())
            os.chmod(f.name, 0o644)
            os.replace(f.name, path)
        except BaseException:
            os.unlink(f.name)
            raise


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--words", required=True, help="dict.txt of jieba")
    parser.add_argument("--phrases", required=True, help="phrases_dict.json of pypinyin")
    parser.add_argument("--characters", required=True, help="pinyin_dict.json of pypinyin")
    parser.add_argument("--out", required=True, help="the file to write")
    args = parser.parse_args()
    data, entries = build(read_words(args.words), read_readings(args.phrases, args.characters))
    write_whole(args.out, data)
    print(f"Chinese dictionary: {entries} entries, {len(data)} bytes: {args.out}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
