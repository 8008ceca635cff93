"""Bad input of every kind. Whatever comes, the answer is the documented one or the right close code, and afterwards the
server answers and still knows its voices."""
import base64
import copy
import json
import random
import re
import struct
import time
import wave

import pytest
import requests

import raw
import rows
from conftest import REALTIME_MODEL, VOICES_PATH, SYNTHESIS_PATH, make_voice, wait_until

HUGE = 10 ** 30
ODD_VALUES = [True, False, 0, -1, 1.5, 1e300, HUGE, -HUGE, 9223372036854775807, "", "x", "1", "\0", "😀" * 50, [], [1],
              {}, {"a": 1}]

CREATE, LIST, DELETE, SPEAK = (rows.SHARED["requests"][name] for name in ("create", "list", "delete", "speak"))
NO_AUDIO = "data:audio/wav;base64,AAAA"  # what is still refused when all else is right
NO_VOICE = "qwen-tts-vc-nobody-voice-20260101000000000-0000"


def text(value):
    return isinstance(value, str)


def whole(least, most):
    return lambda v: type(v) is int and least <= v <= most


def number(least, most):
    return lambda v: type(v) in (int, float) and least <= v <= most


def no(_):
    return False


OPTIONS = {"language_type": no, "response_format": no, "sample_rate": no, "speech_rate": number(0.5, 2),
           "pitch_rate": number(0.5, 2), "volume": whole(0, 100), "bit_rate": whole(6, 510)}

# request, what is wrong with it by itself, path of a field, which of ODD_VALUES are right there, subject of the message
FIELDS = (
    [(CREATE, {"input.audio.data": NO_AUDIO}, f"input.{name}", fine, name) for name, fine in {
        "action": no, "target_model": no, "preferred_name": lambda v: v in ("x", "1"), "audio": no, "language": no,
        "text": text}.items()] +
    [(CREATE, {"input.audio.data": NO_AUDIO}, "input.audio.data", no, "audio.data")] +
    [(LIST, {}, f"input.{name}", whole(0, 1000000), name) for name in ("page_index", "page_size")] +
    [(LIST, {}, "input.action", no, "action")] +
    [(DELETE, {"input.voice": NO_VOICE}, "input.voice", text, "voice")] +
    [(SPEAK, {"input.voice": NO_VOICE}, "input.text", lambda v: text(v) and v, "text")] +
    [(SPEAK, {}, "input.voice", text, "voice")] +
    [(SPEAK, {}, "parameters.voice", text, "voice")] +
    [(SPEAK, {"input.voice": NO_VOICE}, f"input.{name}", fine, name) for name, fine in OPTIONS.items()] +
    [(SPEAK, {"input.voice": NO_VOICE}, f"parameters.{name}", fine, name) for name, fine in OPTIONS.items()] +
    [(SPEAK, {"input.voice": NO_VOICE}, "parameters", lambda v: isinstance(v, dict), "parameters")])


def post(server, path, body, key=None):
    wire = raw.Wire(server.port)
    answer = raw.request(wire, server.port, "POST", path, {"Authorization": f"Bearer {key or server.key}"}, body)
    wire.close()
    return answer


@pytest.fixture(autouse=True)
def still_there(server, http_voice, realtime_voice):
    """After each test the server answers, has both voices, and nothing hangs about in it."""
    yield
    listed = server.voices(action="list", page_size=1000).json()["output"]["voice_list"]
    assert {http_voice, realtime_voice} <= {v["voice"] for v in listed}
    assert wait_until(lambda: "\ntimbre_utterances_open 0\n" in requests.get(server.url + "/metrics").text, 60)
    assert server.process.poll() is None


# Fields of HTTP requests ---------------------------------------------------------------------------------------------

@pytest.mark.parametrize("request_, wrong, path, fine, subject", FIELDS,
                         ids=[f"{f[0]['body'].get('input', {}).get('action', 'speak')}-{f[2]}" for f in FIELDS])
def test_odd_values_in_a_field(server, http_voice, request_, wrong, path, fine, subject):
    values = rows.Values(None, {"http_model": rows.HTTP_MODEL, "http_voice": http_voice, "wav": NO_AUDIO})
    for odd in ODD_VALUES:
        body = values.fill(copy.deepcopy(request_["body"]))
        for other, value in wrong.items():
            rows.put(body, other, value)
        if path == "parameters.voice":
            rows.put(body, "input.voice", None, remove=True)
        rows.put(body, path, odd)
        answer = post(server, request_["path"], json.dumps(body).encode())
        if answer.status == 200:
            assert request_ is LIST and fine(odd), (odd, answer.body)
            continue
        found = answer.json()
        assert answer.status == 400, (odd, found)
        rows.check_error(answer, 400, found["code"], "")
        if type(odd) is int and abs(odd) >= HUGE or "\0" in str(odd):  # a number, a string that we do not read
            assert "body" in found["message"], (odd, found)
        elif not fine(odd):
            assert found["code"] == "InvalidParameter" and named(found["message"], subject), (odd, found)
        else:
            assert not named(found["message"], subject) or "character" in found["message"], (odd, found)


def named(message, subject):
    return re.search(rf"\({subject}(\.data)?\)|specification: {subject}\.|Field required: input\.{subject}|"
                     "^The provided URL does not appear to be valid", message)


@pytest.mark.parametrize("path", [VOICES_PATH, SYNTHESIS_PATH])
def test_odd_models_and_inputs(server, path):
    for odd in ODD_VALUES:
        for body in ({"model": odd, "input": {}}, {"model": "qwen-voice-enrollment", "input": odd}, odd):
            answer = post(server, path, json.dumps(body).encode())
            rows.check_error(answer, 400, answer.json()["code"], "")


@pytest.mark.parametrize("name", ["model", "input", "input.action", "input.target_model", "input.preferred_name",
                                  "input.audio", "input.audio.data"])
def test_null_counts_as_absent(server, name):
    values = rows.Values(None, {"http_model": rows.HTTP_MODEL, "wav": NO_AUDIO})
    answers = []
    for remove in (False, True):
        body = values.fill(copy.deepcopy(CREATE["body"]))
        rows.put(body, name, None, remove)
        answer = post(server, VOICES_PATH, json.dumps(body).encode()).json()
        answers.append((answer["code"], answer["message"]))
    assert answers[0] == answers[1]


# What is no JSON -----------------------------------------------------------------------------------------------------

NO_JSON = {
    "nothing": b"", "blank": b" \n", "brace": b"{", "word": b"hello", "array": b"[]", "null": b"null",
    "string": b'"{}"', "number": b"1", "two": b"{}{}", "trailing": b"{} x", "single quotes": b"{'model':'x'}",
    "comment": b"{}//",
    "trailing comma": b'{"model":"x",}', "NUL": b'{"model":"x"}\0', "NUL escaped": b'{"model":"\\u0000"}',
    "NUL in a name": b'{"mod\\u0000el":"x"}', "control": b'{"model":"a\nb"}', "bad escape": b'{"model":"\\q"}',
    "half escape": b'{"model":"\\u12"}', "lone surrogate": b'{"model":"\\ud800"}',
    "swapped": b'{"model":"\\udc00\\ud800"}',
    "NaN": b'{"model":NaN}', "infinity": b'{"model":1e999}', "long number": b'{"model":' + b"9" * 10000 + b"}",
    "leading zero": b'{"model":01}', "duplicate": b'{"model":"a","model":"a"}',
    "duplicate within": b'{"model":"a","input":{"text":"a","text":"b"}}',
    "deep array": b'{"model":' + b"[" * 100000 + b"]" * 100000 + b"}", "33 deep": b'{"a":' * 33 + b"1" + b"}" * 33,
    "unclosed depth": b'{"a":[' * 50000, "BOM": b"\xef\xbb\xbf{}",
}
NO_UTF8 = {
    "lone byte": b'{"model":"\xff"}', "overlong": b'{"model":"\xc0\xaf"}', "surrogate": b'{"model":"\xed\xa0\x80"}',
    "cut": b'{"model":"\xe5\xa5"}', "beyond": b'{"model":"\xf4\x90\x80\x80"}', "continuation": b'{"model":"\x80"}',
    "UTF-16": '{"model":"x"}'.encode("utf-16"),
}


@pytest.mark.parametrize("path", [VOICES_PATH, SYNTHESIS_PATH])
@pytest.mark.parametrize("body", [*NO_JSON.values(), *NO_UTF8.values()], ids=[*NO_JSON, *NO_UTF8])
def test_bodies_that_are_no_json(server, path, body):
    rows.check_error(post(server, path, body), 400, "InvalidParameter",
                     "Required body invalid, please check the request body format.")


class Session:
    """A realtime session with a configuration that must be the same at the end."""

    def __init__(self, server, voice):
        self.server, self.voice = server, voice
        self.ws = raw.WebSocket(server.port, f"/api-ws/v1/realtime?model={REALTIME_MODEL}",
                                {"Authorization": f"Bearer {server.key}"})
        assert self.ws.event(10)["type"] == "session.created"
        self.ws.send({"type": "session.update", "session": {"voice": voice, "mode": "commit", "volume": 42}})
        self.before = self.ws.event(10)["session"]

    def error(self, code):
        event = self.ws.event(10)
        assert event["type"] == "error", event
        assert event["error"]["type"] == "invalid_request_error" and event["error"]["code"] == code, event
        assert all(isinstance(v, str) for v in event["error"].values())
        return event["error"]

    def check(self):
        self.ws.send({"type": "session.update", "session": {}})
        event = self.ws.event(10)
        assert event["type"] == "session.updated" and event["session"] == self.before, event

    def speak(self):
        self.ws.send({"type": "input_text_buffer.append", "text": "Hi."})
        self.ws.send({"type": "session.finish"})
        types = [self.ws.event()["type"]]
        while types[-1] != "session.finished":
            types.append(self.ws.event()["type"])
        assert types.count("response.done") == 1 and types.count("response.audio.delta") > 0

    def end(self):
        self.ws.send({"type": "session.finish"})
        assert self.ws.event(10)["type"] == "session.finished"
        self.ws.close()


@pytest.fixture
def session(server, realtime_voice):
    made = Session(server, realtime_voice)
    yield made
    made.ws.close()


def test_events_that_are_no_json(session):
    for name, event in NO_JSON.items():
        session.ws.send_frame(raw.TEXT, event)
        session.error("invalid_json")
        session.check()
    session.speak()


UPDATES = {"voice": no, "mode": no, "instructions": text, "optimize_instructions": lambda v: isinstance(v, bool),
           "enable_tn": lambda v: isinstance(v, bool), **OPTIONS}


@pytest.mark.parametrize("name", UPDATES)
def test_odd_values_in_session_update(session, name):
    for odd in ODD_VALUES:
        if UPDATES[name](odd):
            continue
        session.ws.send({"type": "session.update", "event_id": "e1", "session": {"volume": 1, name: odd}})
        if type(odd) is int and abs(odd) >= HUGE or "\0" in str(odd):
            session.error("invalid_json")
        else:
            error = session.error("invalid_value")
            assert (error["param"], error["event_id"]) == (f"session.{name}", "e1"), (odd, error)
        session.check()
    session.end()


def test_odd_values_elsewhere_in_events(session):
    for odd in ODD_VALUES:
        unread = type(odd) is int and abs(odd) >= HUGE or "\0" in str(odd)
        for event, fine in [({"type": odd}, False), ({"type": "session.update", "session": odd}, isinstance(odd, dict)),
                            ({"type": "input_text_buffer.append", "text": odd}, text(odd)),
                            ({"type": "session.update", "session": {}, "event_id": odd}, True)]:
            session.ws.send(event)
            if unread:
                session.error("invalid_json")
            elif not fine:
                session.error("invalid_value")
            elif event["type"] == "session.update":
                assert session.ws.event(10)["type"] == "session.updated"
            else:
                session.ws.send({"type": "input_text_buffer.clear"})
                assert session.ws.event(10)["type"] == "input_text_buffer.cleared"
                session.ws.close()
                session.__init__(session.server, session.voice)  # an append ends the time of updates
    session.check()
    session.end()


# Frames --------------------------------------------------------------------------------------------------------------

UPDATE = json.dumps({"type": "session.update", "session": {"instructions": "héllo 你好 😀"}}, ensure_ascii=False).encode()


def test_a_text_in_fragments_of_one_byte(session):
    """Borders may fall within a character; pings may come between."""
    for i, byte in enumerate(UPDATE):
        session.ws.send_frame(raw.TEXT if i == 0 else 0, bytes([byte]), fin=i == len(UPDATE) - 1)
        if i == 5:
            session.ws.send_frame(raw.PING, b"between")
    assert session.ws.frame() == (raw.PONG, b"between")
    event = session.ws.event(10)
    assert event["type"] == "session.updated" and event["session"]["instructions"] == "héllo 你好 😀"


def test_empty_fragments_and_two_frames_in_one_packet(session):
    session.ws.send_frame(raw.TEXT, b"", fin=False)
    session.ws.send_frame(0, UPDATE, fin=False)
    session.ws.send_frame(0, b"")
    assert session.ws.event(10)["type"] == "session.updated"


def test_a_message_of_1_mib_is_taken(session):
    event = b'{"type":"input_text_buffer.clear","x":"' + b"x" * (2 ** 20 - 41) + b'"}'
    assert len(event) == 2 ** 20
    session.ws.send_frame(raw.TEXT, event)
    assert session.ws.event(10)["type"] == "input_text_buffer.cleared"


BREACHES = {
    "message over 1 MiB": (1009, [(raw.TEXT, b" " * (2 ** 20 + 1), {})]),
    "fragments over 1 MiB": (1009, [(raw.TEXT, b" " * 2 ** 19, {"fin": False}), (0, b" " * 2 ** 19, {"fin": False}),
                                    (0, b" ", {})]),
    "binary": (1003, [(raw.BINARY, b"\0", {})]),
    "not masked": (1002, [(raw.TEXT, b"{}", {"masked": False})]),
    "reserved bit": (1002, [(raw.TEXT, b"{}", {"bits": 4})]),
    "unknown opcode": (1002, [(3, b"", {})]),
    "unknown control": (1002, [(11, b"", {})]),
    "ping in fragments": (1002, [(raw.PING, b"", {"fin": False})]),
    "ping of 126": (1002, [(raw.PING, b"x" * 126, {})]),
    "continuation of nothing": (1002, [(0, b"{}", {})]),
    "text within a text": (1002, [(raw.TEXT, b"{", {"fin": False}), (raw.TEXT, b"{}", {})]),
    "close of one byte": (1002, [(raw.CLOSE, b"\x03", {})]),
    "close with 1005": (1002, [(raw.CLOSE, b"\x03\xed", {})]),
    "close with bad UTF-8": (1007, [(raw.CLOSE, b"\x03\xe8\xff", {})]),
    "close with 4000": (4000, [(raw.CLOSE, b"\x0f\xa0bye", {})]),
    "close without a code": (1005, [(raw.CLOSE, b"", {})]),
    "bad UTF-8 across fragments": (1007, [(raw.TEXT, b'"\xe5', {"fin": False}), (0, b'"', {})]),
    **{f"bad UTF-8, {name}": (1007, [(raw.TEXT, event, {})]) for name, event in NO_UTF8.items()},
}


@pytest.mark.parametrize("name", BREACHES)
def test_frames_that_end_the_connection(session, name):
    code, frames = BREACHES[name]
    for opcode, payload, how in frames:
        session.ws.send_frame(opcode, payload, **how)
    assert session.ws.close_code() == code


# Recordings that are none ---------------------------------------------------------------------------------------------

def wav_bytes(samples=b"", rate=24000, channels=1, kind=1, bits=16, size=None):
    """A WAV file; size is what its header says of its samples."""
    size = len(samples) if size is None else size
    width = channels * bits // 8
    return (b"RIFF" + struct.pack("<I", 36 + size & 0xffffffff) + b"WAVEfmt " +
            struct.pack("<IHHIIHH", 16, kind, channels, rate, rate * width & 0xffffffff, width & 0xffff, bits) +
            b"data" + struct.pack("<I", size) + samples)


def spoken(recordings):
    with wave.open(str(recordings.path("clip.wav"))) as w:
        return w.readframes(w.getnframes())


MP4_HEAD = struct.pack(">I4s4sI4s", 24, b"ftyp", b"M4A ", 0, b"M4A ") + struct.pack(">I", 0)
BAD_RECORDINGS = {  # how it is made of the samples of a good one; the code
    "nothing": (lambda s: b"", "Audio.DecoderError"),
    "one byte": (lambda s: b"R", "Audio.DecoderError"),
    "a header alone": (lambda s: wav_bytes(), "Audio.DecoderError"),
    "1 Hz": (lambda s: wav_bytes(s[:100], rate=1), "Audio.AudioRateError"),
    "768 kHz for an instant": (lambda s: wav_bytes(s, rate=768000), "Audio.PreprocessError"),
    "over 768 kHz": (lambda s: wav_bytes(s, rate=768001), "Audio.DecoderError"),
    "64 channels": (lambda s: wav_bytes(s[:len(s) // 128 * 128], channels=64), "Audio.DecoderError"),
    "no channel": (lambda s: wav_bytes(s, channels=0), "Audio.DecoderError"),
    "NaN": (lambda s: wav_bytes(b"\0\0\xc0\x7f" * 96000, kind=3, bits=32), "Audio.PreprocessError"),
    "infinities": (lambda s: wav_bytes(b"\0\0\x80\x7f" * 96000, kind=3, bits=32), "Audio.PreprocessError"),
    "silence": (lambda s: wav_bytes(bytes(480000)), "Audio.PreprocessError"),
    "noise": (lambda s: wav_bytes(random.Random(1).randbytes(480000)), "Audio.PreprocessError"),
    "an MP4 box of 4 GB": (lambda s: MP4_HEAD + b"\xff\xff\xff\xffmoov" + s[:9000], "Audio.DecoderError"),
    "an MP4 box in itself": (lambda s: MP4_HEAD + b"\0\0\0\x08moov" * 5000, "Audio.DecoderError"),
    "an executable": (lambda s: b"\x7fELF" + s[:5000], "Audio.DecoderError"),
    "a picture": (lambda s: b"\x89PNG\r\n\x1a\n" + s[:5000], "Audio.DecoderError"),
    "FLAC": (lambda s: b"fLaC" + s[:5000], "BadRequest.UnsupportedFileFormat"),
}


@pytest.mark.parametrize("name", BAD_RECORDINGS)
def test_recordings_that_are_none(server, recordings, name):
    make, code = BAD_RECORDINGS[name]
    answer = server.create("data:audio/wav;base64," + base64.b64encode(make(spoken(recordings))).decode())
    assert (answer.status_code, answer.json()["code"]) == (400, code), answer.text


def test_a_header_that_lies_about_its_size_is_read_to_the_end(server, recordings):
    samples = spoken(recordings)
    for size in (0xffffffff, 0x7ffffff0):
        url = "data:audio/wav;base64," + base64.b64encode(wav_bytes(samples, size=size)).decode()
        assert server.create(url).status_code == 200


def test_data_urls_with_wrong_types_and_broken_base64(server, recordings):
    good = base64.b64encode(wav_bytes(spoken(recordings))).decode()
    for head in ("data:image/png;base64,", "data:;base64,", "DATA:text/plain;charset=utf-8;BASE64,"):
        assert server.create(head + good).status_code == 200, head  # what counts is the content
    for url in ("data:audio/wav," + good, "data:audio/wav;base64" + good,
                "data:audio/wav;base64," + good[:-5] + "*" + good[-4:],
                "data:audio/wav;base64," + good.replace("A", "-", 1), "data:audio/wav;base64," + good + "====",
                "data:audio/wav;base64," + good[:101] + "=" + good[101:], "data:", "data:;base64", "data:,"):
        answer = server.create(url)
        assert (answer.status_code, answer.json()["code"]) == (400, "InvalidParameter"), (url[:60], answer.text)
    over = server.create("data:audio/wav;base64," + "A" * (10 * 2 ** 20 + 4))
    assert (over.status_code, over.json()["code"]) == (400, "BadRequest.TooLarge")


# Connections that break ----------------------------------------------------------------------------------------------

LONG = "One is here. Two is here. Three is here. Four is here. Five is here. Six is here."


def test_breaks_within_a_handshake(server):
    for head in (b"", b"GET ", b"GET /api-ws/v1/realtime HTTP/1.1\r\nUpgrade: websocket\r\n"):
        wire = raw.Wire(server.port)
        wire.send(head)
        wire.abort()


def test_breaks_within_an_upload(server):
    for sent in (0, 1, 100000):
        wire = raw.Wire(server.port)
        wire.send(raw.head_bytes("POST", VOICES_PATH, {"Host": "x", "Authorization": f"Bearer {server.key}",
                                                       "Content-Length": 5000000}) + b"x" * sent)
        wire.abort()
    wire = raw.Wire(server.port)
    wire.send(raw.head_bytes("POST", VOICES_PATH, {"Host": "x", "Transfer-Encoding": "chunked"}) + b"5\r\n{\r\n")
    wire.close()


@pytest.mark.parametrize("sse", ["enable", "no"])
def test_breaks_within_an_answer(server, http_voice, sse):
    body = json.dumps({"model": rows.HTTP_MODEL, "input": {"text": LONG, "voice": http_voice}}).encode()
    for end in (raw.Wire.abort, raw.Wire.close):
        wire = raw.Wire(server.port)
        wire.send(raw.head_bytes("POST", SYNTHESIS_PATH, {"Host": "x", "Authorization": f"Bearer {server.key}",
                                                          "X-DashScope-SSE": sse, "Content-Length": len(body)}) + body)
        if sse == "enable":
            wire.take(500)
        else:
            time.sleep(0.2)
        end(wire)


def test_breaks_within_a_response(server, realtime_voice):
    for end in (lambda s: s.ws.wire.abort(), lambda s: s.ws.close(), lambda s: s.ws.send_frame(raw.CLOSE, b"\x03\xe8"),
                lambda s: s.ws.send_frame(raw.TEXT, b"\xff"), lambda s: s.ws.send_frame(raw.BINARY, b"")):
        session = Session(server, realtime_voice)
        session.ws.send({"type": "input_text_buffer.append", "text": LONG})
        session.ws.send({"type": "input_text_buffer.commit"})
        while session.ws.event()["type"] != "response.audio.delta":
            pass
        end(session)
        session.ws.close()


def test_breaks_within_a_create_leave_no_voice_half_made(server, recordings):
    """The client has gone: the voice is either there, whole, or it is not."""
    key = server.new_key()
    body = json.dumps({"model": "qwen-voice-enrollment", "input": {
        "action": "create", "target_model": rows.HTTP_MODEL, "preferred_name": "gone",
        "audio": {"data": recordings.data_url("clip.wav")}}}).encode()
    wire = raw.Wire(server.port)
    wire.send(raw.head_bytes("POST", VOICES_PATH, {"Host": "x", "Authorization": f"Bearer {key}",
                                                   "Content-Length": len(body)}) + body)
    wire.abort()
    assert wait_until(lambda: "\ntimbre_http_open 1\n" in requests.get(server.url + "/metrics").text, 20)
    for voice in server.voices(key=key, action="list").json()["output"]["voice_list"]:
        assert server.synthesise(voice["voice"], "Hi.", key=key).status_code == 200


def test_events_around_a_response_do_not_disturb_it(another_server, recordings):
    """Rubbish that arrives while it speaks changes not one byte of the audio, which with windows differ anyway."""
    server = another_server("--windows", "no")
    voice = make_voice(server, recordings, REALTIME_MODEL)

    def audio(rubbish):
        session = Session(server, voice)
        session.ws.send({"type": "input_text_buffer.append", "text": "Good evening. Here is the news."})
        session.ws.send({"type": "input_text_buffer.commit"})
        for event in rubbish:
            session.ws.send_frame(raw.TEXT, event)
        session.ws.send({"type": "session.finish"})
        found, errors = b"", 0
        while (event := session.ws.event())["type"] != "session.finished":
            errors += event["type"] == "error"
            if event["type"] == "response.audio.delta":
                found += base64.b64decode(event["delta"])
        session.ws.close()
        return found, errors

    plain, rubbish = audio([]), audio([*NO_JSON.values(), b'{"type":"session.update","session":{"volume":0}}'])
    assert plain[0] and plain[0] == rubbish[0]
    assert (plain[1], rubbish[1]) == (0, len(NO_JSON) + 1)
