#!/usr/bin/env python3
"""Speech of our own engine for the ear to learn from: without it, it knows Japanese and Chinese by espeak-ng alone.

Sentences as for material.py (DIR/LANG.txt) are spoken by clones of the recordings in the list, which must be speakers
that the ear may hear in training, and by stock voices, every other sentence by one of the language where there is one.
Each is spoken at 0.82 to 1.28 of the voice's pace, which is what the network is asked for and not a change of its
sound.

    own_speech.py --recordings clips.tsv --sentences DIR --out OUT
    material.py --each 0 --recordings OUT/clips.tsv ... --out own.pkl

Wants build/release/bench/enrol_prints and speak_prints, and stock voices (`make setup` with npm)."""
import argparse
import random
import sys
from pathlib import Path

import numpy as np
import soundfile
import soxr

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "tools"))
import prints  # noqa: E402
import speaker  # noqa: E402
from material import VOICES  # noqa: E402

FIRST_LETTERS = {"en": "ab", "es": "e", "fr": "f", "it": "i", "pt": "p", "ja": "j", "zh": "z"}  # of stock voices' names
EACH = {"ja": 30, "zh": 30}  # sentences; of the other languages OTHERS
OTHERS = 3
PACE = (-0.2, 0.25)          # natural logs
LEAST_S, MOST_S = 1.0, 7.0


def voices_of(a):
    """{name: tensors}: of the stock voices, of the clones."""
    rows = speaker.read_safetensors(a.model / "voices.safetensors")
    stock = {name: prints.stock_print(rows[name][1].astype(np.float32)) for name in sorted(rows)}
    enroller, clones = prints.Enroller(a.programs / "enrol_prints", a.model), {}
    for line in Path(a.recordings).read_text(encoding="utf-8").splitlines():
        file, _, who = line.split("\t")[:3]
        wave, rate = soundfile.read(file, dtype="float32", always_2d=True, frames=15 * 48000)
        if who not in clones and (made := enroller.enrol(wave.mean(1), rate)):
            clones[who] = made
    return stock, clones


def chosen(lang, k, stock, clones):
    """The voice of sentence k of a language."""
    native = [n for n in stock if n[0] in FIRST_LETTERS.get(lang, "")]
    if native and k % 2:
        return random.choice(native), stock
    return (random.choice(sorted(clones)), clones) if k % 4 < 2 and clones else (random.choice(sorted(stock)), stock)


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--recordings", required=True, help="FILE <tab> LANGUAGE <tab> SPEAKER, as for material.py")
    p.add_argument("--sentences", required=True, type=Path)
    p.add_argument("--programs", type=Path, default=ROOT / "build/release/bench")
    p.add_argument("--model", type=Path, default=ROOT / "var/models/kokoro")
    p.add_argument("--helpers", type=Path, default=ROOT / "build")
    p.add_argument("--out", required=True, type=Path)
    a = p.parse_args()
    random.seed(11)
    a.out.mkdir(parents=True, exist_ok=True)
    stock, clones = voices_of(a)
    teller, lines = prints.Speaker(a.programs / "speak_prints", a.model, a.helpers), []
    for lang in VOICES:
        texts = (a.sentences / f"{lang}.txt").read_text(encoding="utf-8").splitlines()
        for k, text in enumerate(random.sample(texts, min(EACH.get(lang, OTHERS), len(texts)))):
            name, among = chosen(lang, k, stock, clones)
            pace = float(np.exp(random.uniform(*PACE)))
            speed = float(np.clip(np.ravel(among[name]["speed"])[0] * pace, 0.5, 2))
            (a.out / "voice.print").write_bytes(prints.write_print({**among[name], "speed": speed}))
            wave = soxr.resample(teller.say(a.out / "voice.print", lang, text), prints.RATE, 16000)
            if not LEAST_S <= len(wave) / 16000 <= MOST_S:
                continue
            file = a.out / f"{lang}-{k}.wav"
            soundfile.write(file, wave, 16000)
            lines.append(f"{file}\t{lang}\t{name}\t{' '.join(text.split())}\n")
        print(lang, len(lines), flush=True)
    (a.out / "voice.print").unlink(missing_ok=True)
    (a.out / "clips.tsv").write_text("".join(lines), encoding="utf-8")


if __name__ == "__main__":
    main()
