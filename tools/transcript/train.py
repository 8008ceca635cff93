#!/usr/bin/env python3
"""Train the ear from nothing: no alignment is given, only speech and its phonemes.

At first each text is spread evenly over the loud frames of its recording. A network trained on that is wrong about most
frames but right on average, so aligning with it gives better labels, and so on: six rounds on a part of the material,
then five on all of it, with the labels made anew after the second and third. Features are disturbed: other vocal tracts
(bands stretched by 10 %), other channels, stationary noise, a second voice, a narrow band. Minutes on one core.

    train.py --material material.pkl --ear ear.safetensors --golden tests/golden/ear
    train.py --material more.pkl --start ear.safetensors --ear ear.safetensors --golden tests/golden/ear

With --start an ear goes on from where it was, on material that has more: only the last five rounds, from its labels.
The match's weights are put in by evaluate.py --fit.
"""
import argparse
import pickle
import subprocess
import time
from pathlib import Path

import numpy as np
import soxr
import torch
from safetensors.numpy import load_file, save_file
from torch import nn

from hearing import BANDS, DILATION, Ear, align, centred, columns, features
from sounds import SOUNDS, chain

ROWS = 2000      # of one step: 40 s
PRIOR = 0.5      # as src/engine/kokoro/listen.c
Q = np.linspace(0, 1, BANDS, dtype=np.float32)
TILTS = np.stack([Q * 2 - 1, np.cos(2 * np.pi * Q), np.cos(3 * np.pi * Q), np.cos(5 * np.pi * Q)]).astype(np.float32)
SENTENCE = "The quick brown fox jumps over the lazy dog near the river bank."


def prepare(rows):
    out = []
    for r in rows:
        states = chain(r["phonemes"])
        feat = features(r["wave"].astype(np.float32) / 32768)
        if len(r["phonemes"]) > 5 and (len(feat) + 1) // 2 > 1.2 * np.sum(states > 0):
            out.append({"feat": feat, "chain": states, "real": r["speaker"] is not None})
    return out


def spread(item):
    """Labels for a start: the sounds one after the other over the loud frames."""
    count = (len(item["feat"]) + 1) // 2
    loud = item["feat"].mean(1)[::2][:count]
    at = np.where(loud > np.percentile(loud, 95) - 4)[0]
    sounds = item["chain"][item["chain"] > 0]
    label = np.zeros(count, np.int64)
    label[at] = sounds[np.arange(len(at)) * len(sounds) // max(1, len(at))]
    return label


def disturbed(x, rng, pool):
    x = x.copy()
    if rng.random() < 0.5:
        at = np.clip(np.arange(BANDS) * np.exp(rng.uniform(-0.1, 0.1)), 0, BANDS - 1.001)
        low, part = at.astype(int), (at - at.astype(int)).astype(np.float32)
        x = x[:, low] * (1 - part) + x[:, low + 1] * part
    x += rng.normal(0, 0.35, 4).astype(np.float32) @ TILTS
    kind = rng.random()
    if kind < 0.6:
        noise = rng.normal(0, 1, 3).astype(np.float32) @ TILTS[:3] + np.float32(rng.uniform(-6, 0.2))
        x = np.logaddexp(x, noise + rng.normal(0, 0.6, x.shape).astype(np.float32))
    elif kind < 0.7:
        other = pool[rng.integers(len(pool))]["feat"]
        other = np.tile(other, (len(x) // len(other) + 1, 1))[:len(x)]
        x = np.logaddexp(x, other + np.float32(rng.uniform(-4.5, -1.5)))
    if rng.random() < 0.25:
        k = rng.integers(24, 38)
        x[:, k:] = np.minimum(x[:, k:], -3 + 0.5 * x[:, k:])
    return centred(x)


def steps(items, rng):
    xs, ys, n = [], [], 0
    for i in rng.permutation(len(items)):
        xs.append(columns(disturbed(items[i]["feat"], rng, items)))
        ys.append(items[i]["label"])
        n += len(xs[-1])
        if n >= ROWS:
            yield torch.from_numpy(np.concatenate(xs)), torch.from_numpy(np.concatenate(ys))
            xs, ys, n = [], [], 0


def train(ear, items, epochs, rate, seed, least):
    """The learning rate falls along a cosine to `least` of it."""
    rng = np.random.default_rng(seed)
    torch.manual_seed(seed)
    adam = torch.optim.AdamW(ear.parameters(), lr=rate, weight_decay=0.02)
    total, step, start = epochs * sum(len(i["label"]) for i in items) / (1.05 * ROWS), 0, time.time()
    for epoch in range(epochs):
        ear.train()
        hits = []
        for x, y in steps(items, rng):
            fall = least + (1 - least) * 0.5 * (1 + np.cos(np.pi * min(1, step / total)))
            adam.param_groups[0]["lr"] = rate * min(1, (step + 1) / 15) * fall
            step += 1
            out = ear(x, 0.1)
            loss = nn.functional.cross_entropy(out, y, label_smoothing=0.03)
            adam.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(ear.parameters(), 5.0)
            adam.step()
            hits.append(float((out.detach().argmax(1) == y).float().mean()))
        print(f"seed {seed} epoch {epoch}: right {np.mean(hits):.3f}, {time.time() - start:.0f} s", flush=True)


def prior_of(items):
    count = np.bincount(np.concatenate([i["label"] for i in items]), minlength=len(SOUNDS)) + 20.0
    return np.log(count / count.sum()).astype(np.float32)


def relabel(ear, items, prior):
    for i in items:
        i["label"] = i["chain"][align(np.ascontiguousarray(ear.logs(i["feat"]) - PRIOR * prior), i["chain"])]


def parts_of(ear):
    """name: layer, taps"""
    parts = {"input": (ear.input, 3), "output": (ear.output, 1)}
    parts.update({f"layer{i}": (ear.layers[i], 3) for i in range(len(DILATION))})
    return parts


def load(path):
    """A saved ear and its prior."""
    ear, tensors = Ear(), load_file(path)
    with torch.no_grad():
        for name, (linear, _) in parts_of(ear).items():
            w = tensors[name + ".weight"].astype(np.float32)  # [out][in][taps] -> [out][taps * in]
            linear.weight.copy_(torch.from_numpy(np.ascontiguousarray(w.transpose(0, 2, 1).reshape(len(w), -1))))
            linear.bias.copy_(torch.from_numpy(tensors[name + ".bias"]))
    return ear, tensors["prior"]


def save(ear, prior, path):
    def conv(linear, taps):  # [out][taps * in] -> [out][in][taps]
        w = linear.weight.detach().numpy()
        return np.ascontiguousarray(w.reshape(len(w), taps, -1).transpose(0, 2, 1)).astype(np.float16)
    tensors = {"prior": prior, "match.weight": np.zeros(8, np.float32), "match.bias": np.zeros(1, np.float32)}
    for name, (linear, taps) in parts_of(ear).items():
        tensors[name + ".weight"] = conv(linear, taps)
        tensors[name + ".bias"] = linear.bias.detach().numpy()
    save_file(tensors, path)


def golden(ear, folder):
    """What the saved ear hears, for tests/unit/engine-kokoro/test_listen.c."""
    with torch.no_grad():
        for name, value in ear.named_parameters():
            if name.endswith("weight"):
                value.copy_(value.half().float())
    raw = subprocess.run(["espeak-ng", "-v", "en-us", "-s", "160", "--stdout", SENTENCE], capture_output=True).stdout
    wave = soxr.resample(np.frombuffer(raw[44:], "<i2").astype(np.float32) / 32768, 22050, 16000)
    piece = wave[8000:16000]
    for name, data in (("wave", piece), ("logs", ear.logs(features(piece))), ("sentence", ear.logs(features(wave)))):
        data.astype("<f4").tofile(Path(folder) / f"{name}.f32")


def begin(real, made, rng):
    """An ear that has learned from labels spread evenly, and the prior."""
    part = real + [made[i] for i in rng.permutation(len(made))[:200]]
    ear = Ear()
    for i in part:
        i["label"] = spread(i)
    for k in range(6):
        train(ear, part, 2 if k == 0 else 1, 2e-3, k, 0.3)
        prior = prior_of(part)
        relabel(ear, part, prior)
    return ear, prior


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--material", required=True, nargs="+")
    p.add_argument("--ear", required=True)
    p.add_argument("--start", help="an ear to go on from")
    p.add_argument("--golden")
    p.add_argument("--fewer", type=int, default=1, help="train on one of so many items: to try the script")
    a = p.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(0)
    items = prepare([r for m in a.material for r in pickle.loads(Path(m).read_bytes())][::a.fewer])
    real, made = [i for i in items if i["real"]], [i for i in items if not i["real"]]
    rng = np.random.default_rng(0)
    ear, prior = load(a.start) if a.start else begin(real, made, rng)
    relabel(ear, items, prior)
    for k, rate in enumerate((1.5e-3, 1.5e-3, 1e-3, 6e-4, 2e-4)):
        some = real + [made[i] for i in rng.permutation(len(made))[:len(made) // 2]]
        train(ear, some, 2, rate, 100 + k, 0.5)
        prior = prior_of(items)
        if k in (1, 2):
            relabel(ear, items, prior)
            prior = prior_of(items)
    save(ear, prior, a.ear)
    if a.golden:
        golden(ear, a.golden)


if __name__ == "__main__":
    main()
