"""The nine languages for which there is no recogniser here: can the right text be found again?

Each sentence is also spoken by espeak-ng, another synthesiser with rules of its own. A clone's sentence is aligned with
all of espeak-ng's sentences of that language (measure.sounds, dynamic time warping); rank 1 means that its own text is
the nearest. `margin` is how much nearer, relative to the nearest wrong one; `pace` the duration of the speech over
espeak-ng's, whose spread over the sentences shows words that were swallowed or drawn out. It proves that the sounds are
there in order, not that they are said well: word errors are not measured.
"""
import numpy as np

import measure
import speakers


def references(code, given, count):
    voice = given["espeak"]
    return [speakers.espeak(voice, s.get("espeak", s["text"])) for s in given["sentences"][:count]]


def one(program, person, code, given, count, theirs, ears):
    waves = [program.say(person, s["text"], code) for s in given["sentences"][:count]]
    ours = [measure.sounds(w, speakers.RATE) for w in waves]
    distance = np.array([[measure.aligned_distance(o, t) for t in theirs[1]] for o in ours])
    right = np.diag(distance)
    wrong = np.where(np.eye(count, dtype=bool), np.inf, distance).min(1) if count > 1 else right
    clips = [measure.levels(w, speakers.RATE) for w in waves]
    joined = np.concatenate(waves)
    f0, _ = measure.pitch_summary(joined, speakers.RATE)
    pace = np.array([c["speech_s"] / t for c, t in zip(clips, theirs[0])])
    return {"sentences": count, "ranks": [int((d <= r).sum()) for d, r in zip(distance, right)],
            "margin": float(np.mean(wrong / right - 1)), "distance": float(right.mean()),
            "f0_hz": f0, "pace": float(np.median(pace)), "pace_spread": float(np.std(np.log(np.maximum(pace, 1e-3)))),
            "silence": 1 - sum(c["speech_s"] for c in clips) / (len(joined) / speakers.RATE),
            "longest_pause_s": max(c["longest_pause_s"] or 0 for c in clips),
            "clicks_per_min": 60 * sum(measure.clicks(w, speakers.RATE) for w in waves) / (len(joined) / speakers.RATE),
            "repeats": max(measure.repeats(w, speakers.RATE) for w in waves),
            "empty": sum(c["speech_s"] < 0.3 for c in clips), **ears.scores(person.name, joined)}


def measured(program, people, ears, texts, count, progress):
    """{language: {speaker: row}}. A speaker whose own language is another than English speaks only that."""
    out, enrolled = {}, {}
    jobs = [(code, p) for code in sorted(texts) for p in people if p.language in ("en", code)]
    for p in people:
        enrolled[p.name] = measure.pitch_summary(p.enrol, p.rate)[0]
    theirs = {}
    for code, person in progress(jobs, "languages", len(jobs)):
        given = texts[code]
        n = min(count, len(given["sentences"]))
        if code not in theirs:
            spoken = references(code, given, n)
            theirs[code] = ([measure.levels(w, r)["speech_s"] for w, r in spoken],
                            [measure.sounds(w, r) for w, r in spoken])
        try:
            row = one(program, person, code, given, n, theirs[code], ears)
            target = enrolled[person.name]
            row["f0_error"] = row["f0_hz"] / target - 1 if row["f0_hz"] and target else None
        except speakers.Refused as error:
            row = {"refused": str(error)[:200]}
        out.setdefault(code, {})[person.name] = row
    return out
