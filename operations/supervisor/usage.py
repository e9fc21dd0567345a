"""What members take of the machine, as the engine counts it for each container. The leader asks, for both."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from operations.supervisor.engine import EngineError, Listed
from operations.supervisor.pair import Role

EVERY_S = 10.0
NS = 1e9
CACHES = ("total_inactive_file", "inactive_file")
"""What the kernel gives back when memory is short: its name with cgroups 1 (where the other one leaves out whom the
member started), and with 2. `docker stats` leaves it out, too."""


@dataclass(frozen=True)
class Usage:
    """Of one member. Seconds are counted from its start on: those of processor time, and those in which its limit held
    it up."""

    cpu_s: float
    throttled_s: float
    cpus: float
    """How many processors it may use."""
    memory_bytes: int
    memory_limit_bytes: int
    """The machine's memory, where it has no limit of its own."""


class Measured(Protocol):
    """Where figures of members go."""

    def listed(self) -> Sequence[Listed]:
        """All members, as last seen."""

    def measure(self, usage: Mapping[str, Usage]) -> None:
        """By member."""


class Asked(Protocol):
    """The engine."""

    def usage(self, name: str) -> dict[str, Any]:
        """Its figures of one container."""

    def cpus(self, name: str) -> float:
        """How many processors a container may use; 0: as many as there are."""


class Measuring:
    """Asks the engine about one member after the other."""

    def __init__(self, engine: Asked, role: Callable[[], Role], figures: Measured) -> None:
        self._engine, self._role, self._figures = engine, role, figures
        self._limits: dict[str, float] = {}

    def start(self, stopped: threading.Event) -> None:
        """In a thread of its own, until ``stopped``."""
        def run() -> None:
            while not stopped.wait(EVERY_S):
                self.turn()

        threading.Thread(target=run, daemon=True, name="usage").start()

    def turn(self) -> None:
        """One round. Who can't be asked, or is gone meanwhile, has no figures."""
        running = [one for one in self._figures.listed() if one.status == "running"]
        self._limits = {one.id: self._limits[one.id] for one in running if one.id in self._limits}
        found = {}
        for one in running if self._role() is Role.LEADER else ():
            with contextlib.suppress(OSError, EngineError):
                if usage := self._of(one):
                    found[one.labels["evenkeel.member"]] = usage
        self._figures.measure(found)

    def _of(self, one: Listed) -> Usage | None:
        if one.id not in self._limits:
            self._limits[one.id] = self._engine.cpus(one.name)
        return read(self._engine.usage(one.name), self._limits[one.id])


def read(told: Mapping[str, Any], cpus: float) -> Usage | None:
    """From the engine's answer; None for a container that ended just then. ``cpus``: its limit, 0 for none."""
    processor, memory = told.get("cpu_stats") or {}, told.get("memory_stats") or {}
    if "usage" not in memory:
        return None
    kept = memory.get("stats") or {}
    return Usage(processor["cpu_usage"]["total_usage"] / NS,
                 (processor.get("throttling_data") or {}).get("throttled_time", 0) / NS,
                 cpus or processor.get("online_cpus", 0),
                 memory["usage"] - next((kept[name] for name in CACHES if name in kept), 0), memory["limit"])
