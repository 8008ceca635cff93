#!/usr/bin/env python3
"""Real-time factor of the C engine beside ONNX Runtime, on the same tokens in the same run.

    bench_kokoro.py --engine build/release/bench/bench_engine --model var/models/kokoro/kokoro.safetensors
                    --onnx-parts A B C D [--runs 3]

Each contestant runs in a process of its own, in turn, `runs` times; the best counts, so that other load on the machine
disturbs least. The int8 graph is the published one, fp32 the same dequantised."""
import argparse
import json
import math
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from safetensors.numpy import load_file

ROOT = Path(__file__).resolve().parent.parent
CASE = ROOT / "tests/golden/kokoro/sentence.safetensors"
TEXTS = {"3 s": 1, "12 s": 5}  # how often the sentence is said

CHILD = """
import sys, time, numpy as np, onnxruntime as ort
from safetensors.numpy import load_file
path, threads, repeat = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
case = load_file(sys.argv[4])
o = ort.SessionOptions(); o.intra_op_num_threads = threads; o.inter_op_num_threads = 1; o.log_severity_level = 3
s = ort.InferenceSession(path, o, providers=["CPUExecutionProvider"])
t = case["tokens"].astype(np.int64)
feed = {"tokens": np.concatenate([[0], np.tile(t[1:-1], repeat), [0]])[None], "speed": np.ones(1, np.float32),
        "style": np.concatenate([case["styles"][0], case["prosody"]])[None]}
best = 1e9
for _ in range(2):
    a = time.perf_counter(); y = s.run(None, feed)[0]; best = min(best, time.perf_counter() - a)
print(f"audio={y.size / 24000:.2f} seconds={best:.3f}")
"""


# Products of one weight, per token (n) and frame (f) of 25 ms; the first prefix that fits.
COLUMNS = (
    ("bert.encoder.albert", 12, 0), ("bert.encoder.embedding_hidden", 1, 0), ("bert_encoder", 1, 0),
    ("text_encoder.cnn", 1, 0), ("text_encoder.lstm", 1, 0), ("predictor.text_encoder.lstms", 1, 0),
    ("predictor.lstm", 1, 0), ("predictor.duration", 1, 0), ("predictor.shared", 0, 1), ("predictor.F0.0", 0, 1),
    ("predictor.N.0", 0, 1), ("predictor.F0", 0, 2), ("predictor.N", 0, 2), ("decoder.decode.3", 0, 2),
    ("decoder.generator.ups.0", 0, 2), ("decoder.generator.ups.1", 0, 20), ("decoder.generator.noise_convs.0", 0, 20),
    ("decoder.generator.noise_convs.1", 0, 120), ("decoder.generator.noise_res.0", 0, 20),
    ("decoder.generator.noise_res.1", 0, 120), *((f"decoder.generator.resblocks.{i}", 0, 20) for i in range(3)),
    ("decoder.generator.resblocks", 0, 120), ("decoder.generator.conv_post", 0, 120), ("decoder", 0, 1),
)


def shapes_of(path):
    with open(path, "rb") as f:
        header = json.loads(f.read(int.from_bytes(f.read(8), "little")))
    return {k: v["shape"] for k, v in header.items() if k != "__metadata__"}


def products(shapes, tokens, frames):
    """Multiplications of the plain convolutions and matrix products of one pass."""
    total = 0
    for name, shape in shapes.items():
        if len(shape) < 2 or name.endswith((".scale", ".zero")) or ".fc." in name or ".weight" not in name:
            continue
        n, f = next(((n, f) for prefix, n, f in COLUMNS if name.startswith(prefix)), (0, 0))
        total += math.prod(shape) * (n * tokens + f * frames)
    return total


def seconds(command):
    out = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    found = dict(re.findall(r"(\w+)=([\d.]+)", out))
    return float(found["seconds"]), float(found["audio"])


def contest(options, folder, text, repeat, threads, levels):
    """All contestants in turn, `runs` times; one row for each level of the engine."""
    ort = [sys.executable, "-c", CHILD]
    tail = [str(threads), str(repeat), str(CASE)]
    commands = {level: [options.engine, options.model, str(CASE), str(threads), "2", level, str(repeat)]
                for level in levels}
    commands |= {name: [*ort, f"{folder}/{name}.onnx", *tail] for name in ("int8", "fp32")}
    best, load = {name: 1e9 for name in commands}, os.getloadavg()[0]
    for _ in range(options.runs):
        for name, command in commands.items():
            took, audio = seconds(command)
            best[name] = min(best[name], took / audio)
    tokens = len(load_file(CASE)["tokens"]) - 2
    flops = 2 * products(shapes_of(options.model), tokens * repeat + 2, audio / 0.025)
    for level in levels:
        floor = flops / (options.peak * 1e9 * threads * audio) if level != "c" else float("nan")
        yield {"text": text, "threads": threads, "level": level, "engine": best[level], "int8": best["int8"],
               "fp32": best["fp32"], "floor": floor, "load": load,
               "ratio": min(best["int8"], best["fp32"]) / best[level]}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--engine", required=True)
    parser.add_argument("--model", required=True)
    parser.add_argument("--onnx-parts", nargs="+", required=True)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--levels", help="names, with commas; else all that this machine has but plain C")
    parser.add_argument("--threads", default="1,2")
    parser.add_argument("--json")
    options = parser.parse_args()
    sys.path.insert(0, str(ROOT / "tools"))
    import kokoro_graph
    import onnx


    def run(what):
        return subprocess.run([options.engine, what], capture_output=True, text=True, check=True).stdout

    options.peak = float(run("--peak").split("=")[1])
    levels = options.levels.split(",") if options.levels else [n for n in run("--levels").split() if n != "c"] or ["c"]
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        model = kokoro_graph.load(options.onnx_parts)
        onnx.save(model, f"{folder}/int8.onnx")
        onnx.save(kokoro_graph.dequantise(model), f"{folder}/fp32.onnx")
        print(f"one core: {options.peak:.1f} GFLOP/s in a loop of float FMAs; "
              "floor: all products of the plain layers at it")
        print("text  threads  level   engine   floor    int8    fp32  (real-time factors)  "
              "best of ONNX Runtime / engine  load")
        for text, repeat in TEXTS.items():
            for threads in (int(t) for t in options.threads.split(",")):
                for r in contest(options, folder, text, repeat, threads, levels):
                    rows.append(r)
                    print(f"{text:5} {threads:7}  {r['level']:7} {r['engine']:6.3f} {r['floor']:7.3f} {r['int8']:7.3f} "
                          f"{r['fp32']:7.3f} {r['ratio']:52.2f} {r['load']:5.1f}", flush=True)
    if options.json:
        Path(options.json).write_text(json.dumps({"peak": options.peak, "rows": rows}, indent=1))


if __name__ == "__main__":
    main()
