#!/usr/bin/env python3
"""What the server itself adds, and how long a client waits for the first sound.

    bench_server.py [--program build/timbre] [--model DIR] [--samples 1000] [--speech FILE]

Without synthesis, from the request's first byte written to the answer's last byte read, over loopback, client included:
  list       POST on a kept connection; the account has three voices
  handshake  connect, upgrade, session.created; the pause before the 101 (ws_accept_delay_ms) is set to 0
  append     append and clear in one write, until `cleared`: two events taken, one answered
With it: time to the first audio of a sentence over SSE and realtime, enrolment of 15 s, memory."""
import base64
import json
import os
import socket
import struct
import subprocess
import tempfile
import time
from pathlib import Path

from serving import HTTP_MODEL, REALTIME_MODEL, SYNTHESIS_PATH, VOICES_PATH, Server, options

SPOKEN = ("The quick brown fox jumps over the lazy dog near the river bank. She sells sea shells by the sea shore, and "
          "the shells that she sells are surely seashore shells. Please call Stella and ask her to bring these things.")
SENTENCE = "The train to the north leaves in twenty minutes, and it will be late."
SECONDS = 15


class Wire:
    """A connection that sends and reads bytes, nothing in between."""

    def __init__(self, server):
        self.socket = socket.create_connection(("127.0.0.1", server.port), timeout=120)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.got = b""

    def close(self):
        self.socket.close()

    def read(self, n):
        while len(self.got) < n:
            more = self.socket.recv(65536)
            if not more:
                raise ConnectionError("the server closed")
            self.got += more
        out, self.got = self.got[:n], self.got[n:]
        return out

    def head(self):
        while b"\r\n\r\n" not in self.got:
            self.got += self.socket.recv(65536)
        return self.read(self.got.index(b"\r\n\r\n") + 4)

    def answer(self):
        head = self.head().decode().lower()
        assert head.startswith("http/1.1 200"), head
        return self.read(int(head.split("content-length:")[1].split()[0]))

    def event(self):
        """The next text frame, as JSON."""
        n = self.read(2)[1]
        if n > 125:
            n = struct.unpack(*((">H", self.read(2)) if n == 126 else (">Q", self.read(8))))[0]
        return json.loads(self.read(n))

    def until(self, kind):
        while (event := self.event())["type"] != kind:
            assert event["type"] not in ("error", "session.finished"), event
        return event


def frame(**event):
    """A masked text frame (the mask is zero)."""
    text = json.dumps({"event_id": "e", **event}).encode()
    size = bytes([128 | len(text)]) if len(text) < 126 else bytes([128 | 126]) + struct.pack(">H", len(text))
    return b"\x81" + size + bytes(4) + text


def upgrade(server):
    return (f"GET /api-ws/v1/realtime?model={REALTIME_MODEL} HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n"
            f"Connection: Upgrade\r\nSec-WebSocket-Key: {base64.b64encode(bytes(16)).decode()}\r\n"
            f"Sec-WebSocket-Version: 13\r\nAuthorization: Bearer {server.key}\r\n\r\n").encode()


def post(server, path, body, headers=""):
    text = json.dumps(body)
    return (f"POST {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {server.key}\r\n{headers}"
            f"Content-Type: application/json\r\nContent-Length: {len(text)}\r\n\r\n{text}").encode()


def realtime(server):
    wire = Wire(server)
    wire.socket.sendall(upgrade(server))
    assert wire.head().startswith(b"HTTP/1.1 101")
    wire.until("session.created")
    return wire


def listing(server, samples):
    wire = Wire(server)
    request = post(server, VOICES_PATH, {"model": "qwen-voice-enrollment", "input": {"action": "list"}})
    for _ in range(samples):
        start = time.perf_counter()
        wire.socket.sendall(request)
        wire.answer()
        yield time.perf_counter() - start
    wire.close()


def handshakes(server, samples):
    for _ in range(samples):
        start = time.perf_counter()
        wire = realtime(server)
        yield time.perf_counter() - start
        wire.close()


def appends(server, voice, samples):
    wire = realtime(server)
    wire.socket.sendall(frame(type="session.update", session={"voice": voice, "mode": "commit"}))
    wire.until("session.updated")
    both = frame(type="input_text_buffer.append", text="Good evening. ") + frame(type="input_text_buffer.clear")
    for _ in range(samples):
        start = time.perf_counter()
        wire.socket.sendall(both)
        wire.until("input_text_buffer.cleared")
        yield time.perf_counter() - start
    wire.close()


def first_audio_sse(server, voice, samples):
    request = post(server, SYNTHESIS_PATH, {"model": HTTP_MODEL, "input": {"text": SENTENCE, "voice": voice}},
                   "X-DashScope-SSE: enable\r\n")
    for _ in range(samples):
        wire = Wire(server)
        start = time.perf_counter()
        wire.socket.sendall(request)
        while b'"data":"' not in wire.got or b'"data":""' in wire.got:
            more = wire.socket.recv(65536)
            assert more and b"event:error" not in more, more
            wire.got += more
        yield time.perf_counter() - start
        while b'"stop"' not in wire.got:  # to its end, so that the next one does not wait for this one
            wire.got = wire.got[-100:] + wire.socket.recv(65536)
        wire.close()


def first_audio_realtime(server, voice, samples):
    for _ in range(samples):
        wire = realtime(server)
        wire.socket.sendall(frame(type="session.update", session={"voice": voice, "mode": "server_commit"}))
        wire.until("session.updated")
        start = time.perf_counter()
        wire.socket.sendall(frame(type="input_text_buffer.append", text=SENTENCE) + frame(type="session.finish"))
        wire.until("response.audio.delta")
        yield time.perf_counter() - start
        wire.until("response.done")
        wire.close()


def recording(folder, speech, seconds=SECONDS):
    """A data URL of so many seconds of speech."""
    raw, cut = speech or f"{folder}/raw.wav", f"{folder}/cut.wav"
    if not speech:
        subprocess.run(["espeak-ng", "-v", "en-us", "-s", "140", "-w", raw, SPOKEN], check=True)
    subprocess.run(["ffmpeg", "-v", "error", "-stream_loop", "-1", "-i", raw, "-t", str(seconds), "-ar", "24000", "-ac",
                    "1", cut], check=True)
    return "data:audio/wav;base64," + base64.b64encode(Path(cut).read_bytes()).decode()


def memory_mb(server, field):
    text = Path(f"/proc/{server.process.pid}/status").read_text()
    return int(text.split(field + ":")[1].split()[0]) // 1024


def row(name, seconds):
    ms = sorted(1000 * s for s in seconds)
    print(f"{name:28} n {len(ms):5}  p50 {ms[len(ms) // 2]:8.2f} ms  p99 {ms[int(len(ms) * 0.99)]:8.2f} ms  "
          f"load {os.getloadavg()[0]:.1f}", flush=True)


def main():
    p = options(__doc__)
    p.add_argument("--samples", type=int, default=1000)
    p.add_argument("--speech")
    a = p.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        audio = recording(folder, a.speech)
        with Server(a.program, folder, a.model, "--ws-accept-delay-ms", "0") as server:
            resting, enrolments, voices = memory_mb(server, "VmRSS"), [], []
            for model in (HTTP_MODEL, HTTP_MODEL, REALTIME_MODEL):
                start = time.perf_counter()
                voices.append(server.create(audio, model))
                enrolments.append(time.perf_counter() - start)
            row("list", listing(server, a.samples))
            row("realtime handshake", handshakes(server, a.samples))
            row("append", appends(server, voices[2], a.samples))
            row(f"enrolment of {SECONDS} s", enrolments)
            row("first audio, SSE", first_audio_sse(server, voices[0], 5))
            row("first audio, realtime", first_audio_realtime(server, voices[2], 5))
            print(f"memory: {resting} MB at rest, {memory_mb(server, 'VmRSS')} MB after, at most "
                  f"{memory_mb(server, 'VmHWM')} MB")


if __name__ == "__main__":
    main()
