"""Whether every load balancer can send a colour its requests, and what it did send."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from ansible_collections.evenkeel.platform.plugins.module_utils import haproxy
from ansible_collections.evenkeel.platform.plugins.module_utils.balancing import Opened
from ansible_collections.evenkeel.platform.plugins.module_utils.split import Done
from ansible_collections.evenkeel.platform.plugins.module_utils.streams import Member

STEP_S, SLOW_STEP_S = 0.001, 0.02
"""Between two looks: at first, and once nothing came to the old colour for a moment. A thousand looks a second take the
time of what else runs on a small machine."""
MOMENT_S, LONGEST_S = 0.15, 0.5


def workers(members: Iterable[Member]) -> dict[tuple[str, str], int]:
    """(pool, colour) -> how many of its members run."""
    return dict(Counter((member.labels["evenkeel.pool"], member.labels["evenkeel.colour"])
                        for member in members if member.running and "evenkeel.colour" in member.labels))


def fewer(there: Mapping[tuple[str, str], int], capacity: Mapping[str, int], colour: str) -> bool:
    """Whether a pool of ``colour`` has fewer workers (``there``: see ``workers``) than ``capacity`` says."""
    return any(there.get((pool, colour), 0) < count for pool, count in capacity.items())


def missing(states: Mapping[str, Sequence[haproxy.Server]], expected: Mapping[tuple[str, str], int],
            pools: Iterable[str], colours: Iterable[str], least: int = 0) -> list[str]:
    """What keeps ``colours`` of ``pools`` from getting requests: per balancer, backends that reach fewer workers than
    there are (``least``: that many will do)."""
    found = []
    for balancer, servers in states.items():
        known = {server.backend for server in servers}
        for pool in pools:
            for colour in colours:
                there = expected.get((pool, colour), 0)
                if there == 0:
                    found.append(f"{pool} has no running worker in {colour}")
                    continue
                wanted = min(there, least) if least else there
                for access in haproxy.ACCESSES:
                    name = haproxy.backend(pool, colour, access)
                    up = haproxy.usable(servers, name)
                    if name not in known:
                        found.append(f"{balancer} knows no backend {name}")
                    elif up < wanted:
                        found.append(f"{balancer} reaches {up} of {there} workers of {name}")
    return list(dict.fromkeys(found))


@dataclass(frozen=True)
class Traffic:
    """What was sent since a moment: colour -> requests; ``last_old_ms`` after it, None when the old colour got none."""

    requests: Mapping[str, int] = field(default_factory=dict)
    last_old_ms: float | None = None

    def actual_percent(self, colour: str) -> float | None:
        """What ``colour`` got; None when there were no requests."""
        total = sum(self.requests.values())
        return 100 * self.requests.get(colour, 0) / total if total else None


class Watch:
    """Counts what every balancer sends to each colour, from before a switch on. Over streams opened by then."""

    def __init__(self, opened: Sequence[Opened], pools: Iterable[str]) -> None:
        self._opened = opened
        names = [haproxy.backend(pool, colour, access) for pool in pools for colour in haproxy.COLOURS
                 for access in haproxy.ACCESSES]
        self.questions = [f"show stat {name} 2 -1" for name in names]
        self._first = self._sample()

    def until(self, seconds: float, old: str, done: Done | None = None) -> Traffic:
        """Count for that long. ``done``: the switch, with ``questions`` asked in its command; since it began
        ``last_old_ms`` counts. That figure is from above: the moment at which a balancer's answer showed the last
        request, not the request's own; and what it was sent between the first sample and its command counts as sent
        until it acknowledged that."""
        deadline, last = time.monotonic() + seconds, None
        known = {name: counts[old] for name, counts in self._first.items()}
        if done:
            for name, text in done.counted.items():
                there = _begun(text)[old]
                if there != known[name]:
                    known[name], last = there, max(last or 0.0, done.acknowledged_ms[name])
        after = begin = self._sample()
        started = changed = time.monotonic()
        while True:
            sent = {name: counts[old] for name, counts in after.items()}
            if sent != known:
                known, changed = sent, time.monotonic()
                last = (time.time() - done.began) * 1000 if done else None
            if time.monotonic() >= deadline:
                break
            time.sleep(STEP_S if time.monotonic() < min(changed + MOMENT_S, started + LONGEST_S) else SLOW_STEP_S)
            after = self._sample()
        return Traffic({colour: sum(after[name][colour] - begin[name][colour] for name in after)
                        for colour in haproxy.COLOURS}, last)

    def _sample(self) -> dict[str, dict[str, int]]:
        """Balancer -> colour -> requests that it was sent."""
        for one in self._opened:
            one.order(self.questions)
        return {one.name: _begun(one.answer(len(self.questions))) for one in self._opened}


def _begun(text: str) -> dict[str, int]:
    return {colour: counter.begun for colour, counter in haproxy.by_colour(haproxy.counters(text)).items()}
