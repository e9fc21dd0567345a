"""What the engine reports as it happens, and what that means for one container since its last start."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

KEPT_KILLS = 8
"""Signals remembered per container; the last ones decide."""


@dataclass(frozen=True)
class Event:
    """One event of a container. ``at``: seconds since 1970, by the engine's clock."""

    at: float
    action: str
    id: str
    name: str
    labels: Mapping[str, str] = field(default_factory=dict)
    signal: int | None = None
    exit_code: int | None = None


@dataclass(frozen=True)
class History:
    """What was seen of one container since its last start. ``kills``: (time, signal)."""

    started_at: float | None = None
    kills: tuple[tuple[float, int], ...] = ()
    oom: bool = False
    died_at: float | None = None
    exit_code: int | None = None
    stopped: bool = False
    """The engine's `stop` finished: somebody wanted it."""

    def after(self, event: Event) -> History:
        """The history with one more event; a start begins a new one."""
        if event.action == "start":
            return History(started_at=event.at)
        if event.action == "kill" and event.signal is not None:
            return replace(self, kills=(*self.kills, (event.at, event.signal))[-KEPT_KILLS:])
        if event.action == "oom":
            return replace(self, oom=True)
        if event.action == "die":
            return replace(self, died_at=event.at, exit_code=event.exit_code)
        if event.action == "stop":
            return replace(self, stopped=True)
        return self

    def last_kill(self, within_s: float) -> int | None:
        """The last signal that somebody sent no longer than ``within_s`` before the end."""
        if not self.kills or self.died_at is None:
            return None
        at, signal = self.kills[-1]
        return signal if self.died_at - at <= within_s else None


def read(line: bytes) -> Event | None:
    """One line of the engine's stream; None for what is no container's."""
    told: dict[str, Any] = json.loads(line)
    if told.get("Type") != "container":
        return None
    actor: dict[str, Any] = told["Actor"]
    attributes: dict[str, str] = actor["Attributes"]
    return Event(
        at=told["timeNano"] / 1e9, action=told["Action"], id=actor["ID"], name=attributes.get("name", ""),
        labels={key: value for key, value in attributes.items() if key.startswith("evenkeel.")},
        signal=int(attributes["signal"]) if "signal" in attributes else None,
        exit_code=int(attributes["exitCode"]) if "exitCode" in attributes else None)
