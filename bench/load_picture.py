"""The curve of load.py as SVG: first audio above, underruns and refusals below, over the number of sessions."""
WIDTH, LEFT, RIGHT = 720, 70, 690
PANELS = ((40, 250), (310, 420))  # top and bottom
COLOURS = {"p50": "#2a6f97", "p95": "#e09f3e", "p99": "#9e2a2b", "underruns": "#9e2a2b", "refused": "#6c757d"}


def nice(most):
    """A round number not under `most`."""
    step = 1.0
    while True:
        for m in (1, 2, 5):
            if m * step >= most:
                return m * step
        step *= 10


def text(x, y, words, anchor="middle", size=12, colour="#222"):
    return f'<text x="{x:.0f}" y="{y:.0f}" text-anchor="{anchor}" font-size="{size}" fill="{colour}">{words}</text>'


def panel(rows, names, top, bottom, title, unit):
    most = nice(max([r[n] for r in rows for n in names if r[n] == r[n]] + [1]))
    span = max(r["sessions"] for r in rows)
    x = lambda n: LEFT + (RIGHT - LEFT) * n / span  # noqa: E731
    y = lambda v: bottom - (bottom - top) * v / most  # noqa: E731
    out = [text(LEFT, top - 12, title, "start", 13)]
    for i in range(6):
        v = most * i / 5
        out.append(f'<line x1="{LEFT}" x2="{RIGHT}" y1="{y(v):.1f}" y2="{y(v):.1f}" stroke="#ddd"/>')
        out.append(text(LEFT - 6, y(v) + 4, f"{v:g}", "end", 11))
    for r in rows:
        out.append(text(x(r["sessions"]), bottom + 16, r["sessions"], size=11))
    for k, name in enumerate(names):
        points = [(x(r["sessions"]), y(r[name])) for r in rows if r[name] == r[name]]
        path = " ".join(f"{a:.1f},{b:.1f}" for a, b in points)
        out.append(f'<polyline points="{path}" fill="none" stroke="{COLOURS[name]}" stroke-width="2"/>')
        out += [f'<circle cx="{a:.1f}" cy="{b:.1f}" r="3" fill="{COLOURS[name]}"/>' for a, b in points]
        out.append(text(RIGHT - 90 * (len(names) - 1 - k), top - 12, f"{name} {unit[k]}", "end", 12, COLOURS[name]))
    return out


def picture(result):
    rows = result["curve"]
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="470" font-family="sans-serif">',
           f'<rect width="{WIDTH}" height="470" fill="white"/>']
    out += panel(rows, ("p50", "p95", "p99"), *PANELS[0], "first audio", ("ms", "ms", "ms"))
    out += panel(rows, ("underruns", "refused"), *PANELS[1], "trouble", ("a minute", ""))
    out.append(text((LEFT + RIGHT) / 2, 458,
                    f"realtime sessions at once ({result['cores']} cores, RTF {result['rtf']:.2f}, K = {result['k']}, "
                    f"load before {result['load']:.1f})"))
    return "\n".join([*out, "</svg>", ""])
