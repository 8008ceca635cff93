"""curl, as the vendor's pages show it: the same commands in the same shell quoting, with another host."""
import base64
import json
import os
import subprocess
import time

import pytest

from conftest import HTTP_MODEL, REALTIME_MODEL, proves, wav_frames

TEXT = "Good evening. Here is the news."


@pytest.fixture
def shell(server, tmp_path):
    """A function that runs these lines of bash with $BASE and the key in the environment; the finished process."""
    def run(lines, **env):
        return subprocess.run(["bash", "-euo", "pipefail", "-c", lines], cwd=tmp_path, capture_output=True, text=True,
                              timeout=120, env={**os.environ, "BASE": server.url, "DASHSCOPE_API_KEY": server.key,
                                                "HTTP_MODEL": HTTP_MODEL, **env})
    return run


def answer_of(run):
    """The body and the status of `curl -w '\\n%{http_code}'`."""
    assert run.returncode == 0, run.stderr
    body, status = run.stdout.rsplit("\n", 1)
    return int(status), json.loads(body)


CUSTOMISE = r"""
curl -sS -w '\n%{http_code}' -X POST "$BASE/api/v1/services/audio/tts/customization" \
  -H "Authorization: Bearer $DASHSCOPE_API_KEY" \
  -H "Content-Type: application/json" \
  """
SYNTHESISE = r"""
curl -sS -w '\n%{http_code}' -X POST "$BASE/api/v1/services/aigc/multimodal-generation/generation" \
  -H "Authorization: Bearer $DASHSCOPE_API_KEY" \
  -H 'Content-Type: application/json' \
  """
SAY = SYNTHESISE + r"""-d '{
    "model": "'"$HTTP_MODEL"'",
    "input": {"text": "Good evening. Here is the news.", "voice": "'"$VOICE"'", "language_type": "English"}
  }'"""


@proves("curl", "create", "list", "delete")
def test_create_list_delete(shell, recordings):
    """The recording is over a mebibyte, so curl asks to be told to go on, and is told at once."""
    audio = recordings.path("large.wav", "-ar", "96000", "-ac", "2")
    started = time.monotonic()
    run = shell(r"""{ printf '{"model":"qwen-voice-enrollment","input":{"action":"create",'
        printf '"target_model":"%s","preferred_name":"guanyu","audio":{"data":"data:audio/wav;base64,' "$HTTP_MODEL"
        base64 -w0 "$AUDIO"; printf '"}}}'; } >body""" + CUSTOMISE + "-v --data @body", AUDIO=str(audio))
    assert time.monotonic() - started < 60
    assert "> Expect: 100-continue" in run.stderr and "< HTTP/1.1 100 Continue" in run.stderr
    status, made = answer_of(run)
    assert status == 200 and made["output"]["target_model"] == HTTP_MODEL, made
    voice = made["output"]["voice"]
    status, listed = answer_of(shell(CUSTOMISE + r"""-d '{
        "model": "qwen-voice-enrollment",
        "input": {"action": "list", "page_size": 10, "page_index": 0}
      }'"""))
    assert status == 200 and voice in [v["voice"] for v in listed["output"]["voice_list"]]
    delete = CUSTOMISE + r"""-d '{
        "model": "qwen-voice-enrollment",
        "input": {"action": "delete", "voice": "'"$VOICE"'"}
      }'"""
    status, gone = answer_of(shell(delete, VOICE=voice))
    assert status == 200 and gone["usage"] == {"count": 0} and gone["request_id"]
    status, again = answer_of(shell(delete, VOICE=voice))
    assert (status, again["code"]) == (400, "BadRequest.VoiceNotFound")


@proves("curl", "plain")
def test_synthesis_and_the_file(shell, http_voice, tmp_path):
    status, made = answer_of(shell(SAY, VOICE=http_voice))
    assert status == 200 and made["usage"]["characters"] == len(TEXT)
    assert shell('curl -sSf -o a.wav "$URL"', URL=made["output"]["audio"]["url"]).returncode == 0
    assert wav_frames((tmp_path / "a.wav").read_bytes()) > 24000


@proves("curl", "SSE")
def test_sse(shell, http_voice):
    run = shell(SAY.replace("curl -sS -w '\\n%{http_code}'", "curl -sSN") + " -H 'X-DashScope-SSE: enable'",
                VOICE=http_voice)
    assert run.returncode == 0, run.stderr
    frames = [f.split("\n") for f in run.stdout.removesuffix("\n\n").split("\n\n")]
    for number, lines in enumerate(frames, 1):
        assert lines[:3] == [f"id:{number}", "event:result", ":HTTP_STATUS/200"] and len(lines) == 4
        assert lines[3].startswith("data:{")
    bodies = [json.loads(lines[3][5:]) for lines in frames]
    assert all(base64.b64decode(b["output"]["audio"]["data"]) for b in bodies[:-1])
    assert bodies[-1]["output"]["finish_reason"] == "stop" and bodies[-1]["output"]["audio"]["url"]


@proves("curl", "errors")
def test_single_quotes_send_the_name_of_the_variable(shell, http_voice):
    """Some of the pages write the header in single quotes: the server is sent the key "$DASHSCOPE_API_KEY"."""
    for command in (CUSTOMISE + """-d '{"model":"qwen-voice-enrollment","input":{"action":"list"}}'""", SAY):
        quoted = command.replace('"Authorization: Bearer $DASHSCOPE_API_KEY"',
                                 "'Authorization: Bearer $DASHSCOPE_API_KEY'")
        assert quoted != command
        status, refused = answer_of(shell(quoted, VOICE=http_voice))
        assert (status, refused["code"], refused["message"]) == (401, "InvalidApiKey", "Invalid API-key provided.")


@proves("curl", "errors")
@pytest.mark.parametrize("streamed", ["", " -H 'X-DashScope-SSE: enable'"], ids=["plain", "SSE"])
def test_errors(shell, realtime_voice, http_voice, streamed):
    long_text = SAY.replace("Good evening. Here is the news.", "a" * 601)
    wrong_model = SAY.replace("$HTTP_MODEL", REALTIME_MODEL)
    for command, voice in [(SAY, "Cherry"), (SAY, realtime_voice), (long_text, http_voice), (wrong_model, http_voice)]:
        status, refused = answer_of(shell(command + streamed, VOICE=voice))
        assert (status, refused["code"]) == (400, "InvalidParameter") and refused["message"]
        assert refused["request_id"] and "output" not in refused
