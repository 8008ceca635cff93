#!/usr/bin/env python3
"""The ear's training material: speech with its phonemes, as one pickle of {lang, phonemes, wave, speaker}.

Real recordings come as a list, FILE <tab> LANGUAGE <tab> SPEAKER <tab> TEXT (16 kHz). Speech of espeak-ng in the ten
languages is made from sentences: DIR/en.txt, DIR/zh.txt and so on, one sentence a line, spoken by its voices with
random variants, rates and pitches. espeak-ng cannot read Japanese ideographs: DIR/ja.kana.txt has the same lines as
DIR/ja.txt in kana.

    material.py --recordings clips.tsv --sentences DIR --bench build/release/bench/bench_listen \\
        --model var/models/kokoro --helpers build --out material.pkl
"""
import argparse
import pickle
import random
import subprocess
from pathlib import Path

import numpy as np
import soundfile as sf
import soxr

VOICES = {"en": ["en-us", "en-gb", "en-gb-scotland"], "es": ["es", "es-419"], "fr": ["fr-fr"], "it": ["it"],
          "pt": ["pt-br"], "de": ["de"], "ru": ["ru"], "zh": ["cmn"], "ko": ["ko"], "ja": ["ja"]}
VARIANTS = """m1 m2 m3 m4 m5 m6 m7 m8 f1 f2 f3 f4 f5 klatt klatt2 klatt3 klatt4 klatt6 Alex Andy Annie Denis Diogo Gene
Henrique Hugo Lee Marco Mario Michael adam anika antonio belinda benjamin boris caleb david ed edward iven john linda
marcelo max michel miguel norbert pablo paul pedro quincy rob robert steph travis victor zac""".split()


def phonemes(a, pairs):
    lines = "".join(f"{lang}\t{' '.join(text.split())}\n" for lang, text in pairs)
    out = subprocess.run([a.bench, a.model, a.helpers, "--phonemes"], input=lines.encode(), stdout=subprocess.PIPE,
                         check=True).stdout.decode().split("\n")[:len(pairs)]
    return [None if line.startswith("error") else line for line in out]


def level(wave):
    return (wave / (np.abs(wave).max() + 1e-6) * 0.5 * 32767).astype(np.int16)


def spoken(text, voice):
    raw = subprocess.run(["espeak-ng", "-v", f"{voice}+{random.choice(VARIANTS)}", "-s", str(random.randint(120, 200)),
                          "-p", str(random.randint(20, 80)), "--stdout", text], capture_output=True).stdout
    wave = np.frombuffer(raw[44:len(raw) // 2 * 2], "<i2").astype(np.float32) / 32768
    return soxr.resample(wave, 22050, 16000) if len(wave) > 22050 else None  # some variants lack some languages


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("recordings", "sentences", "bench", "model", "helpers", "out"):
        p.add_argument("--" + name, required=True)
    p.add_argument("--each", type=int, default=60, help="sentences of each language")
    a = p.parse_args()
    random.seed(3)
    rows = []
    clips = [line.split("\t", 3) for line in Path(a.recordings).read_text(encoding="utf-8").splitlines()]
    for (file, lang, speaker, _), heard in zip(clips, phonemes(a, [(c[1], c[3]) for c in clips])):
        wave, rate = sf.read(file, dtype="float32")
        assert rate == 16000, file
        rows.append({"lang": lang, "phonemes": heard, "wave": level(wave), "speaker": speaker})
    for lang, voices in VOICES.items():
        text = (Path(a.sentences) / f"{lang}.txt").read_text(encoding="utf-8").splitlines()
        kana = Path(a.sentences) / f"{lang}.kana.txt"
        say = kana.read_text(encoding="utf-8").splitlines() if kana.exists() else text
        chosen = random.sample(list(zip(text, say)), min(a.each, len(text)))
        for heard, (_, aloud) in zip(phonemes(a, [(lang, t) for t, _ in chosen]), chosen):
            wave = spoken(aloud, random.choice(voices)) if heard else None
            if wave is not None:
                rows.append({"lang": lang, "phonemes": heard, "wave": level(wave), "speaker": None})
        print(lang, len(rows), flush=True)
    rows = [r for r in rows if r["phonemes"]]
    Path(a.out).write_bytes(pickle.dumps(rows))


if __name__ == "__main__":
    main()
