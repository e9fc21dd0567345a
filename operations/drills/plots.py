"""A drill's plots as SVG, drawn by hand: no library, no script, colours by the page's own variables."""

from __future__ import annotations

import html
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

WIDTH, LEFT, RIGHT = 960, 56, 16
OUTCOMES = ("acknowledged", "unknown", "failed")
MOST_DOTS = 6000
PHASE_COLOURS = 5


@dataclass(frozen=True)
class Frame:
    """A plot's place: ``first`` to ``last`` seconds over its width, 0 to ``top`` over its height."""

    first: float
    last: float
    top: float
    height: int = 220
    above: int = 26
    below: int = 30

    def x(self, at: float) -> float:
        share = (at - self.first) / max(1e-9, self.last - self.first)
        return LEFT + share * (WIDTH - LEFT - RIGHT)

    def y(self, value: float) -> float:
        return self.above + (self.height - self.above - self.below) * (1 - min(1.0, value / max(1e-9, self.top)))

    @property
    def floor(self) -> float:
        return self.height - self.below


def ticks(top: float, wanted: int = 4) -> list[float]:
    """Round numbers from 0 up to ``top``."""
    if top <= 0:
        return [0.0]
    step = 10 ** math.floor(math.log10(top / wanted))
    step = next((step * factor for factor in (1, 2, 5, 10) if top / (step * factor) <= wanted), step * 10)
    return [step * number for number in range(int(top / step) + 1)]


def svg(height: int, title: str, *parts: str) -> str:
    return (f'<svg viewBox="0 0 {WIDTH} {height}" role="img" aria-label="{html.escape(title)}">' + "".join(parts)
            + "</svg>")


def text(x: float, y: float, said: str, kind: str = "", anchor: str = "start") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" class="{kind}" text-anchor="{anchor}">{html.escape(said)}</text>'


def line(x1: float, y1: float, x2: float, y2: float, kind: str) -> str:
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" class="{kind}"/>'


def bar(x: float, y: float, width: float, height: float, kind: str, *, said: str = "") -> str:
    tip = f"<title>{html.escape(said)}</title>" if said else ""
    return (f'<rect x="{x:.1f}" y="{y:.1f}" width="{max(0.0, width):.1f}" height="{max(0.0, height):.1f}" '
            f'class="{kind}">{tip}</rect>')


def axes(frame: Frame, unit: str) -> str:
    """Grid, values and seconds."""
    made = [text(LEFT - 8, frame.above - 12, unit, "axis", "end")]
    for value in ticks(frame.top):
        made += [line(LEFT, frame.y(value), WIDTH - RIGHT, frame.y(value), "grid"),
                 text(LEFT - 8, frame.y(value) + 4, f"{value:g}", "axis", "end")]
    step = next(step for step in (1, 2, 5, 10, 20, 30, 60, 120) if (frame.last - frame.first) / step <= 14)
    for second in range(math.ceil(frame.first / step) * step, math.floor(frame.last) + 1, step):
        made.append(text(frame.x(second), frame.floor + 18, f"{second:+d} s" if second else "fault", "axis", "middle"))
    return "".join(made)


def marks(frame: Frame, report: Mapping[str, Any]) -> str:
    """Where the fault was, where it ended, and until when writes stood still."""
    moments = report["moments"]
    end, undone = report.get("rto_seconds"), moments["undone"] - moments["fault"]
    made = [line(frame.x(0), frame.above, frame.x(0), frame.floor, "fault")]
    if end:
        made.insert(0, bar(frame.x(0), frame.above, frame.x(end) - frame.x(0), frame.floor - frame.above, "outage",
                           said=f"{end:.2f} s"))
    if undone < frame.last:
        made.append(line(frame.x(undone), frame.above, frame.x(undone), frame.floor, "undone"))
        made.append(text(frame.x(undone) + 4, frame.above + 10, "watched until here", "axis"))
    return "".join(made)


def answers(report: Mapping[str, Any]) -> str:
    """Writes answered per second, by what the answer was."""
    series = report["series"]
    width, per = series["bucket_s"], series["per_bucket"]
    count = len(per["acknowledged"])
    totals = [sum(per[outcome][number] for outcome in OUTCOMES) / width for number in range(count)]
    first = series["first_s"]
    frame = Frame(first, first + count * width, max([*totals, 1.0]) * 1.25)
    made = [axes(frame, "1/s"), marks(frame, report)]
    for number in range(count):
        below = 0.0
        for outcome in OUTCOMES:
            value = per[outcome][number] / width
            if value:
                at = first + number * width
                made.append(bar(frame.x(at), frame.y(below + value), frame.x(at + width) - frame.x(at) - 0.6,
                                frame.y(below) - frame.y(below + value), outcome,
                                said=f"{at:+.2f} s: {value:g} {outcome} a second"))
                below += value
    return svg(frame.height, "writes answered per second", *made)


def waits(report: Mapping[str, Any]) -> str:
    """How long each write waited for its answer, by when it was sent; the scale is logarithmic."""
    series = report["series"]
    found = series["waits"][:MOST_DOTS]
    first, count = series["first_s"], len(series["per_bucket"]["acknowledged"])
    most = max([*(wait for _, wait, _ in found), 10.0])
    frame = Frame(first, first + count * series["bucket_s"], math.log10(most) + 0.4, height=240)
    made = [text(LEFT - 8, frame.above - 12, "ms", "axis", "end"), marks(frame, report)]
    for power in range(math.floor(frame.top) + 1):
        made += [line(LEFT, frame.y(power), WIDTH - RIGHT, frame.y(power), "grid"),
                 text(LEFT - 8, frame.y(power) + 4, f"{10 ** power:g}", "axis", "end")]
    seconds = axes(Frame(frame.first, frame.last, 0.0, height=240), "")
    made.append("".join(part + "</text>" for part in seconds.split("</text>") if "middle" in part))
    names = {"a": "acknowledged", "u": "unknown", "f": "failed"}
    made += [f'<circle cx="{frame.x(at):.1f}" cy="{frame.y(math.log10(max(1.0, wait))):.1f}" r="2" '
             f'class="{names[letter]}"/>' for at, wait, letter in found]
    return svg(frame.height, "how long each write waited", *made)


def recovery(report: Mapping[str, Any]) -> str:
    """The phases of the recovery as one bar."""
    phases = report["phases"]
    if not phases:
        return ""
    fault, last = phases[0]["began"], phases[-1]["ended"]
    frame = Frame(0.0, max(0.1, last - fault) * 1.02, 1.0, height=96, above=10, below=50)
    made = []
    for number, phase in enumerate(phases):
        left, right = frame.x(phase["began"] - fault), frame.x(phase["ended"] - fault)
        length = phase["ended"] - phase["began"]
        made.append(bar(left, frame.above, right - left - 1, frame.floor - frame.above, f"p{number % PHASE_COLOURS}",
                        said=f"{phase['name']}: {length:.2f} s"))
        if right - left > 64:
            made += [text((left + right) / 2, frame.floor + 16, phase["name"], "label", "middle"),
                     text((left + right) / 2, frame.floor + 34, f"{length:.2f} s", "axis", "middle")]
    return svg(frame.height, "phases of the recovery", *made)


def trend(runs: Sequence[tuple[str, float | None, bool]], bound: float | None) -> str:
    """Recovery times of this drill, run by run: (time, seconds or None, passed)."""
    if len(runs) < 2:
        return ""
    known = [value for _, value, _ in runs if value is not None]
    frame = Frame(0.0, float(len(runs)), max([*known, bound or 0.0, 0.1]) * 1.15, height=170)
    made = [text(LEFT - 8, frame.above - 12, "s", "axis", "end")]
    for tick in ticks(frame.top, 3):
        made += [line(LEFT, frame.y(tick), WIDTH - RIGHT, frame.y(tick), "grid"),
                 text(LEFT - 8, frame.y(tick) + 4, f"{tick:g}", "axis", "end")]
    if bound is not None:
        made += [line(LEFT, frame.y(bound), WIDTH - RIGHT, frame.y(bound), "bound"),
                 text(WIDTH - RIGHT, frame.y(bound) - 5, f"budget {bound:g} s", "axis", "end")]
    width = min(48.0, (WIDTH - LEFT - RIGHT) / len(runs) * 0.7)
    for number, (when, value, passed) in enumerate(runs):
        middle = frame.x(number + 0.5)
        tall = frame.top if value is None else value
        made.append(bar(middle - width / 2, frame.y(tall), width, frame.floor - frame.y(tall),
                        "passed" if passed else "failed",
                        said=f"{when}: {'never' if value is None else f'{value:.2f} s'}"))
        if len(runs) <= 16:
            made.append(text(middle, frame.y(tall) - 5, "never" if value is None else f"{value:.1f}", "axis", "middle"))
            made.append(text(middle, frame.floor + 18, when[5:16].replace("T", " "), "axis", "middle"))
    return svg(frame.height, "recovery times run by run", *made)


def recovery_bound(report: Mapping[str, Any]) -> float | None:
    """The budget of a report's recovery time."""
    return next((float(check["demanded"].split()[1]) for check in report["checks"] if " go on" in check["name"]), None)


def overview(reports: Sequence[Mapping[str, Any]]) -> str:
    """Every drill's recovery time beside its budget, on one logarithmic scale: the one picture."""
    row, above = 34, 34
    height = above + row * len(reports) + 12
    longest = max([*(report["rto_seconds"] or 0.0 for report in reports), 30.0])
    low, high = math.log10(0.02), math.log10(longest * 1.3)

    def x(seconds: float) -> float:
        return 190 + (math.log10(max(0.02, seconds)) - low) / (high - low) * (WIDTH - 190 - 150)

    made = []
    for second in (0.1, 1, 3, 10, 30):
        made += [line(x(second), above - 8, x(second), height - 10, "grid"),
                 text(x(second), above - 14, f"{second:g} s", "axis", "middle")]
    for number, report in enumerate(reports):
        top, took = above + number * row, report["rto_seconds"]
        kind = "passed" if report["passed"] else "failed"
        made.append(text(180, top + 18, report["drill"], "label", "end"))
        if took is not None:
            made.append(bar(x(0.02), top + 5, x(took) - x(0.02), row - 14, kind, said=f"{took:.2f} s"))
        bound = recovery_bound(report)
        if bound is not None:
            made.append(line(x(bound), top + 1, x(bound), top + row - 5, "bound"))
        said = "never" if took is None else f"{took:.2f} s"
        beside = x(took or 0.02) + 8
        if bound is not None and beside - 8 < x(bound) < beside + 60:  # not across the line
            beside = x(bound) + 8
        made.append(text(beside, top + 18, said, "value"))
        made.append(text(WIDTH - RIGHT, top + 18, f"{'✓' if report['passed'] else '✗'} lost {report['rpo_rows']}",
                         f"value {kind}-text", "end"))
    return svg(height, "recovery time of every drill", *made)
