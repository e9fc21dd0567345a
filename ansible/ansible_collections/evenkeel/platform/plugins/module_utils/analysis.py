"""Where the figures come from that a release is judged by: one interface, two sources."""

from __future__ import annotations

import abc
import contextlib
import time
from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.evenkeel.platform.plugins.module_utils import balancing, edge_log, haproxy, prometheus
from ansible_collections.evenkeel.platform.plugins.module_utils.streams import DockerStreams, StreamError
from ansible_collections.evenkeel.platform.plugins.module_utils.verdict import Measure, p95

EDGE = "nginx"
MOST_LINES = 4000
"""Of an edge's log at one look. Of more than that, some two thousand requests a second, a percentile needs no more."""


class Source(abc.ABC):
    """Measures of both colours. ``begin`` starts the time that ``whole`` is about."""

    @abc.abstractmethod
    def begin(self, counted: Mapping[str, Any]) -> None:
        """From now on; or from the moment that ``counted`` is of, as ``traffic_split`` returns it. Visitors whom a
        colour fails may be gone a second after the switch."""

    @abc.abstractmethod
    def look(self) -> dict[str, Measure]:
        """Colour -> what it did since the last look. Raises ``StreamError`` or ``PrometheusError``."""

    @abc.abstractmethod
    def whole(self) -> dict[str, Measure]:
        """Colour -> what it did since ``begin``; no requests where that isn't known."""

    def close(self) -> None:
        """Nothing is asked any more."""
        return


class Balancers(Source):
    """Requests and errors by the load balancers' own counters, summed over all of them; response times by the edges'
    access logs, since HAProxy keeps averages only."""

    def __init__(self, streams: DockerStreams) -> None:
        self._streams = streams
        self._balancers = balancing.Balancers(streams)
        self._kept = contextlib.ExitStack()
        self._opened: list[balancing.Opened] = []
        self._known: dict[str, dict[str, haproxy.Counters]] = {}
        self._total: dict[str, haproxy.Counters] = {}
        self._times: dict[str, list[float]] = {}
        self._seen: set[str] = set()
        self._since = 0.0

    def begin(self, counted: Mapping[str, Any]) -> None:
        self._known = {name: {colour: haproxy.Counters(**counters) for colour, counters in by_colour.items()}
                       for name, by_colour in counted.get("balancers", {}).items()} or self._counters()
        self._total = {colour: haproxy.Counters() for colour in haproxy.COLOURS}
        self._times = {colour: [] for colour in haproxy.COLOURS}
        self._since = counted.get("at", time.time())
        self._seen = set()

    def look(self) -> dict[str, Measure]:
        now, found = self._counters(), {colour: haproxy.Counters() for colour in haproxy.COLOURS}
        for balancer, by_colour in now.items():
            for colour, counters in by_colour.items():
                before = self._known.get(balancer, {}).get(colour, haproxy.Counters())
                # One that counts from 0 again is another process.
                step = counters.since(before) if counters.requests >= before.requests else counters
                found[colour] = found[colour] + step
        self._known |= now
        self._total = {colour: self._total[colour] + step for colour, step in found.items()}
        self._read_logs()
        return {colour: _measure(step, []) for colour, step in found.items()}

    def close(self) -> None:
        self._kept.close()
        self._opened = []

    def whole(self) -> dict[str, Measure]:
        return {colour: _measure(total, self._times[colour]) for colour, total in self._total.items()}

    def _counters(self) -> dict[str, dict[str, haproxy.Counters]]:
        """Over shells that are kept: a look every second that starts programs through the engine costs what is watched
        its time. All of them are opened anew when one is gone, or could not be reached."""
        if not self._opened:
            self._opened, out_of_reach = self._kept.enter_context(self._balancers.opened())
            if not self._opened:
                raise StreamError(f"no load balancer can be asked: {'; '.join(out_of_reach.values())}")
        else:
            out_of_reach = {}
        try:
            found = {one.name: haproxy.by_colour(haproxy.counters(one.ask_anew(balancing.COUNTERS)))
                     for one in self._opened}
        except StreamError:
            self.close()
            raise
        if out_of_reach:
            self.close()
        return found

    def _read_logs(self) -> None:
        """What came since the last look; lines are known by their request's id, since the moments overlap."""
        since, self._since = self._since - 2, time.time()
        seen: set[str] = set()
        for member in self._streams.of(EDGE):
            if member.running:
                for line in edge_log.read(self._streams.log_since(member, since, MOST_LINES)):
                    seen.add(line.request_id)
                    if line.request_id not in self._seen and line.answer_ms is not None and line.colour in self._times:
                        self._times[line.colour].append(line.answer_ms)
        self._seen = seen


class Prometheus(Source):
    """By a Prometheus that scrapes HAProxy's exporter; ``p95`` is a query of the user's."""

    def __init__(self, url: str, p95_query: str = "", window_s: int = 60) -> None:
        self._client = prometheus.Prometheus(url)
        self._query, self._window = p95_query, window_s
        self._began = time.monotonic()

    def begin(self, counted: Mapping[str, Any]) -> None:
        self._began = time.monotonic() - (time.time() - counted["at"] if counted else 0.0)

    def look(self) -> dict[str, Measure]:
        return self._ask(self._window)

    def whole(self) -> dict[str, Measure]:
        return self._ask(max(self._window, round(time.monotonic() - self._began)))

    def _ask(self, window_s: int) -> dict[str, Measure]:
        found: Mapping[str, Measure | None] = {
            colour: self._client.measure(prometheus.queries(colour, window_s, self._query))
            for colour in haproxy.COLOURS}
        return {colour: measure or Measure() for colour, measure in found.items()}


def _measure(counters: haproxy.Counters, times: Sequence[float]) -> Measure:
    """What is answered; a request that is under way counts for nothing yet, one that got no answer counts as ended."""
    lost = counters.answer_errors + counters.connect_errors
    failed = counters.answers_5xx
    succeeded = counters.answers - failed
    # HAProxy answers itself for what a worker lost: such an answer is among the 5xx.
    return Measure(max(counters.answers, succeeded + max(failed, lost)), succeeded, max(failed, lost), p95(times))
