#!/usr/bin/env python3
"""What train.py learns from: voices to be reached, and speech of their clones up to the decoder, one file a voice.

Of each recording one half is enrolled as the product does (bench/enrol_prints.c, with an adapter that fit.py has just
made, so without residual) and the other half says what the clone should sound like. A sentence is then planned in the
clone's prosody, at its rate and pitch, and decoded with the style that enrolment found: train.py starts there, and
needs the decoder only.

Further voices are made of the same recordings: the halves exchanged, and both played faster or slower, which moves
formants and pitch.

Who is for what depends on the speaker's number alone (part_of). Speakers for testing take part in no choice.

    targets.py --speech DIR --onnx DIR --vocab vocab.json --adapter adapter.safetensors --out DIR [--variants 4]

May be stopped and started again: files that are there stay. train.py may run meanwhile.
"""
import argparse
import json
import os
import sys
import tempfile
from pathlib import Path

import numpy as np
import soundfile
import soxr
import torch

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
import decoder  # noqa: E402
import kokoro_graph  # noqa: E402
import prints  # noqa: E402
import sample  # noqa: E402
import speaker  # noqa: E402
from invert import Inverter  # noqa: E402

# Sixteen sentences, those for training and those for stopping; none is among the ones that clones are judged by.
TRAIN = [
    "ðə ˈOld mˈæn sˈæt bI ðə ɹˈɪvəɹ ænd wˈɑʧt ðə bˈOts ɡˌO pˈæst.",
    "mI bɹˈʌðəɹ fˈWnd ɐ smˈɔl ɡɹˈin bˈɑks ˈʌndəɹ ðə kˈɪʧᵊn tˈAbᵊl.",
    "ðA sˈɛd ðæt ðə tɹˈAn wʊd lˈiv æt hˈæf pˈæst sˈɛvən.",
    "ʃi pˌʊt ðə lˈɛɾəɹ bˈæk ˈɪntu ðə dɹˈɔɹ wɪðˈWt ɹˈidɪŋ ɪt.",
    "ɐ kˈOld wˈɪnd kˈAm dˌWn fɹʌm ðə hˈɪlz bəfˈɔɹ ðə ɹˈAn bəɡˈæn.",
    "ɪf ju wˈɑnt tu nˈO ðə tɹˈuθ ju ʃˌʊd ˈæsk mI fˈɑðəɹ.",
    "hi hæd nˈɛvəɹ sˈin sˌO mˈɛni pˈipᵊl stˈændɪŋ ɪn wˈʌn ɹˈum.",
    "wi kʊd hˈɪɹ mjˈuzɪk ænd lˈæftəɹ fɹʌm ðə hˈWs nˈɛkst dˈɔɹ.",
    "ðə jˈʌŋ wˈʊmən tˈOld ˌʌs ɐ lˈɔŋ stˈɔɹi əbˈWt hɜɹ ʤˈɜɹni.",
    "nˈʌθɪŋ ˌɔn ˈɜɹθ kʊd hæv mˌAd hˌɪm ʧˈAnʤ hɪz mˈInd.",
    "ˈɛvəɹi mˈɔɹnɪŋ ðə bˈɜɹdz ɪn ðə ɡˈɑɹdən wˈAk mˌi tˈu ˈɜɹli.",
    "plˈiz bɹˈɪŋ mˌi ənˈʌðəɹ kˈʌp ʌv kˈɔfi ænd sˌʌm fɹˈɛʃ bɹˈɛd.",
    "ju mˈɛʒəɹ ðə ʤˈY ɪn ðɛɹ vˈYs, ænd wi wɜɹ hˈæpi tə kˈæʧ ðɪ ˈɜɹli fˈɛɹi.",
    "bˈɑb bˈɔt ə lˈɑɹʤ kˈʌp ʌv stɹˈɔŋ kˈɔfi, ænd θˈæŋk ju fɔɹ ðə fɹˈɛʃ ˈɔɹɪnʤ ʤˈus.",
]
STOP = [
    "ʃi wˈɑʃt fˈIv hjˈuʤ dˈɑɹk bˈOts, ænd ðə kwˈɪk pˈæθ lˈidz nˈɔɹθ tʊ ə smˈɔl tˈWn.",
    "wˌI dˈɪd ðə bˈY hˈId ðOz ɡˈOld θˈɪŋz, ænd nˈObɑdi nˈu wʌt ʃi mˈɛnt bI ðˈæt.",
]
SPAN = 112            # frames of 25 ms kept of a sentence
WARP = (0.92, 1.12)   # how much faster or slower
LEAST_SECONDS = 9     # of a recording
STYLE_WEIGHT = 200    # values of pitch that the style's own median counts for, as in src/engine/kokoro/intonation.c


def part_of(who):
    """Of LibriSpeech's train-clean: 90 speakers to train, 12 to stop by, 23 to test; every other speaker is to test."""
    return "test" if who % 5 == 0 else "stop" if who % 8 == 1 else "train"


class Enrolment:
    """Prints as the product makes them with one adapter (bench/enrol_prints.c)."""

    def __init__(self, program, models, adapter):
        self.dir = tempfile.TemporaryDirectory()
        os.symlink(Path(models, "ge2e.safetensors").resolve(), Path(self.dir.name, "ge2e.safetensors"))
        os.symlink(Path(adapter).resolve(), Path(self.dir.name, "adapter.safetensors"))
        self.enrol = prints.Enroller(program, self.dir.name).enrol


def scaled_pitch(f0, style_hz, wanted_hz):
    """As src/engine/kokoro/intonation.c does it."""
    median = np.median(np.concatenate([f0[f0 >= 60], np.full(STYLE_WEIGHT, style_hz)]))
    share = np.clip((f0 - 30) / 30, 0, 1)
    return (f0 * (1 + share * (wanted_hz / median - 1))).astype(np.float32)


class Planner:
    """The network up to the decoder, and its harmonics, by ONNX Runtime."""

    def __init__(self, onnx_dir, vocab, threads):
        import onnx
        import onnxruntime
        symbols = json.loads(Path(vocab).read_text(encoding="utf-8"))["vocab"]
        self.tokens = lambda s: np.array([[0] + [symbols[c] for c in s] + [0]], np.int64)
        self.encoder = sample.session(Path(onnx_dir, "enc_fp32.onnx"), threads)
        half = onnx.load(str(Path(onnx_dir, "dec_fp32.onnx")))
        source = kokoro_graph.part(half, [sample.F0], [decoder.HARMONICS])
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads, options.log_severity_level = threads, 3
        self.source = onnxruntime.InferenceSession(source.SerializeToString(), options,
                                                   providers=["CPUExecutionProvider"])

    def __call__(self, sentence, voice, rng):
        """-> text, f0, energy, harmonics of at most SPAN frames of a sentence."""
        style = np.concatenate([voice["style"], voice["prosody"]]).reshape(1, 256)
        text, f0, energy, dur = self.encoder.run([sample.TEXT, sample.F0, sample.ENERGY, sample.DURATION], {
            "tokens": self.tokens(sentence), "style": style, "speed": voice["speed"].astype(np.float32)})
        first = max(0, int(dur[0]) - 3)
        last = int(dur.sum()) - max(0, int(dur[-1]) + int(dur[-2]) - 4)
        f0 = scaled_pitch(f0, voice["f0_style_hz"][0], voice["f0_median_hz"][0])
        if last - first > SPAN:
            first = int(rng.integers(first, last - SPAN + 1))
            last = first + SPAN
        f0 = np.ascontiguousarray(f0[:, 2 * first:2 * last])
        harmonics = self.source.run(None, {sample.F0: f0})[0]
        return text[:, :, first:last], f0, energy[:, 2 * first:2 * last], harmonics


def features(measures, wave, rate):
    """Mean and spread over time of the 80 fine bands, of the louder frames; the mean is of shape only."""
    wave = torch.from_numpy(soxr.resample(speaker.prepare(wave, rate), speaker.RATE, decoder.RATE).astype(np.float32))
    log = measures.fine(wave[None])[0].numpy()
    log = log[:, log.mean(0) > np.percentile(log.mean(0), 40)]
    return (log.mean(1) - log.mean()).astype(np.float32), log.std(1).astype(np.float32)


class Maker:
    def __init__(self, a):
        self.a = a
        self.enrolment = Enrolment(a.program, a.models, a.adapter)
        self.map, self.plan = Inverter(a.adapter), Planner(a.onnx, a.vocab, 1)
        self.encoder = speaker.Encoder(Path(a.models, "ge2e.safetensors"))
        self.measures = decoder.Measures(Path(a.models, "ge2e.safetensors"))
        self.decoder = decoder.Decoder(Path(a.models, "kokoro.safetensors"))

    def voice(self, path, who, variant):
        """Everything about one voice but its speech; None when it cannot be enrolled."""
        wave, rate = soundfile.read(path, dtype="float32", always_2d=True)
        warp = 1.0 if variant == 0 else float(np.exp(self.rng(who, variant).uniform(*np.log(WARP))))
        wave = soxr.resample(wave.mean(1), rate, rate / warp)
        enrolled, judge = (wave[:len(wave) // 2], wave[len(wave) // 2:])[::-1 if variant % 2 else 1]
        voice = self.enrolment.enrol(enrolled, rate)
        if voice is None:
            return None
        if voice["style"].size != 128:
            sys.exit(f"{self.a.adapter} has a residual already: give the one that fit.py wrote")
        basis = self.map.t["style.basis"]
        style = np.concatenate([voice["style"], voice["prosody"]])
        z = (style - self.map.t["style.mean"]) @ basis.T / (basis ** 2).sum(1)
        mean, spread = features(self.measures, judge, rate)
        return {**voice, "z": z.astype(np.float32), "own": self.map.predict(z)[0].astype(np.float32),
                "spectrum": speaker.spectrum(speaker.prepare(enrolled, rate)), "warp": np.float32(warp),
                "judge": self.encoder.embed(judge, rate), "judge_mean": mean, "judge_spread": spread}

    def speech(self, voice, who, variant, sentences):
        """Sentences in a voice, as far as the decoder, and decoded with the style of enrolment."""
        rng, found = self.rng(who, variant, 1), {}
        for k, s in enumerate(rng.choice(len(sentences), self.a.sentences, replace=False)):
            values = self.plan(sentences[s], voice, rng)
            with torch.no_grad():
                style = torch.from_numpy(voice["style"]).expand(1, len(decoder.BLOCKS), 128)
                start = self.decoder(*(torch.from_numpy(v) for v in values), style)[0].numpy()
            found.update({f"{n}{k}": v[0].astype(np.float16 if n == "harmonics" else np.float32)
                          for n, v in zip(("text", "f0", "energy", "harmonics"), values)}, **{f"start{k}": start})
        return found

    def rng(self, *key):
        return np.random.default_rng([self.a.seed, *key])


def save(file, arrays):
    with open(f"{file}.part", "wb") as out:
        np.savez(out, **arrays)
    os.replace(f"{file}.part", file)


def jobs(a):
    """Rounds of (recording, speaker, variant): those to stop by and every training speaker once, once more, ..."""
    seen = {}
    for path in sorted(Path(a.speech).rglob("*.flac")):
        who = int(path.stem.split("-")[0])
        if part_of(who) != "test" and soundfile.info(path).duration >= LEAST_SECONDS:
            seen.setdefault(who, path)
    stop = [w for w in seen if part_of(w) == "stop"]
    train = [w for w in seen if part_of(w) == "train"]
    np.random.default_rng(a.seed).shuffle(train)
    for variant in range(a.variants):
        yield [(seen[w], w, variant) for w in (stop if variant == 0 else []) + train]


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--speech", required=True, help="folder of LibriSpeech recordings, SPEAKER-CHAPTER-NUMBER.flac")
    p.add_argument("--onnx", required=True, help="folder with enc_fp32.onnx and dec_fp32.onnx")
    p.add_argument("--vocab", required=True)
    p.add_argument("--adapter", required=True)
    p.add_argument("--models", default="var/models/kokoro")
    p.add_argument("--program", default="build/release/bench/enrol_prints")
    p.add_argument("--variants", type=int, default=4)
    p.add_argument("--sentences", type=int, default=1, help="of each voice")
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--out", required=True)
    a = p.parse_args()
    torch.set_num_threads(1)
    Path(a.out).mkdir(parents=True, exist_ok=True)
    maker = Maker(a)
    for round_ in jobs(a):
        for kind in ("voice", "speech"):
            for path, who, variant in round_:
                name = f"{part_of(who)}-{who}-{variant}"
                file, voice = Path(a.out, f"{name}.{kind}.npz"), Path(a.out, f"{name}.voice.npz")
                if file.exists() or (kind == "speech" and not voice.exists()):
                    continue
                made = (maker.voice(path, who, variant) if kind == "voice" else
                        maker.speech(dict(np.load(voice)), who, variant, STOP if part_of(who) == "stop" else TRAIN))
                if made:
                    save(file, made)
                print(file.name if made else f"{name}: no voice", flush=True)


if __name__ == "__main__":
    main()
