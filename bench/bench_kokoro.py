#!/usr/bin/env python3
"""Real-time factor of the C engine beside ONNX Runtime, on the same tokens in the same run.

    bench_kokoro.py --engine build/release/bench/bench_engine --model var/models/kokoro/kokoro.safetensors
                    --onnx-parts A B C D [--runs 5]

Each contestant runs in a process of its own, in turn, `runs` times; the best counts, so that other load on the machine
disturbs least. The int8 graph is the published one, fp32 the same dequantised."""
import argparse
import re
import subprocess
import sys
import tempfile
from pathlib import Path

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


def seconds(command):
    out = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    found = dict(re.findall(r"(\w+)=([\d.]+)", out))
    return float(found["seconds"]), float(found["audio"])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--engine", required=True)
    parser.add_argument("--model", required=True)
    parser.add_argument("--onnx-parts", nargs="+", required=True)
    parser.add_argument("--runs", type=int, default=3)
    options = parser.parse_args()
    sys.path.insert(0, str(ROOT / "tools"))
    import kokoro_graph
    import onnx

    with tempfile.TemporaryDirectory() as folder:
        model = kokoro_graph.load(options.onnx_parts)
        int8, fp32 = f"{folder}/int8.onnx", f"{folder}/fp32.onnx"
        onnx.save(model, int8)
        onnx.save(kokoro_graph.dequantise(model), fp32)
        print("text  threads  engine    int8    fp32  (real-time factors)  engine/int8  engine/fp32")
        for text, repeat in TEXTS.items():
            for threads in (1, 2):
                ort = [sys.executable, "-c", CHILD]
                tail = [str(threads), str(repeat), str(CASE)]
                commands = {"engine": [options.engine, options.model, str(CASE), str(threads), "2", "", str(repeat)],
                            "int8": [*ort, int8, *tail], "fp32": [*ort, fp32, *tail]}
                best = {name: 1e9 for name in commands}
                for _ in range(options.runs):
                    for name, command in commands.items():
                        took, audio = seconds(command)
                        best[name] = min(best[name], took / audio)
                print(f"{text:5} {threads:7} {best['engine']:7.3f} {best['int8']:7.3f} {best['fp32']:7.3f} "
                      f"{best['engine'] / best['int8']:33.2f} {best['engine'] / best['fp32']:12.2f}", flush=True)


if __name__ == "__main__":
    main()
