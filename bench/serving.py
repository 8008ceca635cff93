"""A server in a data folder of its own, for the benchmarks, and the options that they share."""
import argparse
import os
import re
import subprocess
from pathlib import Path

import requests

ROOT = Path(__file__).resolve().parent.parent
HTTP_MODEL = "qwen3-tts-vc-2026-01-22"
REALTIME_MODEL = "qwen3-tts-vc-realtime-2026-01-15"
VOICES_PATH = "/api/v1/services/audio/tts/customization"
SYNTHESIS_PATH = "/api/v1/services/aigc/multimodal-generation/generation"


def options(about):
    """A parser with --program and --model; `about` is the caller's page."""
    p = argparse.ArgumentParser(description=about, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--program", default=str(ROOT / "build/timbre"))
    p.add_argument("--model")
    return p


class Server:
    """`with Server(program, folder) as s:` runs until the end of the block."""

    def __init__(self, program, folder, model=None, *options):
        data = str(Path(folder, "data"))
        self.environment = {k: v for k, v in os.environ.items() if k not in ("DASHSCOPE_API_KEY", "TIMBRE_URL")}
        self.key = subprocess.run([program, "keys", "add", "--data", data], check=True, text=True,
                                  stdout=subprocess.PIPE, env=self.environment).stdout.strip()
        self.command = [program, "serve", "--listen", "127.0.0.1:0", "--data", data, "--log-level", "error",
                        *(["--model", model] if model else []), *options]

    def __enter__(self):
        self.process = subprocess.Popen(self.command, stdout=subprocess.PIPE, text=True, env=self.environment)
        self.port = int(re.search(r":(\d+)$", self.process.stdout.readline())[1])
        self.url = f"http://127.0.0.1:{self.port}"
        self.http = requests.Session()
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()
        self.process.stdout.close()

    def restart(self):
        self.__exit__()
        self.__enter__()

    def post(self, path, body, **more):
        answer = self.http.post(self.url + path, json=body, timeout=300,
                                headers={"Authorization": f"Bearer {self.key}", **more.pop("headers", {})}, **more)
        answer.raise_for_status()
        return answer

    def voices(self, **given):
        return self.post(VOICES_PATH, {"model": "qwen-voice-enrollment", "input": given}).json()

    def create(self, audio, model=HTTP_MODEL):
        """The name of the voice made from a data URL."""
        return self.voices(action="create", target_model=model, preferred_name="bench",
                           audio={"data": audio})["output"]["voice"]

    def synthesise(self, voice, text, **options):
        given = {"text": text, "voice": voice, **options}
        return self.post(SYNTHESIS_PATH, {"model": HTTP_MODEL, "input": given}).json()
