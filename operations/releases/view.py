"""The release under way, live or once: what it is meant to be, what the load balancers really do, what it waits for."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from ansible_collections.evenkeel.platform.plugins.module_utils import (
    balancing,
    edge_log,
    haproxy,
    proof,
    release,
    release_store,
    split,
    verdict,
)
from ansible_collections.evenkeel.platform.plugins.module_utils.streams import DockerStreams
from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

VERBS = ("pause", "resume", "promote", "abort")
STEP_S = 1.0
P95_OVER_S = 10
EXIT = {release.DONE: 0, release.RUNNING: 3, release.REPLACED: 1}
NONE = 2
EDGE = "nginx"


class RefusedError(Exception):
    """It can't be done now; says why and what to type."""


@dataclass(frozen=True)
class Row:
    """One colour. ``set_percent``: by the map; ``actual_percent``: by the requests of the last look; None: none."""

    colour: str
    images: str
    workers: int
    set_percent: str
    actual_percent: float | None
    requests: int
    errors: int
    p95_ms: float | None


class Look:
    """Both colours, again and again; requests are those since the look before."""

    def __init__(self, streams: DockerStreams) -> None:
        self._streams = streams
        self._balancers = balancing.Balancers(streams)
        self._known: dict[str, haproxy.Counters] = {}

    def rows(self) -> list[Row]:
        with self._balancers.opened() as (opened, _):
            shares = {int(seen.running.get("web", "0")) for seen in split.look(opened, split.SPLIT).values()}
            counted = haproxy.by_colour(balancing.summed(balancing.counters(opened)))
        since = {colour: counters.since(self._known[colour]) if colour in self._known
                 and counters.requests >= self._known[colour].requests else haproxy.Counters()
                 for colour, counters in counted.items()}
        self._known = counted
        total = sum(counters.requests for counters in since.values())
        return [self._row(colour, counters, shares, total) for colour, counters in since.items()]

    def _row(self, colour: str, counters: haproxy.Counters, shares: set[int], total: int) -> Row:
        members = [member for member in self._streams.members() if member.labels.get("evenkeel.colour") == colour]
        there = sum(proof.workers(members).values())
        percents = sorted({haproxy.percent_of(share, colour) for share in shares})
        return Row(colour, ", ".join(sorted({self._streams.image_of(member) for member in members})), there,
                   " / ".join(f"{percent} %" for percent in percents),
                   100 * counters.requests / total if total else None, counters.requests, counters.answers_5xx,
                   self._p95(colour))

    def _p95(self, colour: str) -> float | None:
        since = time.time() - P95_OVER_S
        lines = [line for member in self._streams.of(EDGE) if member.running
                 for line in edge_log.read(self._streams.log_since(member, since))]
        return verdict.p95([line.answer_ms for line in lines if line.colour == colour and line.answer_ms is not None])


def table(rows: list[Row]) -> Table:
    """SetWeight beside ActualWeight."""
    made = Table()
    for column in ("colour", "image", "workers", "SetWeight", "ActualWeight", "requests/s", "errors/s", "p95"):
        made.add_column(column, justify="left" if column in ("colour", "image") else "right")
    for row in rows:
        made.add_row(row.colour, row.images, str(row.workers), row.set_percent,
                     "" if row.actual_percent is None else f"{row.actual_percent:.1f} %", str(row.requests),
                     str(row.errors), "" if row.p95_ms is None else f"{row.p95_ms:.0f} ms")
    return made


def headline(current: release.Release | None) -> str:
    """The release in a line, and what it waits for."""
    if current is None:
        return "no release yet"
    line = (f"release {current.serial} of {current.image}, {current.strategy}: {current.state}, stage "
            f"{current.stage}, {current.colour} is meant to get {current.percent} %")
    return line + (f"\nwaits: {current.waits_for}" if current.waits_for else "") + (
        f"\nwhy: {current.why}" if current.why else "")


def watch(options: Mapping[str, str]) -> int:
    """Live until the release has ended, or Ctrl-C."""
    streams = DockerStreams(options["STACK"])
    store, look = release_store.Releases(streams), Look(streams)
    current = store.current()
    with Live(console=Console(), auto_refresh=False) as live:
        while True:
            live.update(Group(Text(headline(current)), table(look.rows())), refresh=True)
            if current is None or current.state != release.RUNNING:
                return NONE if current is None else EXIT.get(current.state, 1)
            time.sleep(STEP_S)
            current = store.current()


def status(options: Mapping[str, str]) -> int:
    """Once, or when the release has ended or ``TIMEOUT`` seconds are over."""
    store = release_store.Releases(DockerStreams(options["STACK"]))
    deadline = time.monotonic() + float(options.get("TIMEOUT", "0"))
    current = store.current()
    while current is not None and current.state == release.RUNNING and time.monotonic() < deadline:
        time.sleep(STEP_S)
        current = store.current()
    if options.get("FORMAT") == "json":
        print(json.dumps(current.as_dict() if current else {}))
    else:
        print(headline(current))
    return NONE if current is None else EXIT.get(current.state, 1)


def history(options: Mapping[str, str]) -> int:
    """What each colour runs now, then every release, newest first."""
    streams = DockerStreams(options["STACK"])
    store = release_store.Releases(streams)
    known = {one.serial: one for one in [*store.history(), *filter(None, [store.current()])]}
    Console().print(table(Look(streams).rows()))
    for line in release.words(list(known.values())):
        print(line)
    return 0


def asking(verb: str) -> Callable[[Mapping[str, str]], int]:
    """The command that asks that of the release under way."""

    def ask(options: Mapping[str, str]) -> int:
        store = release_store.Releases(DockerStreams(options["STACK"]))
        current = store.current()
        if current is None or current.state != release.RUNNING:
            raise RefusedError(f"no release is under way on the stack {options['STACK']}. Next: `make releases "
                               f"STACK={options['STACK']}`; to take the last one back: `make rollback`")
        store.ask("" if verb == "resume" else verb)
        print(f"release {current.serial}: {verb} was asked for; it is looked for every second while it is watched")
        return 0

    return ask
