#!/usr/bin/env python3
"""Add to an adapter what enrolment needs for its trial (docs/CLONING.md): by how much the embedding of the trial's one
sentence differs from that of much speech in the same voice, because of what it says. With it, the second map's
expectation is moved by what it is wrong about everybody.

Both are means over speakers to train on (targets.py); nobody else takes part. Not to be run twice on one second map.

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
from invert import ACOUSTIC, Inverter, Nearby  # noqa: E402

# Four sentences, 15 s, of which the maps know none.
OTHERS = [
    "ði ˈOld mˈæn wˈɔkt əlˈɔŋ ðə ɹˈɪvəɹ, ænd hɪz dˈɔɡ ɹˈæn əhˈɛd ʌv hˌɪm.",
    "ʃi dˈɪd nˌɑt nˈO wˌI ðə pˈipᵊl ɪn ðə vˈɪlɪʤ wɜɹ sˌO kwˈIət ðæt ˈivnɪŋ.",
    "jˈɛstəɹdA wi wˈɔkt hˈOm θɹu ðə pˈɑɹk ænd lˈʊkt ˌæt ðə wˈɔɾəɹ.",
    "ðə bˈʊk ˌɔn ðə tˈAbᵊl bəlˈɔŋz tə mI sˈɪstəɹ, hˌu lˈɪvz ɪn ɐ lˈɑɹʤ sˈɪɾi nˌɪɹ ðə sˈi.",
]


class Trials(prints.Bench):
    """trials MODEL"""

    def say(self, voice, phonemes=""):
        blob, text = prints.write_print(voice), phonemes.encode()
        request = b"".join(struct.pack("<I", len(part)) + part for part in (blob, text))
        return np.frombuffer(self.ask(request, 4), "<f4")


def expected(t, voice, spectrum):
    """The second map's embedding of an enrolled voice, not of length 1."""
    z = np.concatenate([np.zeros(ACOUSTIC), np.linalg.lstsq(
        t["style.basis"][ACOUSTIC:, 128:].T, voice["prosody"] - t["style.mean"][128:], rcond=None)[0]])
    q = t["near.locate"] @ voice["style"] + t["near.locate_bias"]
    return Nearby(t, voice["embedding"], spectrum, z).expected(q)[0]


def constant_error(y, heard):
    """[256] that added to all y brings their directions to those heard, in the mean."""
    unit = lambda x: x / np.linalg.norm(x, axis=1, keepdims=True)
    off = np.zeros(y.shape[1])
    for _ in range(20):
        off += np.linalg.norm(y, axis=1).mean() * (heard - unit(y + off)).mean(0)
    return off


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--speech", required=True)
    p.add_argument("--adapter", required=True)
    p.add_argument("--models", default="var/models/kokoro")
    p.add_argument("--programs", default="build/release/bench")
    p.add_argument("--speakers", type=int, default=20)
    p.add_argument("--out", required=True)
    a = p.parse_args()
    enrolment, t = targets.Enrolment(f"{a.programs}/enrol_prints", a.models, a.adapter), Inverter(a.adapter).t
    trial, encoder = Trials(f"{a.programs}/trials", a.models), speaker.Encoder(Path(a.models, "ge2e.safetensors"))
    off, much, y = [], [], []
    for path in sorted(Path(a.speech).rglob("*.flac")):
        if len(off) == a.speakers:
            break
        training = targets.part_of(int(path.stem.split("-")[0])) == "train"
        if not training or soundfile.info(path).duration < targets.LEAST_SECONDS:
            continue
        wave, rate = soundfile.read(path, dtype="float32", always_2d=True)
        wave = wave.mean(1)[:len(wave) // 2]
        voice = enrolment.enrol(wave, rate)
        if voice is None:
            continue
        much.append(encoder.embed(np.concatenate([trial.say(voice, s) for s in OTHERS]), prints.RATE))
        off.append(encoder.embed(trial.say(voice), prints.RATE) - much[-1])
        if "near.centres" in t:
            y.append(expected(t, voice, speaker.spectrum(speaker.prepare(wave, rate))))
        print(f"{path.stem}: {off[-1] @ off[-1]:.3f}, mean {np.sum(np.mean(off, 0) ** 2):.3f}", flush=True)
    tensors = {k: np.array(v) for k, v in speaker.read_safetensors(a.adapter).items()}
    if y:
        tensors["near.embedding_mean"] += constant_error(np.stack(y), np.stack(much)).astype("<f4")
    write_safetensors(a.out, {**tensors, "trial": np.mean(off, 0).astype("<f4")})


if __name__ == "__main__":
    main()
