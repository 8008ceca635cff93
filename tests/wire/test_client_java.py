"""The official Java SDK: java/src/main/java/Clients.java runs once, and each test looks at its part of the run."""
import base64
import json
import os
import shutil
import subprocess
import time

import pytest

from conftest import HTTP_MODEL, ROOT, proves, wav_frames

LIBRARY = ROOT / "build/java/lib"
SOURCE = ROOT / "tests/wire/java/src/main/java/Clients.java"
TEXT = "Good evening. Here is the news."
ERRORS = {"bad key": (401, "InvalidApiKey"), "unknown voice": (400, "InvalidParameter"),
          "voice of another model": (400, "InvalidParameter"), "long text": (400, "InvalidParameter")}


@pytest.fixture(scope="module")
def steps(server, recordings, http_voice, realtime_voice, tmp_path_factory):
    """The lines that the program printed, by the name of the step."""
    if not (shutil.which("javac") and shutil.which("java")):
        pytest.skip("NO JDK ON THIS MACHINE: THE JAVA CLIENT IS NOT TESTED (scripts/setup --test installs one)")
    assert list(LIBRARY.glob("dashscope-sdk-java-*.jar")), f"no SDK in {LIBRARY}: run scripts/setup --test"
    folder = tmp_path_factory.mktemp("java")
    (folder / "audio").write_text(recordings.data_url("voice.mp3"))
    subprocess.run(["javac", "-encoding", "UTF-8", "-proc:none", "-cp", f"{LIBRARY}/*", "-d", folder, SOURCE],
                   check=True)
    env = {**os.environ, "DASHSCOPE_API_KEY": server.key, "DASHSCOPE_HTTP_BASE_URL": server.http_base,
           "DASHSCOPE_WEBSOCKET_QWEN_TTS_REALTIME_BASE_URL": server.ws_url}
    # The SDK's old Gson looks into java.util by reflection, which Java 17 forbids unless asked.
    run = subprocess.run(["java", "--add-opens", "java.base/java.util=ALL-UNNAMED", "-cp", f"{folder}:{LIBRARY}/*",
                          "Clients", folder / "audio", http_voice, realtime_voice],
                         env=env, capture_output=True, text=True, timeout=300)
    lines = [json.loads(line) for line in run.stdout.splitlines() if line.startswith('{"step"')]
    assert run.returncode == 0 and lines, run.stderr
    return {line["step"]: line for line in lines}


@proves("Java", "create", "list", "delete")
def test_the_documents_sample_clones(steps):
    made = steps["create"]
    assert made["status"] == 200, made
    voice = made["body"]["output"]["voice"]
    assert any(v["voice"] == voice and v["target_model"] == HTTP_MODEL and v["gmt_create"]
               for v in steps["list"]["body"]["output"]["voice_list"])
    assert steps["delete"]["status"] == 200 and steps["delete"]["body"]["request_id"]


@proves("Java", "errors")
def test_the_error_stream_has_a_body(steps):
    again, refused = steps["delete again"], steps["list, bad key"]
    assert (again["status"], again["body"]["code"]) == (400, "BadRequest.VoiceNotFound")
    assert (refused["status"], refused["body"]["code"]) == (401, "InvalidApiKey")


def test_the_enrolment_class_is_for_another_product(steps):
    """VoiceEnrollmentService speaks the words of CosyVoice and gets an answer that it can read."""
    refused = steps["enrolment class"]
    assert (refused["exception"], refused["status"], refused["code"]) == ("ApiException", 400, "InvalidParameter")


def check_result(result):
    assert "exception" not in result, result
    assert (result["finish_reason"], result["data"], result["characters"]) == ("stop", "", len(TEXT))
    assert result["request_id"] and result["id"]
    assert abs(result["expires_at"] - time.time() - 86400) < 300
    return wav_frames(base64.b64decode(result["wav"]))


@proves("Java", "plain")
def test_call(steps):
    assert check_result(steps["call"]) > 24000


@proves("Java", "SSE")
def test_stream_call(steps):
    result = steps["streamCall"]
    frames = check_result(result)
    assert abs(result["pcm"] // 2 - frames) <= 1
    assert set(result["reasons"][:-1]) == {"null"} and result["reasons"][-1] == "stop"


@proves("Java", "errors")
@pytest.mark.parametrize("way", ["call", "streamCall"])
@pytest.mark.parametrize("wrong", ERRORS)
def test_errors_are_api_exceptions(steps, way, wrong):
    line = steps[f"{way}, {wrong}"]
    assert (line["exception"], line["status"], line["code"]) == ("ApiException", *ERRORS[wrong]), line
    assert line["request_id"]


@proves("Java", "realtime commit")
def test_realtime_commit(steps):
    line = steps["realtime commit"]
    assert "exception" not in line, line
    assert [t for t in line["types"] if t != "response.audio.delta"] == [
        "session.created", "session.updated", "input_text_buffer.committed", "response.created",
        "response.output_item.added", "response.content_part.added", "response.audio.done",
        "response.content_part.done", "response.output_item.done", "response.done", "session.finished"]
    assert line["pcm"] > 48000 and line["pcm"] % 2 == 0
    assert line["session_id"].startswith("sess_") and line["response_id"].startswith("resp_")
    assert line["first_audio_delay_ms"] > 0
    assert line["close"] == 1000


@proves("Java", "realtime server_commit")
def test_realtime_server_commit(steps):
    line = steps["realtime server_commit"]
    assert "exception" not in line and not line["errors"], line
    assert line["pcm"] > 48000 and line["types"][-1] == "session.finished" and line["close"] == 1000


@proves("Java", "errors")
@pytest.mark.parametrize("wrong", ["unknown voice", "voice of another model"])
def test_realtime_refuses_a_voice(steps, wrong):
    line = steps[f"realtime, {wrong}"]
    assert [e["code"] for e in line["errors"]] == ["invalid_value"], line
    assert line["errors"][0]["message"].endswith("is not supported.")
    assert line["types"][-1] == "session.finished"


def test_50_connects_after_http_calls(steps):
    line = steps["connects"]
    assert (line.get("http"), line.get("good")) == (400, 50), line


@proves("Java", "errors")
def test_realtime_with_a_bad_key(steps):
    line = steps["realtime, bad key"]
    assert (line["types"], line["errors"]) == ([], [])
    assert line["still_waiting"]  # the SDK's own fault: docs/CLIENTS.md
