#!/usr/bin/env python3
"""Fit the second map of enrolment (src/engine/kokoro/nearby.h) on the clips of near_sample.py and of sample.py.

It says what a style near those of real people sounds like behind the equaliser. Inputs are z (70 coordinates of a style
that all blocks share), u (27 directions in which the 13 blocks differ, near_basis.py) and 10 principal axes of the
spectrum that the equaliser brings the clip to; outputs are the GE2E embedding, behind the equaliser, and the spectrum
before it. Each clip is heard equalised to its own person's spectrum, some also to another's and some not at all. The
clips of sample.py have u = 0 and no equaliser.

A Gaussian process with a Gaussian kernel, given by the values at a subset of the clips. What a text does to a clip is
the same for all styles that say the same part of it: an effect of its own, that is not part of the map.

    near_fit.py --near near_1.npz near_2.npz --clips clips_1.npz clips_2.npz stock.npz --voices DIR --targets DIR2 \\
        --basis basis.npz --adapter IN --ge2e ge2e.safetensors --out OUT
    near_fit.py ... --check      a quarter of the speakers left out, instead of writing

--cache FILE keeps the embeddings of the clips.
"""
import argparse
import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
import fit  # noqa: E402
import sample  # noqa: E402
import speaker  # noqa: E402
from convert_ge2e import write_safetensors  # noqa: E402
from invert import ACOUSTIC, BANDS, EMBEDDING, Inverter  # noqa: E402
from near_basis import Space  # noqa: E402

SPECTRA = 10                        # axes of the equalised spectrum
U_SCALE, SPECTRA_SCALE = 0.2, 0.7   # how much these coordinates count in the kernel, beside z's 1
GAMMA, NOISE, SAME_PART = 0.004, 0.3, 0.3  # of the kernel; variances beside its 1: of a clip, of the part of a text
PRIOR, SPECTRUM_WEIGHT = 0.0006, 0.02
EQ_STRENGTH, EQ_MOST = 0.95, 12.0   # as src/engine/kokoro/enrol.c
DB = 10 / np.log(10)
RATE = 24000


def level(x):
    return x - x.mean(-1, keepdims=True)


def make_eq(wanted, given):
    """[40] dB, as make_eq of enrol.c."""
    off = np.pad(level(wanted - given), 1, "edge")
    return np.clip(EQ_STRENGTH * DB * (off[:-2] + off[1:-1] + off[2:]) / 3, -EQ_MOST, EQ_MOST)


def equalise(wave, eq):
    """As src/engine/kokoro/post.c: gains between the bands' centres, 383 taps."""
    centres, hz = speaker.EDGES[1:-1], np.arange(513) * RATE / 1024
    gain = np.interp(hz, centres, eq)
    if eq[-1] > 0:
        gain = np.where(hz > centres[-1], np.clip(eq[-1] * (9000 - hz) / (9000 - centres[-1]), 0, None), gain)
    taps = np.roll(np.fft.irfft(10 ** (gain / 20)), 191)[:383] * np.hanning(385)[1:-1]
    return np.convolve(wave, taps)[191:191 + len(wave)].astype(np.float32)


def embed(encoder, waves):
    """[n][256], the mean of each wave's windows."""
    mels, counts = [], []
    for wave in waves:
        m = speaker.mel(speaker.prepare(wave, RATE))
        m = m[np.arange(max(len(m), speaker.WINDOW)) % len(m)]
        at = speaker.starts(len(m))
        mels += [m[i:i + speaker.WINDOW] for i in at]
        counts.append(len(at))
    e = np.concatenate([encoder.windows(np.stack(mels[i:i + 128])) for i in range(0, len(mels), 128)])
    return fit.unit(np.stack([part.mean(0) for part in np.split(e, np.cumsum(counts)[:-1])]))


class Spectra:
    """What styles give before the equaliser, for sampling: the first map's, and how z and u change it within a text."""

    def __init__(self, first, z, u, heard, plan):
        self.first, x = first, np.column_stack([z, u / 2.5])
        off = level(heard) - self.map(z)
        self.mean, self.off_mean = x.mean(0), off.mean(0)
        count = np.bincount(plan)[:, None]
        within = lambda v: v - (np.stack([np.bincount(plan, c) for c in v.T], 1) / count)[plan]
        a, b = within(x), within(off)
        ridge = 0.02 * np.trace(a.T @ a) / a.shape[1]
        self.slope = np.linalg.solve(a.T @ a + ridge * np.eye(a.shape[1]), a.T @ b)

    def map(self, z):
        return level(np.array([self.first.predict(v)[0][EMBEDDING:EMBEDDING + BANDS] for v in z]))

    def __call__(self, z, u):
        return level(self.map(z) + (np.column_stack([z, u / 2.5]) - self.mean) @ self.slope + self.off_mean)


def near_rows(files, voices, encoder, first, seed=1):
    """{name: [rows]...} of what was heard in the clips of near_sample.py."""
    clips = [np.load(f) for f in files]
    join = lambda k: np.concatenate([c[k] for c in clips])
    z, u, wave, name, text, part = (join(k) for k in ("z", "u", "wave", "voice", "text", "plan"))
    plan = np.unique(np.column_stack([np.repeat(np.arange(len(clips)), [len(c["plan"]) for c in clips]), part]), axis=0,
                     return_inverse=True)[1].ravel()
    heard = np.stack([speaker.spectrum(speaker.prepare(w.astype(np.float32), RATE)) for w in wave])
    given = Spectra(first, z, u, heard, plan)(z, u)
    rng, all_voices, rows, waves = np.random.default_rng(seed), sorted(voices), [], []
    for i in range(len(z)):
        place = i - np.flatnonzero(plan == plan[i])[0]
        other = all_voices[rng.integers(len(all_voices))]
        for wanted in [name[i]] + ([None] if place == 0 else [other] if place % 2 else []):
            eq = np.zeros(BANDS) if wanted is None else make_eq(voices[wanted]["spectrum"].astype(float), given[i])
            waves.append(equalise(wave[i].astype(np.float32), eq) if wanted is not None else wave[i].astype(np.float32))
            rows.append((i, level(given[i] + eq / DB)))
    at = np.array([r[0] for r in rows])
    return {"z": z[at], "u": u[at], "spectrum": np.array([r[1] for r in rows]), "embedding": embed(encoder, waves),
            "heard": level(heard)[at], "plan": plan[at], "text": text[at], "who": name[at]}


def first_rows(files, voices, encoder, first, cache):
    """The same of the clips of sample.py."""
    stock = sample.stock_styles(voices).astype(float)
    data = fit.Data(files, encoder, cache)  # each sentence's mean is out
    z = fit.Axes(stock).z(data.style)
    spectrum = level(np.array([first.predict(v)[0][EMBEDDING:EMBEDDING + BANDS] for v in z]))
    return {"z": z, "u": np.zeros((len(z), Space.EXTRA)), "spectrum": spectrum, "embedding": data.embedding,
            "heard": level(data.spectrum), "plan": -1 - np.arange(len(z)), "text": np.full(len(z), -1),
            "who": np.full(len(z), "stock")}


def without_text(rows):
    """Spectra heard, less what the text does to them (the clips of sample.py have it out already)."""
    out, new = rows["heard"].copy(), rows["text"] >= 0
    mean = out[new].mean(0)
    for k in np.unique(rows["text"][new]):
        of_text = rows["text"] == k
        if of_text.sum() > 20:
            out[of_text] -= out[of_text].mean(0) - mean
    return out


class Nearby:
    def __init__(self, rows, count, seed=1):
        rng, n = np.random.default_rng(seed), len(rows["z"])
        self.spectrum_mean = rows["spectrum"].mean(0)
        axes = np.linalg.svd(rows["spectrum"] - self.spectrum_mean, full_matrices=False)[2]
        self.axes = SPECTRA_SCALE * axes[:SPECTRA]
        x = self.inputs(rows)
        # Centres: people's clips first, those of sample.py to a third.
        new, old = (rng.permutation(np.flatnonzero(m)) for m in (rows["text"] >= 0, rows["text"] < 0))
        old = old[:max(count // 3, count - len(new))]
        self.centres = x[np.concatenate([new[:count - len(old)], old])].astype(np.float16).astype(float)
        moving = x[rows["text"] >= 0][:, self.moving]
        self.prior_mean = moving.mean(0)
        self.prior = PRIOR * np.linalg.inv(np.cov(moving.T) + 0.05 * np.eye(moving.shape[1]))
        plain = np.r_[0:x.shape[1] - SPECTRA]
        self.embedding_mean, self.bands_mean = rows["embedding"].mean(0), without_text(rows).mean(0)
        self.embedding = self.solve(x, rows["plan"], rows["embedding"] - self.embedding_mean, np.r_[0:x.shape[1]])
        self.bands = self.solve(x, rows["plan"], without_text(rows) - self.bands_mean, plain)

    moving = np.r_[0:ACOUSTIC, 70:70 + Space.EXTRA]

    def inputs(self, rows):
        return np.hstack([rows["z"], U_SCALE * rows["u"], (rows["spectrum"] - self.spectrum_mean) @ self.axes.T])

    @staticmethod
    def kernel(a, b):
        d = (a ** 2).sum(1)[:, None] + (b ** 2).sum(1) - 2 * a @ b.T
        return np.exp(-GAMMA * np.maximum(d, 0))

    def solve(self, x, plan, y, columns):
        """Values of the subset of regressors, with the noise of a clip and of a part of a text."""
        k = self.kernel(x[:, columns], self.centres[:, columns])
        of = np.unique(plan, return_inverse=True)[1]
        count = np.bincount(of)
        sums = np.zeros((len(count), k.shape[1] + y.shape[1]))
        np.add.at(sums, of, np.hstack([k, y]))
        # (N I + S J)^-1 of a group of m: (I - J S / (N + m S)) / N
        share = (SAME_PART / (NOISE + count * SAME_PART))[:, None]
        kk = (k.T @ k - sums[:, :k.shape[1]].T @ (share * sums[:, :k.shape[1]])) / NOISE
        ky = (k.T @ y - sums[:, :k.shape[1]].T @ (share * sums[:, k.shape[1]:])) / NOISE
        inner = self.kernel(self.centres[:, columns], self.centres[:, columns])
        return np.linalg.solve(kk + inner + 1e-3 * np.eye(len(inner)), ky)

    def predict(self, rows):
        return self.kernel(self.inputs(rows), self.centres) @ self.embedding + self.embedding_mean

    def tensors(self, space):
        half, single = (lambda a: np.ascontiguousarray(a, "<f2")), (lambda a: np.ascontiguousarray(a, "<f4"))
        c, end = self.centres, 70 + Space.EXTRA
        scale = np.concatenate([np.ones(ACOUSTIC), np.full(Space.EXTRA, U_SCALE)])[:, None]
        return {
            "near.centres": half(c[:, self.moving]), "near.prosody": half(c[:, ACOUSTIC:70]),
            "near.spectra": half(c[:, end:]), "near.embedding": half(self.embedding), "near.bands": half(self.bands),
            "near.embedding_mean": single(self.embedding_mean), "near.bands_mean": single(self.bands_mean),
            "near.axes": single(self.axes), "near.axes_bias": single(-self.axes @ self.spectrum_mean),
            "near.locate": half(scale * space.locate), "near.locate_bias": single(-(scale * space.locate) @ space.mean),
            "near.move": half(space.move / scale), "near.prior_mean": single(self.prior_mean),
            "near.prior_matrix": single(self.prior), "near.numbers": single([GAMMA, SPECTRUM_WEIGHT])}


def check(rows, count):
    """Cosine of what is expected and what is heard, of speakers left out; what is explained within a part of a text."""
    who = np.array([w.split("-")[1] if "-" in w else w for w in rows["who"]])
    people = np.unique(who[rows["text"] >= 0])
    np.random.default_rng(0).shuffle(people)
    test = np.isin(who, people[::4])
    pick = lambda mask: {k: v[mask] for k, v in rows.items()}
    out = pick(test)
    for name, train in (("all", pick(~test)), ("without sample.py", pick(~test & (rows["text"] >= 0)))):
        p = Nearby(train, count).predict(out)
        of = np.unique(out["plan"], return_inverse=True)[1]
        within = lambda v: v - (np.stack([np.bincount(of, c) for c in v.T], 1) / np.bincount(of)[:, None])[of]
        a, b = within(p), within(out["embedding"])
        print(f"{name}: cosine {(fit.unit(p) * out['embedding']).sum(1).mean():.4f}, within a part R2 "
              f"{1 - ((a - b) ** 2).sum() / (b ** 2).sum():.4f}", flush=True)


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--near", nargs="+", required=True)
    p.add_argument("--clips", nargs="+", required=True)
    p.add_argument("--voices", required=True)
    p.add_argument("--targets", required=True)
    p.add_argument("--basis", required=True)
    p.add_argument("--adapter", required=True)
    p.add_argument("--ge2e", required=True)
    p.add_argument("--centres", type=int, default=2000)
    p.add_argument("--cache")
    p.add_argument("--check", action="store_true")
    p.add_argument("--out", required=True)
    a = p.parse_args()
    first, encoder = Inverter(a.adapter), speaker.Encoder(a.ge2e)
    if a.cache and Path(a.cache).exists():
        rows = dict(np.load(a.cache))
    else:
        voices = {f.name.split(".")[0]: dict(np.load(f)) for f in Path(a.targets).glob("train-*.voice.npz")}
        parts = near_rows(a.near, voices, encoder, first), first_rows(a.clips, a.voices, encoder, first, a.cache)
        rows = {k: np.concatenate([part[k] for part in parts]) for k in parts[0]}
        if a.cache:
            with open(a.cache, "wb") as out:
                np.savez(out, **rows)
    print(f"{(rows['text'] >= 0).sum()} rows near people, {(rows['text'] < 0).sum()} near stock voices", flush=True)
    if a.check:
        return check(rows, a.centres)
    tensors = {k: np.array(v) for k, v in speaker.read_safetensors(a.adapter).items()}
    write_safetensors(a.out, {**tensors, **Nearby(rows, a.centres).tensors(Space(first.t, a.basis))})
    print(f"{a.out}: {Path(a.out).stat().st_size / 1e6:.2f} MB")


if __name__ == "__main__":
    main()
