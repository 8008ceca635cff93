"""Kokoro's decoder and the measures of its sound in PyTorch, differentiable, for train.py. docs/MODEL-kokoro.md has the
shapes and the names of the weights; the weights are frozen. A batch is of crops of one length.

    decoder.py kokoro.safetensors --onnx DIR    how near it is to the decoder half under ONNX Runtime
"""
import argparse
import json
import math
import struct
import sys
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
import speaker  # noqa: E402

RATE = 24000
BLOCKS = ["encode"] + [f"decode.{i}" for i in range(4)] + [f"generator.noise_res.{i}" for i in range(2)] + [
    f"generator.resblocks.{i}" for i in range(6)]
HARMONICS = "/decoder/decoder/generator/Concat_3_output_0"  # in the decoder half: [1][22][120 T + 1]
KINDS = {"F32": "<f4", "I8": "i1", "U8": "u1"}


def decoder_weights(path):
    """{name without 'decoder.': float tensor}; what is quantised is (values - zero) * scale."""
    raw = np.memmap(path, np.uint8, "r")
    size = struct.unpack("<Q", raw[:8].tobytes())[0]
    header = json.loads(raw[8:8 + size].tobytes())

    def array(name):
        at, end = header[name]["data_offsets"]
        return raw[8 + size + at:8 + size + end].view(KINDS[header[name]["dtype"]]).reshape(header[name]["shape"])

    found = {}
    for name in header:
        if name.startswith("decoder.") and not name.endswith((".scale", ".zero")):
            values = array(name).astype(np.float32)
            if name + ".scale" in header:
                values = (values - array(name + ".zero").astype(np.float32)) * array(name + ".scale")
            found[name[len("decoder."):]] = torch.from_numpy(np.ascontiguousarray(values))
    return found


class Snake(torch.autograd.Function):
    """x + sin^2(alpha x) / alpha, which keeps its input only."""

    @staticmethod
    def forward(ctx, x, alpha):
        ctx.save_for_backward(x, alpha)
        return torch.addcdiv(x, torch.sin(x * alpha).square_(), alpha)

    @staticmethod
    def backward(ctx, slope):
        x, alpha = ctx.saved_tensors
        return slope * torch.sin(x * (2 * alpha)).add_(1), None


class Decoder:
    def __init__(self, path, device="cpu"):
        self.w = {k: v.to(device) for k, v in decoder_weights(path).items()}

    def conv(self, x, name, **how):
        return F.conv1d(x, self.w[name + ".weight"], self.w.get(name + ".bias"), **how)

    def adain(self, x, name, style):
        """style [B][128]."""
        h = F.linear(style, self.w[name + ".fc.weight"], self.w[name + ".fc.bias"])[:, :, None]
        gamma, beta = h.chunk(2, 1)
        return torch.addcmul(beta, F.instance_norm(x, eps=1e-5), 1 + gamma)

    def plain_block(self, x, name, style, twice=False):
        t = F.leaky_relu(self.adain(x, name + ".norm1", style), 0.2)
        if twice:
            t = F.conv_transpose1d(t, self.w[name + ".pool.weight"], self.w[name + ".pool.bias"], stride=2, padding=1,
                                   output_padding=1, groups=t.shape[1])
            x = x.repeat_interleave(2, 2)
        t = self.conv(t, name + ".conv1", padding=1)
        t = self.conv(F.leaky_relu(self.adain(t, name + ".norm2", style), 0.2), name + ".conv2", padding=1)
        if name + ".conv1x1.weight" in self.w:
            x = self.conv(x, name + ".conv1x1")
        return (t + x) / math.sqrt(2)

    def snake_block(self, x, name, taps, style):
        for j, dilation in enumerate((1, 3, 5)):
            t = Snake.apply(self.adain(x, f"{name}.adain1.{j}", style), self.w[f"{name}.alpha1.{j}"])
            t = self.conv(t, f"{name}.convs1.{j}", padding=dilation * (taps - 1) // 2, dilation=dilation)
            t = Snake.apply(self.adain(t, f"{name}.adain2.{j}", style), self.w[f"{name}.alpha2.{j}"])
            x = x + self.conv(t, f"{name}.convs2.{j}", padding=(taps - 1) // 2)
        return x

    def stage(self, x, harmonics, i, styles):
        name, stride, taps = f"generator.ups.{i}", (10, 6)[i], (20, 12)[i]
        noise = self.conv(harmonics, f"generator.noise_convs.{i}", stride=(6, 1)[i], padding=(3, 0)[i])
        noise = self.snake_block(noise, BLOCKS[5 + i], (7, 11)[i], styles[:, 5 + i])
        x = F.conv_transpose1d(F.leaky_relu(x, 0.1), self.w[name + ".weight"], self.w[name + ".bias"], stride=stride,
                               padding=(taps - stride) // 2)
        x = noise + (F.pad(x, (1, 0), mode="reflect") if i else x)
        return sum(self.snake_block(x, BLOCKS[k], (3, 7, 11)[k - 7 - 3 * i], styles[:, k])
                   for k in range(7 + 3 * i, 10 + 3 * i)) / 3

    def __call__(self, text, f0, energy, harmonics, styles):
        """text [B][512][T], f0 and energy [B][2T], harmonics [B][22][120T + 1], styles [B][13][128] -> [B][600T]."""
        f0, energy = (self.conv(v[:, None], n, stride=2, padding=1) for v, n in ((f0, "F0_conv"), (energy, "N_conv")))
        x = self.plain_block(torch.cat([text, f0, energy], 1), "encode", styles[:, 0])
        beside = torch.cat([self.conv(text, "asr_res.0"), f0, energy], 1)
        for i in range(4):
            x = self.plain_block(torch.cat([x, beside], 1), f"decode.{i}", styles[:, 1 + i], twice=i == 3)
        for i in range(2):
            x = self.stage(x, harmonics, i, styles)
        x = self.conv(F.leaky_relu(x, 0.01), "generator.conv_post", padding=3)
        size, phase = x[:, :11].exp(), x[:, 11:].sin()
        basis = self.w["generator.stft.inverse_basis"]
        y = F.conv_transpose1d(torch.cat([size * phase.cos(), size * phase.sin()], 1), basis, stride=5)
        return 4 * y[:, 0, 10:-10]


def bend(hz):
    """[40][bins]: what each band's gain in dB has to say at the frequencies hz, as src/engine/kokoro/post.c has it."""
    out = np.stack([np.interp(hz, speaker.EDGES[1:-1], row) for row in np.eye(speaker.BANDS)])
    return torch.from_numpy(out.astype(np.float32))


def triangles(count, top, fft):
    """[count][bins] mel triangles up to `top` Hz for an FFT at 24 kHz."""
    steps = np.linspace(0, 15 + 27 * np.log(top / 1000) / np.log(6.4), count + 2)
    edges, f = speaker.mel_hz(steps), np.arange(int(top * fft / RATE) + 1) * RATE / fft
    up, down = (f - edges[:-2, None]) / np.diff(edges)[:-1, None], (edges[2:, None] - f) / np.diff(edges)[1:, None]
    area = 2 / (edges[2:] - edges[:-2])[:, None]
    return torch.from_numpy((np.maximum(0, np.minimum(up, down)) * area).astype(np.float32))


def resampled():
    """[201] what is left of the power in each bin of 40 Hz when 24 kHz are brought to 16 kHz."""
    import soxr
    click = np.zeros(2400, np.float32)
    click[1200] = 1
    response = np.abs(np.fft.rfft(soxr.resample(click, RATE, speaker.RATE, "HQ"), 1600))[::4]
    return (response * RATE / speaker.RATE).astype(np.float32) ** 2


class Measures:
    """Of sound at 24 kHz, all with gradients: the 40 mel bands that the speaker encoder hears, its embedding, and the
    80 finer bands that features are compared in. eq [B][40] in dB is applied to the spectra; None is none."""

    FINE, FINE_FFT, HOP = 80, 1536, 240

    def __init__(self, ge2e, device="cpu"):
        w = {k: torch.from_numpy(np.array(v)).to(device) for k, v in speaker.read_safetensors(ge2e).items()}
        self.lstm = torch.nn.LSTM(speaker.BANDS, 256, 3, batch_first=True).to(device)
        self.lstm.load_state_dict({k[5:]: v for k, v in w.items() if k.startswith("lstm.")})
        self.lstm.requires_grad_(False)
        self.linear = w["linear.weight"], w["linear.bias"]
        self.bands = torch.from_numpy(speaker.FILTERS * resampled()).to(device)  # [40][201]: bins of 40 Hz
        self.fine_bands = triangles(self.FINE, 7600, self.FINE_FFT).to(device)
        bins = lambda n, fft: np.arange(n) * RATE / fft
        self.bend = bend(bins(self.bands.shape[1], 600)).to(device)
        self.fine_bend = bend(bins(self.fine_bands.shape[1], self.FINE_FFT)).to(device)
        self.windows = {n: torch.hann_window(n, device=device) for n in (600, self.FINE_FFT)}

    def power(self, wave, fft, bands, bend_, eq):
        s = torch.stft(wave, fft, self.HOP, window=self.windows[fft], center=True, pad_mode="constant",
                       return_complex=True)[:, :bands.shape[1]]
        s = (s.real.square() + s.imag.square()) * (2 / 3) ** 2  # as if at 16 kHz
        if eq is not None:
            s = s * (eq @ bend_ * (math.log(10) / 10)).exp()[:, :, None]
        return bands @ s

    def mel(self, wave, eq=None):
        """[B][n] -> [B][40][1 + n / 240]; quiet sound is raised as speaker.prepare does."""
        p = self.power(wave, 600, self.bands, self.bend, eq)
        rms = wave.detach().square().mean(1).sqrt() + 1e-9
        return p * (10 ** (speaker.LEVEL / 20) / rms).clamp(min=1).square()[:, None, None]

    def embed(self, mel):
        """[B][40][frames] -> [B][256] of length 1, over the 160 frames in the middle."""
        skip = (mel.shape[2] - speaker.WINDOW) // 2
        h = self.lstm(mel[:, :, skip:skip + speaker.WINDOW].transpose(1, 2))[1][0][2]
        return F.normalize(F.relu(F.linear(h, *self.linear)), dim=1)

    def spectrum(self, wave):
        """[B][40] as speaker.spectrum has it."""
        rms = wave.square().mean(1).sqrt() + 1e-9
        gain = (10 ** (speaker.SPECTRUM_LEVEL / 20) / rms).square()[:, None, None]
        log = (self.power(wave, 600, self.bands, self.bend, None) * gain + 1e-9).log()
        mean = log.mean(1)
        loud = (mean >= mean.mean(1, keepdim=True)).float()[:, None]
        return (log * loud).sum(2) / loud.sum(2)

    def fine(self, wave, eq=None):
        """[B][80][frames]: natural log of power."""
        return (self.power(wave, self.FINE_FFT, self.fine_bands, self.fine_bend, eq) + 1e-7).log()


def main():
    import onnx
    import onnxruntime
    import kokoro_graph
    import sample
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("weights")
    p.add_argument("--onnx", required=True)
    a = p.parse_args()
    model = onnx.load(str(Path(a.onnx, "dec_fp32.onnx")))
    kokoro_graph.add_outputs(model, [HARMONICS])
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    half = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    rng = np.random.default_rng(1)
    t = 40
    values = {sample.TEXT: rng.normal(size=(1, 512, t)) * 0.3, sample.F0: 150 + 30 * np.sin(np.arange(2 * t) / 9)[None],
              sample.ENERGY: rng.normal(size=(1, 2 * t)), "style": rng.normal(size=(1, 256)) * 0.2}
    values = {k: v.astype(np.float32) for k, v in values.items()}
    names = [o.name for o in half.get_outputs()]
    out = dict(zip(names, half.run(names, values)))
    wave = out[next(n for n in names if n != HARMONICS)].ravel()
    with torch.no_grad():
        mine = Decoder(a.weights)(*(torch.from_numpy(values[k]) for k in (sample.TEXT, sample.F0, sample.ENERGY)),
                                  torch.from_numpy(out[HARMONICS]),
                                  torch.from_numpy(values["style"][:, None, :128]).expand(1, len(BLOCKS), 128))
    off = mine.numpy().ravel() - wave
    print(f"largest difference {np.abs(off).max():.2e}, "
          f"{10 * np.log10((wave ** 2).mean() / (off ** 2).mean()):.1f} dB under the sound")


if __name__ == "__main__":
    main()
