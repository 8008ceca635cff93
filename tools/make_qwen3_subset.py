#!/usr/bin/env python3
"""Cut the golden vectors of Qwen3-TTS down to what tests/golden/qwen3 holds: every case and every model, but of large
tensors only the leading block. The tests compare what is there, so both folders are read alike.

    python3 tools/make_qwen3_subset.py GOLDEN tests/golden/qwen3

GOLDEN is the whole folder (models/, vectors/, cases.json). The speech tokenizer, which is the same in all models, is
kept once and linked.
"""
import json
import os
import shutil
import struct
import sys

# tensor name -> leading sizes to keep, one for each dimension; None keeps all
CUT = {
    "logits": (None, 256), "sub_logits": (2, None, None), "wav": (3840,), "mel_basis": (32, None),
    "block0": (8, None), "block1": (8, None), "block1_tdnn1": (8, None),
    "block1_tdnn2": (8, None), "block1_se_block": (8, None), "block2": (8, None), "block3": (8, None),
    "mfa": (8, None), "asp_logits": (8, None), "seanet_00": (1, None), "seanet_01": (2, None),
    "seanet_02": (1, None), "decoder2": (4, None), "decoder3": (2, None), "decoder4": (1, None),
    "decoder5": (1, None), "wav_chunk8_ctx3": (12 * 1920,), "wav_chunk10_ctx25": (12 * 1920,),
}
KEEP_WHOLE = {("06_sampling_run_tiny-1b7.safetensors", "logits"), ("06_sampling_fixed.safetensors", "logits"),
              ("06_sampling_run_tiny-1b7.safetensors", "sub_logits"), ("06_sampling_fixed.safetensors", "sub_logits"),
              ("04_decoder_t24.safetensors", "wav"), ("04_decoder_t6.safetensors", "wav"),
              ("04_decoder_t1.safetensors", "wav")}


def read(path):
    data = open(path, "rb").read()
    n, = struct.unpack("<Q", data[:8])
    header = json.loads(data[8:8 + n])
    header.pop("__metadata__", None)
    return {k: (v["dtype"], v["shape"], data[8 + n + v["data_offsets"][0]:8 + n + v["data_offsets"][1]])
            for k, v in header.items()}


def write(path, tensors):
    header, body = {}, b""
    for name, (dtype, shape, data) in tensors.items():
        header[name] = {"dtype": dtype, "shape": shape, "data_offsets": [len(body), len(body) + len(data)]}
        body += data
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    open(path, "wb").write(struct.pack("<Q", len(text)) + text + body)


def lead(shape, data, keep):
    """The leading block: keep[i] entries of dimension i."""
    step = len(data) // shape[0] if shape[0] else 0
    rows = [data[i * step:(i + 1) * step] for i in range(keep[0])]
    return b"".join(lead(shape[1:], row, keep[1:]) if len(shape) > 1 else row for row in rows)


def main():
    source, target = sys.argv[1:3]
    shutil.rmtree(target, ignore_errors=True)
    os.makedirs(f"{target}/vectors")
    shared = None
    for model in sorted(os.listdir(f"{source}/models")):
        shutil.copytree(f"{source}/models/{model}", f"{target}/models/{model}",
                        ignore=None if shared is None else shutil.ignore_patterns("speech_tokenizer"))
        if shared is not None:
            os.symlink(f"../{shared}/speech_tokenizer", f"{target}/models/{model}/speech_tokenizer")
        shared = shared or model
    cases = json.load(open(f"{source}/cases.json"))
    for case in cases["cases"]:
        name = os.path.basename(case["file"])
        if not name.endswith(".safetensors"):
            shutil.copy(f"{source}/vectors/{name}", f"{target}/vectors/{name}")
            continue
        tensors = read(f"{source}/vectors/{name}")
        for key, (dtype, shape, data) in tensors.items():
            if key in CUT and (name, key) not in KEEP_WHOLE and dtype == "F32":
                keep = [min(k or s, s) for k, s in zip(CUT[key], shape)]
                tensors[key] = (dtype, keep, lead(shape, data, keep))
                case["tensors"][key]["shape"] = keep
        write(f"{target}/vectors/{name}", tensors)
    json.dump(cases, open(f"{target}/cases.json", "w"), separators=(",", ":"))


if __name__ == "__main__":
    main()
