"""A container as the engine describes it, in the words that decisions need."""

from __future__ import annotations

import re
import signal
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

NEVER = 0.0
"""The engine's "0001-01-01": not yet."""
DEFAULT_GRACE_S = 10
"""The engine's own, where a container has none."""


@dataclass(frozen=True)
class Container:
    """One member's container. Times are seconds since 1970, ``NEVER`` for what has not happened."""

    id: str
    name: str
    member: str
    workload: str
    tier: str
    status: str
    """created, running, paused, restarting, removing, exited or dead."""
    exit_code: int
    oom_killed: bool
    created_at: float
    started_at: float
    finished_at: float
    restarts: bool
    """The engine was told to bring it back."""
    stop_signal: int
    stop_grace_s: float
    schedule: str | None

    @property
    def names(self) -> frozenset[str]:
        """What a hold may call it by."""
        return frozenset({self.member, self.workload, self.tier, "all"})


def read(told: dict[str, Any]) -> Container | None:
    """From the engine's answer to an inspection; None for what is no member (a helper)."""
    config, state = told["Config"], told["State"]
    labels: dict[str, str] = config.get("Labels") or {}
    if "evenkeel.member" not in labels:
        return None
    grace = config.get("StopTimeout")
    return Container(
        id=told["Id"], name=told["Name"].removeprefix("/"), member=labels["evenkeel.member"],
        workload=labels.get("evenkeel.workload", ""), tier=labels.get("evenkeel.tier", ""), status=state["Status"],
        exit_code=int(state["ExitCode"]), oom_killed=bool(state["OOMKilled"]), created_at=seconds(told["Created"]),
        started_at=seconds(state["StartedAt"]), finished_at=seconds(state["FinishedAt"]),
        restarts=told["HostConfig"]["RestartPolicy"]["Name"] in ("always", "unless-stopped"),
        stop_signal=signal_number(config.get("StopSignal") or "SIGTERM"),
        stop_grace_s=float(DEFAULT_GRACE_S if grace is None else grace), schedule=labels.get("evenkeel.schedule"))


def seconds(stamp: str) -> float:
    """``2026-11-21T09:25:25.393913717Z`` as seconds since 1970; years before that are ``NEVER``."""
    # Python reads six digits of a second, the engine writes up to nine.
    found = datetime.fromisoformat(re.sub(r"(\.\d{6})\d*", r"\1", stamp.replace("Z", "+00:00")))
    return max(NEVER, found.astimezone(UTC).timestamp()) if found.year > 1970 else NEVER


def signal_number(name: str) -> int:
    """``SIGTERM``, ``TERM`` or ``15`` as 15; what has no number here (SIGRTMIN+3) as 0, which no event has."""
    if name.isdigit():
        return int(name)
    try:
        return int(signal.Signals[name if name.startswith("SIG") else f"SIG{name}"])
    except KeyError:
        return 0
