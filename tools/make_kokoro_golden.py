#!/usr/bin/env python3
"""Golden vectors for the C engine: what ONNX Runtime computes on the dequantised graph at each stage.

    make_kokoro_golden.py --onnx-parts A B C D --vocab vocab.json --voices DIR --out tests/golden/kokoro

Three cases, each a safetensors file of floats:
  sentence.safetensors  33 phonemes, one style
  word.safetensors      6 phonemes, one style
  blocks.safetensors    the same 6 phonemes, another style in each of the 13 AdaIN blocks of the decoder
The styles are mixtures of three stock voices with a little noise; they lie in the file.
  tokens [n]; styles [13][128] acoustic, one per block; prosody [128]
  CUT.values and CUT.at: elements of the stage's output and their places in the array [channels][time], in C order;
      all elements when there are few (and of word's harmonics), else 1500 at random
  CUT.stats: channels, time, mean, standard deviation, largest magnitude of the whole array
Everything is done in one thread, so that a second run gives the same bytes."""
import argparse
import json
from pathlib import Path

import numpy as np
import onnxruntime as ort
from onnx import helper

import kokoro_graph
from convert_kokoro import write_tensors

CASES = (("sentence", "ʃi wˈɑʃt fˈIv hjˈuʤ dˈɑɹk bˈOts."), ("word", "hɛlˈO."), ("blocks", "hɛlˈO."))
MIX = {"af_heart": 0.4, "am_michael": 0.35, "bf_emma": 0.25}
STYLE_ROW, NOISE, BLOCK_NOISE = 40, 0.02, 0.05
SAMPLED, WHOLE = 1500, ("durations", "f0", "energy", "waveform")
DECODER, GENERATOR = "/decoder/decoder/", "/decoder/decoder/generator/"
BLOCKS = ["encode", "decode.0", "decode.1", "decode.2", "decode.3", "generator/noise_res.0", "generator/noise_res.1",
          *(f"generator/resblocks.{i}" for i in range(6))]
CUTS = {  # name: (value, its axes as "channels, time")
    "bert": ("/encoder/bert_encoder/Add_output_0", "tc"),
    "text": ("/encoder/text_encoder/Transpose_2_output_0", "ct"),
    "prosody_text": ("/encoder/predictor/text_encoder/Concat_4_output_0", "tc"),
    "durations": ("/encoder/Div_output_0", "t"),
    "aligned": ("/encoder/MatMul_1_output_0", "ct"),
    "f0": ("/encoder/Squeeze_output_0", "t"),
    "energy": ("/encoder/Squeeze_1_output_0", "t"),
    "encode": (DECODER + "encode/Div_3_output_0", "ct"),
    "decode3": (DECODER + "decode.3/Div_4_output_0", "ct"),
    "harmonics": (GENERATOR + "Concat_3_output_0", "ct"),
    "stage0": (GENERATOR + "Div_2_output_0", "ct"),
    "stage1": (GENERATOR + "Div_4_output_0", "ct"),
    "conv_post": (GENERATOR + "conv_post/Conv_output_0", "ct"),
    "waveform": ("audio", "t"),
}


def with_block_styles(model):
    """Replace the decoder's one style by an input per AdaIN block, named like the block."""
    for node in model.graph.node:
        if node.op_type == "MatMul" and "/decoder/Slice_output_0" in node.input:
            block = next(b for b in BLOCKS if node.name.startswith(DECODER + b + "/"))
            node.input[list(node.input).index("/decoder/Slice_output_0")] = block
    model.graph.input.extend(helper.make_tensor_value_info(b, 1, [1, 128]) for b in BLOCKS)
    return model


def session(model):
    options = ort.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    return ort.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])


def styles_of(case, folder):
    rng = np.random.default_rng(7)
    rows = {n: np.fromfile(Path(folder) / f"{n}.bin", "<f4").reshape(-1, 256)[STYLE_ROW] for n in MIX}
    style = sum(w * rows[n] for n, w in MIX.items()) + rng.normal(size=256) * NOISE
    blocks = np.tile(style[:128], (len(BLOCKS), 1))
    if case == "blocks":
        blocks += rng.normal(size=blocks.shape) * BLOCK_NOISE
    return blocks.astype(np.float32), style[128:].astype(np.float32)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--onnx-parts", nargs="+", required=True)
    parser.add_argument("--vocab", required=True)
    parser.add_argument("--voices", required=True, help="folder of the stock voices (*.bin)")
    parser.add_argument("--out", required=True, type=Path)
    options = parser.parse_args()
    vocab = json.loads(Path(options.vocab).read_text(encoding="utf-8"))["vocab"]
    model = with_block_styles(kokoro_graph.dequantise(kokoro_graph.load(options.onnx_parts)))
    kokoro_graph.add_outputs(model, [v for v, _ in CUTS.values()])
    run = session(model)
    for case, phonemes in CASES:
        tokens = [0, *(vocab[p] for p in phonemes), 0]
        blocks, prosody = styles_of(case, options.voices)
        feed = {"tokens": np.array([tokens], np.int64), "speed": np.ones(1, np.float32),
                "style": np.concatenate([blocks[0], prosody])[None]}
        feed.update((b, blocks[i][None]) for i, b in enumerate(BLOCKS))
        outputs = run.run([v for v, _ in CUTS.values()], feed)
        found = {"tokens": np.array(tokens, np.float32), "styles": blocks, "prosody": prosody}
        rng = np.random.default_rng(1)
        for (name, (_, axes)), array in zip(CUTS.items(), outputs):
            array = np.asarray(array, np.float32)
            array = array.reshape(array.shape[-2:]) if axes != "t" else array.reshape(1, -1)
            array = array.T if axes == "tc" else array
            flat = np.ascontiguousarray(array).reshape(-1)
            at = np.arange(flat.size)
            if flat.size > SAMPLED and name not in WHOLE and (case, name) != ("word", "harmonics"):
                at = np.sort(rng.choice(flat.size, SAMPLED, replace=False))
            found[name + ".values"] = flat[at]
            if at.size != flat.size:
                found[name + ".at"] = at.astype(np.float32)
            found[name + ".stats"] = np.array([*array.shape, flat.mean(dtype=np.float64), flat.std(dtype=np.float64),
                                               np.abs(flat).max()], np.float32)
            print(f"{case:9} {name:13} {array.shape} std {flat.std():.4g}", flush=True)
        options.out.mkdir(parents=True, exist_ok=True)
        write_tensors(options.out / f"{case}.safetensors", found)


if __name__ == "__main__":
    main()
