"""Text that nobody can say, or with things in it that nobody can see: silence of a defined length, a clear error, or
the same speech as without them."""
import base64
import json

import pytest
import requests

import raw
from conftest import HTTP_MODEL, REALTIME_MODEL, SYNTHESIS_PATH

SILENCE = bytes(2 * 4800)  # 0.2 s
UNSPEAKABLE = {
    "full stops": "...", "punctuation": "?!.,;:—()[]{}«»\"'", "signs": "* _ ---- │┤╡╢", "emoji": "😀🎉",
    "joiners": "\u200d\u200b\u2060", "bidi marks": "\u202e\u202c\u2066\u2069\u200f", "controls": "\x01\x07\x1b\x7f",
    "marks alone": "\u0301" * 599, "cuneiform": "𒀀𒀁𒀂", "Thai": "สวัสดีครับ", "Arabic": "مرحبا بالعالم",
    "Tibetan": "བཀྲ་ཤིས",
    "private use": "\ue000\U000f0001", "not assigned": "\u0378\U000e1234", "replacement": "\ufffd\ufffd",
    "wide blanks": "\u3000\u00a0\u2028",
}
PLAIN = "Hi there."
DRESSED = {"bidi marks": "\u202eHi\u202c \u2067there\u2069.", "joiners": "H\u200di th\u2060er\ufeffe.",
           "controls": "\x01Hi\x07 the\x1bre.", "marks": "Hi there" + "\u0301" * 590 + "."}


def samples(server, voice, text, **options):
    answer = server.synthesise(voice, text, response_format="pcm", **options)
    assert answer.status_code == 200, answer.text
    return requests.get(answer.json()["output"]["audio"]["url"], timeout=60).content


@pytest.mark.parametrize("name", UNSPEAKABLE)
def test_nothing_to_say_is_silence(server, http_voice, name):
    assert samples(server, http_voice, UNSPEAKABLE[name]) == SILENCE


@pytest.mark.parametrize("language", ["zh", "ja", "ko", "ru"])
def test_so_it_is_in_languages_with_readers_of_their_own(server, http_voice, language):
    for text in UNSPEAKABLE.values():
        if text.isascii() or text[0] > "\u2000":
            assert samples(server, http_voice, text, language_type=language) == SILENCE, text


def test_nothing_to_say_in_a_stream(server, http_voice):
    body = {"model": HTTP_MODEL, "input": {"text": "...", "voice": http_voice}}
    lines = server.post(SYNTHESIS_PATH, body, **{"X-DashScope-SSE": "enable"}).text.split("\n")
    frames = [json.loads(line[5:])["output"] for line in lines if line.startswith("data:")]
    assert b"".join(base64.b64decode(f["audio"]["data"]) for f in frames) == SILENCE
    assert [f["finish_reason"] for f in frames][-1] == "stop"


def test_blank_text_is_an_error(server, http_voice):
    for text in ("", "   ", "\n\t\r\n"):
        answer = server.synthesise(http_voice, text)
        assert answer.status_code == 400 and answer.json()["code"] == "InvalidParameter", text


def test_what_nobody_sees_changes_nothing(server, http_voice):
    plain = samples(server, http_voice, PLAIN, language_type="en")
    for name, text in DRESSED.items():
        said = samples(server, http_voice, text, language_type="en")
        if name == "marks":  # one mark is a letter's own
            assert len(said) < 2 * len(plain)
        else:
            assert said == plain, name
    assert samples(server, http_voice, DRESSED["joiners"]) == plain  # Auto finds the language all the same


def test_ten_thousand_marks_on_a_letter_in_realtime(server, realtime_voice):
    ws = raw.WebSocket(server.port, f"/api-ws/v1/realtime?model={REALTIME_MODEL}",
                       {"Authorization": f"Bearer {server.key}"})
    assert ws.event(10)["type"] == "session.created"
    ws.send({"type": "session.update",
             "session": {"voice": realtime_voice, "mode": "commit", "response_format": "pcm"}})
    assert ws.event(10)["type"] == "session.updated"

    def said(text):
        ws.send({"type": "input_text_buffer.append", "text": text})
        ws.send({"type": "input_text_buffer.commit"})
        sound = b""
        while (event := ws.event())["type"] != "response.done":
            sound += base64.b64decode(event["delta"]) if event["type"] == "response.audio.delta" else b""
        assert event["response"]["status"] == "completed"
        return sound

    plain = said("Hia.")
    assert len(plain) > 4800
    assert len(said("Hia" + "\u0301" * 10000 + ".")) < 2 * len(plain)
    assert said("\u0301" * 10000) == said("...") == SILENCE
    ws.close()
