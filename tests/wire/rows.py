"""The rows of tests/wire/rows/*.json, replayed against a server. Their README.md describes the steps."""
import base64
import copy
import io
import json
import re
import shutil
import sqlite3
import time
import wave
from pathlib import Path

import numpy
import requests
import soundfile

import raw
from conftest import HTTP_MODEL, OLD_REALTIME_MODEL, REALTIME_MODEL, start_server, stop_server, wait_until

FOLDER = Path(__file__).with_name("rows")
SHARED = json.loads((FOLDER / "requests.json").read_text())
RESPONSE = ["response.created", "response.output_item.added", "response.content_part.added", "response.audio.delta+",
            "response.audio.done", "response.content_part.done", "response.output_item.done", "response.done"]
UUID = "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"


def load():
    """(test id, row) of all rows, in the order of the files."""
    rows = []
    for name in ("cloning", "http", "realtime", "errors", "browser"):
        for row in json.loads((FOLDER / f"{name}.json").read_text()):
            number = f"row-{row['row']:03}" if "row" in row else row["about"]
            rows.append((f"{number}-{row['name']}", row))
    return rows


# Matching ------------------------------------------------------------------------------------------------------------

def match_special(name, want, got, where):
    if name == "$type":
        types = {"string": str, "integer": int, "object": dict, "array": list, "number": (int, float)}
        assert isinstance(got, types[want]) and not isinstance(got, bool), f"{where}: {got!r} is no {want}"
    elif name == "$not":
        assert got != want, f"{where}: {got!r} again"
    elif name == "$length":
        assert want[0] <= len(got) <= want[1], f"{where}: {len(got)} items"
    elif name == "$seconds_from_now":
        assert want[0] <= got - time.time() <= want[1], f"{where}: {got - time.time():.0f} s from now"
    elif name == "$base64":
        n = len(base64.b64decode(got, validate=True))
        assert n and n % want == 0, f"{where}: {n} bytes, a multiple of {want} is wanted"
    else:
        raise ValueError(name)


def match(want, got, where="answer"):
    """Objects may have more members than are wanted unless they say $only; "~..." is a regular expression."""
    if isinstance(want, dict):
        special = [k for k in want if k.startswith("$") and k != "$only"]
        if special:
            match_special(special[0], want[special[0]], got, where)
            return
        assert isinstance(got, dict), f"{where}: {got!r}"
        for name, value in want.items():
            if value == {"$absent": True}:
                assert name not in got, f"{where}.{name}: {got[name]!r}"
            elif name != "$only":
                assert name in got, f"{where}: no {name} in {got!r}"
                match(value, got[name], f"{where}.{name}")
        if want.get("$only"):
            assert set(got) == set(want) - {"$only"}, f"{where}: members {sorted(got)}"
    elif isinstance(want, list):
        assert isinstance(got, list) and len(got) == len(want), f"{where}: {got!r}"
        for i, (a, b) in enumerate(zip(want, got)):
            match(a, b, f"{where}[{i}]")
    elif isinstance(want, str) and want.startswith("~"):
        assert isinstance(got, str) and re.fullmatch(want[1:], got, re.DOTALL), f"{where}: {got!r} is not {want!r}"
    else:
        assert got == want and isinstance(got, bool) == isinstance(want, bool), f"{where}: {got!r}, wanted {want!r}"


def check_error(answer, status, code, message):
    """An error answer, all over: row 43."""
    assert answer.status == status, (answer.status, answer.body[:300])
    assert answer.headers["content-type"].startswith("application/json")
    body = answer.json()
    assert list(body) == ["request_id", "code", "message"]
    assert all(isinstance(v, str) and v for v in body.values())
    assert re.fullmatch(UUID, body["request_id"]) and answer.headers["x-request-id"] == body["request_id"]
    assert body["code"] == code, body
    assert body["message"].startswith(message), body


# Values --------------------------------------------------------------------------------------------------------------

class Values:
    """What ${...} stands for: a variable, ${repeat:TEXT:TIMES}, ${each.0}, the name of a recording."""

    def __init__(self, recordings, fixed):
        self.recordings, self.known = recordings, fixed

    def one(self, name):
        if name.startswith("repeat:"):
            text, times = name[7:].rsplit(":", 1)
            return text * int(times)
        if name in SHARED["recordings"] and name not in self.known:
            file, media_type, *options = SHARED["recordings"][name] + [None] * (len(SHARED["recordings"][name]) == 1)
            return self.recordings.data_url(file, *options, media_type=media_type)
        head, _, index = name.partition(".")
        value = self.known[head]
        return value[int(index)] if index else value

    def fill(self, thing):
        if isinstance(thing, dict):
            return {k: self.fill(v) for k, v in thing.items()}
        if isinstance(thing, list):
            return [self.fill(v) for v in thing]
        if not isinstance(thing, str) or "${" not in thing:
            return thing
        if (whole := re.fullmatch(r"\$\{([^}]*)\}", thing)):
            value = self.one(whole[1])
            return self.fill(value) if isinstance(value, str) and value.startswith("${") else value
        return re.sub(r"\$\{([^}]*)\}", lambda m: str(self.one(m[1])), thing)


def put(body, path, value, remove=False):
    *parents, last = path.split(".")
    for name in parents:
        body = body.setdefault(name, {})
    if remove:
        del body[last]
    else:
        body[last] = value


def get(body, path):
    for name in path.split("."):
        body = body[name]
    return body


# Audio ---------------------------------------------------------------------------------------------------------------

def pcm(data):
    return numpy.frombuffer(data, "<i2").astype(float)


def check_audio(step, audio, name):
    data, rate = audio[name], step.get("rate", 24000)
    if form := step.get("decodes"):
        samples, found_rate = decoded(data, form)
        assert form == "opus" or found_rate == rate  # opus is always decoded at 48 kHz
        seconds = len(samples) / found_rate
        assert numpy.abs(samples).max() > 0.01
    else:
        seconds = len(data) / 2 / rate
    if "seconds" in step:
        assert step["seconds"][0] <= seconds <= step["seconds"][1], f"{seconds} s"
    if "same_as" in step:
        assert data and data == audio[step["same_as"]], (len(data), len(audio[step["same_as"]]))
    if step.get("headless"):
        assert data[:4] not in (b"RIFF", b"OggS", b"ID3\x03")
    if step.get("silent"):
        assert not pcm(data).any()
    if step.get("unclipped"):
        assert numpy.mean(numpy.abs(pcm(data)) >= 32767) < 0.01  # the limiter rounds peaks off
    if "louder_than" in step:
        quiet = pcm(audio[step["louder_than"]])
        assert numpy.sqrt(numpy.mean(pcm(data) ** 2)) > 1.2 * numpy.sqrt(numpy.mean(quiet ** 2))
    if "shorter_than" in step:
        other, least, most = step["shorter_than"]
        assert least <= len(data) / len(audio[other]) <= most, len(data) / len(audio[other])


def decoded(data, form):
    if form == "wav":  # the header of a stream tells no length
        assert data[:4] == b"RIFF" and data[8:16] == b"WAVEfmt " and data[36:40] == b"data"
        assert int.from_bytes(data[20:24], "little") == 0x10001  # PCM, mono
        return pcm(data[44:]) / 32768, int.from_bytes(data[24:28], "little")
    return soundfile.read(io.BytesIO(data))


def wav_samples(data, least, most):
    with wave.open(io.BytesIO(data)) as w:
        assert (w.getframerate(), w.getnchannels(), w.getsampwidth()) == (24000, 1, 2)
        assert len(data) == 44 + 2 * w.getnframes()
        assert least <= w.getnframes() / 24000 <= most
        return data[44:]


# Replaying -----------------------------------------------------------------------------------------------------------

class Replay:
    """One run of a row. world: .recordings, .files (the base of URLs to fetch), .voices (of the main server), and
    .server(name), a running server."""

    def __init__(self, row, world, each=None):
        self.row, self.world = row, world
        name = row.get("server", "main")
        self.own = name == "own"
        self.server = world.own_server() if self.own else world.server(name)
        self.key = self.server.key
        self.values = Values(world.recordings, {
            "http_model": HTTP_MODEL, "realtime_model": REALTIME_MODEL, "old_realtime_model": OLD_REALTIME_MODEL,
            "files": world.files, "key": self.key, "each": each, **world.voices})
        self.audio, self.sockets, self.ws, self.kept = {}, [], None, None

    def run(self):
        try:
            for i, step in enumerate(self.row["steps"]):
                try:
                    self.step(self.values.fill(step))
                except (AssertionError, TimeoutError, raw.Closed) as e:
                    raise AssertionError(f"step {i + 1}, {json.dumps(step, ensure_ascii=False)[:300]}: {e!r}") from e
        finally:
            for s in self.sockets:
                s.close()
            if self.own:
                stop_server(self.server)

    def step(self, step):
        if step.get("retry"):
            assert wait_until(lambda: self.holds(step), step["within_ms"] / 1000), "it did not come to pass"
            return
        for name in ("send", "get", "connect", "session", "event", "text", "frame", "characters_of", "expect", "order",
                     "until", "quiet_ms", "closed", "close", "vanish", "ping_within_ms", "check", "compare", "metric",
                     "files_on_disk", "break", "restart", "flood", "let_go"):
            if name in step:
                getattr(self, "do_" + name)(step)
                break
        else:
            if "key" in step:
                self.key = self.server.new_key() if step["key"] == "new" else self.server.key
        if "error_event" in step:
            code, message, param = step["error_event"]
            event = self.ws.event(10)
            match({"type": "error", "error": {"type": "invalid_request_error", "code": code, "param": param}}, event)
            assert event["error"]["message"].startswith(message), event

    def holds(self, step):
        try:
            self.do_send(step)
            return True
        except AssertionError:
            return False

    # HTTP

    def headers(self, step):
        key = step.get("key", self.key)
        return {**({"Authorization": f"Bearer {key}"} if key is not None else {}), **step.get("headers", {})}

    def do_send(self, step):
        request = self.values.fill(copy.deepcopy(SHARED["requests"][step["send"]]))
        for path, value in step.get("with", {}).items():
            put(request["body"], path, value)
        for path in step.get("without", []):
            put(request["body"], path, None, remove=True)
        body = step["raw"].encode() if "raw" in step else json.dumps(request["body"], ensure_ascii=False).encode()
        headers = {"Content-Type": "application/json", **self.headers(step)}
        if step.get("sse"):
            headers["X-DashScope-SSE"] = "enable"
        self.exchange(step, step.get("method", request["method"]), step.get("path", request["path"]), headers, body)

    def do_get(self, step):
        self.exchange(step, step.get("method", "GET"), step["get"], step.get("headers", {}), b"")

    def exchange(self, step, method, path, headers, body):
        wire = self.kept or raw.Wire(self.server.port)
        self.kept = wire if step.get("keep") else None
        if "vanish_after" in step:
            wire.send(raw.head_bytes(method, path, {"Host": "x", "Content-Length": len(body), **headers}) + body)
            assert raw.read_head(wire).status == 200
            wire.abort()
            return
        answer = raw.request(wire, self.server.port, method, path, headers, body, step.get("expect_100", False))
        if not self.kept:
            wire.close()
        self.check_answer(step, answer)

    def check_answer(self, step, answer):
        if "error" in step:
            check_error(answer, *step["error"])
        else:
            assert answer.status == step["status"], (answer.status, answer.body[:300])
        if "content_type" in step:
            match(step["content_type"], answer.headers["content-type"], "content-type")
        for name, wanted in step.get("answer_headers", {}).items():
            match(wanted, answer.headers[name], name)
        if "body" in step:
            assert answer.body == step["body"].encode()
        if "wav" in step:
            self.audio[step.get("audio")] = wav_samples(answer.body, *step["wav"])
        if step.get("sse") and answer.status == 200:
            result = self.check_stream(step, answer)
        elif answer.headers.get("content-type", "").startswith("application/json") and answer.body:
            result = answer.json()
        if "json" in step:
            match(step["json"], result)
        for name, path in step.get("capture", {}).items():
            self.values.known[name] = get(result, path)

    def check_stream(self, step, answer):
        text = answer.body.decode()
        frames = [json.loads(line[5:]) for line in text.split("\n") if line.startswith("data:")]
        assert [int(i) for i in re.findall(r"^id:(\d+)$", text, re.MULTILINE)] == list(range(1, len(frames) + 1))
        if "layout" in step:
            match(step["layout"], text, "stream")
        for frame in frames[:-1]:
            match(step.get("middle", {}), frame, "middle frame")
        match(step.get("last", {}), frames[-1], "last frame")
        if "audio" in step:
            self.audio[step["audio"]] = b"".join(base64.b64decode(f["output"]["audio"]["data"]) for f in frames)
        if "first_frame_before" in step:
            first, last = (answer.pieces[i][0] - answer.sent for i in (0, -1))
            assert first < step["first_frame_before"] * last, (first, last)
        return frames[-1]

    # Realtime

    def do_connect(self, step):
        query = step["connect"].get("query", f"model={REALTIME_MODEL}")
        for _ in range(1 + step["connect"].get("also", 0)):
            self.ws = raw.WebSocket(self.server.port, "/api-ws/v1/realtime" + ("?" + query if query else ""),
                                    self.headers(step))
            self.sockets.append(self.ws)
        if "error" in step:
            check_error(self.ws.answer, *step["error"])
            if step["connect"].get("also"):
                for s in self.sockets:
                    s.close()
            return
        assert self.ws.answer.status == 101, self.ws.answer.body
        self.opened = time.monotonic()
        for name in step.get("without_headers", []):
            assert name not in self.ws.answer.headers

    def do_session(self, step):
        """Connect, and configure: with the voice of the main server unless the step says another."""
        self.do_connect({"connect": {}})
        assert self.ws.event(10)["type"] == "session.created"
        self.ws.send({"type": "session.update",
                      "session": {"voice": self.values.known.get("realtime_voice"), **step["session"]}})
        event = self.ws.event(10)
        assert event["type"] == "session.updated", event

    def do_event(self, step):
        self.ws.send(step["event"])

    def do_text(self, step):
        self.ws.send_text(step["text"])

    def do_characters_of(self, step):
        for c in step["characters_of"]:
            self.ws.send({"type": "input_text_buffer.append", "text": c})

    def do_frame(self, step):
        self.ws.send_frame(step["frame"]["opcode"], step["frame"]["payload"].encode())

    def do_expect(self, step):
        began = self.opened if step["expect"]["type"] == "session.created" else time.monotonic()
        match(step["expect"], self.ws.event(10), "event")
        took = (time.monotonic() - began) * 1000
        assert took <= step.get("within_ms", 10000), f"after {took:.0f} ms"

    def do_until(self, step):
        end = time.monotonic() + step.get("within_ms", 90000) / 1000
        while True:
            event = self.ws.event(90)
            assert event["type"] != "error", event
            if event["type"] == step["until"]["type"]:
                assert time.monotonic() <= end, f"{time.monotonic() - end:.3f} s too late"
                match(step["until"], event, "event")
                return

    def do_order(self, step):
        wanted = [t for name in step["order"] for t in (RESPONSE if name == "$response" else [name])]
        events, at = [], 0
        while at < len(wanted):
            event = self.ws.event(90)
            if event["type"] in step.get("except", []):
                continue
            name = wanted[at].rstrip("+")
            if event["type"] != name and at and wanted[at - 1] == event["type"] + "+":
                at -= 1
            assert event["type"] == wanted[at].rstrip("+"), (event["type"], wanted[at], event.get("error"))
            at += 1
            match(step.get("matching", {}).get(event["type"], {}), event, event["type"])
            events.append(event)
        check_ids(events)
        deltas = [e["delta"] for e in events if e["type"] == "response.audio.delta"]
        for delta in deltas if "each_delta" in step else []:
            match(step["each_delta"], delta, "delta")
        self.audio[step.get("audio")] = b"".join(map(base64.b64decode, deltas))
        usage = [e["response"]["usage"]["characters"] for e in events if e["type"] == "response.done"]
        if "usage" in step or "characters" in step:
            assert usage == step.get("usage", [step.get("characters")])

    def do_quiet_ms(self, step):
        try:
            event = self.ws.event(step["quiet_ms"] / 1000)
        except TimeoutError:
            return
        raise AssertionError(f"not quiet: {event['type']}")

    def do_closed(self, step):
        began = time.monotonic()
        assert self.ws.close_code() == step["closed"]
        took = (time.monotonic() - began) * 1000
        least, most = step.get("between_ms", [0, 10000])
        assert least <= took <= most, f"after {took:.0f} ms"

    def do_close(self, step):
        self.ws.send_frame(raw.CLOSE, step["close"].to_bytes(2, "big"))

    def do_vanish(self, step):
        if step["vanish"] == "abort":
            self.ws.wire.abort()
        elif step["vanish"] == "close":
            self.ws.send_frame(raw.CLOSE, b"\x03\xe8bye")
        self.ws.close()

    def do_ping_within_ms(self, step):
        end = time.monotonic() + step["ping_within_ms"] / 1000
        while not self.ws.pings:
            self.ws.frame(end)

    # What is around

    def do_check(self, step):
        check_audio(step, self.audio, step["check"])

    def do_compare(self, step):
        match(step["compare"][1], step["compare"][0])

    def do_metric(self, step):
        line = f"\n{step['metric']} {step['becomes']}\n"
        assert wait_until(lambda: line in requests.get(self.server.url + "/metrics", timeout=10).text, 60), line

    def do_files_on_disk(self, step):
        def count():
            return sum(1 for p in (self.server.data / "files").rglob("*") if p.is_file())

        assert wait_until(lambda: count() == step["files_on_disk"]), count()

    def do_break(self, step):
        """What a failing disk leaves: audio files that cannot be written, voices that cannot be read."""
        if step["break"] == "files":
            shutil.rmtree(self.server.data / "files", ignore_errors=True)
            (self.server.data / "files").write_text("")
        else:
            with sqlite3.connect(self.server.data / "timbre.db") as db:
                db.execute("UPDATE prints SET bytes = x'00112233'")
            db.close()

    def do_restart(self, step):
        stop_server(self.server)
        self.server = start_server(self.server.data, *SHARED["servers"]["main"], *step["restart"], key=self.key)

    def do_flood(self, step):
        """So many listeners that never end, as nobody reads what is said; the next one is refused."""
        body = json.dumps({"model": HTTP_MODEL, "input": {"text": "A rather long sentence. " * 2000,
                                                          "voice": self.values.known["http_voice"]}}).encode()
        head = raw.head_bytes("POST", SHARED["requests"]["speak"]["path"],
                              {"Host": "x", "X-DashScope-SSE": "enable", "Content-Length": len(body),
                               **self.headers(step)})
        for n in range(step["flood"] + 1):
            self.do_metric({"metric": "timbre_utterances_open", "becomes": n})
            self.sockets.append(raw.Wire(self.server.port))
            self.sockets[-1].send(head + body)
        refused = raw.read_answer(self.sockets[-1])
        check_error(refused, *step["error"])
        assert refused.headers["retry-after"] == "1"

    def do_let_go(self, _):
        for s in self.sockets:
            s.close()


def check_ids(events):
    """Ids of events differ; those of a response and its item are the same in all of its events."""
    assert len({e["event_id"] for e in events}) == len(events)
    response = item = None
    for e in events:
        if e["type"] == "response.created":
            response, item = e["response"]["id"], None
        elif e["type"].startswith("response."):
            assert e["response_id"] == response
        if e["type"] == "response.output_item.added":
            item = e["item"]["id"]
        elif e["type"] in ("response.audio.delta", "response.content_part.added", "response.content_part.done",
                           "response.audio.done"):
            assert (e["item_id"], e["output_index"], e["content_index"]) == (item, 0, 0)
        elif e["type"] == "response.output_item.done":
            assert e["item"]["id"] == item
