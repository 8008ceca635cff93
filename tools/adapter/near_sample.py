#!/usr/bin/env python3
"""Speak parts of sentences in styles around those that enrolment finds for people to train on (targets.py, part_of):
what the second map is fitted on (near_fit.py).

A clip is 1.65 s. Of one voice, one text and one place in it several styles are spoken, so that what differs between
them is the styles' doing: the enrolled one, and others around it, along the 40 axes that all blocks share and the 27 in
which blocks differ (near_basis.py). With an adapter that has a second map already the styles are those which this map
finds: a second round shows the map where it was too hopeful.

    make build/release/bench/say_styles
    near_sample.py --targets DIR2 --basis basis.npz --adapter adapter.safetensors --seed 1 --count 1200 --out near_1.npz

What is made so far is saved every hundred clips.
"""
import argparse
import os
import struct
import sys
import time
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
import prints  # noqa: E402
from invert import ACOUSTIC, Inverter, Nearby  # noqa: E402
from near_basis import Space  # noqa: E402
from sample import CROP, SENTENCES  # noqa: E402

TRIAL = "nˈObˌʌdi hæd sˈin ðˌɛm sˈɪns ðə mˈɔɹnɪŋ."  # as src/engine/kokoro/calibrate.c
Z_NOISE, U_NOISE, PROSODY_NOISE, PACE_NOISE = 0.4, 2.5, 0.3, 0.05
PITCH = 0.97               # of the recording's median, as a session speaks
LEAST = 30000              # samples of a clip
OF_ROUND = {1: 4, 2: 3}    # styles of one part


class Sayer(prints.Bench):
    """say_styles MODEL"""

    def say(self, styles, prosody, hz, pace, phonemes, part, frames=CROP):
        """[n][13][128] -> [n][samples]"""
        text, styles = phonemes.encode(), np.asarray(styles, "<f4")
        head = struct.pack("<fffIII", hz, pace, part, frames, len(styles), len(text))
        answer = self.ask(np.asarray(prosody, "<f4").tobytes() + head + text + styles.tobytes(), 4)
        return np.frombuffer(answer, "<f4")[1:].reshape(len(styles), -1)


class Centre:
    """Where the styles of a voice are drawn around."""

    def __init__(self, adapter, basis):
        self.t = Inverter(adapter).t
        self.space, self.second = Space(self.t, basis), "near.centres" in self.t

    def __call__(self, voice):
        z, u = self.space.enrolled(self.t, voice)
        if not self.second:
            return z, u
        near = Nearby(self.t, voice["embedding"].astype(float), voice["spectrum"].astype(float), z)
        styles = self.space.styles(z, u).ravel()
        start = self.t["near.locate"] @ styles + self.t["near.locate_bias"]
        moved = self.space.locate @ (styles + (near.find(start) - start) @ self.t["near.move"] - self.space.mean)
        return np.concatenate([moved[:ACOUSTIC], z[ACOUSTIC:]]), moved[ACOUSTIC:]


def around(rng, z, u, count):
    """The place itself, or near it, and others farther off."""
    out = [(z, u)]
    while len(out) < count:
        far = 1.2 * rng.random()
        out.append((z + np.concatenate([far * Z_NOISE * rng.normal(size=ACOUSTIC), np.zeros(len(z) - ACOUSTIC)]),
                    u + far * U_NOISE * rng.normal(size=len(u))))
    return out


def save(file, rows):
    with open(f"{file}.part", "wb") as out:
        np.savez(out, **{k: np.array(v) for k, v in rows.items()})
    os.replace(f"{file}.part", file)


def main():
    import targets
    texts = SENTENCES + targets.TRAIN + 4 * [TRIAL]
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--targets", required=True, help="folder of targets.py; its speech is not needed")
    p.add_argument("--basis", required=True)
    p.add_argument("--adapter", required=True)
    p.add_argument("--models", default="var/models/kokoro")
    p.add_argument("--program", default="build/release/bench/say_styles")
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--count", type=int, default=1200)
    p.add_argument("--out", required=True)
    a = p.parse_args()
    voices = {f.name.split(".")[0]: dict(np.load(f)) for f in sorted(Path(a.targets).glob("train-*.voice.npz"))}
    rng, sayer, centre = np.random.default_rng(a.seed), Sayer(a.program, a.models), Centre(a.adapter, a.basis)
    rows = {k: [] for k in ("z", "u", "wave", "voice", "text", "plan")}
    queue, begin, plan = [], time.time(), 0
    while len(rows["z"]) < a.count:
        queue = queue or list(rng.permutation(sorted(voices)))
        name = str(queue.pop())
        voice, text = voices[name], int(rng.integers(len(texts)))
        z, u = centre(voice)
        z[ACOUSTIC:] += PROSODY_NOISE * rng.random() * rng.normal(size=len(z) - ACOUSTIC)
        pace = voice["speed"][0] * np.exp(PACE_NOISE * rng.normal())
        places = around(rng, z, u, OF_ROUND[2 if centre.second else 1])
        waves = sayer.say([centre.space.styles(*at) for at in places], centre.space.prosody_style(z),
                          PITCH * voice["f0_median_hz"][0], pace, texts[text], rng.random())
        if waves.shape[1] < LEAST:
            continue
        for (z, u), wave in zip(places, waves):
            full = np.pad(wave, (0, CROP * 600 - len(wave))).astype(np.float16)
            for k, v in zip(rows, (z, u, full, name, text, plan)):
                rows[k].append(v)
        plan += 1
        if plan % 25 == 0:
            save(a.out, rows)
            print(f"{len(rows['z'])} clips, {time.time() - begin:.0f} s", flush=True)
    save(a.out, rows)


if __name__ == "__main__":
    main()
