#!/usr/bin/env python3
"""Speak short clips in random styles: the data that the style -> GE2E map is fitted on.

A style is 256 numbers, an acoustic half (decoder) and a prosody half (predictor). Each random style mixes one to four
stock voices with its own weights per half, is stretched from the mean by a gain, and gets noise along the principal
axes of the stock voices, so that the samples cover the neighbourhood of real voices and not only the stock ones.

One line of progress per ten clips; what is made so far is saved every hundred clips.

    sample.py --onnx DIR --vocab vocab.json --voices DIR --seed 1 --count 600 --out clips_1.npz
"""
import argparse
import json
import os
import sys
import time
from pathlib import Path

import numpy as np
import onnxruntime as ort

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from kokoro_graph import CUTS  # noqa: E402

# Eight short sentences that together hold nearly every English phoneme (misaki's symbols).
SENTENCES = [
    "ʃi wˈɑʃt fˈIv hjˈuʤ dˈɑɹk bˈOts.",
    "ju mˈɛʒəɹ ðə ʤˈY ɪn ðɛɹ vˈYs.",
    "wˌI dˈɪd ðə bˈY hˈId ðOz ɡˈOld θˈɪŋz?",
    "θˈæŋk ju fɔɹ ðə fɹˈɛʃ ˈɔɹɪnʤ ʤˈus.",
    "ðə kwˈɪk pˈæθ lˈidz nˈɔɹθ tʊ ə smˈɔl tˈWn.",
    "wi wɜɹ hˈæpi tə kˈæʧ ðɪ ˈɜɹli fˈɛɹi.",
    "bˈɑb bˈɔt ə lˈɑɹʤ kˈʌp ʌv stɹˈɔŋ kˈɔfi.",
    "nˈObɑdi nˈu wʌt ʃi mˈɛnt bI ðˈæt.",
]
TEXT, F0, ENERGY, DURATION = (CUTS[k] for k in ("text_aligned", "f0", "energy", "durations"))
CROP = 66                              # 25 ms units kept of each clip: 1.65 s
STYLE_ROW = 35                         # the row of a stock voice for a text of this many tokens


def session(path, threads):
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    return ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def stock_styles(folder):
    files = sorted(Path(folder).glob("*.bin"))
    if not files:
        sys.exit(f"no *.bin voices in {folder} (npm package kokoro-js 1.2.1, folder voices)")
    return np.stack([np.fromfile(f, "<f4").reshape(-1, 256)[STYLE_ROW] for f in files])


class Styles:
    """Random styles near the stock ones."""

    def __init__(self, stock, rng):
        self.rng, self.mean = rng, stock.mean(0)
        self.offset = stock - self.mean
        self.axes = []
        for half in (slice(0, 128), slice(128, 256)):
            _, s, vt = np.linalg.svd(self.offset[:, half], full_matrices=False)
            self.axes.append((half, s / np.sqrt(len(stock)), vt))

    def weights(self):
        k = self.rng.integers(1, 5)
        w = np.zeros(len(self.offset))
        w[self.rng.choice(len(w), k, replace=False)] = self.rng.dirichlet(np.ones(k))
        return w

    def draw(self):
        style, w = self.mean.copy(), self.weights()
        for i, (half, sigma, axes) in enumerate(self.axes):
            if i == 1 and self.rng.random() < 0.5:
                w = self.weights()
            noise = self.rng.normal(size=len(sigma)) * sigma * self.rng.uniform(0, 0.5)
            style[half] += self.rng.uniform(0.7, 1.6) * (w @ self.offset[:, half]) + noise @ axes
        return style.astype(np.float32)


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--onnx", required=True, help="folder with enc_fp32.onnx and dec_fp32.onnx (halves.py)")
    p.add_argument("--vocab", required=True)
    p.add_argument("--voices", required=True, help="folder of stock style files (*.bin)")
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--count", type=int, default=600)
    p.add_argument("--threads", type=int, default=1)
    p.add_argument("--stock", action="store_true", help="speak every stock voice twice instead of random styles")
    p.add_argument("--out", required=True)
    a = p.parse_args()

    vocab = json.loads(Path(a.vocab).read_text(encoding="utf-8"))["vocab"]
    tokens = [np.array([[0] + [vocab[c] for c in s] + [0]], np.int64) for s in SENTENCES]
    enc, dec = (session(Path(a.onnx) / f"{x}_fp32.onnx", a.threads) for x in ("enc", "dec"))
    stock = stock_styles(a.voices)
    rng = np.random.default_rng(a.seed)
    styles = Styles(stock, rng)
    queue = [(s, i % 8) for i, s in enumerate(np.repeat(stock, 2, 0))] if a.stock else None
    rows = {"style": [], "sentence": [], "wave": [], "f0": [], "rate": []}
    start = time.time()
    tried = 0
    while len(rows["style"]) < (len(queue) if queue else a.count):
        style, k = queue[tried] if queue else (styles.draw(), tried % len(tokens))
        tried += 1
        text, f0, energy, dur = enc.run([TEXT, F0, ENERGY, DURATION], {
            "tokens": tokens[k], "style": style.reshape(1, 256), "speed": np.ones(1, np.float32)})
        first = max(0, int(dur[0]) - 3)
        last = int(dur.sum()) - max(0, int(dur[-1]) + int(dur[-2]) - 4)
        if not queue and not 40 <= last - first <= 180:
            continue  # a style that speaks three times too fast or too slow is no voice
        if last - first > CROP:
            first = int(rng.integers(first, last - CROP + 1))
            last = first + CROP
        wave = dec.run(None, {TEXT: text[:, :, first:last], F0: f0[:, 2 * first:2 * last],
                              ENERGY: energy[:, 2 * first:2 * last], "style": style.reshape(1, 256)})[0].ravel()
        full = np.zeros(CROP * 600, np.float16)
        full[:min(len(wave), len(full))] = wave[:len(full)]
        pitch = np.zeros(CROP * 2, np.float16)
        n = min(2 * (last - first), len(pitch))
        pitch[:n] = f0[0, 2 * first:2 * first + n]
        rows["style"].append(style)
        rows["sentence"].append(k)
        rows["wave"].append(full)
        rows["f0"].append(pitch)
        rows["rate"].append((tokens[k].size - 2) / (0.025 * dur[1:-1].sum()))  # tokens a second
        n = len(rows["style"])
        if n % 10 == 0:
            print(f"{n} clips, {time.time() - start:.0f} s", flush=True)
        if n % 100 == 0:
            np.savez(a.out + ".part.npz", **{key: np.array(v) for key, v in rows.items()})
            os.replace(a.out + ".part.npz", a.out)
    np.savez(a.out + ".part.npz", **{key: np.array(v) for key, v in rows.items()})
    os.replace(a.out + ".part.npz", a.out)


if __name__ == "__main__":
    main()
