"""Two engines in one server, each for its own model names, and voices whose engine has changed since they were made.

qwen3 is the tiny model of the golden vectors: it has the true structure and speaks noise."""
import contextlib
import json

import pytest
import requests
import websocket

from conftest import (HTTP_MODEL, MODEL_OPTIONS, REALTIME_MODEL, ROOT, SPOKEN, start_server, stop_server, timbre,
                      wav_frames)

TINY = ROOT / "tests/golden/qwen3/models/tiny-0b6"
BOTH = ("--bind", f"{HTTP_MODEL}:qwen3", "--qwen3-model", TINY)
KEEP = ("--keep-recordings", "yes")


@pytest.fixture
def on_one_folder(tmp_path):
    """A function that starts a server with these options on one data folder, after killing (-9) the one before."""
    running = []

    def start(*options):
        key = "made"
        if running:
            running[-1].process.kill()
            running[-1].process.wait()
            key = running[-1].key
        running.append(start_server(tmp_path / "data", *options, key=key))
        return running[-1]

    yield start
    if running:
        assert stop_server(running[-1]) == 0


def made(server, recordings, model, name, **more):
    answer = server.create(recordings.data_url("voice.wav"), target_model=model, preferred_name=name, language="en",
                           text=SPOKEN, **more)
    assert answer.status_code == 200, answer.text
    return answer.json()["output"]["voice"]


def speaks_over_http(server, voice, **parameters):
    answer = server.synthesise(voice, "Hi.", parameters=parameters)
    assert answer.status_code == 200, answer.text
    return wav_frames(requests.get(answer.json()["output"]["audio"]["url"], timeout=30).content)


def speaks_live(server, voice):
    """Bytes of audio of one realtime session, or the error that session.update gave."""
    ws = websocket.create_connection(f"{server.ws_url}?model={REALTIME_MODEL}", timeout=60,
                                     header={"Authorization": f"Bearer {server.key}"})
    with contextlib.closing(ws):
        size = 0
        ws.send(json.dumps({"type": "session.update", "session": {"voice": voice}}))
        while (event := json.loads(ws.recv()))["type"] != "session.finished":
            if event["type"] == "error":
                return event["error"]
            if event["type"] == "session.updated":
                ws.send(json.dumps({"type": "input_text_buffer.append", "text": "Hi."}))
                ws.send(json.dumps({"type": "session.finish"}))
            size += len(event.get("delta", ""))
        return size


def log_of(server):
    return (server.data / "log").read_text()


def test_two_engines_speak_in_one_server(on_one_folder, recordings):
    server = on_one_folder(*BOTH)
    assert f"bound model={HTTP_MODEL} engine=qwen3" in log_of(server)
    assert f"bound model={REALTIME_MODEL} engine=kokoro" in log_of(server)
    plain, live = (made(server, recordings, model, name) for model, name in
                   [(HTTP_MODEL, "plain"), (REALTIME_MODEL, "live")])
    assert speaks_over_http(server, plain) > 0
    assert speaks_live(server, live) > 0
    refused = server.synthesise(plain, "Hi.", parameters={"speech_rate": 1.5})
    assert refused.status_code == 400 and "speaks at its own rate" in refused.json()["message"]
    assert server.synthesise(live, "Hi.").status_code == 400  # each voice for its own model alone
    assert "not supported" in speaks_live(server, plain)["message"]
    listed = server.voices(action="list").json()["output"]["voice_list"]
    assert {(v["voice"], v["target_model"]) for v in listed} == {(plain, HTTP_MODEL), (live, REALTIME_MODEL)}
    assert server.voices(action="delete", voice=plain).status_code == 200
    assert server.synthesise(plain, "Hi.").status_code == 400
    assert speaks_live(server, live) > 0


def test_a_voice_is_enrolled_again_for_the_other_engine(on_one_folder, recordings):
    server = on_one_folder(*KEEP)
    plain, live = (made(server, recordings, model, "x") for model in (HTTP_MODEL, REALTIME_MODEL))
    assert speaks_over_http(server, plain, speech_rate=2) > 0
    server = on_one_folder(*BOTH)
    assert speaks_over_http(server, plain) > 0
    assert speaks_live(server, live) > 0
    assert log_of(server).count("voice-renewed") == 1 and "engine=qwen3 made_with=kokoro" in log_of(server)
    server = on_one_folder(*BOTH)  # the print was stored before the first sound: kill -9 took nothing
    assert speaks_over_http(server, plain) > 0
    assert "voice-renewed" not in log_of(server)
    server = on_one_folder("--engine", "qwen3", "--model", TINY)  # and realtime for the other one
    assert speaks_live(server, live) > 0
    assert log_of(server).count("voice-renewed") == 1
    server = on_one_folder()
    assert speaks_over_http(server, plain, speech_rate=2) > 0
    assert "voice-renewed" not in log_of(server)
    spoken = timbre("say", "--voice", plain, "-o", server.data / "said.wav", "--data", server.data, *MODEL_OPTIONS,
                    *BOTH, "Hi.", env={"TIMBRE_URL": "", "DASHSCOPE_API_KEY": server.key})
    assert spoken.returncode == 0, spoken.stderr


def test_without_its_recording_a_voice_is_refused_and_made_again(on_one_folder, recordings):
    server = on_one_folder()
    plain, live = (made(server, recordings, model, "x") for model in (HTTP_MODEL, REALTIME_MODEL))
    server = on_one_folder("--engine", "qwen3", "--qwen3-model", TINY)
    refused = server.synthesise(plain, "Hi.")
    assert refused.status_code == 400 and refused.json()["code"] == "InvalidParameter"
    assert refused.json()["message"].startswith("Invalid voice specified, the requested voice does not exist")
    for message in refused.json()["message"], speaks_live(server, live)["message"]:
        assert "made with engine 'kokoro'" in message and message.endswith("not kept: create it again.")
    assert speaks_over_http(server, made(server, recordings, HTTP_MODEL, "again")) > 0


def test_the_doctor_loads_each_engine_that_is_bound(tmp_path):
    looked = timbre("doctor", "--json", "--data", tmp_path / "data", "--listen", "127.0.0.1:0", *MODEL_OPTIONS, *BOTH)
    models = [row["text"] for row in json.loads(looked.stdout) if row["check"] == "model" and row["state"] == "ok"]
    assert [text.split()[0] for text in models] == ["kokoro", "qwen3"]


@pytest.mark.parametrize("options,said", [
    (("--engine", "piper"), "engine 'piper' is not in this build; there are: kokoro, qwen3"),
    (("--bind", "qwen3-tts-flash:qwen3"), "bind: no model 'qwen3-tts-flash'"),
    (("--bind", f"{HTTP_MODEL}:qwen3,{HTTP_MODEL}:kokoro"), f"'{HTTP_MODEL}' is bound twice"),
    (("--bind", f"{HTTP_MODEL}:qwen3"), "set qwen3_model"),
    (("--bind", f"{HTTP_MODEL}:qwen3", "--qwen3-model", "/nonexistent"), "qwen3_model = '/nonexistent': No such file"),
    (("--kokoro-model", "/nonexistent"), "kokoro_model = '/nonexistent': No such file"),
])
def test_mistakes_in_the_binding_stop_the_start(tmp_path, options, said):
    run = timbre("serve", "--listen", "127.0.0.1:0", "--data", tmp_path / "data", *MODEL_OPTIONS, *options)
    assert run.returncode == 1 and said in run.stderr and not run.stdout
