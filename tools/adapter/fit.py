#!/usr/bin/env python3
"""Fit the map style -> (GE2E embedding, spectrum, pitch, rate) on the clips of sample.py and write adapter.safetensors.

A style is given by z, its 70 coordinates along the principal axes of the stock voices, in units of their spread: 40 of
the acoustic half, 30 of the prosody half. The map is kernel ridge regression with a Gaussian kernel; pitch and rate,
which the prosody half alone decides, have a kernel of its coordinates only. Enrolment (src/engine/kokoro/surrogate.c)
inverts the map. Every tensor that enrolment needs is in the one file, weights of its
objective included, so that this script alone decides them.

    fit.py --clips clips_1.npz clips_2.npz stock.npz --voices DIR --ge2e ge2e.safetensors --out adapter.safetensors
    fit.py ... --tables      cross-validation of other kernels instead of writing
"""
import argparse
import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
import speaker  # noqa: E402
from convert_ge2e import write_safetensors  # noqa: E402
from sample import SENTENCES, stock_styles  # noqa: E402

ACOUSTIC, PROSODY = 40, 30  # principal axes kept of each half
GAMMA, RIDGE = 0.004, 0.3
PROSODY_GAMMA, PROSODY_RIDGE = 0.004, 0.01
PRIOR_ACOUSTIC, PRIOR_PROSODY = 0.0003, 0.01
PITCH_WEIGHT, SPECTRUM_WEIGHT = 0.005, 0.02
PITCH_OFFSET = 0.045  # log of what src/audio/pitch.c measures in a clip over the median of the network's own curve
# log of what src/audio/pitch.c counts in connected text over the rate in these sentences of heavy syllables, each
# style's own pace; six cloned voices reading one paragraph: 0.16 with a spread of 0.12
RATE_OFFSET = 0.16
SYLLABLES = np.array([6, 7, 8, 9, 7, 9, 8, 8])  # of SENTENCES


class Axes:
    """Style [256] <-> z [70]."""

    def __init__(self, stock, acoustic=ACOUSTIC, prosody=PROSODY):
        self.mean, self.split = stock.mean(0), acoustic
        parts = []
        for half, k in ((slice(0, 128), acoustic), (slice(128, 256), prosody)):
            _, s, vt = np.linalg.svd((stock - self.mean)[:, half], full_matrices=False)
            parts.append((s[:k] / np.sqrt(len(stock)), vt[:k]))
        # [70][256]: a row is what one unit of its z adds to a style
        self.basis = np.zeros((acoustic + prosody, 256))
        self.basis[:acoustic, :128] = parts[0][0][:, None] * parts[0][1]
        self.basis[acoustic:, 128:] = parts[1][0][:, None] * parts[1][1]
        self.inverse = self.basis / (self.basis ** 2).sum(1, keepdims=True)

    def z(self, style):
        return (style - self.mean) @ self.inverse.T

    def style(self, z):
        return z @ self.basis + self.mean


def unit(x):
    return x / np.linalg.norm(x, axis=-1, keepdims=True)


def embed_clips(encoder, waves, batch=256):
    """Clips are little longer than one window: what pauses take away is filled by going round once more."""
    mels, spectra = [], []
    for wave in waves:
        w = speaker.prepare(wave.astype(np.float32), 24000)
        if len(w) < 8000:  # hardly anything: leave it as it is
            w = np.resize(wave.astype(np.float32), 26400)
        m = speaker.mel(w)
        mels.append(m[np.arange(160) % len(m)])
        spectra.append(speaker.spectrum(w))
    e = [encoder.windows(np.stack(mels[i:i + batch])) for i in range(0, len(mels), batch)]
    return np.concatenate(e), np.stack(spectra)


def pitch_median(curves):
    out = []
    for f in curves.astype(float):
        voiced = f[(f > 50) & (f < 600)]
        out.append(np.log(np.median(voiced)) if len(voiced) > 8 else np.nan)
    out = np.array(out)
    out[np.isnan(out)] = np.nanmedian(out)
    return out


class Data:
    def __init__(self, files, encoder, cache=None):
        rows = {}
        for f in files:
            clips = np.load(f)
            key = Path(str(cache) + "." + Path(f).stem + f".{len(clips['style'])}.npz") if cache else None
            if key and key.exists():
                e = dict(np.load(key))
            else:
                e = dict(zip(("embedding", "spectrum"), embed_clips(encoder, clips["wave"])))
                if key:
                    np.savez(key, **e)
            part = {"style": clips["style"].astype(float), "sentence": clips["sentence"], **e,
                    "pitch": pitch_median(clips["f0"]) + PITCH_OFFSET, "rate": clips["rate"].astype(float)}
            for name, value in part.items():
                rows.setdefault(name, []).append(value)
        for name, value in rows.items():
            setattr(self, name, np.concatenate(value))
        tokens = np.array([len(s) for s in SENTENCES])
        self.rate = np.log(self.rate * (SYLLABLES / tokens)[self.sentence]) + RATE_OFFSET  # syllables a second
        for name in ("embedding", "spectrum", "rate"):
            self.take_sentence_out(name)

    def take_sentence_out(self, name):
        """What the text alone does to a quantity is not the voice's: remove each sentence's own mean."""
        value = getattr(self, name)
        mean = value.mean(0)
        for k in np.unique(self.sentence):
            value[self.sentence == k] -= value[self.sentence == k].mean(0) - mean


class Map:
    """Kernel ridge regression z -> y."""

    def __init__(self, z, y, gamma=GAMMA, ridge=RIDGE):
        self.z, self.gamma, self.mean = z, gamma, y.mean(0)
        self.alpha = np.linalg.solve(self.kernel(z) + ridge * np.eye(len(z)), y - self.mean)

    def kernel(self, q):
        d = (q ** 2).sum(1)[:, None] + (self.z ** 2).sum(1) - 2 * q @ self.z.T
        return np.exp(-self.gamma * np.maximum(d, 0))

    def __call__(self, q):
        return self.kernel(np.atleast_2d(q)) @ self.alpha + self.mean


def cross_validate(z, y, gamma, ridge, folds=5):
    order, out = np.random.default_rng(0).permutation(len(z)), np.zeros_like(y)
    for i in range(folds):
        test = order[i::folds]
        train = np.setdiff1d(order, test)
        out[test] = Map(z[train], y[train], gamma, ridge)(z[test])
    return out


def report(data, axes, gamma, ridge):
    z = axes.z(data.style)
    p = cross_validate(z, np.column_stack([data.embedding, data.spectrum]), gamma, ridge)
    q = cross_validate(z[:, axes.split:], np.column_stack([data.pitch, data.rate]), PROSODY_GAMMA, PROSODY_RIDGE)
    r2 = lambda a, b: 1 - ((a - b) ** 2).sum() / ((b - b.mean(0)) ** 2).sum()
    print(f"{len(z)} clips, gamma {gamma:g} ridge {ridge:g}: cosine "
          f"{(unit(p[:, :256]) * unit(data.embedding)).sum(1).mean():.4f}, R2 of spectrum "
          f"{r2(p[:, 256:], data.spectrum):.3f} pitch {r2(q[:, 0], data.pitch):.3f} rate {r2(q[:, 1], data.rate):.3f}",
          flush=True)


def tables(data, stock):
    for acoustic, prosody in ((30, 20), (40, 30), (50, 40)):
        for gamma in (0.002, 0.004, 0.008):
            for ridge in (0.1, 0.3, 1.0):
                print(acoustic, prosody, end=" ")
                report(data, Axes(stock, acoustic, prosody), gamma, ridge)


def adapter(data, stock, axes):
    """Everything that enrolment needs, as half-precision numbers where that is enough."""
    z = axes.z(data.style).astype(np.float16).astype(float)
    fit = Map(z, np.column_stack([data.embedding, data.spectrum]))
    prosody = Map(z[:, axes.split:], np.column_stack([data.pitch, data.rate]), PROSODY_GAMMA, PROSODY_RIDGE)
    stock_z = axes.z(stock)
    prior = np.zeros((len(axes.basis),) * 2)
    for part, mu in ((slice(0, axes.split), PRIOR_ACOUSTIC), (slice(axes.split, None), PRIOR_PROSODY)):
        prior[part, part] = mu * np.linalg.inv(np.cov(z[:, part].T) + 0.05 * np.eye(z[:, part].shape[1]))
    half = lambda a: np.ascontiguousarray(a, "<f2")
    single = lambda a: np.ascontiguousarray(np.atleast_1d(a), "<f4")
    return {
        "style.mean": single(axes.mean), "style.basis": single(axes.basis),
        "map.centres": half(z), "map.alpha": half(fit.alpha), "map.mean": single(fit.mean),
        "map.prosody": single(prosody.alpha), "map.prosody_mean": single(prosody.mean),
        "map.gamma": single([fit.gamma, prosody.gamma]),
        "stock.z": single(stock_z), "stock.embedding": single(unit(fit(stock_z)[:, :256])),
        "prior.mean": single(z.mean(0)), "prior.matrix": single(prior),
        "weights": single([PITCH_WEIGHT / data.pitch.var(), SPECTRUM_WEIGHT]),
    }


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--clips", nargs="+", required=True)
    p.add_argument("--voices", required=True)
    p.add_argument("--ge2e", required=True)
    p.add_argument("--cache", help="prefix of files that keep the clips' embeddings")
    p.add_argument("--tables", action="store_true")
    p.add_argument("--out", required=True)
    a = p.parse_args()
    stock = stock_styles(a.voices).astype(float)
    data = Data(a.clips, speaker.Encoder(a.ge2e), a.cache)
    if a.tables:
        return tables(data, stock)
    axes = Axes(stock)
    report(data, axes, GAMMA, RIDGE)
    write_safetensors(a.out, adapter(data, stock, axes))
    print(f"{a.out}: {Path(a.out).stat().st_size / 1e6:.2f} MB")


if __name__ == "__main__":
    main()
