"""A trace as a picture of text: who called whom, when, for how long, and where the time passed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime

from rich.text import Text

from operations.monitoring.traces import MICRO, Span, Trace

WIDTH = 24
"""Of the bars, in characters."""
HEAD = f"{'at':>8}{'took':>8}{'itself':>8} ms"
SAID: Mapping[str, str] = {
    "http.response.status_code": "status ", "otel.status_description": "", "queue_ms": "queued ms ",
    "connect_ms": "connected ms ", "answer_ms": "answered ms ", "retries": "retries ", "terminated": "terminated ",
    "cache": "cache ", "upstream.status": "upstream said ", "backend": "", "server": "", "server.address": "at ",
    "db.query.text": "", "level": "level ",
}
"""Attributes that are told of a span, in this order, and what is put before them."""
USUAL = frozenset({("retries", "0"), ("terminated", "----"), ("level", "full")})


def picture(trace: Trace) -> Iterator[Text]:
    """A line for each span: when it began, how long it took, how long in itself and in none that it called, then the
    same as a bar. As wide as it has to be: who prints it may cut it."""
    yield Text(HEAD, style="dim")
    for depth, span in trace.tree():
        style = "red" if span.failed else "bold cyan" if span is trace.most else ""
        figures = (span.begin_us - trace.begin_us, span.took_us, trace.own_us(span))
        line = Text("".join(f"{ms(figure):>8}" for figure in figures) + "    ")
        line.append(bar(span, trace.begin_us, trace.took_us).ljust(WIDTH), style=style or "dim")
        line.append(f" {'  ' * depth}{span.who}  {span.name}", style=style)
        line.append(f"  {said(span)}", style="dim")
        yield line


def bar(span: Span, begin: int, whole: int) -> str:
    """At least a tick, at most ``WIDTH`` characters in all."""
    scale = WIDTH / max(whole, 1)
    first = min(WIDTH - 1, int((span.begin_us - begin) * scale))
    return " " * first + "━" * max(1, min(WIDTH - first, round(span.took_us * scale)))


def said(span: Span) -> str:
    """What a span tells besides its name, place and time, where that is not as usual."""
    return ", ".join(f"{before}{value}" for name, before in SAID.items()
                     if (value := span.attributes.get(name)) and (name, value) not in USUAL)


def verdict(trace: Trace) -> str:
    """In a sentence or two: where most of the time passed, and where it failed first."""
    most = trace.most
    share = 100 * trace.own_us(most) / max(trace.took_us, 1)
    told = (f"{ms(trace.took_us)} ms in all; {share:.0f} % of it, {ms(trace.own_us(most))} ms, in {most.who} itself: "
            f"{most.name}")
    failed = next((span for span in reversed(trace.spans) if span.failed), None)
    return f"{told}. It failed first in {failed.who}: {failed.name}" if failed else told


def listing(traces: Sequence[Trace]) -> Iterator[Text]:
    """A line for each trace."""
    yield Text(f"{'at (UTC)':8}{'ms':>8}  status  {'REQUEST':32}  what was asked, and where most of the time passed",
               style="dim")
    for trace in traces:
        root, most = trace.root, trace.most
        at = datetime.fromtimestamp(root.begin_us / MICRO, UTC)
        line = Text(f"{at:%H:%M:%S}{ms(trace.took_us):>8}  ")
        line.append(f"{root.attributes.get('http.response.status_code', ''):6}", style="red" if trace.failed else "")
        yield line.append(f"  {trace.id}  {root.name}  {ms(trace.own_us(most))} ms in {most.who}: {most.name}")


def ms(micro: int) -> str:
    """Milliseconds: ``0.4``, ``12``, ``1,204``."""
    value = micro / 1000
    return f"{value:.1f}" if value < 10 else f"{value:,.0f}"
