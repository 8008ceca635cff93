"""Voice prints of the kokoro engine as bytes (src/engine/seal.h, src/engine/kokoro/print.h), and the programs in bench/
that make them of recordings and speak with them."""
import struct
import subprocess
import sys
import zlib

import numpy as np
import soxr

RATE = 24000
HEAD = 16


def read_print(blob):
    """{name: numbers}"""
    at, found = HEAD + 1 + blob[HEAD], {}
    count = struct.unpack_from("<H", blob, at)[0]
    at += 2
    for _ in range(count):
        name = blob[at + 1:at + 1 + blob[at]].decode()
        at += 1 + blob[at]
        n = struct.unpack_from("<I", blob, at)[0]
        found[name] = np.frombuffer(blob, "<f4", n, at + 4).copy()
        at += 4 + 4 * n
    return found


def write_print(tensors):
    """The bytes of {name: numbers}."""
    text = lambda s: bytes([len(s)]) + s.encode()  # noqa: E731
    body = text("kokoro") + struct.pack("<H", len(tensors))
    for name, values in tensors.items():
        values = np.asarray(values, "<f4").ravel()
        body += text(name) + struct.pack("<I", values.size) + values.tobytes()
    return b"timbrevp" + struct.pack("<II", 1, zlib.crc32(body)) + body


def stock_print(style):
    """A print that speaks a stock style [256] as it is, at its own rate and pitch."""
    return {"style": style[:128], "prosody": style[128:], "f0_median_hz": 200, "f0_style_hz": 200, "speed": 1,
            "eq_db": np.zeros(40), "embedding": np.eye(256)[0]}


class Bench:
    """A program in bench/ that answers each request with a u32 and as many of something."""

    def __init__(self, *command):
        self.name = command[0]
        self.process = subprocess.Popen([str(c) for c in command], stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def ask(self, request, size):
        """The answer's bytes, `size` for each of what it counts; empty: it could not be done."""
        self.process.stdin.write(request)
        self.process.stdin.flush()
        head = self.process.stdout.read(4)
        if len(head) < 4:
            sys.exit(f"{self.name} stopped")
        return self.process.stdout.read(size * struct.unpack("<I", head)[0])


class Enroller(Bench):
    """enrol_prints MODEL"""

    def enrol(self, wave, rate):
        """{name: numbers}, or None."""
        wave = np.ascontiguousarray(soxr.resample(wave, rate, RATE), "<f4")
        blob = self.ask(struct.pack("<I", len(wave)) + wave.tobytes(), 1)
        return read_print(blob) if blob else None


class Speaker(Bench):
    """speak_prints MODEL HELPERS"""

    def say(self, path, lang, text):
        """[n] at RATE, empty when it cannot be spoken; path: of a print."""
        return np.frombuffer(self.ask(f"{path}\t{lang}\t{' '.join(text.split())}\n".encode(), 4), "<f4")
