"""`make logs`: what members said, interleaved by time: from Loki where it keeps it, else from the engine's files."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from operations.monitoring import kept
from operations.setup import engine_state

KEEPERS = frozenset({"loki", "collector"})
"""Who is asked why lines are not kept: then Loki is the wrong one to ask."""
UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


def since(text: str) -> datetime:
    """``5m`` -> five minutes ago. Units s, m, h, d."""
    amount, unit = text[:-1], text[-1:]
    if unit not in UNITS or not amount.isdigit():
        raise ValueError(f"SINCE={text}: a number and a unit, for example 30s, 5m, 2h, 1d")
    return datetime.now(UTC) - timedelta(**{UNITS[unit]: int(amount)})


def lines(stack: str, tier: str | None, begin: datetime, query: str | None) -> Iterator[tuple[str, str, str]]:
    """(time, member, line) of every member of ``tier`` (None: all) since ``begin`` that contains ``query``. Raises
    ``SetupError``."""
    loki = None if tier in KEEPERS else kept.keeper(stack)
    if loki:
        try:
            for line in kept.lines(loki, stack, tier, begin, query):
                yield line.stamp, line.member, line.text
            return
        except kept.SilentError as error:
            print(f"{error.what}: these are the last 30 MB of each container. Next: {error.then}", file=sys.stderr)
    yield from _of_the_engine(stack, tier, begin, query)


def _of_the_engine(stack: str, tier: str | None, begin: datetime, query: str | None) -> Iterator[tuple[str, str, str]]:
    found = []
    for container in engine_state.containers(stack):
        if tier and tier not in (container.labels["evenkeel.tier"], container.labels["evenkeel.workload"],
                                 container.labels["evenkeel.member"]):
            continue
        text = container.logs(since=begin.replace(tzinfo=None), timestamps=True).decode(errors="replace")
        for line in text.splitlines():
            stamp, _, message = line.partition(" ")
            if query is None or query in message:
                found.append((stamp, container.labels["evenkeel.member"], message))
    yield from sorted(found)
