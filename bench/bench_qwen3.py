"""The qwen3 engine beside gabriele-mastrapasqua/qwen3-tts, on one model folder, in turns in one run.

    bench/bench_qwen3.py --bench build/release/bench/bench_qwen3 --model DIR [--peer PROGRAM] [--rounds 2]

The peer is its program as its own Makefile builds it (`make blas`), with --int8, its fastest setting without AVX-512;
it clones a recording that is made here by x-vector, as ours does. Prints each round as it comes, with the machine's
load: milliseconds on the clock, and of processor time where a program tells it.
"""
import argparse
import math
import os
import re
import resource
import struct
import subprocess
import tempfile
import wave

TEXT = "The quick brown fox jumps over the lazy dog, and the voice is natural."
FRAMES = 40
RATE = 24000


def recording(path):
    """Four seconds that are loud enough to have an x-vector."""
    with wave.open(path, "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(RATE)
        out.writeframes(b"".join(struct.pack("<h", int(8000 * math.sin(0.04 * i) * math.sin(0.0003 * i)))
                                 for i in range(4 * RATE)))


def timed(command, **options):
    """Its output, processor seconds and peak memory in MB."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    out = subprocess.run(["/usr/bin/env", "time", "-f", "peak %M", *command], check=True, text=True,
                         stdout=subprocess.PIPE, stderr=subprocess.STDOUT, **options).stdout
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    seconds = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return out, seconds, int(re.search(r"peak (\d+)", out)[1]) / 1024


def peer(program, model, reference, threads, frames):
    environment = {**os.environ, "OPENBLAS_NUM_THREADS": str(threads)}
    return timed([program, "-d", model, "--ref-audio", reference, "--xvector-only", "--text", TEXT, "-l", "English",
                  "--seed", "1", "-m", str(frames), "-j", str(threads), "--int8", "-o", os.devnull], env=environment)


def tell_peer(args, reference):
    short = peer(args.peer, args.model, reference, args.threads, FRAMES // 4)[1]
    out, seconds, peak = peer(args.peer, args.model, reference, args.threads, FRAMES)
    found = {name: float(re.search(pattern, out)[1]) for name, pattern in {
        "prompt of 34 rows": r"Prefill: (\d+) ms", "talker": r"Talker step: .*?\(([\d.]+) ms/f",
        "code predictor": r"Code Predictor: .*?\(([\d.]+) ms/f", "codec": r"Speech decoder: (\d+) ms total",
        "rtf": r"RTF ([\d.]+)", "first audio": r"TTFA: (\d+)"}.items()}
    found["codec"] /= FRAMES
    frame = found["talker"] + found["code predictor"] + found["codec"]
    print("peer:", ", ".join(f"{k} {v:.1f}" for k, v in found.items()))
    print(f"peer: a frame {frame:.1f} ms clock, {1000 * (seconds - short) / (FRAMES - FRAMES // 4):.1f} ms cpu; "
          f"peak memory {peak:.0f} MB", flush=True)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--bench", required=True)
    parser.add_argument("--model", required=True)
    parser.add_argument("--peer")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--weights", default="int8")
    parser.add_argument("--rounds", type=int, default=2)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        reference = os.path.join(folder, "reference.wav")
        recording(reference)
        for _ in range(args.rounds):
            print("load", " ".join(open("/proc/loadavg").read().split()[:3]), flush=True)
            subprocess.run([args.bench, args.model, str(args.threads), args.weights, folder], check=True)
            if args.peer:
                tell_peer(args, reference)
    print("load", " ".join(open("/proc/loadavg").read().split()[:3]))


if __name__ == "__main__":
    main()
