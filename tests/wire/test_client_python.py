"""The official Python SDK, its classic classes, with its base URL changed and nothing else."""
import asyncio
import base64
import threading

import dashscope
import pytest
import requests
from dashscope.audio.qwen_tts import SpeechSynthesizer
from dashscope.audio.qwen_tts_realtime import AudioFormat, QwenTtsRealtime, QwenTtsRealtimeCallback
from dashscope.audio.tts_v2 import VoiceEnrollmentException, VoiceEnrollmentService

from conftest import HTTP_MODEL, OLD_REALTIME_MODEL, REALTIME_MODEL, make_voice, proves, wav_frames

TEXT = "Good evening. Here is the news."


@pytest.fixture(autouse=True)
def base_url(server, monkeypatch):
    monkeypatch.setattr(dashscope, "base_http_api_url", server.http_base)
    monkeypatch.setattr(dashscope, "api_key", server.key)


def customization(server, key=None, **given):
    """Voice cloning as the vendor's Python sample does it: the SDK has no class for it."""
    answer = requests.post(server.http_base + "/services/audio/tts/customization", timeout=60,
                           json={"model": "qwen-voice-enrollment", "input": given},
                           headers={"Authorization": f"Bearer {key or server.key}", "Content-Type": "application/json"})
    return answer.status_code, answer.json()


@proves("Python classic", "create", "list", "delete")
def test_the_documents_requests_samples(server, recordings):
    status, made = customization(server, action="create", target_model=HTTP_MODEL, preferred_name="guanyu",
                                 audio={"data": recordings.data_url("voice.mp3")})
    assert status == 200
    voice = made["output"]["voice"]
    status, listed = customization(server, action="list", page_size=10, page_index=0)
    assert status == 200
    entry = next(v for v in listed["output"]["voice_list"] if v["voice"] == voice)
    assert entry["target_model"] == HTTP_MODEL and entry["gmt_create"]
    status, gone = customization(server, action="delete", voice=voice)
    assert status == 200 and gone["request_id"]
    status, again = customization(server, action="delete", voice=voice)
    assert (status, again["code"]) == (400, "BadRequest.VoiceNotFound")


@proves("Python classic", "plain")
def test_call_gives_a_url_to_a_wav_file(http_voice):
    answer = dashscope.MultiModalConversation.call(model=HTTP_MODEL, text=TEXT, voice=http_voice,
                                                   language_type="English", stream=False)
    assert answer.status_code == 200, answer
    assert answer.output.finish_reason == "stop"
    assert answer.usage["characters"] == len(TEXT)
    assert answer.output.audio["data"] == ""
    assert wav_frames(requests.get(answer.output.audio["url"], timeout=10).content) > 24000


def check_stream(frames):
    assert all(f.status_code == 200 for f in frames), frames
    pieces = [base64.b64decode(f.output["audio"]["data"]) for f in frames[:-1]]
    assert all(p and len(p) % 2 == 0 for p in pieces)
    assert all(f.output["finish_reason"] == "null" for f in frames[:-1])
    last = frames[-1].output
    assert last["finish_reason"] == "stop" and last["audio"]["data"] == ""
    wav = requests.get(last["audio"]["url"], timeout=10).content
    assert wav_frames(wav) and b"".join(pieces) == wav[44:]


@proves("Python classic", "SSE")
def test_stream_gives_pcm_and_then_the_url(http_voice):
    check_stream(list(dashscope.MultiModalConversation.call(model=HTTP_MODEL, text=TEXT, voice=http_voice,
                                                            stream=True)))


def run_and_close(coroutine):
    async def run():
        try:
            return await coroutine
        finally:
            await dashscope.close_shared_aio_session()

    return asyncio.run(run())


@proves("Python classic", "plain", "SSE")
def test_the_async_class(http_voice):
    async def run(**more):
        return await dashscope.AioMultiModalConversation.call(model=HTTP_MODEL, text="Good evening.",
                                                              voice=http_voice, **more)

    async def stream():
        return [frame async for frame in await run(stream=True)]

    answer = run_and_close(run())
    assert answer.status_code == 200 and answer.usage["characters"] == len("Good evening.")
    assert wav_frames(requests.get(answer.output.audio["url"], timeout=10).content) > 6000
    check_stream(run_and_close(stream()))


@proves("Python classic", "plain", "SSE")
def test_the_speech_synthesizer_class(http_voice):
    """It puts language_type into `parameters`."""
    answer = SpeechSynthesizer.call(model=HTTP_MODEL, text="Good evening.", voice=http_voice,
                                    language_type="English")
    assert answer.status_code == 200
    assert wav_frames(requests.get(answer.output["audio"]["url"], timeout=10).content) > 6000
    check_stream(list(SpeechSynthesizer.call(model=HTTP_MODEL, text="Good evening.", voice=http_voice, stream=True)))


def refusals(http_voice, realtime_voice):
    """What is asked wrongly, and the status, code and beginning of the message that must come back."""
    no_voice = 400, "InvalidParameter", "Invalid voice specified"
    return [
        ({"voice": "Cherry"}, no_voice),
        ({"voice": realtime_voice}, no_voice),  # made for another model
        ({"voice": http_voice[:-4] + "0000"}, no_voice),
        ({"text": "a" * 601}, (400, "InvalidParameter", "")),
        ({"model": REALTIME_MODEL}, (400, "InvalidParameter", "url error, please check url")),
        ({"api_key": "sk-wrong"}, (401, "InvalidApiKey", "Invalid API-key provided.")),
    ]


@proves("Python classic", "errors")
@pytest.mark.parametrize("call", [dashscope.MultiModalConversation.call, SpeechSynthesizer.call],
                         ids=["MultiModalConversation", "SpeechSynthesizer"])
def test_errors_come_as_answers(call, http_voice, realtime_voice):
    for wrong, (status, code, message) in refusals(http_voice, realtime_voice):
        given = {"model": HTTP_MODEL, "text": TEXT, "voice": http_voice, **wrong}
        for answer in [call(**given), *call(**given, stream=True)]:
            assert (answer.status_code, answer.code) == (status, code), wrong
            assert answer.message.startswith(message) and answer.message
            assert answer.request_id


@proves("Python classic", "errors")
def test_errors_of_the_async_class(http_voice, realtime_voice):
    async def codes():
        answers = []
        for wrong, _ in refusals(http_voice, realtime_voice):
            given = {"model": HTTP_MODEL, "text": TEXT, "voice": http_voice, **wrong}
            answers.append(await dashscope.AioMultiModalConversation.call(**given))
            answers += [a async for a in await dashscope.AioMultiModalConversation.call(**given, stream=True)]
        return [(a.status_code, a.code) for a in answers]

    assert run_and_close(codes()) == [want[:2] for _, want in refusals(http_voice, realtime_voice) for _ in range(2)]


def test_the_enrolment_class_is_for_another_product(server):
    """VoiceEnrollmentService speaks the words of CosyVoice, even with our model: it is told so in a way it reads."""
    for model in ("voice-enrollment", "qwen-voice-enrollment"):
        with pytest.raises(VoiceEnrollmentException) as refused:
            print(VoiceEnrollmentService(model=model).list_voices())
        assert "InvalidParameter" in str(refused.value)


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


@proves("Python classic", "realtime server_commit")
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


@proves("Python classic", "realtime commit")
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


@proves("Python classic", "errors")
def test_realtime_refuses_a_voice_of_another_model(server, recordings, http_voice):
    old = make_voice(server, recordings, OLD_REALTIME_MODEL)
    for voice in (http_voice, old, "Cherry"):
        listener = Listener()
        client = realtime(server, voice, "commit", listener)
        client.finish()
        assert listener.finished.wait(30)
        error = next(e for e in listener.events if e["type"] == "error")["error"]
        assert (error["code"], error["param"]) == ("invalid_value", "session.voice")
        assert error["message"] == f"The requested voice '{voice}' is not supported."
        client.close()


def test_a_bad_key_is_refused_before_the_upgrade(server):
    answer = requests.get(f"{server.url}/api-ws/v1/realtime?model={REALTIME_MODEL}", timeout=10, headers={
        "Authorization": "Bearer sk-wrong", "Connection": "Upgrade", "Upgrade": "websocket",
        "Sec-WebSocket-Version": "13", "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ=="})
    assert (answer.status_code, answer.json()["code"]) == (401, "InvalidApiKey")


@proves("Python classic", "errors")
def test_realtime_with_a_bad_key(server, monkeypatch):
    """The SDK hides the 401: it waits five seconds for an open socket and gives up."""
    monkeypatch.setattr(dashscope, "api_key", "sk-wrong")
    listener = Listener()
    client = QwenTtsRealtime(model=REALTIME_MODEL, callback=listener, url=server.ws_url)
    with pytest.raises(TimeoutError):
        client.connect()
    assert listener.events == []
