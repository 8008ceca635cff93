"""What can be measured of spoken audio without ears: pitch, rate, level, joins, pauses, repetition, words, right text.

Waves are float32, mono, in [-1, 1]. Nothing here shares code with what is judged but the activity detector of
tools/speaker.py, and nothing here is an objective of the adapter.
"""
import re
import unicodedata

import numpy as np
import soxr
from scipy.fft import dct
from scipy.signal import butter, sosfilt

import speaker

PITCH_RATE, LOW_HZ, HIGH_HZ = 8000, 55, 500
HOP_S = 0.01


# Pitch and level --------------------------------------------------------------------------------------------------
def pitch(wave, rate):
    """F0 in Hz for each 10 ms, 0 where unvoiced: normalised cross-correlation, twice; the second time within 1.8 of the
    first median, which takes out most octave errors. Rumble below 70 Hz is taken out first: it repeats at every lag."""
    x = soxr.resample(np.asarray(wave, np.float64), rate, PITCH_RATE, "HQ")
    x = sosfilt(butter(4, 70, "high", fs=PITCH_RATE, output="sos"), x)
    window, hop = 240, int(PITCH_RATE * HOP_S)
    lags = np.arange(PITCH_RATE // HIGH_HZ, PITCH_RATE // LOW_HZ + 2)
    frames = (len(x) - window - lags[-1] - 1) // hop
    if frames < 5:
        return np.zeros(0)
    at = np.arange(frames) * hop
    power = np.concatenate([[0], np.cumsum(x ** 2)])
    energy = lambda i: power[i + window] - power[i]  # noqa: E731
    score = np.empty((len(lags), frames))
    for k, lag in enumerate(lags):
        product = np.concatenate([[0], np.cumsum(x[:-lag] * x[lag:])])
        score[k] = (product[at + window] - product[at]) / np.sqrt(energy(at) * energy(at + lag) + 1e-8)
    loud = energy(at) > energy(at).max() * 1e-4
    found = best_lag(score, lags, loud)
    if (found > 0).sum() < 10:
        return np.zeros(frames)
    middle = np.median(found[found > 0])
    keep = (PITCH_RATE / lags > middle / 1.8) & (PITCH_RATE / lags < middle * 1.8)
    return best_lag(score[keep], lags[keep], loud)


def best_lag(score, lags, loud):
    """The lag of the best peak of each frame, refined by a parabola, as Hz; long lags pay a little."""
    paid = score - 0.03 * np.log2(lags / lags[0])[:, None]
    peak = (score[1:-1] >= score[:-2]) & (score[1:-1] >= score[2:])
    paid[1:-1][~peak], paid[[0, -1]] = -9, -9
    k = np.clip(paid.argmax(0), 1, len(lags) - 2)
    i = np.arange(score.shape[1])
    a, b, c = score[k - 1, i], score[k, i], score[k + 1, i]
    shift = np.clip(0.5 * (a - c) / np.minimum(a - 2 * b + c, -1e-9), -0.5, 0.5)
    return np.where(loud & (b > 0.55) & (paid[k, i] > -9), PITCH_RATE / (lags[k] + shift), 0)


def pitch_summary(wave, rate):
    f0 = pitch(wave, rate)
    f0 = f0[f0 > 0]
    if len(f0) < 10:
        return None, None
    q1, q2, q3 = np.percentile(np.log(f0), [25, 50, 75])
    return float(np.exp(q2)), float((q3 - q1) / 1.349)


def active(wave, rate):
    """Samples at 16 kHz and one flag for each 30 ms of them."""
    x = np.asarray(wave, np.float32) if rate == speaker.RATE else soxr.resample(np.asarray(wave, np.float32), rate,
                                                                              speaker.RATE, "HQ")
    return x, speaker.activity(x)


def levels(wave, rate):
    """Level of the speech and peak, dBFS; seconds of speech; the longest pause inside; silence before and after."""
    x, flags = active(wave, rate)
    frame = speaker.FRAME / speaker.RATE
    on = np.flatnonzero(flags)
    if not len(on):
        return {"level_db": None, "peak_db": None, "speech_s": 0.0, "longest_pause_s": None, "lead_s": None,
                "tail_s": None}
    speech = x[:len(flags) * speaker.FRAME].reshape(-1, speaker.FRAME)[on]
    return {"level_db": float(10 * np.log10(np.mean(speech.astype(float) ** 2) + 1e-12)),
            "peak_db": float(20 * np.log10(np.abs(wave).max() + 1e-9)),
            "speech_s": len(on) * frame, "longest_pause_s": float((np.diff(on).max(initial=1) - 1) * frame),
            "lead_s": float(on[0] * frame), "tail_s": float((len(flags) - 1 - on[-1]) * frame)}


# Joins and clicks -------------------------------------------------------------------------------------------------
def flux(wave, rate):
    """[len / 2 ms]: how far the spectrum of the 8 ms after each instant is from that of the 8 ms before, in dB over 12
    bands; bands 60 dB below the loudest count as silent."""
    n, hop = int(rate * 0.008), int(rate * 0.002)
    count = (len(wave) - n) // hop + 1
    frames = wave[np.arange(count)[:, None] * hop + np.arange(n)] * np.hanning(n)
    power = np.abs(np.fft.rfft(frames, 256)) ** 2
    edges = np.unique(np.geomspace(2, power.shape[1], 13).astype(int))
    bands = np.add.reduceat(power[:, :edges[-1]], edges[:-1], axis=1)
    log = 10 * np.log10(np.maximum(bands, bands.max() * 1e-6))
    step = n // hop
    out = np.zeros(count + step)
    out[step:count] = np.abs(log[step:] - log[:-step]).mean(1)
    return out[:count]


def join_percentiles(wave, rate, joins):
    """For each join (a sample): which percentile of all the flux inside the audio is the largest within 6 ms of it. 50
    is what an arbitrary place would give, 100 is the worst place of the recording."""
    f, hop = flux(wave, rate), int(rate * 0.002)
    near = np.array([f[max(0, j // hop - 3):j // hop + 4].max(initial=0) for j in joins])
    width = 7
    inside = np.lib.stride_tricks.sliding_window_view(f, width).max(1) if len(f) > width else f
    return [float(100 * np.mean(inside < v)) for v in near]


def clicks(wave, rate):
    """Places where one sample breaks out of what is around: its second difference is over 12 times the 95th percentile
    of those within 20 ms, and louder than -50 dBFS."""
    d = np.abs(np.diff(np.asarray(wave, np.float64), 2))
    block = int(rate * 0.04)
    count = 0
    for at in range(0, len(d) - block, block // 2):
        piece = d[at:at + block]
        middle = piece[block // 4:block - block // 4]
        k = middle.argmax()
        if middle[k] > max(12 * np.percentile(piece, 95), 10 ** (-50 / 20)):
            count += 1
    return count


def find(part, whole, start=0):
    """Where `part` lies in `whole` (samples, from start on) and how well it fits (-1 .. 1): by cross-correlation."""
    rest = whole[start:]
    if len(rest) < len(part):
        return start, 0.0
    n = 1 << int(np.ceil(np.log2(len(rest) + len(part))))
    c = np.fft.irfft(np.fft.rfft(rest, n) * np.conj(np.fft.rfft(part, n)), n)[:len(rest) - len(part) + 1]
    power = np.concatenate([[0], np.cumsum(rest.astype(float) ** 2)])
    norm = np.sqrt(np.maximum(power[len(part):] - power[:-len(part)], 1e-9) * np.sum(part.astype(float) ** 2))
    k = int((c / norm).argmax())
    return start + k, float(c[k] / norm[k])


# Sounds: cepstra without pauses, alignment --------------------------------------------------------------------------
MEL_LOW, MEL_HIGH, BANDS, CEPSTRA = 60, 7600, 30, 24


def mel_filters(fft=512):
    to, back = (lambda f: 2595 * np.log10(1 + f / 700)), (lambda m: 700 * (10 ** (m / 2595) - 1))
    e, f = back(np.linspace(to(MEL_LOW), to(MEL_HIGH), BANDS + 2)), np.arange(fft // 2 + 1) * 16000 / fft
    up, down = (f - e[:-2, None]) / np.diff(e)[:-1, None], (e[2:, None] - f) / np.diff(e)[1:, None]
    return np.maximum(0, np.minimum(up, down))


FILTERS = mel_filters()


def cepstra(wave):
    """[n] at 16 kHz -> [frames of 10 ms][24]; the first is the level."""
    x = np.append(wave[:1], wave[1:] - 0.97 * wave[:-1]).astype(np.float32)
    count = (len(x) - 400) // 160 + 1
    if count < 1:
        return np.zeros((0, CEPSTRA), np.float32)
    frames = x[np.arange(count)[:, None] * 160 + np.arange(400)] * np.hamming(400).astype(np.float32)
    return dct(np.log(np.abs(np.fft.rfft(frames, 512)) ** 2 @ FILTERS.T + 1e-8), axis=1, norm="ortho")[:, :CEPSTRA] \
        .astype(np.float32)


def sounds(wave, rate, every=2):
    """Cepstra of what is within 32 dB of the loudest, mean and spread taken out, five frames over 160 ms stacked,
    length 1: [frames of every x 10 ms][60]."""
    x, _ = active(wave, rate)
    c = cepstra(x)
    c = c[c[:, 0] > c[:, 0].max() - 32 / 4.34 * np.sqrt(BANDS)][:, 1:13] if len(c) else c[:, 1:13]
    if len(c) < 20:
        return np.zeros((0, 60), np.float32)
    c = (c - c.mean(0)) / (c.std(0) + 1e-6)
    padded = np.pad(c, ((8, 8), (0, 0)), mode="edge")
    stacked = np.concatenate([padded[k:k + len(c)] for k in (0, 4, 8, 12, 16)], axis=1)[::every]
    return stacked / (np.linalg.norm(stacked, axis=1, keepdims=True) + 1e-9)


def aligned_distance(a, b):
    """Mean cosine distance along the best monotone path between two sounds(); 0 the same, about 1 unrelated."""
    if not len(a) or not len(b):
        return 1.0
    cost = 1 - a @ b.T
    n, m = cost.shape
    total = np.full((n + 1, m + 1), np.inf)
    length = np.zeros((n + 1, m + 1))
    total[0, 0] = 0
    for d in range(2, n + m + 1):  # cells of one anti-diagonal do not depend on each other
        i = np.arange(max(1, d - m), min(n, d - 1) + 1)
        j = d - i
        before = np.stack([total[i - 1, j - 1], total[i - 1, j], total[i, j - 1]])
        steps = np.stack([length[i - 1, j - 1], length[i - 1, j], length[i, j - 1]])
        k = before.argmin(0)
        c = np.arange(len(i))
        total[i, j] = before[k, c] + cost[i - 1, j - 1]
        length[i, j] = steps[k, c] + 1
    return float(total[n, m] / length[n, m])


def repeats(wave, rate):
    """Likeness (0..1) of the most alike two stretches of 0.5 s, at least 0.6 s apart: near 1 when something is said
    twice."""
    s = sounds(wave, rate)
    width, apart = 25, 30
    if len(s) < width + apart:
        return 0.0
    best = 0.0
    for lag in range(apart, len(s) - width):
        like = np.concatenate([[0], np.cumsum((s[lag:] * s[:-lag]).sum(1))])
        best = max(best, float((like[width:] - like[:-width]).max() / width))
    return best


# Words --------------------------------------------------------------------------------------------------------------
DIGITS = dict(zip("0 1 2 3 4 5 6 7 8 9 10".split(), "zero one two three four five six seven eight nine ten".split()))
AMERICAN = {"harbour": "harbor", "travellers": "travelers", "neighbour": "neighbor", "colour": "color", "grey": "gray"}


def words(text):
    """Lower case, no punctuation, digits up to ten and British spellings as Whisper's English writes them."""
    text = unicodedata.normalize("NFKC", text).lower().replace("’", "'")
    found = re.findall(r"[a-z0-9']+", text)
    return [AMERICAN.get(w, DIGITS.get(w, w)) for w in found]


def word_errors(wanted, heard):
    """(substitutions + insertions + deletions, words wanted, insertions)"""
    a, b = words(wanted), words(heard)
    d = np.zeros((len(a) + 1, len(b) + 1), int)
    d[:, 0], d[0] = np.arange(len(a) + 1), np.arange(len(b) + 1)
    for i in range(1, len(a) + 1):
        for j in range(1, len(b) + 1):
            d[i, j] = min(d[i - 1, j - 1] + (a[i - 1] != b[j - 1]), d[i - 1, j] + 1, d[i, j - 1] + 1)
    i, j, inserted = len(a), len(b), 0
    while i or j:
        if i and j and d[i, j] == d[i - 1, j - 1] + (a[i - 1] != b[j - 1]):
            i, j = i - 1, j - 1
        elif j and d[i, j] == d[i, j - 1] + 1:
            j, inserted = j - 1, inserted + 1
        else:
            i -= 1
    return int(d[-1, -1]), len(a), inserted


def said_twice(wanted, heard):
    """Words heard twice in a row, one to four together, that the text has once."""
    a, b = " ".join(words(wanted)), words(heard)
    count = 0
    for n in range(1, 5):
        for i in range(len(b) - 2 * n + 1):
            twice = " ".join(b[i:i + 2 * n])
            count += b[i:i + n] == b[i + n:i + 2 * n] and twice not in a
    return count


def syllables(text):
    """Of English, by groups of vowel letters; wrong for one word in ten, in the same way on both sides of a
    comparison."""
    return sum(max(1, len(re.findall(r"[aeiouy]+", re.sub(r"(?<=[^aeiou])e(s|d)?$", "", w)))) for w in words(text))
