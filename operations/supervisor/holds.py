"""Holds: what operators and operations ask the supervisors to leave alone for a while. They live in etcd, each on a
lease of its own, so that none is forgotten."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass

from operations.supervisor.container import Container

LONGEST_S = 86400
"""A hold ends by itself after a day at most."""


@dataclass(frozen=True)
class Hold:
    """``until``: seconds since 1970."""

    until: float
    why: str

    def text(self) -> str:
        """As etcd keeps it."""
        return json.dumps(asdict(self))


def parse(text: str) -> Hold:
    """The reverse of ``text``."""
    return Hold(**json.loads(text))


def on(container: Container, holds: Mapping[str, Hold], now: float) -> tuple[str, Hold] | None:
    """The hold that covers a container by the name of its member, workload or tier, or ``all``; the longest one. One
    whose time has come counts no more, also when etcd is not there to remove it."""
    found = [(name, hold) for name, hold in holds.items() if name in container.names and hold.until > now]
    return max(found, key=lambda pair: pair[1].until, default=None)
