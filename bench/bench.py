#!/usr/bin/env python3
"""The one table of `make bench`: speed beside ONNX Runtime, first audio, sessions and memory, for each CPU level.

    bench.py --engine build/release/bench/bench_engine --program build/timbre --onnx-parts A B C D
             [--hold 120] [--runs 5]

Runs bench_kokoro.py (contestants in turn, on the same tokens) and load.py (real clients) once for each level."""
import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent


def json_of(path, *command, **more):
    subprocess.run([sys.executable, *map(str, command), "--json", path], check=True, **more)
    return json.loads(Path(path).read_text())


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--engine", required=True)
    p.add_argument("--program", required=True)
    p.add_argument("--model", default="var/models/kokoro")
    p.add_argument("--onnx-parts", nargs="+", required=True)
    p.add_argument("--hold", default="120")
    p.add_argument("--runs", default="5")
    a = p.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        speed = json_of(f"{folder}/speed", HERE / "bench_kokoro.py", "--engine", a.engine, "--model",
                        f"{a.model}/kokoro.safetensors", "--runs", a.runs, "--onnx-parts", *a.onnx_parts)
        levels = list(dict.fromkeys(r["level"] for r in speed["rows"]))
        served = {}
        for level in levels:
            print(f"\nlevel {level}:", flush=True)
            served[level] = json_of(f"{folder}/served", HERE / "load.py", "--program", a.program, "--sessions", "1,2",
                                    "--hold", a.hold, env={**os.environ, "TB_CPU": level})
    print("\n| level | text | threads | RTF | arithmetic floor | ONNX Runtime int8 | fp32 "
          "| times faster than the better |\n|---|---|---|---|---|---|---|---|")
    for r in speed["rows"]:
        print(f"| {r['level']} | {r['text']} | {r['threads']} | {r['engine']:.3f} | {r['floor']:.3f} "
              f"| {r['int8']:.3f} | {r['fp32']:.3f} | {r['ratio']:.2f} |")
    print("\n| level | first audio p50, p99, alone | RTF served | K | in "
          f"{a.hold} s of K: underruns, first audio p50 | enrolment of 20 s beside two | memory at rest, most | "
          "2,000 idle sockets | start to ready | load |\n|---|---|---|---|---|---|---|---|---|---|")
    for level, s in served.items():
        one = s["curve"][0]
        print(f"| {level} | {one['p50']:.0f}, {one['p99']:.0f} ms | {s['rtf']:.3f} | {s['k']} "
              f"| {s['hold']['underruns']}, {s['hold']['p50']:.0f} ms "
              f"| {max(s['enrol']['seconds']):.2f} s, {s['enrol']['underruns']} underruns "
              f"| {s['rest_mb']}, {s['most_mb']} MB "
              f"| {s['idle']['more_mb']} MB, {100 * s['idle']['cpu']:.1f} % of a core "
              f"| {s['start_s']:.2f} s | {s['load']:.1f} |")
    print(f"\n{os.cpu_count()} cores, {speed['peak']:.1f} GFLOP/s each; load now {os.getloadavg()[0]:.1f}")


if __name__ == "__main__":
    main()
