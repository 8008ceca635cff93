#!/usr/bin/env python3
"""Resemblyzer's GE2E weights (pretrained.pt) -> safetensors, without PyTorch.

The file is PyTorch's old format: pickles of a magic number, a version, system information, the object and the list of
storage keys, then the raw storages, each after its length. Unpickling runs code, so only the four names below can be
looked up; anything else in the file ends the conversion.

    convert_ge2e.py pretrained.pt ge2e.safetensors
"""
import argparse
import collections
import io
import json
import os
import pickle
import struct
import sys

import numpy as np

MAGIC = 0x1950A86A20F9469CFC6C
TYPES = {"FloatStorage": np.dtype("<f4"), "LongStorage": np.dtype("<i8")}
LAYERS = 3
WANTED = {"linear.weight": (256, 256), "linear.bias": (256,)}
for layer in range(LAYERS):
    WANTED |= {
        f"lstm.weight_ih_l{layer}": (1024, 40 if layer == 0 else 256),  # gates i, f, g, o
        f"lstm.weight_hh_l{layer}": (1024, 256),
        f"lstm.bias_ih_l{layer}": (1024,),
        f"lstm.bias_hh_l{layer}": (1024,),
    }


class Tensor:
    """A view of a storage that is read later."""

    def __init__(self, key, offset, shape, strides, *_):
        self.key, self.offset, self.shape, self.strides = key, offset, shape, strides

    def array(self, storages):
        data = storages[self.key]
        last = self.offset + sum((n - 1) * s for n, s in zip(self.shape, self.strides))
        if self.offset < 0 or min(self.strides, default=0) < 0 or last >= len(data):
            raise ValueError("tensor outside its storage")
        steps = [s * data.itemsize for s in self.strides]
        return np.lib.stride_tricks.as_strided(data[self.offset:], self.shape, steps).copy()


class Unpickler(pickle.Unpickler):
    ALLOWED = {
        ("collections", "OrderedDict"): collections.OrderedDict,
        ("torch._utils", "_rebuild_tensor_v2"): Tensor,
        ("torch", "FloatStorage"): "FloatStorage",
        ("torch", "LongStorage"): "LongStorage",
    }

    def __init__(self, file, types):
        super().__init__(file)
        self.types = types

    def find_class(self, module, name):
        try:
            return self.ALLOWED[module, name]
        except KeyError:
            raise pickle.UnpicklingError(f"{module}.{name} has no business in these weights") from None

    def persistent_load(self, pid):
        kind, storage, key = pid[:3]
        if kind != "storage" or storage not in TYPES:
            raise pickle.UnpicklingError(f"unknown storage {pid[:3]}")
        self.types[key] = TYPES[storage]
        return key


def read_weights(path):
    with open(path, "rb") as f:
        file = io.BytesIO(f.read())
    types = {}
    load = lambda: Unpickler(file, types).load()
    if load() != MAGIC:
        raise ValueError("not a PyTorch file of the old format")
    load(), load()  # version, system information
    state, keys, storages = load()["model_state"], load(), {}
    for key in keys:
        count = struct.unpack("<q", file.read(8))[0]
        raw = file.read(count * types[key].itemsize)
        storages[key] = np.frombuffer(raw, types[key])
        if len(storages[key]) != count:
            raise ValueError("file is cut short")
    return {name: state[name].array(storages) for name in WANTED}


def write_safetensors(path, tensors):
    header, offset = {}, 0
    for name, a in tensors.items():
        header[name] = {"dtype": {"<f4": "F32", "<f2": "F16"}[a.dtype.str], "shape": list(a.shape),
                        "data_offsets": [offset, offset + a.nbytes]}
        offset += a.nbytes
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    with open(str(path) + ".part", "wb") as f:
        f.write(struct.pack("<Q", len(text)) + text)
        for a in tensors.values():
            f.write(np.ascontiguousarray(a).tobytes())
    os.replace(str(path) + ".part", path)


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("weights")
    p.add_argument("out")
    a = p.parse_args()
    weights = read_weights(a.weights)
    for name, shape in WANTED.items():
        if weights[name].shape != shape or weights[name].dtype != np.float32:
            sys.exit(f"{a.weights}: {name} is {weights[name].dtype}{weights[name].shape}, wanted float32{shape}")
        if not np.isfinite(weights[name]).all():
            sys.exit(f"{a.weights}: {name} holds a number that is not finite")
    write_safetensors(a.out, weights)


if __name__ == "__main__":
    main()
