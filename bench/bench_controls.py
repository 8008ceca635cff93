#!/usr/bin/env python3
"""Do speech_rate, pitch_rate and volume do what they say? Measured on real synthesis over HTTP.

    bench_controls.py --speech A.flac B.flac [--program build/timbre] [--model DIR] [--keep DIR] [--whisper DIR]

Each recording becomes a voice; each voice says each text with each value of one control, the others at their defaults.
Reported is the worst over voices and texts, against the same text at the default:
  rate    duration of the whole file, times the rate
  pitch   median, over frames that are voiced in both, of the quotient of pitches by WORLD's tracker (harvest), which
          shares nothing with src/audio/pitch, over the pitch asked for
  volume  level in dB, and samples at full scale
and for all: the longest silence in the text, the largest jump between neighbouring spectra, and words that Whisper
mistakes (--whisper: the folder of a faster-whisper model). --keep: files there are reused, so delete them after a
change of the program.

pip install numpy pyworld requests soundfile soxr faster-whisper"""
import base64
import io
import re
import tempfile
from collections import defaultdict
from pathlib import Path

import numpy as np
import pyworld
import requests
import soundfile
import soxr

from serving import Server, options

TEXTS = ["Where did she go? Nobody knows.",
         "The birch canoe slid on the smooth planks, while the old man watched.",
         "Good evening to all of you."]
DEFAULTS = {"speech_rate": 1, "pitch_rate": 1, "volume": 50}
VALUES = {"speech_rate": [0.5, 0.75, 1, 1.25, 1.5, 2], "pitch_rate": [0.5, 0.7, 1, 1.4, 2],
          "volume": [0, 10, 25, 50, 75, 100]}
RATE = 24000


def speak(server, voice, text, control, value, keep):
    """Samples of the text with one control set; kept in a file."""
    file = Path(keep, re.sub(r"[^\w.]+", "-", f"{voice[1]}-{control}-{value}-{TEXTS.index(text)}") + ".wav")
    if not file.exists():
        answer = server.synthesise(voice[0], text, language_type="English", **{**DEFAULTS, control: value})
        file.write_bytes(requests.get(answer["output"]["audio"]["url"], timeout=60).content)
    return file, soundfile.read(io.BytesIO(file.read_bytes()), dtype="float64")[0]


def track(wave, pitch=1, around=None):
    """Pitch in Hz, 200 frames a second, 0 where there is no voice. The tracker is off below 50 Hz, so what was made at
    half the pitch is played to it at twice the speed, and so on: the voice lies where it usually does. around: its
    usual median in Hz; the octaves beside it are then not looked at, for they are where trackers go wrong."""
    low, high = (0.55 * around, 1.8 * around) if around else (60, 700)
    return pitch * pyworld.harvest(wave, round(RATE / pitch), f0_floor=low, f0_ceil=high, frame_period=5 * pitch)[0]


def usual_pitch(wave):
    """Median in Hz."""
    f0 = track(wave)
    return float(np.median(f0[f0 > 0]))


def pitch_ratio(f0, usual):
    """Trimming may shift one against the other: the shift where the quotients scatter least is the right one."""
    best = (np.inf, np.nan)
    for lag in range(-12, 13):
        a, b = f0[max(lag, 0):], usual[max(-lag, 0):]
        n = min(len(a), len(b))
        both = (a[:n] > 0) & (b[:n] > 0)
        quotients = np.log(a[:n][both] / b[:n][both])
        middle = np.median(quotients) if len(quotients) > 20 else np.nan
        best = min(best, (float(np.median(np.abs(quotients - middle))), float(np.exp(middle))))
    return best[1]


def level_db(wave):
    return 10 * np.log10(np.mean(wave ** 2) + 1e-12)


def longest_silence(wave):
    """Seconds between sounds, at 40 dB under the loudest 10 ms."""
    n = RATE // 100
    power = (wave[:len(wave) // n * n].reshape(-1, n) ** 2).mean(1)
    heard = np.flatnonzero(power > 1e-4 * power.max() + 1e-12)
    return float(np.diff(heard).max() - 1) / 100 if len(heard) > 1 else 0.0


def clicks(wave):
    """Samples that differ from what their neighbours predict by over 20 times what is usual around them."""
    e = np.abs(wave[2:] - 2 * wave[1:-1] + wave[:-2])
    usual = np.sqrt(np.convolve(e ** 2, np.ones(480) / 480, "same")) + 1e-4
    return int((e > 20 * usual).sum())


class Ear:
    def __init__(self, folder):
        import faster_whisper
        self.model = faster_whisper.WhisperModel(folder, device="cpu", compute_type="int8", cpu_threads=1)

    def words(self, file):
        segments, _ = self.model.transcribe(str(file), language="en", beam_size=1)
        return plain(" ".join(s.text for s in segments))


def plain(text):
    return re.sub(r"[^a-z0-9 ]+", " ", text.lower().replace("20", "twenty")).split()


def errors(said, heard):
    """Words to change, drop or add."""
    row = list(range(len(heard) + 1))
    for i, w in enumerate(said, 1):
        last, row[0] = row[0], i
        for j, v in enumerate(heard, 1):
            last, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, last + (w != v))
    return row[-1]


def enrol(server, path, seconds=15):
    wave, rate = soundfile.read(path, dtype="float32", always_2d=True)
    wave = soxr.resample(wave[:seconds * rate].mean(1), rate, RATE)
    data = io.BytesIO()
    soundfile.write(data, wave, RATE, "PCM_16", format="WAV")
    return server.create("data:audio/wav;base64," + base64.b64encode(data.getvalue()).decode()), Path(path).stem


def measure(server, voices, keep, ear):
    """(control, value) -> rows of numbers, one for each voice and text."""
    found = defaultdict(list)
    for voice in voices:
        for text in TEXTS:
            for control, values in VALUES.items():
                if control == "volume" and text != TEXTS[0]:
                    continue
                rows = {}
                around = usual_pitch(speak(server, voice, text, "volume", 50, keep)[1])
                for value in values:
                    name = (control, value) if value != DEFAULTS[control] else ("default", 0)
                    file, wave = speak(server, voice, text, *name, keep) if name[0] != "default" else \
                        speak(server, voice, text, "volume", 50, keep)
                    pitches = track(wave, value, around) if control == "pitch_rate" else None
                    rows[value] = {"seconds": len(wave) / RATE, "f0": pitches, "db": level_db(wave),
                                   "full": float((np.abs(wave) > 0.999).mean()),
                                   "loud": float((np.abs(wave) > 0.95).mean()),
                                   "gap": longest_silence(wave), "clicks": clicks(wave), "words": len(plain(text)),
                                   "wrong": errors(plain(text), ear.words(file)) if ear and value else 0}
                usual = rows[DEFAULTS[control]]
                for value, row in rows.items():
                    found[control, value].append({**row, "usual": usual})
            print(f"{voice[1]}: {text}", flush=True)
    return found


def worst(numbers):
    return max(numbers, key=lambda x: abs(x - 1))


def report(found, heard):
    for (control, value), rows in found.items():
        times = [r["seconds"] / r["usual"]["seconds"] * (value if control == "speech_rate" else 1) for r in rows]
        pitches = [pitch_ratio(r["f0"], r["usual"]["f0"]) / value for r in rows] if control == "pitch_rate" else []
        wrong = sum(r["wrong"] for r in rows) / sum(r["words"] for r in rows)
        print(f"{control:12} {value:<5} duration {np.mean(times):.3f} worst {worst(times):.3f}  "
              + (f"pitch {np.mean(pitches):.3f} worst {worst(pitches):.3f}  " if pitches else "")
              + f"level {np.mean([r['db'] for r in rows]):.1f} dB  "
              f"over .95 {100 * max(r['loud'] for r in rows):.2f} %  "
              f"full {100 * max(r['full'] for r in rows):.2f} %  gap {max(r['gap'] for r in rows):.2f} s  "
              f"clicks {sum(r['clicks'] for r in rows)}" + (f"  words wrong {100 * wrong:.1f} %" if heard else ""))


def main():
    p = options(__doc__)
    p.add_argument("--speech", nargs="+", required=True)
    p.add_argument("--keep")
    p.add_argument("--whisper")
    a = p.parse_args()
    with tempfile.TemporaryDirectory() as folder, Server(a.program, folder, a.model) as server:
        keep = Path(a.keep or folder)
        keep.mkdir(parents=True, exist_ok=True)
        voices = [enrol(server, path) for path in a.speech]
        ear = Ear(a.whisper) if a.whisper else None
        report(measure(server, voices, keep, ear), ear)


if __name__ == "__main__":
    main()
