#!/usr/bin/env python3
"""How well the transcript check tells right texts from wrong ones, through the server's own C code; and the fit of the
match's weights.

The list has one recording a line: FILE <tab> LANGUAGE <tab> GROUP <tab> TEXT. Each is held against its own text, four
texts of other recordings of its language (two of them of the nearest length) and its own text with 30 % of the words
replaced by random words of the language, twice; clean, with pink noise at 10 dB, and after MP3 at 64 kbit/s.

    evaluate.py --list clips.tsv --bench build/release/bench/bench_listen --model var/models/kokoro --helpers build
    evaluate.py ... --fit fitted --ear assets/kokoro/ear.safetensors     # weights from the group "fitted"
"""
import argparse
import pickle
import random
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import soundfile as sf

CONDITIONS = ["clean", "noise 10 dB", "MP3 64 kbit/s"]
MEASURES = 8
LEAST, ADVISE = 0.1, 0.5  # src/voices/transcript.c
LENIENT = 3.0  # added to the fitted log-odds: right texts in an accent that the ear has not heard are this much lower


def noisy(wave, snr_db, rng):
    spectrum = np.fft.rfft(rng.normal(size=len(wave)))
    spectrum /= np.sqrt(np.maximum(1, np.fft.rfftfreq(len(wave), 1 / 16000) / 100))
    noise = np.fft.irfft(spectrum, len(wave))
    loud = wave[np.abs(wave) > 0.02 * np.abs(wave).max()]
    return wave + noise * np.sqrt(np.mean(loud ** 2) / np.mean(noise ** 2) / 10 ** (snr_db / 10))


def mp3(wave):
    pipe = ["ffmpeg", "-v", "quiet", "-i", "-"]
    raw = ["ffmpeg", "-v", "quiet", "-f", "f32le", "-ar", "16000", "-ac", "1", "-i", "-"]
    coded = subprocess.run(raw + ["-ar", "24000", "-b:a", "64k", "-f", "mp3", "-"],
                           input=wave.astype("<f4").tobytes(), capture_output=True, check=True).stdout
    return np.frombuffer(subprocess.run(pipe + ["-ar", "16000", "-f", "f32le", "-"], input=coded, capture_output=True,
                                        check=True).stdout, "<f4")


def replaced(text, words):
    out = text.split()
    for i in random.sample(range(len(out)), max(1, round(0.3 * len(out)))):
        word = random.choice(words)
        while word.lower() == re.sub(r"\W", "", out[i].lower()):
            word = random.choice(words)
        out[i] = word
    return " ".join(out)


def replaced_letters(text, letters):
    """For scripts without spaces."""
    out = list(text)
    for i in random.sample(range(len(out)), max(1, round(0.3 * len(out)))):
        out[i] = random.choice(letters)
    return "".join(out)


def texts_for(clips):
    """[(kind, text)] of each clip."""
    for c in clips:
        others = sorted((o for o in clips if o["lang"] == c["lang"] and o["text"] != c["text"]),
                        key=lambda o: abs(len(o["text"]) - len(c["text"])))
        c["texts"] = [("right", c["text"])] + [("wrong", o["text"]) for o in others[:2]]
        c["texts"] += [("wrong", o["text"]) for o in random.sample(others[2:], min(2, len(others[2:])))]
        pool = [o["text"] for o in others] or [c["text"]]
        if c["lang"] in ("zh", "ja"):
            letters = [x for t in pool for x in t if x.isalpha()]
            c["texts"] += [("part", replaced_letters(c["text"], letters)) for _ in range(2)]
        else:
            words = [w for t in pool for w in re.findall(r"[^\W\d_]{3,}", t)]
            c["texts"] += [("part", replaced(c["text"], words)) for _ in range(2)]


def run_bench(a, clips):
    """Rows of numbers: (group, language, condition, kind, seconds, match, measures...), and microseconds."""
    lines, about = [], []
    with tempfile.TemporaryDirectory() as folder:
        folder = a.work or folder
        Path(folder).mkdir(exist_ok=True)
        for n, c in enumerate(clips):
            wave, rate = sf.read(c["file"], dtype="float32")
            if rate != 16000:
                sys.exit(f"{c['file']}: {rate} Hz, 16000 Hz is wanted")
            for k in range(a.conditions):
                path = f"{folder}/{n}_{k}.f32"
                if not Path(path).exists():
                    made = wave if k == 0 else noisy(wave, 10, np.random.default_rng(n)) if k == 1 else mp3(wave)
                    made.astype("<f4").tofile(path)
                for kind, text in c["texts"]:
                    lines.append(f"{path}\t{c['lang']}\t{' '.join(text.split())}\n")
                    about.append((c["group"], c["lang"], k, kind, len(wave) / 16000, c["file"]))
        out = subprocess.run([a.bench, a.model, a.helpers], input="".join(lines).encode(), stdout=subprocess.PIPE,
                             check=True).stdout.decode().splitlines()
    rows = []
    for who, line in zip(about, out):
        if line.startswith("error"):  # more sounds than frames: no match, and nothing to fit on
            rows.append(who + (0.0, None, None))
            continue
        v = [float(x) for x in line.split("\t")]
        rows.append(who + (v[0], np.array(v[1:1 + MEASURES]), v[1 + MEASURES:]))
    return rows


def auc(right, other):
    if not len(right) or not len(other):
        return float("nan")
    r, o = np.asarray(right)[:, None], np.asarray(other)[None]
    return float(np.mean(r > o) + 0.5 * np.mean(r == o))


def fit(rows, groups, ear):
    from safetensors.numpy import load_file, save_file
    from sklearn.linear_model import LogisticRegression
    rows = [r for r in rows if r[0] in groups and r[7] is not None]
    x = np.array([r[7] for r in rows])
    y = np.array([r[3] == "right" for r in rows])
    weight = np.where(y, 3.0, 1.0)
    mean, scale = x.mean(0), x.std(0) + 1e-6
    model = LogisticRegression(C=0.3, max_iter=2000).fit((x - mean) / scale, y, sample_weight=weight)
    w = model.coef_[0] / scale
    tensors = load_file(ear)
    tensors["match.weight"] = w.astype(np.float32)
    tensors["match.bias"] = np.array([LENIENT + model.intercept_[0] - w @ mean], np.float32)
    save_file(tensors, ear)
    print("weights", np.round(w, 3), "bias", tensors["match.bias"][0])
    return w, tensors["match.bias"][0]


def table(rows):
    print("| group | condition | clips | AUC wrong | AUC 30 % | the same, 6 s and more | right refused "
          "| right advised | wrong refused | 30 % refused or advised |\n|---|---|---|---|---|---|---|---|---|---|")
    for group in sorted({r[0] for r in rows}):
        for k, name in enumerate(CONDITIONS):
            of = lambda kind, least=0.0: np.array([r[6] for r in rows if r[0] == group and r[2] == k and r[3] == kind
                                                   and r[4] >= least])
            right, wrong, part = of("right"), of("wrong"), of("part")
            if len(right):
                print(f"| {group} | {name} | {len(right)} | {auc(right, wrong):.4f} | {auc(right, part):.3f} | "
                      f"{auc(of('right', 6), of('part', 6)):.3f} | {np.sum(right < LEAST)} | "
                      f"{np.sum((right >= LEAST) & (right < ADVISE))} | {np.mean(wrong < LEAST):.3f} | "
                      f"{np.mean(part < ADVISE):.3f} |")
    times = np.array([r[8] for r in rows if r[8] is not None and r[4] > 10])
    if len(times):
        print("milliseconds for recordings over 10 s, median: phonemes %.1f, ear %.1f, alignment %.1f" %
              tuple(np.median(times, 0) / 1000))
    for r in sorted((r for r in rows if r[3] == "right" and r[2] == 0), key=lambda r: r[6])[:8]:
        print(f"lowest of the right ones: {r[6]:.3f} {Path(r[5]).name}")


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--list", required=True)
    p.add_argument("--bench", required=True)
    p.add_argument("--model", required=True)
    p.add_argument("--helpers", required=True)
    p.add_argument("--conditions", type=int, default=3, help="1: clean only")
    p.add_argument("--fit", nargs="*", default=[], help="groups that the match's weights are fitted on")
    p.add_argument("--ear", help="the file that gets them")
    p.add_argument("--work", help="keep the noisy and the MP3 copies in this folder, and use what is there")
    p.add_argument("--save", help="keep the rows behind the table in this file (pickle)")
    a = p.parse_args()
    random.seed(7)
    names = ("file", "lang", "group", "text")
    clips = [dict(zip(names, line.split("\t", 3))) for line in Path(a.list).read_text(encoding="utf-8").splitlines()]
    texts_for(clips)
    rows = run_bench(a, clips)
    if a.fit:
        w, bias = fit(rows, a.fit, a.ear)
        rows = [r if r[7] is None else r[:6] + (1 / (1 + np.exp(-r[7] @ w - bias)),) + r[7:] for r in rows]
    if a.save:
        Path(a.save).write_bytes(pickle.dumps(rows))
    table(rows)


if __name__ == "__main__":
    main()
