#!/usr/bin/env python3
"""A second opinion on likeness: a speaker encoder of our own that shares nothing with GE2E and is in no objective.

Cepstra of a recording (25 ms windows, 19 coefficients and 20 slopes) are held against a mixture of 32 Gaussians; how
far each Gaussian's share lies from its mean is the recording's vector, 32 x 39 numbers, and linear discriminant
analysis of many speakers turns it into 80, compared by their cosine. Trained on the speakers of LibriSpeech's
train-clean that are not held out for testing (held_out: number divisible by five, as tools/adapter/targets.py has it),
in pieces of 4 s, as they are, through random equalisers and, as further speakers, at 0.9 and 1.12 of their speed. The
equalisers are there so that it hears voices rather than microphones; means are not subtracted.

    judge.py ENROLLED CLONES [--json]    folders of WAV or FLAC; the speaker is the name up to the first "-", files of
                                         one speaker are joined. For each clone: cosine with its speaker, with the
                                         nearest other, and the rank of the right one among all of ENROLLED
    judge.py --train SPEECH              writes judge.npz beside this file (about a minute)

In Python: `Judge().embed(wave, rate)` is a vector of length 1; scores are inner products.
"""
import argparse
import json
import sys
from pathlib import Path

import numpy as np
import soundfile
import soxr
from scipy.linalg import eigh
from scipy.signal import firwin2, lfilter

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
import measure  # noqa: E402
import speaker  # noqa: E402

MODEL = Path(__file__).resolve().parent / "judge.npz"
GAUSSIANS, ROUNDS, RELEVANCE = 32, 12, 8.0
PRINCIPAL, KEPT, WITHIN_FLOOR = 300, 80, 0.5
PIECE = 4 * speaker.RATE
SPEEDS = (1.0, 0.9, 1.12)


def held_out(name):
    """Speakers that no fitting may see: not of train-clean, or their number divisible by five."""
    return not name.isdigit() or int(name) % 5 == 0


def by_speaker(folder):
    """{speaker: files}, both sorted."""
    found = {}
    for path in sorted(p for p in Path(folder).rglob("*") if p.suffix in (".flac", ".wav")):
        found.setdefault(path.stem.split("-")[0], []).append(path)
    return dict(sorted(found.items()))


def read(paths):
    waves, rates = zip(*(soundfile.read(p, dtype="float32", always_2d=True) for p in paths))
    if len(set(rates)) > 1:
        waves, rates = [soxr.resample(w, r, speaker.RATE, "HQ") for w, r in zip(waves, rates)], [speaker.RATE]
    return np.concatenate([w.mean(1) for w in waves]), rates[0]


# The mixture and what a recording is in its terms ---------------------------------------------------------------------
def features(prepared):
    c = measure.cepstra(prepared)
    slope = np.zeros_like(c)
    if len(c) > 4:
        slope[2:-2] = ((c[3:-1] - c[1:-3]) + 2 * (c[4:] - c[:-4])) / 10
    return np.concatenate([c[:, 1:20], slope[:, :20]], axis=1).astype(float)


def shares(x, mean, var, weight):
    """[frames][Gaussians], rows sum to 1."""
    distance = x ** 2 @ (1 / var).T - 2 * x @ (mean / var).T + (mean ** 2 / var + np.log(var)).sum(1)
    log = -0.5 * distance + np.log(weight)
    p = np.exp(log - log.max(1, keepdims=True))
    return p / p.sum(1, keepdims=True)


def fit_mixture(x, rng):
    mean, var = x[rng.choice(len(x), GAUSSIANS, False)], np.tile(x.var(0), (GAUSSIANS, 1))
    weight = np.full(GAUSSIANS, 1 / GAUSSIANS)
    for _ in range(ROUNDS):
        p = shares(x, mean, var, weight)
        n = p.sum(0) + 1e-3
        mean = p.T @ x / n[:, None]
        var = np.maximum(p.T @ x ** 2 / n[:, None] - mean ** 2, 0.05 * x.var(0))
        weight = n / n.sum()
    return mean, var, weight


def offsets(x, mean, var, weight):
    p = shares(x, mean, var, weight)
    n = p.sum(0)[:, None]
    return ((p.T @ x - n * mean) / (n + RELEVANCE) * np.sqrt(weight[:, None] / var)).ravel()


class Judge:
    def __init__(self, path=MODEL):
        with np.load(path) as f:
            self.mixture = [f[k].astype(float) for k in ("mean", "var", "weight")]
            self.centre, self.projection = f["centre"].astype(float), f["projection"].astype(float)
            self.trained_on = set(f["trained_on"].tolist())

    def embed(self, wave, rate):
        e = (offsets(features(speaker.prepare(wave, rate)), *self.mixture) - self.centre) @ self.projection
        return e / np.linalg.norm(e)


# Training ---------------------------------------------------------------------------------------------------------
def equalised(wave, rng):
    """Through a random curve of within 8 dB, 5 points."""
    at, gain = np.sort(rng.uniform(100, 7500, 5)), np.clip(rng.normal(0, 4, 5), -8, 8)
    gain = np.concatenate([gain[:1], gain, gain[-1:]])
    return lfilter(firwin2(257, np.concatenate([[0], at / 8000, [1]]), 10 ** (gain / 20)), [1], wave).astype(np.float32)


def pieces(name, wave, rate):
    """(label, features) of one speaker's recording."""
    rng = np.random.default_rng(int(name))
    for speed in SPEEDS:
        p = speaker.prepare(wave if speed == 1 else soxr.resample(wave, rate * speed, rate, "HQ"), rate)
        count = max(1, round(len(p) / PIECE))
        for x in np.array_split(p, count):
            if speed == 1:
                yield f"{name}/{speed}", features(x)
            yield f"{name}/{speed}", features(equalised(x, rng))


def fit_projection(x, labels):
    """Principal axes, then the axes that tell speakers apart best: (centre, [1248][80])."""
    centre = x.mean(0)
    axes = np.linalg.svd(x - centre, full_matrices=False)[2][:PRINCIPAL].T
    z = (x - centre) @ axes
    names = sorted(set(labels))
    means = np.stack([z[labels == n].mean(0) for n in names])
    apart = z - means[np.searchsorted(names, labels)]
    within = apart.T @ apart / len(z)
    within += WITHIN_FLOOR * np.trace(within) / PRINCIPAL * np.eye(PRINCIPAL)
    between, directions = eigh(means.T @ means / len(names), within)
    between, directions = between[::-1][:KEPT], directions[:, ::-1][:, :KEPT]
    return centre, axes @ directions * np.sqrt(between / (1 + between))


def train(folder, out):
    speakers = {n: f for n, f in by_speaker(folder).items() if not held_out(n)}
    labelled = []
    for name, files in speakers.items():
        labelled += pieces(name, *read(files))
    if len(speakers) < 50:
        sys.exit(f"{folder}: only {len(speakers)} speakers to train on")
    rng = np.random.default_rng(1)
    mixture = fit_mixture(np.concatenate([x[::6] for _, x in labelled[::3]]), rng)
    x = np.stack([offsets(f, *mixture) for _, f in labelled])
    centre, projection = fit_projection(x, np.array([n for n, _ in labelled]))
    arrays = dict(zip(("mean", "var", "weight"), mixture), centre=centre, projection=projection)
    arrays = {k: v.astype(np.float32) for k, v in arrays.items()}
    np.savez_compressed(out, trained_on=np.array(sorted(speakers)), **arrays)
    print(f"{out}: {len(speakers)} speakers, {len(labelled)} pieces")


# What it is worth, and what it says -------------------------------------------------------------------------------
def validity(enrolled, judged):
    """Real recordings only: both [n][dims], row i is the same speaker. How well does the score tell them apart?"""
    c = enrolled @ judged.T
    same, other = np.diag(c), c[~np.eye(len(c), dtype=bool)]
    at = np.sort(np.concatenate([same, other]))
    missed = np.searchsorted(np.sort(same), at) / len(same)
    taken = 1 - np.searchsorted(np.sort(other), at) / len(other)
    k = np.abs(missed - taken).argmin()
    return {"speakers": len(c), "eer": float((missed[k] + taken[k]) / 2),
            "same": same.tolist(), "other": other.tolist(), "first": float((c.argmax(1) == np.arange(len(c))).mean())}


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("enrolled", nargs="?")
    p.add_argument("clones", nargs="?")
    p.add_argument("--train", metavar="SPEECH")
    p.add_argument("--json", action="store_true")
    a = p.parse_args()
    if a.train:
        return train(a.train, MODEL)
    if not a.clones:
        p.error("ENROLLED and CLONES, or --train")
    judge = Judge()
    enrolled = {n: judge.embed(*read(f)) for n, f in by_speaker(a.enrolled).items()}
    names = list(enrolled)
    gallery, rows = np.stack(list(enrolled.values())), []
    for name, files in by_speaker(a.clones).items():
        if name not in enrolled:
            sys.exit(f"{a.clones}: speaker {name} is not in {a.enrolled}")
        score = gallery @ judge.embed(*read(files))
        right = names.index(name)
        rows.append({"speaker": name, "cosine": float(score[right]),
                     "nearest_other": float(np.delete(score, right).max(initial=-1)),
                     "rank": int((score >= score[right]).sum()), "among": len(names),
                     "unseen": name not in judge.trained_on})
    if a.json:
        return print(json.dumps(rows, indent=1))
    for r in rows:
        print(f"{r['speaker']:16s} {r['cosine']:.3f}  nearest other {r['nearest_other']:.3f}  "
              f"rank {r['rank']} of {r['among']}"
              + ("" if r["unseen"] else "  (in the judge's training)"))
    cosines = [r["cosine"] for r in rows]
    print(f"{len(rows)} speakers: mean {np.mean(cosines):.3f}, least {min(cosines):.3f}, "
          f"first {sum(r['rank'] == 1 for r in rows)}")


if __name__ == "__main__":
    main()
