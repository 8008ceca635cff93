#!/usr/bin/env python3
"""Turn misaki's American English dictionaries into the lexicon file that timbre maps (src/text/g2p/lexicon.h).

    convert_lexicon.py --gold us_gold.json --silver us_silver.json --out lexicon-en.bin

A word of both dictionaries keeps its gold entry. The same input gives the same bytes; the file appears whole or not
at all.
"""
import argparse
import json
import os
import struct
import sys
import tempfile

TAGS = {"DEFAULT": 0, "VERB": 1, "NOUN": 2, "ADJ": 3, "ADV": 4, "VBD": 5, "VBN": 6, "VBP": 7, "DT": 8, "None": 9}
# The dictionaries write the flap and the glottal stop in IPA; the model was trained with these letters for them.
TRAINED = str.maketrans({"ɾ": "T", "ʔ": "t"})
KEY_MOST = 60  # bytes; longer than any word that text holds
PHONES_MOST = 255


def variants(value):
    """The pronunciations of one entry as (tag, UTF-8), the default first. Empty: spelled letter by letter."""
    table = value if isinstance(value, dict) else {"DEFAULT": value}
    found = [(TAGS[tag], (phones or "").translate(TRAINED).encode()) for tag, phones in table.items() if tag in TAGS]
    return sorted(v for v in found if len(v[1]) <= PHONES_MOST)


def load(path):
    with open(path, encoding="utf-8") as f:
        return json.load(f)


def build(gold, silver):
    entries = {}
    for word, value in [*silver.items(), *gold.items()]:
        key, found = word.encode(), variants(value)
        if 0 < len(key) <= KEY_MOST and found and found[0][0] == TAGS["DEFAULT"] and found[0][1]:
            entries[key] = found
    pool, offsets = bytearray(), []
    for key in sorted(entries):
        offsets.append(len(pool))
        pool += bytes([len(key)]) + key + bytes([len(entries[key])])
        for tag, phones in entries[key]:
            pool += bytes([tag, len(phones)]) + phones
    head = b"TBLX" + struct.pack("<III", 1, len(offsets), len(pool))
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
    parser.add_argument("--gold", required=True, help="us_gold.json of misaki")
    parser.add_argument("--silver", required=True, help="us_silver.json of misaki")
    parser.add_argument("--out", required=True, help="the file to write")
    args = parser.parse_args()
    data, words = build(load(args.gold), load(args.silver))
    write_whole(args.out, data)
    print(f"lexicon: {words} words, {len(data)} bytes: {args.out}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
