"""The newer classes of the official Python SDK (dashscope.Client), with its base URL changed and nothing else."""
import dashscope
import pytest
import requests
from dashscope.v2.errors import AuthenticationError, BadRequestError, DashScopeError

from conftest import HTTP_MODEL, REALTIME_MODEL, proves, wav_frames

TEXT = "Good evening. Here is the news."
ENROLMENT = "qwen-voice-enrollment"
pytestmark = pytest.mark.filterwarnings("ignore:dashscope 2.0 audio API:FutureWarning")


def client_of(server, key=None):
    return dashscope.Client(api_key=key or server.key, base_url=server.http_base, max_retries=0)


@pytest.fixture
def client(server):
    return client_of(server)


@proves("Python v2", "list", "delete")
def test_list_and_delete(server, recordings):
    """voice_design is the one class of the SDK that sends what Qwen cloning reads; it cannot send a recording."""
    key = server.new_key()
    made = server.create(recordings.data_url("voice.wav"), key=key).json()["output"]["voice"]
    design = client_of(server, key).audio.voice_design
    listed = design.list(model=ENROLMENT, page_index=0, page_size=10)
    assert [(v["voice"], v["target_model"]) for v in listed.voices] == [(made, HTTP_MODEL)]
    assert design.delete(made, model=ENROLMENT).request_id
    with pytest.raises(BadRequestError) as refused:
        design.delete(made, model=ENROLMENT)
    assert (refused.value.status_code, refused.value.code) == (400, "BadRequest.VoiceNotFound")


@proves("Python v2", "plain")
def test_synthesize(client, http_voice):
    answer = client.audio.tts.http.synthesize(TEXT, model=HTTP_MODEL, voice=http_voice, language_type="English",
                                              format="wav", sample_rate=24000)
    assert answer.usage["characters"] == len(TEXT)
    assert answer.request_id and answer.audio_id and answer.expires_at
    assert wav_frames(requests.get(answer.audio_url, timeout=10).content) > 24000


@proves("Python v2", "SSE")
def test_stream(client, http_voice):
    stream = client.audio.tts.http.stream(TEXT, model=HTTP_MODEL, voice=http_voice)
    assert stream.headers["content-type"].startswith("text/event-stream")
    chunks = list(stream)
    assert [c.is_final for c in chunks] == [False] * (len(chunks) - 1) + [True]
    assert all(c.audio and len(c.audio) % 2 == 0 for c in chunks[:-1])
    frames = wav_frames(requests.get(chunks[-1].audio_url, timeout=10).content)
    assert abs(sum(len(c.audio or b"") for c in chunks) // 2 - frames) <= 1
    assert chunks[-1].usage["characters"] == len(TEXT)


@proves("Python v2", "errors")
@pytest.mark.parametrize("way", ["synthesize", "stream"])
def test_errors_are_exceptions(server, http_voice, realtime_voice, way):
    for wrong in ({"voice": "Cherry"}, {"voice": realtime_voice}, {"text": "a" * 601}, {"model": REALTIME_MODEL}):
        with pytest.raises(BadRequestError) as refused:
            call(client_of(server), way, {"text": TEXT, "model": HTTP_MODEL, "voice": http_voice, **wrong})
        assert (refused.value.status_code, refused.value.code) == (400, "InvalidParameter")
        assert refused.value.message and refused.value.request_id
    with pytest.raises(AuthenticationError) as refused:
        call(client_of(server, "sk-wrong"), way, {"text": TEXT, "model": HTTP_MODEL, "voice": http_voice})
    assert (refused.value.status_code, refused.value.code) == (401, "InvalidApiKey")


def call(client, way, given):
    http = client.audio.tts.http
    return http.synthesize(**given) if way == "synthesize" else list(http.stream(**given))


def types_of(events):
    return [e["type"] for e in events if e["type"] != "response.audio.delta"]


@proves("Python v2", "realtime commit")
def test_realtime_commit(server, client, realtime_voice):
    """update_session sends what the SDK's other realtime models want besides: it is passed over."""
    with client.audio.realtime.connect(model=REALTIME_MODEL, ws_url=server.ws_url, timeout=120) as session:
        session.update_session(["audio"], voice=realtime_voice, mode="commit", response_format="pcm",
                               sample_rate=24000)
        session.send_event({"type": "input_text_buffer.append", "text": TEXT})
        session.send_event({"type": "input_text_buffer.commit"})
        session.end_session()
        events = list(session.events())
        assert session.session_id and session.last_response_id and session.last_first_audio_delay > 0
    assert types_of(events) == [
        "session.created", "session.updated", "input_text_buffer.committed", "response.created",
        "response.output_item.added", "response.content_part.added", "response.audio.done",
        "response.content_part.done", "response.output_item.done", "response.done", "session.finished"]


@proves("Python v2", "realtime server_commit")
def test_realtime_server_commit(server, client, realtime_voice):
    with client.audio.realtime.connect(model=REALTIME_MODEL, ws_url=server.ws_url, timeout=120) as session:
        session.send_event({"type": "session.update", "session": {"voice": realtime_voice, "mode": "server_commit"}})
        for piece in TEXT.split():
            session.send_event({"type": "input_text_buffer.append", "text": piece + " "})
        session.end_session()
        events = list(session.events())
    types = types_of(events)
    assert "error" not in types and types[-1] == "session.finished" and types.count("response.done") >= 1


@proves("Python v2", "errors")
def test_realtime_errors_leave_the_session_alive(server, client, http_voice, realtime_voice):
    """An error whose type is not invalid_request_error would make the SDK hang up."""
    with client.audio.realtime.connect(model=REALTIME_MODEL, ws_url=server.ws_url, timeout=30) as session:
        assert session.recv_event()["type"] == "session.created"
        for voice in ("Cherry", http_voice):
            session.send_event({"type": "session.update", "session": {"voice": voice}})
            with pytest.raises(DashScopeError) as refused:
                session.recv_event()
            assert refused.value.code == "invalid_value"
            assert refused.value.message == f"The requested voice '{voice}' is not supported."
        session.send_event({"type": "session.update", "session": {"voice": realtime_voice}})
        assert session.recv_event()["session"]["voice"] == realtime_voice
        session.end_session()
        assert session.recv_event()["type"] == "session.finished"


@proves("Python v2", "errors")
def test_realtime_with_a_bad_key(server):
    with pytest.raises(Exception, match="401"):
        client_of(server, "sk-wrong").audio.realtime.connect(model=REALTIME_MODEL, ws_url=server.ws_url,
                                                             timeout=10).connect()
