#!/usr/bin/env python3
"""How many realtime sessions one server carries.

    load.py [--program build/timbre] [--sessions 1,2,3,4,6,8,12] [--seconds 24] [--hold 120] [--idle 2000]
            [--enrol 8] [--picture docs/load.svg] [--json FILE] [--speech FILE]

Each session is a WebSocket client of its own that talks like a person with a machine: it commits a text of 2 to 9 s,
hears the answer in real time from the first piece of audio on, waits up to half a second and commits the next.
  first audio  from the commit to the first byte of sound on the client
  underrun     the client had heard all that it got, for over 20 ms, while the response was not over
For each number of sessions: percentiles of the first audio, underruns a minute, and what the server refused (429 at the
handshake, or an `overloaded` error; who is refused asks again within half a second). Then K = floor(0.8 / RTF) sessions
for --hold seconds, RTF being the least of those runs; enrolment of 20 s while two sessions talk; and what --idle silent
connections cost. All on one machine, the clients included, whose own processor time is told."""
import asyncio
import json
import os
import random
import resource
import statistics
import tempfile
import time
from pathlib import Path

from bench_server import frame, memory_mb, recording, upgrade
from load_picture import picture
from serving import REALTIME_MODEL, Server, options

RATE_HZ = 24000
TOLERANCE_S = 0.02  # less than any sound device buffers
TEXTS = (
    "Good morning, what can I do for you today?",
    "The train to the north leaves in twenty minutes, and it will be late.",
    "I have looked at your order. It left our house on Tuesday evening, so it should be with you by Friday at noon.",
    "Of course. First open the settings, then choose the second page, and switch off the lowest of the three buttons.",
    "It will rain in the morning. In the afternoon the sun comes out, and the wind turns to the west. "
    "The night is dry.",
    "No.  That was the old address, the new one is near the station.",
)


class Figures:
    """What the sessions of one run have seen."""

    def __init__(self):
        self.first, self.underruns, self.gap_s, self.refused, self.heard_s, self.errors = [], 0, 0.0, 0, 0.0, []

    def percentile_ms(self, p):
        ordered = sorted(self.first)
        return 1000 * ordered[min(len(ordered) - 1, int(len(ordered) * p / 100))] if ordered else float("nan")


class Client:
    """One WebSocket."""

    def __init__(self, server):
        self.server = server

    async def open(self):
        """False: the server has no time for it, and says so."""
        self.reader, self.writer = await asyncio.open_connection("127.0.0.1", self.server.port, limit=1 << 22)
        self.writer.write(upgrade(self.server))
        head = await self.reader.readuntil(b"\r\n\r\n")
        if head.startswith(b"HTTP/1.1 429"):
            self.close()
            return False
        assert head.startswith(b"HTTP/1.1 101"), head
        await self.until(b"session.created")
        return True

    async def event(self):
        """The next text frame; pings are answered."""
        while True:
            kind, n = await self.reader.readexactly(2)
            if n > 125:
                n = int.from_bytes(await self.reader.readexactly(2 if n == 126 else 8), "big")
            text = await self.reader.readexactly(n)
            if kind & 15 == 9:
                self.writer.write(b"\x8a" + bytes([128 | n]) + bytes(4) + text)
            elif kind & 15 == 8:
                raise ConnectionError(text)
            else:
                return text

    async def until(self, kind):
        while b'"type":"' + kind + b'"' not in (text := await self.event())[:200]:
            if b'"type":"error"' in text[:200]:
                raise RuntimeError(text)
        return text

    def send(self, **event):
        self.writer.write(frame(**event))

    def close(self):
        if hasattr(self, "writer"):
            self.writer.close()


async def listen(client, figures):
    """One response, as a player would take it."""
    asked, heard, underruns = time.monotonic(), None, 0
    while True:
        text = await client.event()
        now, kind = time.monotonic(), text[:200]
        if b"response.audio.delta" in kind:
            seconds = (len(text) - text.index(b'"delta":"') - 11) * 3 / 4 / 2 / RATE_HZ
            if heard is None:
                figures.first.append(now - asked)
                heard = now
            elif now > heard + TOLERANCE_S:
                underruns += 1
                figures.gap_s += now - heard
            heard = max(heard, now) + seconds
            figures.heard_s += seconds
        elif b'"type":"error"' in kind:
            if b"overloaded" not in text:
                raise RuntimeError(text)
            figures.refused += 1
        elif b'"type":"response.done"' in kind:
            break
    figures.underruns += underruns
    return max(0.0, (heard or 0) - time.monotonic())


async def talk(server, voice, until, figures, dice):
    client = Client(server)
    try:
        await asyncio.sleep(dice.uniform(0, 3))
        while not await client.open():
            figures.refused += 1
            await asyncio.sleep(dice.uniform(0, 0.5))
            if time.monotonic() > until:
                return
        client.send(type="session.update", session={"voice": voice, "mode": "commit"})
        await client.until(b"session.updated")
        while time.monotonic() < until:
            client.send(type="input_text_buffer.append", text=dice.choice(TEXTS))
            client.send(type="input_text_buffer.commit")
            await asyncio.sleep(await listen(client, figures) + dice.uniform(0, 0.5))
    except Exception as e:  # noqa: BLE001: told at the end of the run
        figures.errors.append(repr(e)[:200])
    finally:
        client.close()


async def run(server, voice, sessions, seconds, beside=None):
    figures, until = Figures(), time.monotonic() + seconds
    tasks = [talk(server, voice, until, figures, random.Random(i)) for i in range(sessions)]
    await asyncio.gather(*tasks, *([beside(figures)] if beside else []))
    return figures


def metric(server, name):
    text = server.http.get(server.url + "/metrics").text
    return float(text.split(f"\n{name} ")[1].split()[0])


def cost(server):
    return metric(server, "timbre_synthesis_busy_seconds_total"), metric(server, "timbre_audio_seconds_total")


def cpu_s(pid):
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def curve(server, voice, counts, seconds):
    print("sessions  responses  first audio p50     p95     p99   underruns/min  refused   RTF  clients' CPU  load")
    rows = []
    for n in counts:
        busy, audio = cost(server)
        own, start = time.process_time(), time.monotonic()
        f = asyncio.run(run(server, voice, n, seconds))
        took = time.monotonic() - start
        after = cost(server)
        rtf = (after[0] - busy) / max(after[1] - audio, 1e-9)
        rows.append({"sessions": n, "responses": len(f.first), "p50": f.percentile_ms(50), "p95": f.percentile_ms(95),
                     "p99": f.percentile_ms(99), "underruns": f.underruns * 60 / took, "refused": f.refused,
                     "rtf": rtf})
        r = rows[-1]
        print(f"{n:8} {r['responses']:10} {r['p50']:14.0f} ms {r['p95']:4.0f} ms {r['p99']:4.0f} ms "
              f"{r['underruns']:15.1f} {f.refused:8} {rtf:5.2f} {100 * (time.process_time() - own) / took:11.1f} % "
              f"{os.getloadavg()[0]:5.1f}", flush=True)
        for e in f.errors:
            print("  error:", e)
    return rows


def hold(server, voice, k, seconds):
    f = asyncio.run(run(server, voice, k, seconds))
    print(f"held: {k} sessions for {seconds} s: {len(f.first)} responses, {f.heard_s:.0f} s heard, {f.underruns} "
          f"underruns ({f.gap_s:.2f} s), {f.refused} refused, first audio p50 {f.percentile_ms(50):.0f} p99 "
          f"{f.percentile_ms(99):.0f} ms, errors {f.errors}, load {os.getloadavg()[0]:.1f}", flush=True)
    return {"sessions": k, "seconds": seconds, "underruns": f.underruns, "refused": f.refused,
            "p50": f.percentile_ms(50), "p99": f.percentile_ms(99)}


def enrolments(server, voice, audio, count):
    """20 s of speech enrolled, so many times, while two sessions talk."""
    taken = []

    async def beside(_):
        loop = asyncio.get_running_loop()
        await asyncio.sleep(5)
        for _ in range(count):
            start = time.monotonic()
            await loop.run_in_executor(None, server.create, audio, REALTIME_MODEL)
            taken.append(time.monotonic() - start)
            await asyncio.sleep(2)

    f = asyncio.run(run(server, voice, 2, 8 + 3 * count, beside))
    print(f"enrolment of 20 s beside two sessions: {' '.join(f'{t:.2f}' for t in taken)} s, median "
          f"{statistics.median(taken):.2f}, worst {max(taken):.2f}; {len(f.first)} responses, {f.underruns} underruns "
          f"({f.gap_s:.2f} s), first audio p50 {f.percentile_ms(50):.0f} worst {f.percentile_ms(100):.0f} ms, load "
          f"{os.getloadavg()[0]:.1f}", flush=True)
    for e in f.errors:
        print("  error:", e)
    return {"seconds": taken, "underruns": f.underruns}


async def open_idle(server, count):
    clients = [Client(server) for _ in range(count)]
    for at in range(0, count, 50):
        assert all(await asyncio.gather(*(c.open() for c in clients[at:at + 50])))
    before, start = cpu_s(server.process.pid), time.monotonic()
    await asyncio.sleep(10)
    used = (cpu_s(server.process.pid) - before) / (time.monotonic() - start)
    resident = memory_mb(server, "VmRSS")
    for c in clients:
        c.close()
    return resident, used


def idle(server, count):
    before = memory_mb(server, "VmRSS")
    after, used = asyncio.run(open_idle(server, count))
    print(f"{count} idle connections: {before} -> {after} MB resident, {100 * used:.1f} % of a core, "
          f"load {os.getloadavg()[0]:.1f}", flush=True)
    return {"count": count, "more_mb": after - before, "cpu": used}


def main():
    p = options(__doc__)
    p.add_argument("--sessions", default="1,2,3,4,6,8,12")
    p.add_argument("--seconds", type=float, default=24)
    p.add_argument("--hold", type=float, default=120)
    p.add_argument("--idle", type=int, default=2000)
    p.add_argument("--enrol", type=int, default=8)
    p.add_argument("--picture")
    p.add_argument("--json")
    p.add_argument("--speech")
    a = p.parse_args()
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(most, a.idle + 512) if most > 0 else a.idle + 512, most))
    result = {"load": os.getloadavg()[0], "cores": os.cpu_count()}
    with tempfile.TemporaryDirectory() as folder:
        audio = recording(folder, a.speech, 20)
        start = time.monotonic()
        with Server(a.program, folder, a.model, "--idle-ms", "600000") as server:
            result["start_s"] = time.monotonic() - start
            result["rest_mb"] = memory_mb(server, "VmRSS")
            print(f"start to ready {result['start_s']:.2f} s, {result['rest_mb']} MB resident", flush=True)
            if a.idle:
                result["idle"] = idle(server, a.idle)
            voice = server.create(audio, REALTIME_MODEL)
            asyncio.run(run(server, voice, 1, 5))  # first uses
            result["curve"] = curve(server, voice, [int(n) for n in a.sessions.split(",")], a.seconds)
            # Alone, speech in windows costs half as much again; K is of whole passes, which several get.
            result["rtf"] = min(row["rtf"] for row in result["curve"])
            result["k"] = max(1, int(0.8 / result["rtf"]))
            if a.hold:
                result["hold"] = hold(server, voice, result["k"], a.hold)
            if a.enrol:
                result["enrol"] = enrolments(server, voice, audio, a.enrol)
            result["most_mb"] = memory_mb(server, "VmHWM")
            print(f"memory: {memory_mb(server, 'VmRSS')} MB now, {result['most_mb']} MB at most")
    if a.picture:
        Path(a.picture).write_text(picture(result))
    if a.json:
        Path(a.json).write_text(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
