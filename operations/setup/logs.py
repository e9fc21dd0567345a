"""`make logs`: what members said, interleaved by time."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from operations.setup import engine_state

UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


def since(text: str) -> datetime:
    """``5m`` -> five minutes ago. Units s, m, h, d."""
    amount, unit = text[:-1], text[-1:]
    if unit not in UNITS or not amount.isdigit():
        raise ValueError(f"SINCE={text}: a number and a unit, for example 30s, 5m, 2h, 1d")
    return datetime.now(UTC) - timedelta(**{UNITS[unit]: int(amount)})


def lines(stack: str, tier: str | None, begin: datetime, query: str | None) -> Iterator[tuple[str, str, str]]:
    """(time, member, line) of every member of ``tier`` (None: all) since ``begin`` that contains ``query``."""
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
