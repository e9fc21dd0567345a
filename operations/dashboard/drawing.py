"""The page's drawings as SVG: a ring for the score, a plot for an hour."""

from __future__ import annotations

import html
import math
from collections.abc import Sequence
from datetime import UTC, datetime

from operations.dashboard.figure import Limits
from operations.dashboard.plots import STEP_S
from operations.dashboard.sight import Line
from operations.drills.plots import ticks

WIDTH, HEIGHT, LEFT, RIGHT, ABOVE, BELOW = 380, 150, 44, 10, 10, 20
ROUND = 2 * math.pi * 40
MARK_S = 900


def ring(score: float | None, severity: str) -> str:
    """0 to 100; a dash where it is not known."""
    part = ROUND * (score or 0) / 100
    told = "?" if score is None else f"{score:.0f}"
    return (f'<svg class="ring {severity}" viewBox="0 0 92 92" role="img" aria-label="health {told} of 100">'
            f'<circle cx="46" cy="46" r="40"/><circle class="part" cx="46" cy="46" r="40" '
            f'stroke-dasharray="{part:.1f} {ROUND:.1f}"/><text x="46" y="55">{told}</text></svg>')


def plot(title: str, lines: Sequence[Line], end: float, span_s: float, limits: Limits | None) -> str:
    """Curves over the last ``span_s`` until ``end`` (seconds since 1970). A limit is drawn where the curves come near
    it: far above them it would flatten them."""
    highest = max((value for line in lines for _, value in line.points), default=0.0)
    near = [(severity, limit) for severity, limit in (("warning", limits.warning), ("critical", limits.critical))
            if limit is not None and limit < 2.5 * highest] if limits else []
    top = 1.15 * max([highest, *(limit for _, limit in near)]) or 1.0

    def x(at: float) -> float:
        return LEFT + (WIDTH - LEFT - RIGHT) * (1 - (end - at) / span_s)

    def y(value: float) -> float:
        return ABOVE + (HEIGHT - ABOVE - BELOW) * (1 - value / top)

    made = []
    for tick in ticks(top, 3):
        made.append(f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y(tick):.1f}" y2="{y(tick):.1f}"/>'
                    f'<text x="{LEFT - 6}" y="{y(tick) + 4:.1f}" text-anchor="end">{tick:g}</text>')
    first = math.ceil((end - span_s) / MARK_S) * MARK_S
    for mark in range(first, int(end) + 1, MARK_S):
        clock = datetime.fromtimestamp(mark, UTC).strftime("%H:%M")
        anchor = "middle" if x(mark) < WIDTH - 24 else "end"
        made.append(f'<text x="{x(mark):.1f}" y="{HEIGHT - 5}" text-anchor="{anchor}">{clock}</text>')
    made += [f'<line class="limit {severity}" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y(limit):.1f}" y2="{y(limit):.1f}">'
             f"<title>{severity}: {limit:g}</title></line>" for severity, limit in near]
    made += [f'<path class="{line.colour}" d="{_path([(at, x(at), y(value)) for at, value in line.points])}">'
             f"<title>{html.escape(line.name)}</title></path>" for line in lines if line.points]
    return (f'<svg class="plot" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{html.escape(title)}">'
            + "".join(made) + "</svg>")


def _path(points: Sequence[tuple[float, float, float]]) -> str:
    """A gap where there are no figures."""
    drawn, before = [], -math.inf
    for at, x, y in points:
        drawn.append(f"{'L' if at - before < 1.5 * STEP_S else 'M'}{x:.1f} {y:.1f}")
        before = at
    return "".join(drawn)
