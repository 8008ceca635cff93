"""The ear in Python: features, the network and the alignment, for training. The C code is src/engine/kokoro/ear.c,
align.c."""
import numba
import numpy as np
import torch
from torch import nn

from sounds import SOUNDS

RATE, FFT, HOP, BANDS, FLOOR = 16000, 400, 160, 40, 1e-4
WIDTH, DILATION = 160, (1, 2, 3, 4, 6)


def triangles():
    """Slaney's mel scale, 0 to 8 kHz, triangles of area one (src/audio/mel.c)."""
    mel = (15 + 27 * np.log(8) / np.log(6.4)) * np.arange(BANDS + 2) / (BANDS + 1)
    hz = np.where(mel < 15, mel * 200 / 3, 1000 * np.exp((mel - 15) * np.log(6.4) / 27))
    low, mid, high = hz[:-2, None], hz[1:-1, None], hz[2:, None]
    f = np.arange(FFT // 2 + 1) * RATE / FFT
    return np.maximum(0, np.minimum((f - low) / (mid - low), (high - f) / (high - mid)) * 2 / (high - low))


TRIANGLES = triangles().astype(np.float32)
HANN = (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(FFT) / FFT)).astype(np.float32)


def centred(x):
    """Less each band's mean over the louder frames."""
    level = x.mean(1)
    return x - x[level >= level.mean()].mean(0)


def features(wave):
    """wave at 16 kHz -> [frames][40]"""
    n = len(wave) // HOP + 1
    padded = np.zeros(n * HOP + FFT, np.float32)
    padded[FFT // 2:FFT // 2 + len(wave)] = wave
    frames = np.lib.stride_tricks.sliding_window_view(padded, FFT)[::HOP][:n] * HANN
    power = (np.abs(np.fft.rfft(frames)) ** 2).astype(np.float32) @ TRIANGLES.T
    return centred(np.log(power / (power.mean() + 1e-12) + FLOOR)).astype(np.float32)


def columns(frames):
    """[frames][40] -> [ceil(frames / 2)][80]"""
    if len(frames) % 2:
        frames = np.concatenate([frames, frames[-1:]])
    return np.ascontiguousarray(frames.reshape(-1, 2 * BANDS), np.float32)


def around(x, d):
    """Rows t - d, t, t + d side by side."""
    zero = torch.zeros(d, x.shape[1])
    return torch.cat([torch.cat([zero, x[:-d]]), x, torch.cat([x[d:], zero])], 1)


class Ear(nn.Module):
    """Written with matrix products of rows, which a busy CPU does ten times faster than torch's convolutions."""

    def __init__(self):
        super().__init__()
        self.input = nn.Linear(3 * 2 * BANDS, WIDTH)
        self.layers = nn.ModuleList(nn.Linear(3 * WIDTH, WIDTH) for _ in DILATION)
        self.output = nn.Linear(WIDTH, len(SOUNDS))
        for layer in self.layers:
            nn.init.normal_(layer.weight, 0, 0.5 * (2 / (3 * WIDTH)) ** 0.5)
            nn.init.zeros_(layer.bias)

    def forward(self, x, drop=0.0):
        h = torch.relu(self.input(around(x, 1)))
        for layer, d in zip(self.layers, DILATION):
            h = h + torch.relu(layer(around(nn.functional.dropout(h, drop, self.training), d)))
        return self.output(h)

    @torch.no_grad()
    def logs(self, frames):
        self.eval()
        return torch.log_softmax(self(torch.from_numpy(columns(frames))), 1).numpy()


@numba.njit(cache=True)
def align(score, chain):
    """The state of each row of score [T][sounds] on the best path through the chain; silences may be left out."""
    t_count, s_count = score.shape[0], chain.shape[0]
    best = np.full((t_count, s_count), -1e30, np.float32)
    back = np.zeros((t_count, s_count), np.int8)
    best[0, 0] = score[0, chain[0]]
    if s_count > 1:
        best[0, 1] = score[0, chain[1]]
    for t in range(1, t_count):
        for s in range(s_count):
            most, step = best[t - 1, s], 0
            if s > 0 and best[t - 1, s - 1] > most:
                most, step = best[t - 1, s - 1], 1
            if s > 1 and chain[s - 1] == 0 and best[t - 1, s - 2] > most:
                most, step = best[t - 1, s - 2], 2
            best[t, s] = most + score[t, chain[s]]
            back[t, s] = step
    s = s_count - 1
    if s_count > 1 and best[t_count - 1, s - 1] > best[t_count - 1, s]:
        s -= 1
    path = np.zeros(t_count, np.int64)
    for t in range(t_count - 1, -1, -1):
        path[t] = s
        s -= back[t, s]
    return path
