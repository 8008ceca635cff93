#!/usr/bin/env python3
"""What the clones are worth: real people are cloned by the built program and measured; one report comes out.

Of each recording one half is enrolled; the other, which the program never gets, is what the clone is compared with.
Beside the clones stand real peers: the person's own two halves (no clone can pass them) and the stock voice that is
nearest by the enrolled half (what there is without cloning). Likeness is judged twice: by GE2E, which enrolment
optimises, and by judge.py, which is in no objective. Words are judged by Whisper tiny.en, other languages by whether
the right text can be found again (retrieval): no recogniser of theirs is at hand, so word errors are not measured
there.

    evaluate.py --speech DIR [--out build/eval] [--speakers 24] [--sentences 8] [--long 6] [--language-sentences 10]
                [--baseline old.json] [--no-stock] [--no-words] [--program build/timbre] [--model var/models/kokoro]

Writes OUT/report.html and OUT/report.json. What was spoken stays in OUT/clips and is not spoken again by the same
program.
"""
import argparse
import json
import platform
import subprocess
import sys
import time
from datetime import datetime, timezone
from pathlib import Path

import numpy as np

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))
import judge  # noqa: E402
import languages  # noqa: E402
import measure  # noqa: E402
import report  # noqa: E402
import speaker  # noqa: E402
import speakers  # noqa: E402

RATE = speakers.RATE
GAP = np.zeros(int(0.3 * RATE), np.float32)
JOINED = 3         # sentences that are also spoken as one text, to find the joins


def progress(items, what, total):
    """Yields the items; on stderr how far it is and when it will be done: one line that changes, in a log ten lines."""
    start, live, shown = time.monotonic(), sys.stderr.isatty(), -1
    for done, item in enumerate(items):
        spent = time.monotonic() - start
        left = f"{spent / done * (total - done) / 60:.1f} min left" if done else "..."
        if live or 10 * done // max(1, total) > shown:
            shown = 10 * done // max(1, total)
            show(what, done, total, left, live)
        yield item
    show(what, total, total, f"{(time.monotonic() - start) / 60:.1f} min", live)
    if live:
        sys.stderr.write("\n")


def show(what, done, total, remark, live):
    bar = "#" * (24 * done // max(1, total))
    line = f"{what:22.22s} [{bar:24s}] {done}/{total}  {remark:14s}"
    sys.stderr.write(f"\r{line}" if live else f"{line}\n")
    sys.stderr.flush()


class Ears:
    """Both judges of likeness. The gallery is what is judged of everybody; ranks are among all of it."""

    def __init__(self, ge2e, everybody, memory):
        self.kinds = {"ge2e": speaker.Encoder(ge2e), "judge": judge.Judge()}
        self.hashes = {"ge2e": speakers.short_hash(ge2e), "judge": speakers.short_hash(judge.MODEL)}
        self.memory, self.names = memory, [p.name for p in everybody]
        self.gallery = {k: np.stack([self.embed(k, p.judged, p.rate)
                                     for p in progress(everybody, f"everybody, {k}", len(everybody))])
                        for k in self.kinds}

    def embed(self, kind, wave, rate=RATE):
        return self.memory.array(wave, f"{kind} {self.hashes[kind]} {rate}", lambda: self.kinds[kind].embed(wave, rate))

    def scores(self, name, wave, rate=RATE):
        """{ge2e, ge2e_rank, judge, judge_rank}"""
        out, right = {}, self.names.index(name)
        for kind in self.kinds:
            score = self.gallery[kind] @ self.embed(kind, wave, rate)
            out[kind], out[kind + "_rank"] = float(score[right]), int((score >= score[right]).sum())
        return out


def quotient(a, b):
    return a / b - 1 if a and b else None


def rate_of(text, speech_s):
    return measure.syllables(text) / speech_s if text and speech_s > 1 else None


def words_of(pairs, recogniser):
    """Of [(text, wave)]: what was heard and how much of it is wrong; all None without a recogniser."""
    heard = [recogniser.hear(w, RATE) for _, w in pairs]
    if None in heard:
        return dict.fromkeys(("wer", "words", "errors", "inserted", "said_twice", "heard"))
    wrong = [measure.word_errors(t, h) for (t, _), h in zip(pairs, heard)]
    return {"wer": sum(w[0] for w in wrong) / sum(w[1] for w in wrong), "words": sum(w[1] for w in wrong),
            "errors": sum(w[0] for w in wrong), "inserted": sum(w[2] for w in wrong), "heard": heard,
            "said_twice": sum(measure.said_twice(t, h) for (t, _), h in zip(pairs, heard))}


def recorded(person, recogniser):
    """Pitch and rate of the enrolled half, which the clone should have, and of the other: how steady they are."""
    out = {}
    for part, wave in (("enrol", person.enrol), ("held", person.judged)):
        f0, spread = measure.pitch_summary(wave, person.rate)
        speech = measure.levels(wave, person.rate)["speech_s"]
        out[part] = {"f0_hz": f0, "f0_spread": spread, "rate": rate_of(recogniser.hear(wave, person.rate), speech),
                     "clicks_per_min": 60 * measure.clicks(wave, person.rate) / (len(wave) / person.rate)}
    return out


def in_one_breath(texts, waves):
    """[(text, wave)] of as many sentences as the recogniser takes at once: it pays for 30 s, however short they are."""
    out = []
    for text, wave in zip(texts, waves):
        if out and len(out[-1][1]) + len(wave) + len(GAP) < 28 * RATE:
            out[-1] = (f"{out[-1][0]} {text}", np.concatenate([out[-1][1], GAP, wave]))
        else:
            out.append((text, wave))
    return out


def spoken(texts, waves, recogniser):
    """Everything about some sentences of one voice that needs no second voice."""
    clips = [measure.levels(w, RATE) for w in waves]
    joined = np.concatenate([x for w in waves for x in (w, GAP)])
    f0, spread = measure.pitch_summary(joined, RATE)
    speech = sum(c["speech_s"] for c in clips)
    seconds = sum(len(w) for w in waves) / RATE
    level = [c["level_db"] for c in clips if c["level_db"] is not None]
    return {"seconds": seconds, **words_of(in_one_breath(texts, waves), recogniser),
            "f0_hz": f0, "f0_spread": spread, "rate": rate_of(" ".join(texts), speech),
            "level_db": float(np.mean(level)), "level_spread_db": float(np.std(level)),
            "peak_db": max(c["peak_db"] for c in clips if c["peak_db"] is not None),
            "longest_pause_s": max(c["longest_pause_s"] for c in clips), "silence": 1 - speech / seconds,
            "lead_s": float(np.mean([c["lead_s"] for c in clips])),
            "tail_s": float(np.mean([c["tail_s"] for c in clips])),
            "clicks_per_min": 60 * sum(measure.clicks(w, RATE) for w in waves) / seconds,
            "repeats": max(measure.repeats(w, RATE) for w in waves)}, joined


def joins(whole, parts):
    """Where each part begins in the whole, and what the spectrum does there; parts not found count as missing."""
    at, found = 0, []
    for k, part in enumerate(parts):
        core = part[int(0.1 * RATE):-int(0.1 * RATE)]
        where, fit = measure.find(core, whole, at)
        if fit > 0.7:
            at = where + len(core)
            if k:
                found.append(max(0, where - int(0.1 * RATE)))
    return {"wanted": len(parts) - 1, "found": len(found), "percentiles": measure.join_percentiles(whole, RATE, found)}


def long_text(program, person, text, ears, recogniser):
    """Does the likeness last? The first third against the last."""
    wave = program.say(person, text, "en")
    thirds = [ears.scores(person.name, w) for w in np.array_split(wave, 3)]
    return {"seconds": len(wave) / RATE, "wer": words_of([(text, wave)], recogniser)["wer"],
            "first": thirds[0], "last": thirds[2],
            "clicks_per_min": 60 * measure.clicks(wave, RATE) / (len(wave) / RATE)}


class StockVoices:
    def __init__(self, stock, sentences, ears, recogniser):
        self.stock, self.ears, self.sentences = stock, ears, sentences
        first = sentences[0]["phonemes"]
        waves = {n: stock.say(n, first) for n in progress(stock.names, "stock voices", len(stock.names))}
        self.embedded = np.stack([ears.embed("ge2e", waves[n]) for n in stock.names])
        self.wer = {}
        for name in progress(("af_heart", "af_bella", "am_michael", "bf_emma"), "stock voices, words", 4):
            waves = [stock.say(name, s["phonemes"]) for s in sentences]
            self.wer[name] = words_of(in_one_breath([s["text"] for s in sentences], waves), recogniser)["wer"]

    def nearest(self, person):
        name = self.stock.names[int((self.embedded @ self.ears.embed("ge2e", person.enrol, person.rate)).argmax())]
        wave = np.concatenate([x for s in self.sentences[:3] for x in (self.stock.say(name, s["phonemes"]), GAP)])
        return {"voice": name, **self.ears.scores(person.name, wave)}


def one(person, program, sentences, ears, recogniser, stock, long, joined_text):
    row = {"enrol_s": len(person.enrol) / person.rate, "judged_s": len(person.judged) / person.rate}
    texts = [s["text"] for s in sentences]
    waves = [program.say(person, t, "en") for t in texts]
    row["enrol_ms"] = program.enrol_ms.get(person.name)
    row["target"] = recorded(person, recogniser)
    row["clone"], wave = spoken(texts, waves, recogniser)
    row["clone"].update(ears.scores(person.name, wave))
    row["real"] = ears.scores(person.name, person.enrol, person.rate)
    for what, key in (("f0_error", "f0_hz"), ("rate_error", "rate")):
        row["clone"][what] = quotient(row["clone"][key], row["target"]["enrol"][key])
        row["real"][what] = quotient(row["target"]["held"][key], row["target"]["enrol"][key])
    if stock:
        row["stock"] = stock.nearest(person)
    if long:
        row["long"] = long_text(program, person, long, ears, recogniser)
        row["joins"] = joins(program.say(person, joined_text, "en"), waves[:JOINED])
    return row


def command(*words):
    done = subprocess.run(words, capture_output=True, text=True, cwd=HERE)
    return done.stdout.strip() if done.returncode == 0 else "unknown"


def machine():
    lines = Path("/proc/cpuinfo").read_text().split("\n")
    cpu = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return f"{cpu[0] if cpu else platform.processor()}, {len(cpu)} cores"


def arguments():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--speech", required=True)
    p.add_argument("--out", type=Path, default=Path("build/eval"))
    p.add_argument("--program", default="build/timbre")
    p.add_argument("--model", default="var/models/kokoro")
    p.add_argument("--cache", default="var/cache")
    p.add_argument("--speakers", type=int, default=24)
    p.add_argument("--sentences", type=int, default=8)
    p.add_argument("--long", type=int, default=6, help="speakers who also read 600 characters")
    p.add_argument("--language-sentences", type=int, default=10)
    p.add_argument("--baseline", type=Path)
    p.add_argument("--no-stock", action="store_true", help="without stock voices beside the clones")
    p.add_argument("--no-words", action="store_true", help="without the recogniser, which takes most of the time")
    return p.parse_args()


def main():
    a = arguments()
    started = time.monotonic()
    a.out.mkdir(parents=True, exist_ok=True)
    texts = json.loads((HERE / "sentences.json").read_text(encoding="utf-8"))
    sentences = texts["english"][:a.sentences]
    baseline = json.loads(a.baseline.read_text()) if a.baseline else None
    everybody = speakers.people(a.speech, progress)
    trained_on = judge.Judge().trained_on
    people = speakers.chosen(everybody, a.speakers, trained_on)
    if not people:
        sys.exit(f"{a.speech}: nobody with {speakers.LEAST_ENROLLED + speakers.LEAST_JUDGED:.1f} s of speech who is "
                 "not in the judge's training")
    memory = speakers.Memory(a.out / "memory")
    ears = Ears(Path(a.model, "ge2e.safetensors"), everybody, memory)
    recogniser = speakers.Deaf() if a.no_words else speakers.Recogniser(memory)
    has_stock = not a.no_stock and Path(a.model, "voices.safetensors").exists()
    stock = None
    if has_stock:
        stock = StockVoices(speakers.Stock(a.model, a.cache, a.out / "clips"), sentences, ears, recogniser)
    joined_text = " ".join(s["text"] for s in sentences[:JOINED])
    changed = command("git", "status", "--porcelain", "-uno")
    result = {"made": datetime.now(timezone.utc).isoformat(timespec="seconds"),
              "commit": command("git", "rev-parse", "--short", "HEAD"),
              "changed_files": len(changed.split("\n")) if changed not in ("", "unknown") else 0, "machine": machine(),
              "recogniser": "none" if a.no_words else speakers.RECOGNISER, "among": len(everybody),
              "sentences": [s["text"] for s in sentences], "speakers": {}, "refused": {}, "languages": {}}
    unseen = [p.name not in trained_on for p in everybody]
    enrolled = np.stack([ears.embed("judge", p.enrol, p.rate) for p, u in zip(everybody, unseen) if u])
    result["judge"] = judge.validity(enrolled, ears.gallery["judge"][unseen])
    with speakers.Program(a.program, a.model, a.out / "clips") as program:
        result["program"] = program.hash
        for k, person in enumerate(progress(people, "people", len(people))):
            try:
                result["speakers"][person.name] = one(person, program, sentences, ears, recogniser, stock,
                                                      texts["long"] if k < a.long else None, joined_text)
            except speakers.Refused as error:
                result["refused"][person.name] = str(error)
        if not result["speakers"]:
            sys.exit(f"nobody could be cloned: {result['refused']}")
        if stock:
            result["stock_wer"] = stock.wer
        if a.language_sentences:
            result["languages"] = languages.measured(program, voices_for_languages(people, everybody, result), ears,
                                                     texts["languages"], a.language_sentences, progress)
    result["took_s"] = time.monotonic() - started
    result["summary"] = report.summary(result)
    (a.out / "report.json").write_text(json.dumps(result, indent=1, ensure_ascii=False))
    (a.out / "report.html").write_text(report.page(result, baseline), encoding="utf-8")
    report.say(result, baseline)
    print(f"{a.out}/report.html, {a.out}/report.json")


def voices_for_languages(people, everybody, result):
    """The lowest and the highest voice, and whoever speaks one of the languages himself."""
    done = [p for p in people if p.name in result["speakers"]]
    by_pitch = sorted((p for p in done if result["speakers"][p.name]["target"]["enrol"]["f0_hz"]),
                      key=lambda p: result["speakers"][p.name]["target"]["enrol"]["f0_hz"])
    return [by_pitch[0], by_pitch[-1]][:len(by_pitch)] + [p for p in everybody if p.language != "en"]


if __name__ == "__main__":
    main()
