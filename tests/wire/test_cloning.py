"""Voice cloning as the vendor's documents show it: raw HTTP create, list, delete."""
import re

import pytest

from conftest import HTTP_MODEL, REALTIME_MODEL

VOICE_ID = r"qwen-tts-vc-{}-voice-\d{{17}}-[0-9a-f]{{4}}"
UUID = r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"


@pytest.mark.parametrize("file", ["clip.wav", "clip.mp3", "clip.m4a"])
def test_create_answers_with_a_voice(server, recordings, file):
    answer = server.create(recordings.data_url(file), preferred_name="Night_host_16ch")
    assert answer.status_code == 200, answer.text
    body = answer.json()
    assert re.fullmatch(VOICE_ID.format("Night_host_16ch"), body["output"]["voice"])
    assert body["output"]["target_model"] == HTTP_MODEL
    assert body["usage"] == {"count": 1}
    assert re.fullmatch(UUID, body["request_id"])
    assert answer.headers["x-request-id"] == body["request_id"]
    assert answer.headers["content-type"].startswith("application/json")
    assert "code" not in body


def test_list_shows_newest_first_and_delete_removes(server, recordings):
    key = server.new_key()
    made = [server.create(recordings.data_url("clip.wav"), model, name, key=key).json()["output"]["voice"]
            for name, model in [("one", HTTP_MODEL), ("two", REALTIME_MODEL)]]
    listed = server.voices(key=key, action="list").json()
    assert listed["usage"] == {"count": 0}
    output = listed["output"]
    assert (output["page_index"], output["page_size"], output["total_count"]) == (0, 10, 2)
    assert [v["voice"] for v in output["voice_list"]] == made[::-1]
    assert output["voice_list"][0]["target_model"] == REALTIME_MODEL
    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", output["voice_list"][0]["gmt_create"])

    assert server.voices(action="delete", voice=made[0]).json()["code"] == "BadRequest.VoiceNotFound"
    deleted = server.voices(key=key, action="delete", voice=made[0])
    assert deleted.status_code == 200 and deleted.json()["output"] == {"voice": made[0]}
    again = server.voices(key=key, action="delete", voice=made[0])
    assert again.status_code == 400
    assert again.json()["message"] == f"Voice '{made[0]}' not found."
    assert server.voices(key=key, action="list").json()["output"]["total_count"] == 1


@pytest.mark.parametrize("options, code, message", [
    (["-ar", "16000"], "Audio.AudioRateError", "File sample rate unsupported."),
    (["-ar", "24000", "-t", "1"], "Audio.PreprocessError", "No segments meet minimum duration requirement"),
    (["-ar", "24000", "-af", "aloop=loop=-1:size=2147483647", "-t", "61"], "Audio.DurationLimitError",
     "Audio duration exceeds maximum allowed limit."),
])
def test_a_bad_recording_makes_no_voice(server, recordings, options, code, message):
    key = server.new_key()
    answer = server.create(recordings.data_url(f"{code}.wav", *options), key=key)
    assert answer.status_code == 400
    assert answer.json()["code"] == code
    assert answer.json()["message"].startswith(message)  # the documented text, then what was found
    assert server.voices(key=key, action="list").json()["output"]["total_count"] == 0


def test_garbage_is_a_decoder_error(server):
    answer = server.create("data:audio/wav;base64," + "AAAA" * 1000)
    assert (answer.status_code, answer.json()["code"]) == (400, "Audio.DecoderError")


def test_wrong_keys_and_bodies_are_named(server):
    assert server.voices(key="sk-wrong", action="list").status_code == 401
    assert server.voices(key="sk-wrong", action="list").json()["code"] == "InvalidApiKey"
    assert server.voices(action="fly").json()["code"] == "InvalidParameter"
    missing = server.voices(action="create", target_model=HTTP_MODEL, audio={"data": "data:audio/wav;base64,AAAA"})
    assert missing.status_code == 400 and "preferred_name" in missing.json()["message"]
