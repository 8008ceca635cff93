"""A real server in a data folder of its own, a key, recordings to enrol, and voices made from them.

The server is build/timbre (or the program in TIMBRE_BIN) with the model in var/models/kokoro (or TIMBRE_MODEL)."""
import base64
import io
import os
import re
import subprocess
import time
import wave
from pathlib import Path

import pytest
import requests

ROOT = Path(__file__).resolve().parents[2]
TIMBRE = os.environ.get("TIMBRE_BIN", str(ROOT / "build/timbre"))
MODEL_OPTIONS = ["--kokoro-model", os.environ["TIMBRE_MODEL"]] if "TIMBRE_MODEL" in os.environ else []

VOICES_PATH = "/api/v1/services/audio/tts/customization"
SYNTHESIS_PATH = "/api/v1/services/aigc/multimodal-generation/generation"
HTTP_MODEL = "qwen3-tts-vc-2026-01-22"
REALTIME_MODEL = "qwen3-tts-vc-realtime-2026-01-15"
OLD_REALTIME_MODEL = "qwen3-tts-vc-realtime-2025-11-27"
SPOKEN = ("The quick brown fox jumps over the lazy dog near the river bank. She sells sea shells by the sea shore, and "
          "the shells that she sells are surely seashore shells. Please call Stella and ask her to bring these things.")


class Server:
    """A running server: its address, one key, and requests with that key."""

    def __init__(self, process, port, key, data):
        self.process, self.port, self.key, self.data = process, port, key, data
        self.url = f"http://127.0.0.1:{port}"
        self.http_base = f"{self.url}/api/v1"
        self.ws_url = f"ws://127.0.0.1:{port}/api-ws/v1/realtime"

    def post(self, path, body, key=None, **headers):
        return requests.post(self.url + path, json=body, timeout=120,
                             headers={"Authorization": f"Bearer {key or self.key}", **headers})

    def voices(self, key=None, **given):
        """A request to the cloning endpoint with this `input`."""
        return self.post(VOICES_PATH, {"model": "qwen-voice-enrollment", "input": given}, key=key)

    def create(self, audio, target_model=HTTP_MODEL, preferred_name="test", key=None, **more):
        return self.voices(action="create", target_model=target_model, preferred_name=preferred_name,
                           audio={"data": audio}, key=key, **more)

    def synthesise(self, voice, text, model=HTTP_MODEL, parameters=None, key=None, headers=None, **given):
        body = {"model": model, "input": {"text": text, "voice": voice, **given}}
        if parameters is not None:
            body["parameters"] = parameters
        return self.post(SYNTHESIS_PATH, body, key=key, **(headers or {}))

    def new_key(self):
        """A key with an account of its own."""
        return timbre("keys", "add", "--data", self.data).stdout.strip()


def timbre(*arguments, env=None, **more):
    return subprocess.run([TIMBRE, *map(str, arguments)], capture_output=True, text=True, timeout=300,
                          env={**os.environ, **(env or {})}, **more)


def start_server(data, *options, key="made", env=None):
    """key: "made" adds one beforehand, None leaves the store empty, anything else is what the environment holds."""
    data.mkdir(exist_ok=True)
    clean = {k: v for k, v in os.environ.items() if k not in ("DASHSCOPE_API_KEY", "TIMBRE_URL")}
    if key == "made":
        made = timbre("keys", "add", "--label", "test", "--data", data)
        assert made.returncode == 0, made.stderr
        key = made.stdout.strip()
    elif key:
        clean["DASHSCOPE_API_KEY"] = key
    log = open(data / "log", "w")
    process = subprocess.Popen([TIMBRE, "serve", "--listen", "127.0.0.1:0", "--data", data, *MODEL_OPTIONS,
                                *options], stdout=subprocess.PIPE, stderr=log, text=True, env={**clean, **(env or {})})
    log.close()
    line = process.stdout.readline()
    found = re.fullmatch(r"listening http://127\.0\.0\.1:(\d+)\n", line)
    if not found:
        process.kill()
        process.wait()
        raise RuntimeError(f"the server said {line!r} and in its log:\n{(data / 'log').read_text()}")
    return Server(process, int(found[1]), key, data)


def stop_server(server):
    """SIGTERM; the exit code."""
    server.process.terminate()
    try:
        code = server.process.wait(timeout=30)
    finally:
        server.process.kill()
        server.process.wait()
        server.process.stdout.close()
    return code


@pytest.fixture(scope="session")
def server(tmp_path_factory):
    running = start_server(tmp_path_factory.mktemp("serve") / "data", "--allow-private-urls", "yes")
    yield running
    assert stop_server(running) == 0


@pytest.fixture
def another_server(tmp_path):
    """A function that starts a server with these options; all are stopped at the end of the test."""
    started = []

    def start(*options, **more):
        started.append(start_server(tmp_path / f"data{len(started)}", *options, **more))
        return started[-1]

    yield start
    for running in started:
        stop_server(running)


class Recordings:
    """Enrolment audio, made with espeak-ng and ffmpeg: paths, and data URLs."""

    TYPES = {".wav": "audio/wav", ".mp3": "audio/mpeg", ".m4a": "audio/mp4"}

    def __init__(self, folder):
        self.folder = folder
        self.raw = folder / "raw.wav"
        subprocess.run(["espeak-ng", "-v", "en-us", "-s", "160", "-w", self.raw, SPOKEN], check=True)

    def path(self, name, *options):
        """The recording as a file of this name, converted with ffmpeg options (24 kHz mono by default)."""
        out = self.folder / name
        if not out.exists():
            options = options or ("-ar", "24000", "-ac", "1")
            subprocess.run(["ffmpeg", "-v", "error", "-y", "-i", self.raw, *options, out], check=True)
        return out

    def data_url(self, name, *options, media_type=None):
        path = self.path(name, *options)
        encoded = base64.b64encode(path.read_bytes()).decode()
        return f"data:{media_type or self.TYPES[path.suffix]};base64,{encoded}"


@pytest.fixture(scope="session")
def recordings(tmp_path_factory):
    return Recordings(tmp_path_factory.mktemp("recordings"))


def make_voice(server, recordings, model):
    answer = server.create(recordings.data_url("voice.wav"), target_model=model, preferred_name="fixture",
                           language="en")
    assert answer.status_code == 200, answer.text
    return answer.json()["output"]["voice"]


@pytest.fixture(scope="session")
def http_voice(server, recordings):
    return make_voice(server, recordings, HTTP_MODEL)


@pytest.fixture(scope="session")
def realtime_voice(server, recordings):
    return make_voice(server, recordings, REALTIME_MODEL)


def wav_frames(wav_bytes):
    """The number of samples of a file that must be a whole WAV of 24 kHz, 16 bits, mono."""
    with wave.open(io.BytesIO(wav_bytes)) as w:
        assert (w.getframerate(), w.getnchannels(), w.getsampwidth()) == (24000, 1, 2)
        assert len(wav_bytes) == 44 + 2 * w.getnframes()
        return w.getnframes()


def proves(client, *operations):
    """Says what a test shows of a client. docs/CLIENTS.md is checked against these lines by test_clients_doc.py."""
    return lambda test: test


def wait_until(condition, seconds=10):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.05)
    return False
