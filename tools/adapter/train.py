#!/usr/bin/env python3
"""Train the residual: from what enrolment knows of a voice to what is added to the style of each decoder block.

A small network (Residual below; src/engine/kokoro/residual.c computes the same) sees the recording's embedding, what
the surrogate's best style leaves over of it and of the spectrum, pitch, and z. Its last layer starts at zero, so
training starts from clones as they are without it. Sound goes through the frozen decoder and the equaliser that
enrolment would choose, and is compared with the other half of the recording:

    1 - cosine of GE2E embeddings
    + .06 squared distance of mean log bands, + .06 of their spread over time, both as a change of the start's
    + .02 squared distance of the log bands, time-centred, to the start's: what is said must stay
    + .01 mean square of the residual, in units of the stock voices' spread

For the equaliser, what the surrogate's spectrum is wrong by, the change of styles included, is a ridge regression on z
of all starts and of the crops of the last steps. Weights are averaged over time, and those are kept which are best for
the speakers to stop by (targets.py).

    train.py --targets DIR --models var/models/kokoro --adapter IN --state FILE --out OUT [--crops 1500] [--device cuda]

Writes OUT, IN and the residual, whenever the average is the best so far. Starts again from --state where there is one.
"""
import argparse
import os
import sys
import time
from pathlib import Path

import numpy as np
import torch
import torch.nn as nn

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
import decoder  # noqa: E402
import speaker  # noqa: E402
from convert_ge2e import write_safetensors  # noqa: E402
from invert import ACOUSTIC, EMBEDDING, PITCH, residual_inputs  # noqa: E402

BLOCKS, HALF, BANDS = len(decoder.BLOCKS), 128, speaker.BANDS
BANDS_RIDGE, BANDS_CROPS = 1.0, 400  # of the spectrum's regression
CROP = 66                 # frames of 25 ms: 1.65 s, the encoder's window
EQ_STRENGTH, EQ_MOST = 0.95, 12.0  # as src/engine/kokoro/enrol.c
INPUTS = {"embedding": 1.0, "left": 1.0, "bands": 0.5, "pitch": 0.3, "z": 0.5}  # and their weight in the first layer
MEAN_WEIGHT, SPREAD_WEIGHT, CONTENT_WEIGHT, PRIOR_WEIGHT = 0.06, 0.06, 0.02, 0.01
MOST_MEAN, MOST_SPREAD = 2.0, 0.6  # nepers of power that the features may ask for


def inputs(voice):
    """Of a voice of targets.py."""
    return residual_inputs(voice["embedding"], voice["spectrum"], float(np.log(voice["f0_median_hz"][0])), voice["z"],
                           voice["own"])


def columns(voice):
    return np.concatenate(list(inputs(voice).values())).astype(np.float32)


class Residual(nn.Module):
    """x -> tanh(in x + bias) -> residual [13][128] of styles; z -> what is added to the surrogate's spectrum [40]."""

    def __init__(self, adapter, units, rows=None):
        super().__init__()
        basis = torch.from_numpy(adapter["style.basis"][:ACOUSTIC, :HALF].copy())
        self.register_buffer("spread", basis.square().sum(0).sqrt())  # of the stock voices, each number's
        self.z = adapter["style.basis"].shape[0]
        width = EMBEDDING * 2 + BANDS + 2 + self.z
        self.first = nn.Linear(width, units)
        self.shared, self.block = nn.Linear(units, HALF), nn.Linear(units, BLOCKS * HALF)
        self.bands = nn.Linear(self.z, BANDS)
        for layer in (self.shared, self.block, self.bands):
            nn.init.zeros_(layer.weight)
            nn.init.zeros_(layer.bias)
        if rows is not None:
            self.look_along_axes(rows)

    def look_along_axes(self, rows):
        """The first layer begins as the principal axes of the training voices, each as strong as it is. Were they made
        equally strong, every voice of some hundred would have a unit of its own and be learnt by heart."""
        rows = {k: np.stack([r[k] for r in rows]) for k in rows[0]}
        weight = np.concatenate([np.full(v.shape[1], INPUTS[k] / np.sqrt(v.var(0).sum())) for k, v in rows.items()])
        x = np.concatenate(list(rows.values()), 1)
        mean = x.mean(0)
        _, s, axes = np.linalg.svd((x - mean) * weight, full_matrices=False)
        count = min(len(self.first.weight), len(s) - 1)
        first = np.zeros(tuple(self.first.weight.shape))
        first[:count] = 0.7 * axes[:count] * weight / (s[0] / np.sqrt(len(x)))
        with torch.no_grad():
            self.first.weight.copy_(torch.from_numpy(first))
            self.first.bias.copy_(torch.from_numpy(-first @ mean))

    def forward(self, x):
        """-> residual in units of the stock voices' spread [B][13][128], correction of the spectrum [B][40]."""
        h = torch.tanh(self.first(x))
        return self.shared(h)[:, None] + self.block(h).view(-1, BLOCKS, HALF), self.bands(x[:, -self.z:]).detach()

    def fit_bands(self, *groups):
        """Each group: x [n][inputs], what to add [n][40]. All say how it depends on z, the last one where it lies."""
        with torch.no_grad():
            z = [x[:, -self.z:] for x, _ in groups]
            off = torch.cat([v - v.mean(0) for v in z])
            wanted = torch.cat([y - y.mean(0) for _, y in groups])
            ridge = BANDS_RIDGE * off.square().sum() / len(off)
            square = off.T @ off + ridge * torch.eye(self.z, device=off.device)
            self.bands.weight.copy_(torch.linalg.solve(square, off.T @ wanted).T)
            self.bands.bias.copy_(groups[-1][1].mean(0) - self.bands.weight @ z[-1].mean(0))

    def tensors(self):
        """As residual.c reads them, in units of styles."""
        spread = self.spread.repeat(BLOCKS)
        get = lambda t: np.ascontiguousarray(t.detach().cpu().numpy(), "<f4")
        weight = (self.block.weight + self.shared.weight.repeat(BLOCKS, 1)) * spread[:, None]
        return {"residual.in": get(self.first.weight), "residual.in_bias": get(self.first.bias),
                "residual.out": get(weight).astype("<f2"),
                "residual.out_bias": get((self.block.bias + self.shared.bias.repeat(BLOCKS)) * spread),
                "residual.bands": get(self.bands.weight), "residual.bands_bias": get(self.bands.bias)}


class Voices:
    """Of one part of the speakers; those whose speech is made meanwhile are found by look()."""

    def __init__(self, folder, part):
        self.folder, self.part, self.found = Path(folder), part, {}
        self.look()

    def look(self):
        for f in sorted(self.folder.glob(f"{self.part}-*.speech.npz")):
            if f not in self.found:
                voice = dict(np.load(str(f).replace(".speech.", ".voice.")))
                speech = np.load(f)
                self.found[f] = {**voice, **{k: speech[k] for k in speech.files}, "x": columns(voice)}
        self.list = list(self.found.values())

    def enrolled(self):
        """Inputs of all voices, also of those without speech as yet."""
        return [inputs(np.load(f)) for f in sorted(self.folder.glob(f"{self.part}-*.voice.npz"))]


def batch(items, device):
    """[(voice, sentence, first frame)] -> {name: tensor}, one row each."""
    rows = []
    for v, k, at in items:
        mean, spread = v["start_features"]
        shift = np.clip(v["judge_mean"] - mean, -MOST_MEAN, MOST_MEAN)
        shift = np.convolve(np.pad(shift, 2, "edge"), np.full(5, 0.2), "valid")
        rows.append({
            "text": v[f"text{k}"][:, at:at + CROP], "f0": v[f"f0{k}"][2 * at:2 * (at + CROP)],
            "energy": v[f"energy{k}"][2 * at:2 * (at + CROP)],
            "harmonics": v[f"harmonics{k}"][:, 120 * at:120 * (at + CROP) + 1], "x": v["x"], "style": v["style"],
            "start": v[f"start{k}"][600 * at:600 * (at + CROP)], "judge": v["judge"], "spectrum": v["spectrum"],
            "own": v["own"][EMBEDDING:PITCH], "eq": v["eq_db"], "mean": shift,
            "spread": np.clip(v["judge_spread"] - spread, -MOST_SPREAD, MOST_SPREAD)})
    return {k: torch.from_numpy(np.stack([r[k] for r in rows]).astype(np.float32)).to(device) for k in rows[0]}


def equaliser(wanted, given):
    """[B][40] as make_eq of enrol.c."""
    off = wanted - given
    off = nn.functional.pad(off - off.mean(1, keepdim=True), (1, 1), mode="replicate")
    off = (off[:, :-2] + off[:, 1:-1] + off[:, 2:]) / 3
    return (EQ_STRENGTH * 10 / np.log(10) * off).clamp(-EQ_MOST, EQ_MOST)


class Trainer:
    def __init__(self, a):
        self.a, self.device = a, a.device
        self.adapter = {k: np.array(v) for k, v in speaker.read_safetensors(a.adapter).items()}
        self.decoder = decoder.Decoder(Path(a.models, "kokoro.safetensors"), a.device)
        self.measures = decoder.Measures(Path(a.models, "ge2e.safetensors"), a.device)
        self.voices, self.stop = Voices(a.targets, "train"), Voices(a.targets, "stop")
        self.net = Residual(self.adapter, a.units, self.voices.enrolled()).to(a.device)
        self.average = {k: v.clone() for k, v in self.net.state_dict().items()}
        slow, out = [*self.net.first.parameters()], [self.net.shared.weight, self.net.block.weight]
        bias = [self.net.shared.bias, self.net.block.bias]
        self.optimiser = torch.optim.Adam([
            {"params": slow, "rate": 0.0001}, {"params": out, "rate": a.rate}, {"params": bias, "rate": 2 * a.rate}],
            betas=(0.9, 0.98))
        self.recent = []  # (inputs, spectrum given beyond the surrogate's) of the last crops
        self.rng, self.crops, self.steps, self.best = np.random.default_rng(a.seed), 0, 0, -1.0

    def save(self):
        state = {"net": self.net.state_dict(), "average": self.average, "optimiser": self.optimiser.state_dict(),
                 "rng": self.rng.bit_generator.state, "recent": self.recent,
                 **{k: getattr(self, k) for k in ("crops", "steps", "best")}}
        torch.save(state, self.a.state + ".part")
        os.replace(self.a.state + ".part", self.a.state)

    def resume(self):
        state = torch.load(self.a.state, map_location=self.device, weights_only=False)
        self.net.load_state_dict(state["net"])
        rates = [g["rate"] for g in self.optimiser.param_groups]
        self.optimiser.load_state_dict(state["optimiser"])
        for g, rate in zip(self.optimiser.param_groups, rates):
            g["rate"] = rate  # those of the command line
        self.rng.bit_generator.state = state["rng"]
        self.average = state["average"]
        self.crops, self.steps, self.best, self.recent = (state[k] for k in ("crops", "steps", "best", "recent"))
        self.fit_bands()

    def start_features(self, v):
        """Mean and spread of the bands of what the start says, as features() of targets.py has them."""
        if "start_features" not in v:
            waves = [torch.from_numpy(v[k]).to(self.device) for k in v if k.startswith("start") and k[5:].isdigit()]
            log = torch.cat([self.measures.fine(w[None])[0] for w in waves], 1).cpu().numpy()
            log = log[:, log.mean(0) > np.percentile(log.mean(0), 40)]
            v["start_features"] = log.mean(1) - log.mean(), log.std(1)
        return v

    def draw(self, count):
        items = []
        for i in self.rng.choice(len(self.voices.list), count, replace=count > len(self.voices.list)):
            v = self.start_features(self.voices.list[i])
            k = int(self.rng.integers(sum(n.startswith("text") for n in v)))
            items.append((v, k, int(self.rng.integers(0, v[f"text{k}"].shape[1] - CROP + 1))))
        return items

    def measure(self, b, scale=1.0):
        """-> the parts of the loss, each [B], and the embeddings' likeness of the start with its own equaliser."""
        residual, shift = self.net(b["x"])
        residual = scale * residual
        styles = b["style"][:, None] + residual * self.net.spread
        wave = self.decoder(b["text"], b["f0"], b["energy"], b["harmonics"], styles)
        eq = equaliser(b["spectrum"], b["own"] + scale * shift).detach()
        m = self.measures
        like = (m.embed(m.mel(wave, eq)) * b["judge"]).sum(1)
        fine, start = m.fine(wave, eq), m.fine(b["start"])
        with torch.no_grad():
            before = (m.embed(m.mel(b["start"], b["eq"])) * b["judge"]).sum(1)
            loud = start.mean(1)
            loud = (loud > loud.quantile(0.35, 1, keepdim=True)).float()[:, None]
            given = m.spectrum(wave) - b["own"]
        mean = lambda x: (x * loud).sum(2, keepdim=True) / loud.sum(2, keepdim=True)
        now, then = mean(fine), mean(start)
        level = lambda x: (x - x.mean(1, keepdim=True))[:, :, 0]
        with torch.no_grad():
            mean_before = (level(mean(m.fine(b["start"], b["eq"]))) - level(then) - b["mean"]).square().mean(1)
        spread = lambda x, x_mean: mean((x - x_mean).square())[:, :, 0].add(1e-6).sqrt()
        content = mean((fine - now - start + then).square()).mean((1, 2))
        given = given - given.mean(1, keepdim=True)
        return {"like": like, "before": before, "content": content,
                "mean": (level(now) - level(then) - b["mean"]).square().mean(1),
                "spread": (spread(fine, now) - spread(start, then) - b["spread"]).square().mean(1),
                "prior": residual.square().mean((1, 2)), "bands": (shift - given).square().mean(1), "given": given,
                "mean_before": mean_before}

    @staticmethod
    def loss(p):
        return (1 - p["like"] + MEAN_WEIGHT * p["mean"] + SPREAD_WEIGHT * p["spread"] + CONTENT_WEIGHT * p["content"]
                + PRIOR_WEIGHT * p["prior"])

    def step(self):
        done = min(1.0, self.crops / self.a.crops)
        for g in self.optimiser.param_groups:
            g["lr"] = g["rate"] * min(1, (self.steps + 1) / 5) * (0.1 + 0.45 * (1 + np.cos(np.pi * done)))
        self.optimiser.zero_grad()
        seen, per = [], min(self.a.together, self.a.batch)
        for _ in range(self.a.batch // per):
            b = batch(self.draw(per), self.device)
            p = self.measure(b)
            (self.loss(p).mean() * per / self.a.batch).backward()
            self.recent = [*self.recent, *zip(b["x"], p.pop("given"))][-BANDS_CROPS:]
            seen.append({k: float(v.detach().mean()) for k, v in p.items()})
        self.optimiser.step()
        self.steps += 1
        self.crops += self.a.batch
        if self.steps % 5 == 0:
            self.fit_bands()
        keep = min(self.a.average, self.steps / (self.steps + 4))
        for k, v in self.net.state_dict().items():
            self.average[k].lerp_(v, 1 - keep)
        return {k: np.mean([s[k] for s in seen]) for k in seen[0]}

    def fit_bands(self):
        """From the start of every voice and from the last crops. It is as good as it is at once, and not averaged."""
        if self.recent:
            starts = [self.start_spectrum(v) for v in self.voices.list]
            self.net.fit_bands(*(tuple(torch.stack(t) for t in zip(*group)) for group in (starts, self.recent)))
            self.average.update({k: v.clone() for k, v in self.net.state_dict().items() if k.startswith("bands")})

    def start_spectrum(self, v):
        """The network's inputs, and the spectrum of the start beyond the surrogate's."""
        if "start_spectrum" not in v:
            with torch.no_grad():
                wave = torch.from_numpy(np.concatenate([v[k] for k in v if k.startswith("start") and k[5:].isdigit()]))
                given = self.measures.spectrum(wave[None].to(self.device))[0].cpu() - torch.from_numpy(
                    v["own"][EMBEDDING:PITCH])
            v["start_spectrum"] = torch.from_numpy(v["x"]).to(self.device), (given - given.mean()).to(self.device)
        return v["start_spectrum"]

    def judge(self):
        """The average's measures on the speakers to stop by, and their loss."""
        now = {k: v.clone() for k, v in self.net.state_dict().items()}
        self.net.load_state_dict(self.average)
        rows = []
        with torch.no_grad():
            for v in self.stop.list:
                for at in (0, v["text0"].shape[1] - CROP):
                    p = self.measure(batch([(self.start_features(v), 0, at)], self.device))
                    p.pop("given")
                    rows.append({**{k: float(x) for k, x in p.items()}, "loss": float(self.loss(p))})
        self.net.load_state_dict(now)
        return {k: np.mean([r[k] for r in rows]) for k in rows[0]}

    def keep_best(self):
        p = self.judge()
        if self.best < 0 or p["loss"] < self.best:
            self.best = p["loss"]
            now = {k: v.clone() for k, v in self.net.state_dict().items()}
            self.net.load_state_dict(self.average)
            write_safetensors(self.a.out + ".part", {**self.adapter, **self.net.tensors()})
            os.replace(self.a.out + ".part", self.a.out)
            self.net.load_state_dict(now)
        return p

    def run(self):
        if os.path.exists(self.a.state):
            self.resume()
        show = lambda p: " ".join(f"{k} {v:.3f}" for k, v in p.items())
        begin, first, recent = time.time(), self.crops, []
        while self.crops < self.a.crops:
            if self.steps % self.a.every == 0:
                print(f"  {self.crops} crops, stop: {show(self.keep_best())}", flush=True)
                self.save()
                self.voices.look()
            recent.append(self.step())
            if self.steps % 5 == 0:
                mean = {k: np.mean([r[k] for r in recent]) for k in recent[0]}
                each = (time.time() - begin) / (self.crops - first)
                print(f"{self.crops} crops, {len(self.voices.list)} voices, {each:.2f} s each: {show(mean)}",
                      flush=True)
                recent = []
        print(f"  {self.crops} crops, stop: {show(self.keep_best())}", flush=True)
        self.save()


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--targets", required=True)
    p.add_argument("--models", default="var/models/kokoro")
    p.add_argument("--adapter", required=True)
    p.add_argument("--state", required=True, help="checkpoint")
    p.add_argument("--out", required=True)
    p.add_argument("--crops", type=int, default=1500)
    p.add_argument("--batch", type=int, default=4)
    p.add_argument("--together", type=int, default=1, help="crops of the batch that the decoder gets at once")
    p.add_argument("--rate", type=float, default=0.01)
    p.add_argument("--units", type=int, default=16, help="width of the network: few, as long as there are few voices")
    p.add_argument("--average", type=float, default=0.97)
    p.add_argument("--every", type=int, default=20, help="steps from one look at the stop speakers to the next")
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--threads", type=int, default=1)
    p.add_argument("--device", default="cpu")
    a = p.parse_args()
    torch.set_num_threads(a.threads)
    torch.manual_seed(a.seed)
    Trainer(a).run()


if __name__ == "__main__":
    main()
