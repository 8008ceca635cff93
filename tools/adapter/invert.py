#!/usr/bin/env python3
"""What src/engine/kokoro/{surrogate,residual,nearby}.c do, with scipy: from an embedding and a pitch to the style that
should give them, what is added to it in each decoder block, and where the second map moves these styles.

    invert.py adapter.safetensors --golden DIR     writes the vectors of tests/golden/adapter
"""
import argparse
import sys
from pathlib import Path

import numpy as np
from scipy.optimize import minimize

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
import speaker  # noqa: E402

ACOUSTIC, EMBEDDING, BANDS = 40, 256, 40
PITCH, RATE = EMBEDDING + BANDS, EMBEDDING + BANDS + 1  # columns of the map after embedding and spectrum


class Inverter:
    def __init__(self, path):
        t = {k: v.astype(float) for k, v in speaker.read_safetensors(path).items()}
        self.t, (self.gamma, self.prosody_gamma) = t, t["map.gamma"]
        self.pitch_weight, self.spectrum_weight = t["weights"]

    def predict(self, z):
        """-> [298], and the two kernels at each centre: of all coordinates, and of the prosody half's."""
        square = (self.t["map.centres"] - z) ** 2
        k = np.exp(-self.gamma * square.sum(1))
        kp = np.exp(-self.prosody_gamma * square[:, ACOUSTIC:].sum(1))
        return np.concatenate([k @ self.t["map.alpha"] + self.t["map.mean"],
                               kp @ self.t["map.prosody"] + self.t["map.prosody_mean"]]), k, kp

    def objective(self, z, e, pitch, spectrum):
        """Value and gradient of: unlikeness + prior + pitch mismatch + spectrum mismatch (its mean is free)."""
        t = self.t
        p, k, kp = self.predict(z)
        n = np.linalg.norm(p[:EMBEDDING])
        cosine = p[:EMBEDDING] @ e / n
        dp = np.zeros_like(p)
        dp[:EMBEDDING] = cosine * p[:EMBEDDING] / n ** 2 - e / n
        off = p[PITCH] - pitch
        dp[PITCH] = self.pitch_weight * off
        bands = p[EMBEDDING:PITCH] - spectrum
        bands = bands - bands.mean()
        dp[EMBEDDING:PITCH] = self.spectrum_weight * bands / BANDS
        away = z - t["prior.mean"]
        pull = t["prior.matrix"] @ away
        value = (1 - cosine + 0.5 * away @ pull + 0.5 * self.pitch_weight * off ** 2
                 + 0.5 * self.spectrum_weight * np.mean(bands ** 2))
        kg = k * (t["map.alpha"] @ dp[:PITCH])
        slope = 2 * self.gamma * (kg @ t["map.centres"] - kg.sum() * z)
        kg = kp * (t["map.prosody"] @ dp[PITCH:])
        slope[ACOUSTIC:] += 2 * self.prosody_gamma * (kg @ t["map.centres"] - kg.sum() * z)[ACOUSTIC:]
        return value, pull + slope

    def invert(self, e, pitch, spectrum, steps=100):
        """-> z of the better of two starts: the nearest stock voice, drawn in, and the mean of the four nearest."""
        order = np.argsort(-(self.t["stock.embedding"] @ e), kind="stable")
        best = None
        for start in (0.8 * self.t["stock.z"][order[0]], self.t["stock.z"][order[:4]].mean(0)):
            r = minimize(self.objective, start, (e, pitch, spectrum), jac=True, method="L-BFGS-B",
                         options={"maxiter": steps, "maxcor": 8})
            if best is None or r.fun < best.fun:
                best = r
        return best.x

    def style(self, z):
        return self.t["style.mean"] + z @ self.t["style.basis"]


def residual_inputs(embedding, spectrum, pitch, z, own):
    """{name: numbers} that the residual's network sees; own: predict(z)."""
    bands = spectrum - own[EMBEDDING:PITCH]
    return {"embedding": embedding, "left": embedding - own[:EMBEDDING] / np.linalg.norm(own[:EMBEDDING]),
            "bands": bands - bands.mean(), "pitch": np.array([pitch, pitch - own[PITCH]]), "z": z}


def residual(t, inputs):
    """-> [13 * 128] to be added to the styles, [40] to be added to the spectrum."""
    h = np.tanh(t["residual.in"] @ np.concatenate(list(inputs.values())) + t["residual.in_bias"])
    return t["residual.out"] @ h + t["residual.out_bias"], t["residual.bands"] @ inputs["z"] + t["residual.bands_bias"]


class Nearby:
    """One voice's second map: target embedding and spectrum, z whose prosody half stays."""

    def __init__(self, t, e, spectrum, z):
        self.t, self.e, self.wanted = t, e, spectrum - spectrum.mean()
        self.gamma, self.spectrum_weight = t["near.numbers"]
        at = t["near.axes"] @ self.wanted + t["near.axes_bias"]
        self.still_bands = np.exp(-self.gamma * ((t["near.prosody"] - z[ACOUSTIC:]) ** 2).sum(1))
        self.still = self.still_bands * np.exp(-self.gamma * ((t["near.spectra"] - at) ** 2).sum(1))

    def expected(self, q):
        """Embedding behind the equaliser, not of length 1, spectrum before it, kernel at each centre."""
        t, k = self.t, np.exp(-self.gamma * ((self.t["near.centres"] - q) ** 2).sum(1))
        return ((k * self.still) @ t["near.embedding"] + t["near.embedding_mean"],
                (k * self.still_bands) @ t["near.bands"] + t["near.bands_mean"], k)

    def objective(self, q):
        t, (y, bands, k) = self.t, self.expected(q)
        n = np.linalg.norm(y)
        cosine = y @ self.e / n
        off = bands - bands.mean() - self.wanted
        pull = t["near.prior_matrix"] @ (q - t["near.prior_mean"])
        value = 1 - cosine + 0.5 * (q - t["near.prior_mean"]) @ pull + 0.5 * self.spectrum_weight * np.mean(off ** 2)
        by = (self.still * (t["near.embedding"] @ (cosine * y / n ** 2 - self.e / n))
              + self.still_bands * (t["near.bands"] @ (self.spectrum_weight * off / BANDS))) * k
        return value, pull + 2 * self.gamma * (by @ t["near.centres"] - by.sum() * q)

    def find(self, q, steps=100):
        return minimize(self.objective, q, jac=True, method="L-BFGS-B", options={"maxiter": steps, "maxcor": 8}).x


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("adapter")
    p.add_argument("--golden", required=True)
    a = p.parse_args()
    inv, out = Inverter(a.adapter), Path(a.golden)
    out.mkdir(parents=True, exist_ok=True)
    # A target that no style meets: between two stock voices, and off to a side.
    e = inv.t["stock.embedding"][[3, 20]].sum(0) + 0.08 * np.abs(np.sin(1.7 * np.arange(EMBEDDING)))
    e /= np.linalg.norm(e)
    spectrum = inv.predict(inv.t["stock.z"][20])[0][EMBEDDING:PITCH]
    pitch = np.log(160.0)
    z = inv.invert(e, pitch, spectrum)
    value, _ = inv.objective(z, e, pitch, spectrum)
    np.concatenate([e, spectrum, [pitch]]).astype("<f4").tofile(out / "target.f32")
    np.concatenate([[value], z, inv.predict(z)[0], inv.style(z)]).astype("<f4").tofile(out / "answer.f32")
    if "residual.in" in inv.t:
        added = residual(inv.t, residual_inputs(e, spectrum, pitch, z, inv.predict(z)[0]))
        np.concatenate(added).astype("<f4").tofile(out / "residual.f32")
    print(f"objective {value:.6f}")
    if "near.centres" in inv.t:
        near = Nearby(inv.t, e, spectrum, z)
        start = inv.t["near.prior_mean"] + 0.3 * np.sin(1.3 * np.arange(len(inv.t["near.prior_mean"])))
        q = near.find(start)
        y, bands, _ = near.expected(start)
        before, after = near.objective(start)[0], near.objective(q)[0]
        found = np.concatenate([start, [before], y / np.linalg.norm(y), bands, [after]])
        found.astype("<f4").tofile(out / "nearby.f32")
        print(f"second map: {before:.6f}, then {after:.6f}")


if __name__ == "__main__":
    main()
