#!/usr/bin/env python3
"""What enrolment says of real recordings and of degraded copies: how many are refused, how many advised, and why.

Each recording of DIR with 3 s or more is enrolled by `timbre clone`, as it is and in each of the ways below, in a data
folder that goes away. docs/ENROLMENT.md has the table.

    enrolment_checks.py --speech DIR [--program build/timbre] [--every 1] [--kinds clean,noise-10,...]
"""
import argparse
import collections
import json
import re
import subprocess
import tempfile
from pathlib import Path

import numpy as np
import soundfile
import soxr

RATE = 24000


def speech_power(wave):
    smooth = np.convolve(wave ** 2, np.ones(720) / 720, "same")
    return (wave[smooth > smooth.max() * 10 ** -3.8] ** 2).mean()


def noise(db):
    return lambda w: w + (np.random.default_rng(0).standard_normal(len(w)) *
                          np.sqrt(speech_power(w) / 10 ** (db / 10))).astype(np.float32)


def band(rate):
    return lambda w: soxr.resample(soxr.resample(w, RATE, rate), rate, RATE)


def clip(db):
    return lambda w: np.clip(w / np.abs(w).max() * 10 ** (db / 20), -1, 1)


def quiet(dbfs):
    return lambda w: w * 10 ** (dbfs / 20) / np.sqrt(speech_power(w))


KINDS = {"clean": lambda w: w, "noise-20": noise(20), "noise-10": noise(10), "noise-5": noise(5), "noise-0": noise(0),
         "band-8000": band(8000), "band-11025": band(11025), "clip-6": clip(6), "clip-12": clip(12),
         "clip-20": clip(20), "quiet-55": quiet(-55), "quiet-65": quiet(-65), "mp3-64": lambda w: w,
         "two-speakers": None}


def enrol(program, wave, mp3):
    """"accepted", "advised KIND ..." or the refusal's first words."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "a.wav")
        soundfile.write(path, np.clip(wave, -1, 1), RATE, "PCM_16")
        if mp3:
            coded = Path(folder, "a.mp3")
            subprocess.run(["ffmpeg", "-v", "error", "-y", "-i", path, "-b:a", "64k", coded], check=True)
            path = coded
        run = subprocess.run([program, "clone", path, "--name", "x", "--data", Path(folder, "data"), "--json"],
                             capture_output=True, text=True)
    if run.returncode:
        return "refused: " + re.sub(r"[-\d.]+", "N", run.stderr.split("clone: ")[-1])[:60].strip()
    kinds = sorted(w["kind"] for w in json.loads(run.stdout)["warnings"])
    return "advised: " + " ".join(kinds) if kinds else "accepted"


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--speech", required=True)
    p.add_argument("--program", default="build/timbre")
    p.add_argument("--every", type=int, default=1, help="of the recordings, one in so many")
    p.add_argument("--kinds", default=",".join(KINDS))
    a = p.parse_args()
    paths = sorted(f for f in Path(a.speech).rglob("*") if f.suffix in (".flac", ".wav"))[::a.every]
    waves = []
    for path in paths:
        wave, rate = soundfile.read(path, dtype="float32", always_2d=True)
        if len(wave) >= 3 * rate:
            waves.append(soxr.resample(wave.mean(1), rate, RATE))
    for kind in a.kinds.split(","):
        found = collections.Counter()
        for i, wave in enumerate(waves):
            if kind == "two-speakers":
                other = waves[(i + len(waves) // 2) % len(waves)]
                wave = np.concatenate([wave[:6 * RATE], other[:6 * RATE]])
            else:
                wave = KINDS[kind](wave)
            found[enrol(a.program, wave, kind == "mp3-64")] += 1
        print(f"{kind:13s}", "; ".join(f"{n} {what}" for what, n in found.most_common()), flush=True)


if __name__ == "__main__":
    main()
