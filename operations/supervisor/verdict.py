"""Why a container does not run, and whether it is ours to bring it back: pure functions.

How the engine tells a wish from an accident: `docker stop`, a replacement and `make down` send the stop signal, maybe
SIGKILL after the grace, and end with an event `stop`, milliseconds after `die`. `docker kill` and crashes have no
`stop`. Who was not watching knows only the exit code and whether memory ran out, and prefers to leave alone what looks
like an orderly end.
"""

from __future__ import annotations

import signal
from dataclasses import dataclass
from enum import StrEnum

from operations.supervisor.container import Container
from operations.supervisor.events import History

KILLED = 128 + signal.SIGKILL
ENGINE_PATIENCE_S = 5.0
"""A pause between the engine's own restarts that lasts longer than this is cut short. The engine doubles them from
0.1 s and counts restarts; ours begin its count anew, so the sixth must come before: by it `make up` tells a member that
will never start."""
STOP_SETTLE_FACTOR = 3
"""After the stop signal a `stop` is to be expected: this many times longer than else is waited for it."""
GRACE_MARGIN_S = 5.0


class Cause(StrEnum):
    """What ended a member."""

    CRASH = "crash"
    """Its main process ended by itself, or was killed from inside or by the kernel."""
    KILL = "kill"
    """Somebody's signal through the engine (`docker kill`)."""
    OOM = "oom"
    """It reached its memory limit."""


@dataclass(frozen=True)
class Nothing:
    """It runs, or is none of our business."""


@dataclass(frozen=True)
class LeftAlone:
    """It does not run because somebody wanted so. ``remember``: for who asks later without having watched."""

    why: str
    remember: bool = False


@dataclass(frozen=True)
class Death:
    """It died and should run. ``settled_at``: before that it is the engine's turn, or a `stop` may still come."""

    cause: Cause
    exit_code: int
    signal: int | None
    died_at: float
    settled_at: float
    engine_waits: bool = False
    """The engine would bring it back, after a pause."""


Verdict = Nothing | LeftAlone | Death


def stop_mark(container: Container) -> str:
    """Names one end of one container, for ``judge``'s ``known_stop``."""
    return f"{container.id} {container.finished_at:.3f}"


def judge(container: Container, history: History, known_stop: str | None, settle_s: float) -> Verdict:
    """What to think of a container. ``known_stop`` is the ``stop_mark`` of the last stop that somebody witnessed."""
    if container.schedule is not None or not container.restarts:
        return Nothing()
    if container.status == "restarting":
        return _death(container, history, ENGINE_PATIENCE_S, engine_waits=True)
    if container.status != "exited":
        return Nothing()
    if history.died_at is None or history.died_at < container.started_at:  # a later start was never heard of
        return _unwitnessed(container, known_stop, settle_s)
    if history.stopped:
        return LeftAlone("it was stopped (an operator's `docker stop`, or Pulumi replacing it)", remember=True)
    expecting_stop = any(number == container.stop_signal for _, number in history.kills)
    return _death(container, history, settle_s * (STOP_SETTLE_FACTOR if expecting_stop else 1))


def _death(container: Container, history: History, settle_s: float, *, engine_waits: bool = False) -> Death:
    died_at = max(history.died_at or 0.0, container.finished_at)
    signal_sent = history.last_kill(container.stop_grace_s + GRACE_MARGIN_S)
    if container.exit_code == KILLED and (history.oom or container.oom_killed):
        cause = Cause.OOM
    else:
        cause = Cause.KILL if signal_sent is not None else Cause.CRASH
    return Death(cause, container.exit_code, signal_sent if cause is Cause.KILL else None, died_at, died_at + settle_s,
                 engine_waits)


def _unwitnessed(container: Container, known_stop: str | None, settle_s: float) -> Verdict:
    """Nobody saw it end. The engine had been told not to bring it back (else it would have), by a kill or by a stop;
    a stop mostly ends with 0 or with the stop signal's code."""
    if known_stop == stop_mark(container):
        return LeftAlone("it was stopped earlier, as a supervisor saw then")
    if container.oom_killed:
        cause = Cause.OOM
    elif container.exit_code in (0, 128 + container.stop_signal):
        return LeftAlone(f"it ended in an orderly way (exit code {container.exit_code}) while no supervisor watched, "
                         "as after a stop; `docker start` brings it back, or `make up`")
    else:
        cause = Cause.KILL if container.exit_code == KILLED else Cause.CRASH
    return Death(cause, container.exit_code, None, container.finished_at, container.finished_at + settle_s)
