"""From the measurements to what people read: a summary, the differences to an older report, and one HTML page that asks
nothing of the network (plots are SVG in it)."""
import html
import math

import numpy as np

INK, CLONE, STOCK, REAL, OLD = "#222", "#0072b2", "#999", "#009e73", "#d55e00"

# (name, path in a speaker's row, what is better: +1 more, -1 less, 0 neither; format)
MEASURES = [
    ("likeness, GE2E", "clone.ge2e", 1, ".3f"), ("likeness, our judge", "clone.judge", 1, ".3f"),
    ("rank, GE2E", "clone.ge2e_rank", -1, ".2f"), ("rank, our judge", "clone.judge_rank", -1, ".2f"),
    ("word error rate", "clone.wer", -1, ".3f"), ("words heard twice", "clone.said_twice", -1, ".2f"),
    ("pitch error, size", "clone.f0_error", -1, ".3f"), ("rate error, size", "clone.rate_error", -1, ".3f"),
    ("level, dBFS", "clone.level_db", 0, ".1f"),
    ("level, spread over sentences, dB", "clone.level_spread_db", -1, ".2f"),
    ("peak, dBFS", "clone.peak_db", 0, ".1f"), ("clicks a minute", "clone.clicks_per_min", -1, ".2f"),
    ("longest pause in a sentence, s", "clone.longest_pause_s", -1, ".2f"),
    ("silence, share", "clone.silence", 0, ".2f"),
    ("most alike stretches", "clone.repeats", -1, ".2f"),
    ("600 characters: GE2E, first third", "long.first.ge2e", 1, ".3f"),
    ("600 characters: GE2E, last third", "long.last.ge2e", 1, ".3f"),
    ("600 characters: our judge, first third", "long.first.judge", 1, ".3f"),
    ("600 characters: our judge, last third", "long.last.judge", 1, ".3f"),
    ("600 characters: word error rate", "long.wer", -1, ".3f"),
]
SIZES = ("clone.f0_error", "clone.rate_error")  # errors of either sign: their size counts


def value(row, path):
    for key in path.split("."):
        row = row.get(key) if isinstance(row, dict) else None
    if row is None:
        return None
    return abs(row) if path in SIZES else row


def column(result, path):
    """{speaker: value}, without what was not measured."""
    found = {name: value(row, path) for name, row in result["speakers"].items()}
    return {k: v for k, v in found.items() if v is not None}


def mean(values):
    return float(np.mean(list(values))) if len(values) else None


def summary(result):
    out = {path: mean(column(result, path).values()) for _, path, _, _ in MEASURES}
    for kind in ("ge2e", "judge"):
        clone = column(result, f"clone.{kind}")
        out[f"{kind}.least"] = min(clone.values())
        out[f"{kind}.first"] = float(np.mean([r == 1 for r in column(result, f"clone.{kind}_rank").values()]))
        out[f"{kind}.real"] = mean(column(result, f"real.{kind}").values())
        out[f"{kind}.stock"] = mean(column(result, f"stock.{kind}").values())
    wrong, said = column(result, "clone.errors"), column(result, "clone.words")
    out["pooled_wer"] = sum(wrong.values()) / sum(said.values()) if said else None
    out["best_stock_wer"] = min((v for v in result.get("stock_wer", {}).values() if v is not None), default=None)
    out["f0_within_3"] = share(column(result, "clone.f0_error"), 0.03)
    out["rate_within_10"] = share(column(result, "clone.rate_error"), 0.10)
    found = [x for r in result["speakers"].values() if "joins" in r for x in r["joins"]["percentiles"]]
    out["joins"], out["join_percentile"], out["join_worst"] = len(found), mean(found), max(found, default=None)
    return out


def share(values, limit):
    return float(np.mean([abs(v) <= limit for v in values.values()])) if values else None


def differences(result, baseline):
    """Paired: for each measure the mean of new minus old over the speakers that both have, with a 95 % interval by
    resampling the speakers, and for how many it is better and worse."""
    rows, rng = [], np.random.default_rng(1)
    for name, path, sign, form in MEASURES:
        new, old = column(result, path), column(baseline, path)
        both = sorted(set(new) & set(old))
        if not both:
            continue
        d = np.array([new[k] - old[k] for k in both], float)
        means = d[rng.integers(0, len(d), (4000, len(d)))].mean(1)
        rows.append({"name": name, "path": path, "form": form, "speakers": len(both),
                     "old": mean([old[k] for k in both]), "new": mean([new[k] for k in both]),
                     "difference": float(d.mean()), "interval": np.percentile(means, [2.5, 97.5]).tolist(),
                     "better": int((d * sign > 1e-9).sum()) if sign else None,
                     "worse": int((d * sign < -1e-9).sum()) if sign else None})
    return rows


def text_of(x, form=".3f"):
    return "not measured" if x is None else format(x, form)


# SVG ------------------------------------------------------------------------------------------------------------------
class Plot:
    """Axes from x to y ranges in a box; marks in data coordinates."""

    def __init__(self, title, x, y, width=460, height=300, xlabel="", ylabel=""):
        self.x, self.y, self.w, self.h = x, y, width, height
        self.out = [f'<text x="{width / 2}" y="16" text-anchor="middle" font-weight="bold">{html.escape(title)}</text>',
                    f'<text x="{width / 2}" y="{height - 4}" text-anchor="middle">{html.escape(xlabel)}</text>',
                    f'<text x="12" y="{height / 2}" text-anchor="middle" transform="rotate(-90 12 {height / 2})">'
                    f'{html.escape(ylabel)}</text>']
        for v in ticks(*x):
            self.out.append(f'<line x1="{self.px(v):.1f}" x2="{self.px(v):.1f}" '
                            f'y1="26" y2="{height - 36}" stroke="#ddd"/>'
                            f'<text x="{self.px(v):.1f}" y="{height - 22}" text-anchor="middle">{v:g}</text>')
        for v in ticks(*y):
            self.out.append(f'<line x1="52" x2="{width - 10}" '
                            f'y1="{self.py(v):.1f}" y2="{self.py(v):.1f}" stroke="#ddd"/>'
                            f'<text x="48" y="{self.py(v) + 4:.1f}" text-anchor="end">{v:g}</text>')

    def px(self, v):
        return 52 + (v - self.x[0]) / (self.x[1] - self.x[0]) * (self.w - 62)

    def py(self, v):
        return self.h - 36 - (v - self.y[0]) / (self.y[1] - self.y[0]) * (self.h - 62)

    def dot(self, x, y, colour, title="", r=4):
        self.out.append(f'<circle cx="{self.px(x):.1f}" cy="{self.py(y):.1f}" r="{r}" '
                        f'fill="{colour}" fill-opacity="0.8">'
                        f'<title>{html.escape(title)}</title></circle>')

    def line(self, x1, y1, x2, y2, colour=INK, dash=""):
        self.out.append(f'<line x1="{self.px(x1):.1f}" y1="{self.py(y1):.1f}" '
                        f'x2="{self.px(x2):.1f}" y2="{self.py(y2):.1f}" '
                        f'stroke="{colour}" stroke-dasharray="{dash}"/>')

    def bar(self, x1, x2, top, colour):
        self.out.append(f'<rect x="{self.px(x1):.1f}" y="{self.py(top):.1f}" '
                        f'width="{max(0.5, self.px(x2) - self.px(x1) - 1):.1f}" '
                        f'height="{max(0, self.py(self.y[0]) - self.py(top)):.1f}" '
                        f'fill="{colour}" fill-opacity="0.6"/>')

    def svg(self):
        marks = "".join(self.out)
        return f'<svg viewBox="0 0 {self.w} {self.h}" width="{self.w}" height="{self.h}" role="img">{marks}</svg>'


def ticks(low, high):
    step = 10 ** math.floor(math.log10((high - low) / 3))
    step *= next(k for k in (1, 2, 5, 10) if (high - low) / (step * k) <= 6)
    return [round(k * step, 10) for k in range(math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9) + 1)]


def span(values, least=0.1):
    low, high = min(values), max(values)
    pad = max(least, high - low) * 0.07
    return low - pad, high + pad


def likeness_plot(result, baseline, kind, title):
    names = sorted(result["speakers"], key=lambda n: result["speakers"][n]["clone"][kind])
    series = [("real", REAL, result), ("stock", STOCK, result), ("clone", CLONE, result)]
    if baseline:
        series.insert(2, ("clone", OLD, baseline))
    points = [(k, c, names.index(n), v) for k, c, r in series
              for n, v in column(r, f"{k}.{kind}").items() if n in names]
    plot = Plot(title, (-1, len(names)), span([p[3] for p in points]), xlabel="speakers, least alike first",
                ylabel="cosine")
    for k, colour, i, v in points:
        plot.dot(i, v, colour, f"{names[i]} {k} {v:.3f}")
    return plot.svg()


def target_plot(result, key, title, within):
    rows = [(n, r["target"]["enrol"][key], r["clone"][key], r["target"]["held"][key])
            for n, r in result["speakers"].items()]
    rows = [r for r in rows if all(r[1:])]
    if not rows:
        return ""
    s = span([v for r in rows for v in r[1:]])
    plot = Plot(title, s, s, xlabel="recording, enrolled half", ylabel="clone (blue), other half (green)")
    for k, dash in ((1, ""), (1 + within, "4 3"), (1 - within, "4 3")):
        low, high = max(s[0], s[0] / k), min(s[1], s[1] / k)
        plot.line(low, low * k, high, high * k, "#888", dash)
    for n, target, clone, held in rows:
        plot.dot(target, held, REAL, f"{n}: other half {held:.3g}", 3)
        plot.dot(target, clone, CLONE, f"{n}: {target:.3g} to {clone:.3g}")
    return plot.svg()


def histogram_plot(groups, title, xlabel, low, high, bins=40):
    counts = [(np.histogram(v, bins, (low, high))[0] / max(1, len(v)), c) for v, c in groups]
    plot = Plot(title, (low, high), (0, max(c.max() for c, _ in counts) * 1.05 + 1e-9), xlabel=xlabel, ylabel="share")
    width = (high - low) / bins
    for count, colour in counts:
        for k, c in enumerate(count):
            if c:
                plot.bar(low + k * width, low + (k + 1) * width, c, colour)
    return plot.svg()


# The page -----------------------------------------------------------------------------------------------------------
def table(head, rows):
    cell = lambda x: html.escape(str(x))  # noqa: E731
    return "<table><tr>" + "".join(f"<th>{cell(h)}</th>" for h in head) + "</tr>" + "".join(
        "<tr>" + "".join(f"<td>{cell(c)}</td>" for c in r) + "</tr>" for r in rows) + "</table>"


def head_rows(result):
    s, n = result["summary"], len(result["speakers"])
    rows = [("", "clone", "least", f"first of {result['among']}", "nearest stock voice", "the person's other half")]
    for kind, name in (("ge2e", "likeness by GE2E (enrolment's objective)"),
                       ("judge", "likeness by our judge (in no objective)")):
        rows.append((name, text_of(s[f"clone.{kind}"]), text_of(s[f"{kind}.least"]),
                     f"{round(s[kind + '.first'] * n)} of {n}",
                     text_of(s[f"{kind}.stock"]), text_of(s[f"{kind}.real"])))
    rows.append(("word error rate, " + result["recogniser"], text_of(s["pooled_wer"]), "", "",
                 "best " + text_of(s["best_stock_wer"]),
                 "not measured: no transcript"))
    real_f0, real_rate = column(result, "real.f0_error"), column(result, "real.rate_error")
    rows.append(("pitch, median, within 3 % of the recording", text_of(s["f0_within_3"], ".0%"), "", "", "",
                 text_of(share(real_f0, 0.03), ".0%")))
    rows.append(("rate within 10 % of the recording", text_of(s["rate_within_10"], ".0%"), "", "", "",
                 text_of(share(real_rate, 0.1), ".0%")))
    return rows


def language_rows(result):
    rows = []
    for code, voices in sorted(result["languages"].items()):
        for name, r in voices.items():
            if "refused" in r:
                rows.append([code, name, "not measured: " + r["refused"]] + [""] * 10)
                continue
            first = sum(k == 1 for k in r["ranks"])
            rows.append([code, name, f"{first} of {r['sentences']}", text_of(r["margin"], "+.0%"),
                         text_of(r["pace"], ".2f"), text_of(r["pace_spread"], ".2f"),
                         text_of(r.get("f0_error"), "+.1%"), text_of(r["longest_pause_s"], ".2f"),
                         text_of(r["clicks_per_min"], ".1f"), text_of(r["repeats"], ".2f"),
                         text_of(r["ge2e"]), text_of(r["judge"]), "not measured"])
    return rows


def speaker_rows(result):
    out = []
    for name, r in sorted(result["speakers"].items()):
        c = r["clone"]
        out.append([name, text_of(r["enrol_s"], ".1f"), text_of(r.get("enrol_ms"), ".0f"),
                    text_of(c["ge2e"]), c["ge2e_rank"], text_of(value(r, "stock.ge2e")), text_of(r["real"]["ge2e"]),
                    text_of(c["judge"]), c["judge_rank"], text_of(value(r, "stock.judge")), text_of(r["real"]["judge"]),
                    "not measured" if c["words"] is None else f"{c['errors']}/{c['words']}",
                    text_of(c["f0_error"], "+.1%"), text_of(c["rate_error"], "+.1%"), text_of(c["level_db"], ".1f"),
                    text_of(c["clicks_per_min"], ".1f"), text_of(c["longest_pause_s"], ".2f"),
                    text_of(c["said_twice"], "d"), text_of(c["repeats"], ".2f"),
                    text_of(value(r, "long.first.ge2e")), text_of(value(r, "long.last.ge2e"))])
    return out


SPEAKER_HEAD = ["speaker", "enrolled, s", "enrolment, ms", "GE2E", "rank", "stock", "real", "judge", "rank", "stock",
                "real", "wrong words", "pitch", "rate", "dBFS", "clicks/min", "longest pause", "said twice",
                "most alike", "600: first", "600: last"]
LANGUAGE_HEAD = ["language", "voice", "right text first", "margin", "pace", "its spread", "pitch", "longest pause, s",
                 "clicks/min", "most alike", "GE2E", "judge", "word errors"]
STYLE = """body{font:14px/1.45 system-ui,sans-serif;max-width:76em;margin:2em auto;padding:0 1em;color:#222;
background:#fff}
table{border-collapse:collapse;margin:.6em 0;display:block;overflow-x:auto}
td,th{padding:.15em .6em;border-bottom:1px solid #ddd;text-align:right;white-space:nowrap}
td:first-child,th:first-child{text-align:left}svg{font:11px system-ui,sans-serif;margin:.4em}.k{font-weight:bold}"""


def baseline_part(result, baseline):
    if not baseline:
        return ""
    rows = [[d["name"], d["speakers"], text_of(d["old"], d["form"]), text_of(d["new"], d["form"]),
             text_of(d["difference"], "+" + d["form"]), " to ".join(text_of(x, "+" + d["form"]) for x in d["interval"]),
             "" if d["better"] is None else f"{d['better']} / {d['worse']}"]
            for d in differences(result, baseline)]
    same = baseline.get("sentences") == result["sentences"]
    return (f"<h2>Before and after</h2><p>Before: commit {html.escape(baseline['commit'])}, "
            f"{html.escape(baseline['made'])}; in the plots orange. "
            + ("" if same else "<b>The sentences are not the same.</b> ")
            + "The same speakers in both; the interval holds 95 % of the means when speakers are drawn anew.</p>"
            + table(["measure", "speakers", "before", "after", "difference", "95 % interval", "better / worse for"],
                    rows))


def page(result, baseline=None):
    s, v = result["summary"], result["judge"]
    joins = [x for r in result["speakers"].values() if "joins" in r for x in r["joins"]["percentiles"]]
    head = head_rows(result)
    parts = [f"<!doctype html><html lang=en><meta charset=utf-8><title>Timbre: clones measured</title>"
             f"<style>{STYLE}</style><h1>Clones, measured</h1>",
             f"<p>Commit {html.escape(result['commit'])}"
             + (f" with {result['changed_files']} changed files" if result["changed_files"] else "")
             + f", program {result['program']}, {html.escape(result['machine'])}, {result['made']}, "
             f"{result['took_s'] / 60:.0f} min. "
             f"{len(result['speakers'])} people, {len(result['sentences'])} sentences. "
             "One half of each recording is enrolled, the other judges.</p>",
             table(head[0], head[1:]), baseline_part(result, baseline), "<h2>Likeness</h2><p>"
             f'<span class=k style="color:{CLONE}">clone</span>, '
             f'<span class=k style="color:{STOCK}">nearest stock voice</span>, '
             f'<span class=k style="color:{REAL}">the person\'s own two halves</span>'
             + (f', <span class=k style="color:{OLD}">before</span>' if baseline else "") + "</p>",
             likeness_plot(result, baseline, "ge2e", "GE2E"), likeness_plot(result, baseline, "judge", "Our judge"),
             f"<p>What our judge can tell, on real recordings of {v['speakers']} people that it never saw: the same "
             "person in green, others in grey; "
             f"equal error rate {v['eer']:.1%}, the right one first for {v['first']:.0%}. "
             "In blue the clones against their own person.</p>",
             histogram_plot([(v["other"], STOCK), (v["same"], REAL),
                             ([r["clone"]["judge"] for r in result["speakers"].values()], CLONE)],
                            "Our judge", "cosine", -0.8, 1.0),
             "<h2>Pitch and rate</h2><p>Dashed: 3 % and 10 %. The other half shows how steady the person is.</p>",
             target_plot(result, "f0_hz", "Median pitch, Hz", 0.03),
             target_plot(result, "rate", "Syllables a second", 0.10),
             "<h2>Joins of sentences</h2><p>For each join of sentences spoken as one text: the percentile of its "
             f"largest spectral change among all places of the same audio. "
             f"{len(joins)} joins, mean {text_of(mean(joins), '.0f')}, worst {text_of(s['join_worst'], '.1f')}.</p>",
             histogram_plot([(joins, CLONE)], "Spectral change at joins", "percentile", 0, 100, 20) if joins
             else "<p>not measured</p>",
             "<h2>Other languages</h2><p>The right text first: nearest of all sentences of the language as espeak-ng "
             "speaks them. Pace: duration over espeak-ng's; "
             "its spread shows words that are swallowed or drawn out. "
             "There is no recogniser for these languages here.</p>",
             table(LANGUAGE_HEAD, language_rows(result)) if result["languages"] else "<p>not measured</p>",
             "<h2>Speakers</h2>",
             *(f"<p>{html.escape(n)} was refused: {html.escape(e)}</p>" for n, e in result["refused"].items()),
             table(SPEAKER_HEAD, speaker_rows(result)), "<h2>All measures, mean</h2>",
             table(["measure", "mean", "speakers"], [[n, text_of(s[p], f), len(column(result, p))]
                                                     for n, p, _, f in MEASURES]),
             "<h2>What was heard</h2>",
             *(f"<p>{html.escape(n)}: "
               + " / ".join(html.escape(h) for h in r["clone"]["heard"] or ["not measured"]) + "</p>"
               for n, r in sorted(result["speakers"].items()))]
    return "\n".join(parts) + "</html>\n"


def say(result, baseline):
    """The head of the report as text."""
    for row in head_rows(result):
        print(f"{row[0]:52.52s} " + "  ".join(f"{x:>14.26s}" for x in row[1:]))
    for d in differences(result, baseline) if baseline else ():
        print(f"{d['name']:42s} {text_of(d['old'], d['form']):>8s} -> {text_of(d['new'], d['form']):>8s}  "
              f"({text_of(d['interval'][0], '+' + d['form'])} to {text_of(d['interval'][1], '+' + d['form'])})")
