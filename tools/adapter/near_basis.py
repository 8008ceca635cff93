#!/usr/bin/env python3
"""The coordinates in which the second map of enrolment (near_fit.py) sees the styles of the 13 decoder blocks.

40 are the surrogate's: the same in all blocks. 27 are directions in which blocks differ, of length 1 in units of the
stock voices' spread and at right angles to all others: the residual's bias and its 16 units (train.py), and the ten
strongest of the gradients of train.py's loss by the styles, at the styles that enrolment finds for training voices.

    near_basis.py --targets DIR2 --adapter adapter.safetensors --models var/models/kokoro --voices 20 --out basis.npz
"""
import argparse
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from invert import ACOUSTIC, Inverter, residual, residual_inputs  # noqa: E402

BLOCKS, HALF = 13, 128
GRADIENTS = 10


class Space:
    """Styles [13 * 128] <-> z and u."""

    EXTRA = 27

    def __init__(self, adapter, basis):
        """adapter: tensors of adapter.safetensors; basis: FILE, or directions [n][13 * 128]."""
        axes = adapter["style.basis"][:ACOUSTIC, :HALF].astype(float)
        spread = np.tile(np.sqrt((axes ** 2).sum(0)), BLOCKS)
        shared = np.tile(axes, BLOCKS) / spread
        extra = np.load(basis)["directions"] if isinstance(basis, (str, Path)) else basis
        self.mean = np.tile(adapter["style.mean"][:HALF], BLOCKS).astype(float)
        self.move = np.vstack([shared, extra]) * spread                  # [67][1664]: what one unit adds
        self.locate = np.vstack([np.linalg.pinv(shared.T), extra]) / spread
        self.shared, self.spread = shared, spread
        self.prosody_mean, self.prosody = adapter["style.mean"][HALF:], adapter["style.basis"][ACOUSTIC:, HALF:]

    def styles(self, z, u):
        return (self.mean + np.concatenate([z[:ACOUSTIC], u]) @ self.move).reshape(BLOCKS, HALF)

    def prosody_style(self, z):
        return self.prosody_mean + z[ACOUSTIC:] @ self.prosody

    def enrolled(self, adapter, voice):
        """z and u of a voice of targets.py with the residual that enrolment adds."""
        z, own = voice["z"].astype(float), voice["own"].astype(float)
        added, _ = residual(adapter, residual_inputs(voice["embedding"].astype(float), voice["spectrum"].astype(float),
                                                     float(np.log(voice["f0_median_hz"][0])), z, own))
        at = self.locate @ added
        return np.concatenate([z[:ACOUSTIC] + at[:ACOUSTIC], z[ACOUSTIC:]]), at[ACOUSTIC:]


def gradients(a, adapter, spread):
    """[voices][13 * 128] in units of spread."""
    import torch
    import train
    torch.set_num_threads(1)
    trainer = train.Trainer.__new__(train.Trainer)
    trainer.measures = train.decoder.Measures(Path(a.models, "ge2e.safetensors"))
    trainer.decoder = train.decoder.Decoder(Path(a.models, "kokoro.safetensors"))
    trainer.device, trainer.rng = "cpu", np.random.default_rng(1)
    trainer.voices = SimpleNamespace(list=train.Voices(a.targets, "train").list[:a.voices])
    found = []
    for item in trainer.draw(len(trainer.voices.list)):
        added, bands = residual(adapter, train.inputs(item[0]))
        start = torch.from_numpy((added / spread).reshape(1, BLOCKS, HALF).astype(np.float32)).requires_grad_()
        shift = torch.from_numpy(bands.astype(np.float32))[None]
        trainer.net = lambda _: (start, shift)
        trainer.net.spread = torch.from_numpy(spread[:HALF].astype(np.float32))
        parts = trainer.measure(train.batch([item], "cpu"))
        trainer.loss({**parts, "prior": 0}).sum().backward()
        found.append(start.grad.numpy().ravel().astype(float))
        print(f"{len(found)} gradients", flush=True)
    return np.stack(found)


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--targets", required=True)
    p.add_argument("--adapter", required=True)
    p.add_argument("--models", default="var/models/kokoro")
    p.add_argument("--voices", type=int, default=20)
    p.add_argument("--out", required=True)
    a = p.parse_args()
    t = Inverter(a.adapter).t
    space = Space(t, np.zeros((0, BLOCKS * HALF)))
    found = gradients(a, t, space.spread)
    found /= np.linalg.norm(found, axis=1, keepdims=True)
    residual_ = np.column_stack([t["residual.out_bias"], t["residual.out"]]) / space.spread[:, None]
    beside = lambda x, axes: x - axes @ (axes.T @ x)
    shared = np.linalg.qr(space.shared.T)[0]
    own = np.linalg.qr(beside(residual_, shared))[0]
    strongest = np.linalg.svd(beside(beside(found.T, shared), own), full_matrices=False)[0][:, :GRADIENTS]
    np.savez(a.out, directions=np.hstack([own, strongest]).T)


if __name__ == "__main__":
    main()
