"""Which of the pair acts, and what both must know: who leads, what is held, what was stopped on purpose.

A key in etcd that hangs on a lease says who leads. When etcd does not answer for as long as a lease lives (it may be
what died), everybody acts, the higher rank later: starting what runs already is harmless, so no proof is needed.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from enum import StrEnum

from operations.supervisor.etcd import Etcd
from operations.supervisor.holds import Hold, parse

PREFIX = "/evenkeel/supervision/"
LEADER, HOLDS, STOPS = "leader", "hold/", "stopped/"
ROUND_S = 1.0
RANK_DELAY_S = 3.0
STOP_S = 5.0


class Role(StrEnum):
    """What this supervisor is just now."""

    LEADER = "leader"
    STANDBY = "standby"
    ALONE = "alone"
    """etcd does not answer: it acts without asking, after those of a lower rank."""


@dataclass(frozen=True)
class View:
    """What the last round of questions to etcd told. ``at``: when it began, by the monotonic clock."""

    at: float = float("-inf")
    leader: str | None = None
    holds: dict[str, Hold] = field(default_factory=dict)
    stops: dict[str, str] = field(default_factory=dict)
    """Container -> ``verdict.stop_mark``."""

    def role(self, me: str, now: float, lease_s: float) -> Role:
        """A view older than a lease says nothing any more: neither that we lead nor that somebody else does."""
        if now - self.at > lease_s:
            return Role.ALONE
        return Role.LEADER if self.leader == me else Role.STANDBY


def delay_s(role: Role, rank: int) -> float | None:
    """How long after its time an action is ours; None while it is somebody else's."""
    return {Role.LEADER: 0.0, Role.STANDBY: None, Role.ALONE: rank * RANK_DELAY_S}[role]


class Pair:
    """Asks etcd once a second, in a thread of its own; ``view`` is what it knows."""

    def __init__(self, me: str, lease_s: int, etcd: Etcd, able: Callable[[], bool]) -> None:
        """``able``: whether this supervisor sees the engine; it gives up the lead while it does not."""
        self._me, self._lease_s, self._etcd, self._able = me, lease_s, etcd, able
        self._lease: str | None = None
        self._noted: dict[str, str] = {}
        self._lock = threading.Lock()
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True, name="pair")
        # For as long as a lease lives etcd has time for its first answer.
        self.view = View(time.monotonic())

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Give up the lead and end."""
        self._stopped.set()
        self._thread.join(STOP_S)

    def role(self) -> Role:
        return self.view.role(self._me, time.monotonic(), self._lease_s)

    def note_stop(self, container: str, mark: str) -> None:
        """Let both know that somebody stopped a container. Kept until etcd has it."""
        with self._lock:
            self._noted[container] = mark

    def round(self) -> None:
        """One round: keep or claim the lead, read what is known. Raises ``OSError`` when etcd does not answer."""
        began = time.monotonic()
        known = self._etcd.below(PREFIX)
        leader = known.get(LEADER)
        if not self._able():
            leader = None if leader == self._me else leader
            self.resign()
        elif leader == self._me and self._lease and self._etcd.keep_alive(self._lease):
            pass
        elif leader is None:
            self._lease = self._etcd.grant(self._lease_s)
            leader = self._me if self._etcd.claim(PREFIX + LEADER, self._me, self._lease) else None
        elif leader == self._me:
            # Ours by name alone (a restart lost the lease): it expires, and the next round claims it anew.
            leader = None
        self._flush()
        holds = {name.removeprefix(HOLDS): parse(text) for name, text in known.items() if name.startswith(HOLDS)}
        stops = {name.removeprefix(STOPS): text for name, text in known.items() if name.startswith(STOPS)}
        self.view = View(began, leader, holds, stops)

    def resign(self) -> None:
        """Give up the lead at once, so that the partner need not wait for the lease's end."""
        lease, self._lease = self._lease, None
        if lease:
            self._etcd.revoke(lease)
            self.view = replace(self.view, leader=None)

    def _flush(self) -> None:
        with self._lock:
            noted, self._noted = self._noted, {}
        for container, mark in noted.items():
            try:
                self._etcd.put(f"{PREFIX}{STOPS}{container}", mark)
            except OSError:
                with self._lock:
                    self._noted.setdefault(container, mark)
                raise

    def _run(self) -> None:
        while not self._stopped.is_set():
            began = time.monotonic()
            # Without an answer the view grows old by itself, and `role` says so.
            with contextlib.suppress(OSError, ValueError, KeyError):
                self.round()
            self._stopped.wait(max(0.0, ROUND_S - (time.monotonic() - began)))
        with contextlib.suppress(OSError):
            self.resign()
