"""The official Python SDK, with its base URL changed and nothing else."""
import base64
import io
import threading
import wave

import dashscope
import pytest
import requests
from dashscope.audio.qwen_tts_realtime import AudioFormat, QwenTtsRealtime, QwenTtsRealtimeCallback

from conftest import HTTP_MODEL, REALTIME_MODEL

TEXT = "Good evening. This is the late programme, and here is the first song."


@pytest.fixture(autouse=True)
def base_url(server, monkeypatch):
    monkeypatch.setattr(dashscope, "base_http_api_url", server.http_base)
    monkeypatch.setattr(dashscope, "api_key", server.key)


def frames_of(wav_bytes):
    with wave.open(io.BytesIO(wav_bytes)) as w:
        assert (w.getframerate(), w.getnchannels(), w.getsampwidth()) == (24000, 1, 2)
        assert len(wav_bytes) == 44 + 2 * w.getnframes()
        return w.getnframes()


def test_the_documents_requests_sample(server, recordings):
    body = {"model": "qwen-voice-enrollment", "input": {
        "action": "create", "target_model": HTTP_MODEL, "preferred_name": "guanyu",
        "audio": {"data": recordings.data_url("voice.mp3")}}}
    answer = requests.post(server.http_base + "/services/audio/tts/customization", json=body, timeout=60,
                           headers={"Authorization": f"Bearer {server.key}", "Content-Type": "application/json"})
    assert answer.status_code == 200
    assert answer.json()["output"]["voice"]


def test_call_gives_a_url_to_a_wav_file(http_voice):
    answer = dashscope.MultiModalConversation.call(model=HTTP_MODEL, text=TEXT, voice=http_voice,
                                                   language_type="English", stream=False)
    assert answer.status_code == 200, answer
    assert answer.output.finish_reason == "stop"
    assert answer.usage["characters"] == len(TEXT)
    assert answer.output.audio["data"] == ""
    assert frames_of(requests.get(answer.output.audio["url"], timeout=10).content) > 24000


def test_stream_gives_pcm_and_then_the_url(http_voice):
    frames = list(dashscope.MultiModalConversation.call(model=HTTP_MODEL, text=TEXT, voice=http_voice, stream=True))
    assert all(f.status_code == 200 for f in frames), frames
    pieces = [base64.b64decode(f.output.audio["data"]) for f in frames[:-1]]
    assert all(p and len(p) % 2 == 0 for p in pieces)
    assert all(f.output.finish_reason == "null" for f in frames[:-1])
    last = frames[-1]
    assert last.output.finish_reason == "stop" and last.output.audio["data"] == ""
    whole = frames_of(requests.get(last.output.audio["url"], timeout=10).content)
    assert abs(sum(map(len, pieces)) // 2 - whole) <= 1


def test_errors_come_as_answers(http_voice, realtime_voice):
    for voice in ("Cherry", realtime_voice, http_voice[:-4] + "0000"):
        answer = dashscope.MultiModalConversation.call(model=HTTP_MODEL, text=TEXT, voice=voice)
        assert (answer.status_code, answer.code) == (400, "InvalidParameter")
        assert answer.message.startswith("Invalid voice specified")


class Listener(QwenTtsRealtimeCallback):
    """Keeps all events; `finished` is set at session.finished or when the connection closes."""

    def __init__(self):
        self.events, self.finished, self.responded, self.closed = [], threading.Event(), threading.Event(), []

    def on_open(self):
        pass

    def on_close(self, code, reason):
        self.closed.append((code, reason))
        self.finished.set()

    def on_event(self, event):
        self.events.append(event)
        if event["type"] == "response.done":
            self.responded.set()
        if event["type"] == "session.finished":
            self.finished.set()

    def types(self):
        return [e["type"] for e in self.events]

    def audio(self):
        return b"".join(base64.b64decode(e["delta"]) for e in self.events if e["type"] == "response.audio.delta")


def realtime(server, voice, mode, listener):
    client = QwenTtsRealtime(model=REALTIME_MODEL, callback=listener, url=server.ws_url)
    client.connect()
    client.update_session(voice=voice, response_format=AudioFormat.PCM_24000HZ_MONO_16BIT, mode=mode)
    return client


def test_realtime_server_commit(server, realtime_voice):
    listener = Listener()
    client = realtime(server, realtime_voice, "server_commit", listener)
    for piece in TEXT.split(". "):
        client.append_text(piece + ". ")
    client.finish()
    assert listener.finished.wait(120)
    types = listener.types()
    assert types[:2] == ["session.created", "session.updated"]
    assert types[-1] == "session.finished"
    assert "error" not in types
    assert len(listener.audio()) > 24000
    client.close()


def test_realtime_commit(server, realtime_voice):
    listener = Listener()
    client = realtime(server, realtime_voice, "commit", listener)
    client.append_text("The first song.")
    client.commit()
    assert listener.responded.wait(120)
    client.finish()
    assert listener.finished.wait(30)
    types = [t for t in listener.types() if t != "response.audio.delta"]
    assert types == ["session.created", "session.updated", "input_text_buffer.committed", "response.created",
                     "response.output_item.added", "response.content_part.added", "response.audio.done",
                     "response.content_part.done", "response.output_item.done", "response.done", "session.finished"]
    done = next(e for e in listener.events if e["type"] == "response.done")["response"]
    assert (done["status"], done["usage"]["characters"]) == ("completed", len("The first song."))
    assert len(listener.audio()) % 2 == 0
    client.close()


def test_realtime_refuses_a_voice_of_another_model(server, http_voice):
    listener = Listener()
    client = realtime(server, http_voice, "commit", listener)
    client.finish()
    assert listener.finished.wait(30)
    error = next(e for e in listener.events if e["type"] == "error")["error"]
    assert (error["code"], error["param"]) == ("invalid_value", "session.voice")
    assert error["message"] == f"The requested voice '{http_voice}' is not supported."
    client.close()


def test_a_bad_key_is_refused_before_the_upgrade(server):
    answer = requests.get(f"{server.url}/api-ws/v1/realtime?model={REALTIME_MODEL}", timeout=10, headers={
        "Authorization": "Bearer sk-wrong", "Connection": "Upgrade", "Upgrade": "websocket",
        "Sec-WebSocket-Version": "13", "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ=="})
    assert (answer.status_code, answer.json()["code"]) == (401, "InvalidApiKey")
