"""Faults, each with its undoing. Whatever becomes of the drill, a fault ends: by ``undo``; else by itself, since it is
a helper container that lives for a bounded time, or a hold with an end; what was killed the supervisors bring back."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import docker.errors
from docker.models.containers import Container

from components.targets.docker import engine
from operations.drills.errors import DrillError
from operations.drills.platform import Platform
from operations.setup import holds
from operations.setup.images import image_tag

IMAGE = "faults"
APPLIED_S = 15.0
HELD_LONGER_S = 30
"""A hold outlasts its fault by this, unless it is ended before."""
UNDO_TRIES, UNDO_PAUSE_S = 20, 1.0


class Fault(Protocol):
    """Something that can be broken."""

    @property
    def victims(self) -> Sequence[str]:
        """Members that it hits."""

    def apply(self, platform: Platform, /) -> None:
        """Break it. Returns when it is broken."""

    def undo(self, platform: Platform, /) -> None:
        """Put it right. May be called whether or not it was applied, and more than once."""


@contextlib.contextmanager
def applied(fault: Fault, platform: Platform) -> Iterator[float]:
    """The fault for the block, undone after it whatever happens. Yields when it began (seconds since 1970)."""
    began = time.time()
    try:
        fault.apply(platform)
        yield began
    finally:
        _undo(fault, platform)


def _undo(fault: Fault, platform: Platform) -> None:
    for left in range(UNDO_TRIES, 0, -1):
        try:
            fault.undo(platform)
            return
        except (holds.HoldError, docker.errors.DockerException, DrillError):
            if left == 1:
                raise
            time.sleep(UNDO_PAUSE_S)


@dataclass
class Killed:
    """SIGKILL for whole containers, as `docker kill`; the supervisors bring them back."""

    victims: Sequence[str]

    def apply(self, platform: Platform) -> None:
        for member in self.victims:
            platform.container(member).kill()

    def undo(self, platform: Platform) -> None:
        """Nothing is to be undone."""


@dataclass
class Gone:
    """Killed and kept dead by a hold, for ``lasts_s`` at most."""

    victims: Sequence[str]
    lasts_s: float
    _held: list[str] = field(default_factory=list)

    def apply(self, platform: Platform) -> None:
        for member in self.victims:
            holds.hold(platform.stack, member, int(self.lasts_s) + HELD_LONGER_S, "a drill keeps it dead")
            self._held.append(member)
        for member in self.victims:
            platform.container(member).kill()

    def undo(self, platform: Platform) -> None:
        # Holds are kept in etcd, which may be what is gone: first everybody starts.
        for member in self._held:
            platform.container(member).start()
        for member in list(self._held):
            holds.unhold(platform.stack, member)
            self._held.remove(member)


@dataclass
class Staggered:
    """``first``, and ``later_s`` after it ``second``, in the middle of the recovery from the first."""

    first: Fault
    second: Fault
    later_s: float

    @property
    def victims(self) -> Sequence[str]:
        return [*self.first.victims, *self.second.victims]

    def apply(self, platform: Platform) -> None:
        self.first.apply(platform)
        time.sleep(self.later_s)
        self.second.apply(platform)

    def undo(self, platform: Platform) -> None:
        try:
            self.second.undo(platform)
        finally:
            self.first.undo(platform)


@dataclass
class Crashed:
    """SIGKILL for one process inside a member, found by a shell command that prints its number."""

    victims: Sequence[str]
    process: str

    def apply(self, platform: Platform) -> None:
        for member in self.victims:
            platform.inside(member, "sh", "-c", f"kill -9 $({self.process})")

    def undo(self, platform: Platform) -> None:
        """Nothing is to be undone."""


@dataclass
class Helped:
    """A fault that a helper container brings about, for ``lasts_s`` seconds at most: it undoes it when it ends."""

    victims: Sequence[str]
    lasts_s: float

    def command(self, victim: Container, /) -> list[str]:
        """What the helper runs."""
        raise NotImplementedError

    def joins(self, victim: Container, /) -> dict[str, Any]:
        """What of the victim or the host the helper shares."""
        raise NotImplementedError

    def apply(self, platform: Platform) -> None:
        helpers: list[Container] = []
        for member in self.victims:
            victim = platform.container(member)
            if victim.status != "running":
                raise DrillError(f"{member} does not run ({victim.status})")
            # No label `evenkeel.helper`: those are removed by force, and this one has to end in its own way.
            helpers.append(engine.client().containers.run(
                image_tag(IMAGE), self.command(victim), detach=True, auto_remove=True, mem_limit="32m",
                labels={"evenkeel.stack": platform.stack, "evenkeel.fault": member},
                **{"user": "0:0", **self.joins(victim)}))
        deadline = time.monotonic() + APPLIED_S
        for helper in helpers:
            while b"applied" not in helper.logs():
                if time.monotonic() > deadline:
                    raise DrillError(f"the fault could not be brought about: {helper.logs().decode()[-500:]}")
                time.sleep(0.02)

    def undo(self, platform: Platform) -> None:
        # By their labels: a run that was told to end while it made one doesn't know it.
        for member in self.victims:
            both: dict[str, str | list[str] | bool] = {
                "label": [f"evenkeel.stack={platform.stack}", f"evenkeel.fault={member}"]}
            for helper in engine.client().containers.list(all=True, ignore_removed=True, filters=both):
                with contextlib.suppress(docker.errors.NotFound):
                    if helper.status == "created":
                        helper.remove()
                    else:
                        helper.stop(timeout=10)


class Frozen(Helped):
    """SIGSTOP for every process of a member: it is there, and does nothing."""

    def command(self, victim: Container) -> list[str]:
        processes = victim.top(ps_args="-o pid")["Processes"] or []
        return ["freeze", f"{self.lasts_s:.0f}", *(row[0] for row in processes)]

    def joins(self, _victim: Container) -> dict[str, Any]:
        return {"pid_mode": "host", "network_mode": "none", "cap_drop": ["ALL"], "cap_add": ["KILL"]}


class Full(Helped):
    """The disk takes nothing more: every write of a member into a file fails."""

    def command(self, victim: Container) -> list[str]:
        return ["full", f"{self.lasts_s:.0f}", str(victim.id)]

    def joins(self, victim: Container) -> dict[str, Any]:
        # Limits of one's own processes need no capability.
        return {"pid_mode": "host", "network_mode": "none", "cap_drop": ["ALL"], "user": victim.attrs["Config"]["User"]}


class CutOff(Helped):
    """A partition: the member lives, and reaches nobody; nobody reaches it."""

    def command(self, _victim: Container) -> list[str]:
        return ["cut-off", f"{self.lasts_s:.0f}"]

    def joins(self, victim: Container) -> dict[str, Any]:
        return {"network_mode": f"container:{victim.id}", "cap_drop": ["ALL"], "cap_add": ["NET_ADMIN", "NET_RAW"]}


@dataclass
class Slowed(CutOff):
    """Everything that a member sends goes at ``rate`` (tc's notation)."""

    rate: str = "2mbit"

    def command(self, _victim: Container) -> list[str]:
        return ["slow", f"{self.lasts_s:.0f}", self.rate]
