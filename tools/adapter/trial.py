#!/usr/bin/env python3
"""Add to an adapter what enrolment needs for its trial (docs/CLONING.md): by how much the embedding of the trial's one
sentence differs from that of much speech in the same voice, because of what it says.

It is the mean over speakers to train on (targets.py); nobody else takes part.

    make build/release/bench/enrol_prints build/release/bench/trials
    trial.py --speech librispeech-train-clean --adapter IN --out OUT [--speakers 20]
"""
import argparse
import struct
import sys
from pathlib import Path

import numpy as np
import soundfile

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
import prints  # noqa: E402
import speaker  # noqa: E402
import targets  # noqa: E402
from convert_ge2e import write_safetensors  # noqa: E402

OTHERS = targets.TRAIN[:5]


class Trials(prints.Bench):
    """trials MODEL"""

    def say(self, voice, phonemes=""):
        blob, text = prints.write_print(voice), phonemes.encode()
        request = b"".join(struct.pack("<I", len(part)) + part for part in (blob, text))
        return np.frombuffer(self.ask(request, 4), "<f4")


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--speech", required=True)
    p.add_argument("--adapter", required=True)
    p.add_argument("--models", default="var/models/kokoro")
    p.add_argument("--programs", default="build/release/bench")
    p.add_argument("--speakers", type=int, default=20)
    p.add_argument("--out", required=True)
    a = p.parse_args()
    enrolment = targets.Enrolment(f"{a.programs}/enrol_prints", a.models, a.adapter)
    trial, encoder = Trials(f"{a.programs}/trials", a.models), speaker.Encoder(Path(a.models, "ge2e.safetensors"))
    off = []
    for path in sorted(Path(a.speech).rglob("*.flac")):
        if len(off) == a.speakers:
            break
        training = targets.part_of(int(path.stem.split("-")[0])) == "train"
        if not training or soundfile.info(path).duration < targets.LEAST_SECONDS:
            continue
        wave, rate = soundfile.read(path, dtype="float32", always_2d=True)
        voice = enrolment.enrol(wave.mean(1)[:len(wave) // 2], rate)
        if voice is None:
            continue
        much = encoder.embed(np.concatenate([trial.say(voice, s) for s in OTHERS]), prints.RATE)
        off.append(encoder.embed(trial.say(voice), prints.RATE) - much)
        print(f"{path.stem}: {off[-1] @ off[-1]:.3f}, mean {np.sum(np.mean(off, 0) ** 2):.3f}", flush=True)
    tensors = {k: np.array(v) for k, v in speaker.read_safetensors(a.adapter).items()}
    write_safetensors(a.out, {**tensors, "trial": np.mean(off, 0).astype("<f4")})


if __name__ == "__main__":
    main()
