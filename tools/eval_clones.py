#!/usr/bin/env python3
"""How alike are clones? Each recording's first half is enrolled and two sentences are spoken; the second half judges.

Likeness is the cosine of GE2E embeddings (speaker.py). Two numbers frame a clone's: the likeness of the two real halves,
which no clone can pass, and that of the nearest of the stock voices, which is what there is without cloning (only with
--onnx, since the program itself has no stock voices; the nearest is chosen by the enrolled half). The rank says how many
of the evaluated speakers the clone is at least as like as the right one: 1 is the best.

GE2E is also what enrolment optimises, so small gains here prove nothing; a second encoder and ears should agree.

    eval_clones.py --speech DIR --ge2e FILE [--program build/timbre] [--count 20] [--keep DIR]
                   [--onnx DIR --vocab vocab.json --voices DIR]     DIR: enc_fp32.onnx and dec_fp32.onnx
"""
import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import soundfile
import soxr

sys.path.insert(0, str(Path(__file__).resolve().parent / "adapter"))
import speaker  # noqa: E402

# Harvard sentences, which no clip of the adapter's training speaks, and their phonemes for the stock voices.
SENTENCES = ["The birch canoe slid on the smooth planks.", "Glue the sheet to the dark blue background."]
PHONEMES = ["ðə bˈɜɹʧ kənˈu slˈɪd ˌɔn ðə smˈuð plˈæŋks.", "ɡlˈu ðə ʃˈit tə ðə dˈɑɹk blˈu bˈækɡɹˌWnd."]
LEAST_SECONDS = 14
RATE = 24000


def recordings(folder, count):
    """(name, first half, second half, rate) of recordings that are long enough, one of each speaker."""
    seen = set()
    for path in sorted(p for p in Path(folder).rglob("*") if p.suffix in (".flac", ".wav")):
        who = path.stem.split("-")[0]
        if who in seen or len(seen) == count:
            continue
        wave, rate = soundfile.read(path, dtype="float32", always_2d=True)
        if len(wave) < LEAST_SECONDS * rate:
            continue
        seen.add(who)
        half = len(wave) // 2
        yield path.stem, wave[:half].mean(1), wave[half:].mean(1), rate


class Program:
    """Clones of build/timbre, kept in a data folder that goes away."""

    def __init__(self, path, keep):
        self.path, self.dir, self.keep = path, tempfile.TemporaryDirectory(), keep
        self.seconds = []

    def run(self, *args):
        done = subprocess.run([self.path, *args, "--data", self.dir.name + "/data"], capture_output=True, text=True)
        if done.returncode:
            sys.exit(f"{' '.join([self.path, *args])}: {done.stderr.strip()}")
        return done.stdout.strip()

    def speak(self, name, wave, rate):
        sample = Path(self.dir.name, "sample.wav")
        soundfile.write(sample, soxr.resample(wave, rate, RATE), RATE, "PCM_16")
        start = time.time()
        voice = self.run("clone", str(sample), "--name", "eval")
        self.seconds.append(time.time() - start)
        out = []
        for k, text in enumerate(SENTENCES):
            file = Path(self.keep or self.dir.name, f"{name}-{k}.wav")
            self.run("say", "--voice", voice, "--language", "en", "--format", "wav", "-o", str(file), text)
            out.append(soundfile.read(file, dtype="float32"))
        self.run("delete", voice)
        return np.concatenate([w for w, _ in out]), out[0][1]


class Stock:
    """The stock voice nearest to an embedding, spoken by ONNX Runtime; sentences of nearest voices are kept."""

    def __init__(self, onnx, vocab, voices, encoder):
        import sample
        self.sample, self.encoder, self.made = sample, encoder, {}
        self.sessions = [sample.session(Path(onnx, f"{x}_fp32.onnx"), 1) for x in ("enc", "dec")]
        symbols = json.loads(Path(vocab).read_text(encoding="utf-8"))["vocab"]
        self.tokens = [np.array([[0] + [symbols[c] for c in s] + [0]], np.int64) for s in PHONEMES]
        self.styles = sample.stock_styles(voices)
        self.embeddings = np.stack([self.encoder.embed(self.speak(i, [0]), RATE) for i in range(len(self.styles))])

    def speak(self, voice, sentences):
        for k in sentences:
            if (voice, k) not in self.made:
                s, style = self.sample, self.styles[voice].reshape(1, 256)
                text, f0, energy = self.sessions[0].run([s.TEXT, s.F0, s.ENERGY], {
                    "tokens": self.tokens[k], "style": style, "speed": np.ones(1, np.float32)})
                self.made[voice, k] = self.sessions[1].run(None, {
                    s.TEXT: text, s.F0: f0, s.ENERGY: energy, "style": style})[0].ravel()
        return np.concatenate([self.made[voice, k] for k in sentences])

    def nearest(self, embedding):
        return self.speak(int(np.argmax(self.embeddings @ embedding)), range(len(PHONEMES)))


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--speech", required=True)
    p.add_argument("--ge2e", required=True)
    p.add_argument("--program", default="build/timbre")
    p.add_argument("--count", type=int, default=20)
    p.add_argument("--keep", help="folder for the spoken files")
    p.add_argument("--onnx")
    p.add_argument("--vocab")
    p.add_argument("--voices")
    a = p.parse_args()
    encoder = speaker.Encoder(a.ge2e)
    program = Program(a.program, a.keep)
    stock = Stock(a.onnx, a.vocab, a.voices, encoder) if a.onnx else None
    if a.keep:
        Path(a.keep).mkdir(parents=True, exist_ok=True)
    names, judges, clones, rows = [], [], [], []
    for name, enrol, judge, rate in recordings(a.speech, a.count):
        e, j = encoder.embed(enrol, rate), encoder.embed(judge, rate)
        c = encoder.embed(*program.speak(name, enrol, rate))
        row = [c @ j, e @ j] + ([encoder.embed(stock.nearest(e), RATE) @ j] if stock else [])
        names.append(name), judges.append(j), clones.append(c), rows.append(row)
        print(f"{name:24s} clone {row[0]:.3f}  real {row[1]:.3f}" + (f"  stock {row[2]:.3f}" if stock else ""), flush=True)
    if not rows:
        sys.exit(f"{a.speech}: no recording of {LEAST_SECONDS} s")
    rows, likeness = np.array(rows), np.stack(clones) @ np.stack(judges).T
    rank = (likeness >= np.diag(likeness)[:, None]).sum(1)
    print(f"{len(rows)} speakers: clone {rows[:, 0].mean():.3f} (least {rows[:, 0].min():.3f}), real {rows[:, 1].mean():.3f}"
          + (f", nearest stock {rows[:, 2].mean():.3f} (least {rows[:, 2].min():.3f}), clone better in "
             f"{(rows[:, 0] > rows[:, 2]).sum()}" if stock else ""))
    print(f"rank of the right speaker: median {np.median(rank):.0f}, worst {rank.max()}, first in {(rank == 1).sum()}")
    print(f"clone command: median {np.median(program.seconds):.2f} s, start and loading included")


if __name__ == "__main__":
    main()
