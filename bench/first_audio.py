#!/usr/bin/env python3
"""Time to the first audio with windows and without, for sentences of several lengths, where nobody else speaks.

    first_audio.py [--program build/timbre] [--model DIR] [--rounds 5] [--speech FILE] [--after 4]

Two servers in turn, one realtime session for each sentence, from the commit to the first audio delta on the client; the
voice has said all sentences twice before. Ahead of that, what a voice says first: some seconds after it was made, and
after the server was started again. Late: how long a client that plays from the first delta on has to wait for the latest
piece of sound (docs/SPEED.md, First sound)."""
import base64
import os
import statistics
import tempfile
import time

from bench_server import frame, realtime, recording
from serving import REALTIME_MODEL, Server, options

BYTES_A_SECOND = 48000
SENTENCES = {
    "no comma": "She put three green apples and a loaf of bread into the wicker basket.",
    "a comma near its end": "The train to the north leaves in twenty minutes, and it will be late.",
    "a comma": "When the music stopped for the second time, every child in the garden sat down at once.",
    "long, no comma": "The old man who had lived beside the river for more than forty years told the children that "
                      "nobody in the village could remember a winter as long and as cold as the one that was now "
                      "coming to its end.",
}


class Spoken:
    """One sentence, in seconds: when it was first heard, how late it was at worst, its length, when all was there."""

    def __init__(self, server, voice, text):
        wire = realtime(server)
        wire.socket.sendall(frame(type="session.update", session={"voice": voice, "mode": "commit"}))
        wire.until("session.updated")
        start, got = time.perf_counter(), 0
        self.first, self.late = None, 0.0
        wire.socket.sendall(frame(type="input_text_buffer.append", text=text) +
                            frame(type="input_text_buffer.commit"))
        while (event := wire.event())["type"] != "response.done":
            assert event["type"] != "error", event
            if event["type"] == "response.audio.delta":
                now = time.perf_counter() - start
                self.first = now if self.first is None else self.first
                self.late = max(self.late, now - self.first - got / BYTES_A_SECOND)
                got += len(base64.b64decode(event["delta"]))
        self.length, self.all = got / BYTES_A_SECOND, time.perf_counter() - start
        wire.close()


def told(spoken):
    first = [1000 * s.first for s in spoken]
    return (f"{statistics.median(first):5.0f} ({min(first):.0f}) ms, {max(s.late for s in spoken):.2f} s, "
            f"{statistics.median(s.all for s in spoken):.2f} s")


def main():
    p = options(__doc__)
    p.add_argument("--rounds", type=int, default=5)
    p.add_argument("--speech")
    p.add_argument("--after", type=float, default=4, help="seconds until a voice's first sentence")
    a = p.parse_args()
    with (tempfile.TemporaryDirectory() as one, tempfile.TemporaryDirectory() as other,
          Server(a.program, one, a.model, "--windows", "yes") as windows,
          Server(a.program, other, a.model, "--windows", "no") as whole):
        audio = recording(one, a.speech)
        ways = [(server, server.create(audio, REALTIME_MODEL)) for server in (windows, whole)]
        time.sleep(a.after)
        begun = [Spoken(*way, SENTENCES["no comma"]).first for way in ways]
        print(f"a voice's first sentence, {a.after:.1f} s after it was made: {1000 * begun[0]:.0f} ms with windows, "
              f"{1000 * begun[1]:.0f} ms without; load {os.getloadavg()[0]:.1f}", flush=True)
        windows.restart()
        time.sleep(a.after)
        begun = Spoken(*ways[0], SENTENCES["no comma"]).first
        print(f"the same after the server was started again, with windows: {1000 * begun:.0f} ms", flush=True)
        for way in ways:
            for text in [*SENTENCES.values()] * 2:
                Spoken(*way, text)
        print("first audio, median (least); latest piece late by; all made after")
        for name, text in SENTENCES.items():
            rounds = [[Spoken(*way, text) for way in ways] for _ in range(a.rounds)]
            with_windows, without = zip(*rounds)
            print(f"{without[0].length:4.1f} s, {name:21} windows {told(with_windows)} | whole {told(without)} | "
                  f"load {os.getloadavg()[0]:.1f}", flush=True)


if __name__ == "__main__":
    main()
