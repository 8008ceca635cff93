#!/usr/bin/env python3
"""The GE2E speaker encoder in numpy: what src/audio/{mel,activity}.c and src/engine/kokoro/ge2e.c compute, stage by
stage.

The oracle of the golden vectors, the measure of adapter/fit.py and one judge of tools/eval.

    speaker.py ge2e.safetensors a.wav b.wav ...    prints the likeness (cosine) of each pair
    speaker.py ge2e.safetensors --golden DIR       writes the vectors of tests/golden/ge2e
"""
import argparse
import json
import struct
from pathlib import Path

import numpy as np

RATE = 16000
FFT, HOP, BANDS = 400, 160, 40
FRAME = 480             # samples of an activity frame: 30 ms
WINDOW, STEP = 160, 77  # mel frames an embedding looks at, and from one to the next
LEVEL = -30.0           # dBFS to which quiet recordings are raised
SPECTRUM_LEVEL = -26.0  # dBFS at which spectra are compared


def read_safetensors(path):
    raw = Path(path).read_bytes()
    n = struct.unpack("<Q", raw[:8])[0]
    header = json.loads(raw[8:8 + n])
    kinds = {"F32": "<f4", "F16": "<f2", "I64": "<i8"}
    return {k: np.frombuffer(raw[8 + n + v["data_offsets"][0]:8 + n + v["data_offsets"][1]], kinds[v["dtype"]])
            .reshape(v["shape"]) for k, v in header.items() if k != "__metadata__"}


def mel_hz(mel):
    """Slaney's scale: linear to 1 kHz (15 mel), then logarithmic, 27 steps to 6.4 kHz."""
    mel = np.asarray(mel, float)
    return np.where(mel < 15, mel * 200 / 3, 1000 * np.exp((mel - 15) * np.log(6.4) / 27))


TOP_MEL = 15 + 27 * np.log(RATE / 2 / 1000) / np.log(6.4)
EDGES = mel_hz(np.linspace(0, TOP_MEL, BANDS + 2))  # Hz: triangle k rises from k to k + 1 and falls to k + 2


def filterbank():
    f = np.arange(FFT // 2 + 1) * RATE / FFT
    up = (f - EDGES[:-2, None]) / np.diff(EDGES)[:-1, None]
    down = (EDGES[2:, None] - f) / np.diff(EDGES)[1:, None]
    return (np.maximum(0, np.minimum(up, down)) * (2 / (EDGES[2:] - EDGES[:-2]))[:, None]).astype(np.float32)


FILTERS = filterbank()
HANN = (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(FFT) / FFT)).astype(np.float32)


def mel(wave):
    """[n] at 16 kHz -> [1 + n / 160][40] power; frame t is centred on sample 160 t, zeros beyond the ends."""
    padded = np.pad(np.asarray(wave, np.float32), FFT // 2)
    at = np.arange(0, len(wave) // HOP + 1)[:, None] * HOP + np.arange(FFT)
    return (np.abs(np.fft.rfft(padded[at] * HANN, axis=1)) ** 2 @ FILTERS.T).astype(np.float32)


def activity(wave):
    """One flag per 30 ms: loud enough, most of the 8 frames around are, widened by 3 frames on each side."""
    n = len(wave) // FRAME
    if n == 0:
        return np.zeros(0, bool)
    level = 10 * np.log10(np.mean(np.reshape(wave[:n * FRAME], (n, FRAME)).astype(float) ** 2, axis=1) + 1e-10)
    peak, floor = level.max(), np.sort(level)[n // 10]
    threshold = max(peak - 38, -60, min(floor + 5, peak - 25))
    loud = (level > threshold).astype(int)
    total = np.concatenate([[0], np.cumsum(loud)])
    i = np.arange(n)
    many = (total[np.minimum(n, i + 4)] - total[np.maximum(0, i - 4)]) >= 4
    total = np.concatenate([[0], np.cumsum(many)])
    return (total[np.minimum(n, i + 4)] - total[np.maximum(0, i - 3)]) > 0


def prepare(wave, rate=RATE):
    """At 16 kHz, quiet recordings raised, pauses taken out."""
    wave = np.asarray(wave, np.float32)
    if rate != RATE:
        import soxr
        wave = soxr.resample(wave, rate, RATE, "HQ")
    rms = np.sqrt(np.mean(wave.astype(float) ** 2)) + 1e-9
    wave = wave * np.float32(max(1.0, 10 ** (LEVEL / 20) / rms))
    flags = activity(wave)
    return wave[:len(flags) * FRAME][np.repeat(flags, FRAME)]


def spectrum(prepared):
    """[40] natural log of the mean mel power of the louder half of prepared speech, at one level for all recordings."""
    rms = np.sqrt(np.mean(np.square(prepared, dtype=float))) + 1e-9
    log = np.log(mel(prepared * np.float32(10 ** (SPECTRUM_LEVEL / 20) / rms)) + 1e-9)
    mean = log.mean(1)
    return log[mean >= mean.mean()].mean(0)


def starts(frames):
    """Where the windows begin; the last one is moved back to end with the audio."""
    at = list(range(0, max(1, frames - WINDOW + 1), STEP))
    if frames - WINDOW - at[-1] > STEP // 3:
        at.append(frames - WINDOW)
    return at


def sigmoid(x):
    return 0.5 + 0.5 * np.tanh(0.5 * x)


class Encoder:
    def __init__(self, path):
        self.w = read_safetensors(path)

    def windows(self, x):
        """[windows][160][40] -> [windows][256], each of length 1."""
        x = np.asarray(x, np.float32)
        for layer in range(3):
            wi, wh, bi, bh = (self.w[f"lstm.{k}_l{layer}"] for k in ("weight_ih", "weight_hh", "bias_ih", "bias_hh"))
            gates = x @ wi.T + (bi + bh)
            h = c = np.zeros((len(x), 256), np.float32)
            y = np.empty((len(x), x.shape[1], 256), np.float32)
            for t in range(x.shape[1]):
                i, f, g, o = np.split(gates[:, t] + h @ wh.T, 4, axis=1)
                c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
                y[:, t] = h = sigmoid(o) * np.tanh(c)
            x = y
        e = np.maximum(0, x[:, -1] @ self.w["linear.weight"].T + self.w["linear.bias"])
        return e / (np.linalg.norm(e, axis=1, keepdims=True) + 1e-9)

    def embed(self, wave, rate=RATE, prepared=False):
        """Recording -> [256] of length 1."""
        m = mel(wave if prepared else prepare(wave, rate))
        if len(m) < WINDOW:
            m = np.pad(m, ((0, WINDOW - len(m)), (0, 0)))
        e = self.windows(np.stack([m[i:i + WINDOW] for i in starts(len(m))])).mean(0)
        return e / np.linalg.norm(e)


def test_signal():
    """Four seconds at 16 kHz that C makes by the same formula: a gliding buzz with pauses, and hiss from an LCG."""
    n = 4 * RATE
    wave, state, phase = np.zeros(n), 12345, 0.0
    for i in range(n):
        t = i / RATE
        phase += (120 + 40 * np.sin(2 * np.pi * 0.7 * t)) / RATE
        state = (state * 1664525 + 1013904223) % 2 ** 32
        buzz = sum(np.sin(2 * np.pi * k * phase) / k for k in range(1, 16))
        gate = 0.0 if t % 1.5 > 1.1 else 0.5 - 0.5 * np.cos(2 * np.pi * 4 * t)
        wave[i] = 0.1 * gate * buzz + 0.002 * (state / 2 ** 31 - 1)
    return wave.astype(np.float32)


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("weights")
    p.add_argument("files", nargs="*")
    p.add_argument("--golden")
    a = p.parse_args()
    encoder = Encoder(a.weights)
    if a.golden:
        out, wave = Path(a.golden), test_signal()
        out.mkdir(parents=True, exist_ok=True)
        prepared = prepare(wave)
        m = mel(prepared)
        m[::25].tofile(out / "mel.f32")  # every 25th frame
        encoder.embed(prepared, prepared=True).astype("<f4").tofile(out / "embedding.f32")
        print(f"{len(prepared)} active samples, {len(m)} frames")
        return
    import soundfile
    e = [encoder.embed(*soundfile.read(f, dtype="float32")) for f in a.files]
    for i, x in enumerate(e):
        print(a.files[i], *(f"{x @ y:.3f}" for y in e))


if __name__ == "__main__":
    main()
