"""When a member with a schedule is due: pure functions. The engine remembers the last run (``started_at``), so that a
supervisor that takes over neither repeats a run nor forgets one."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from cronsim import CronSim, CronSimError

from operations.supervisor.container import Container


class ScheduleError(ValueError):
    """Not a cron expression; says why."""


@dataclass(frozen=True)
class Due:
    """A run that is due: ``at`` seconds since 1970. ``run`` False: say ``why`` it is left out."""

    at: float
    run: bool
    why: str = ""


def next_after(expression: str, after: float) -> float:
    """The first time of ``expression`` (UTC) later than ``after``, in seconds since 1970. Raises ``ScheduleError``."""
    try:
        return float(next(CronSim(expression, datetime.fromtimestamp(after, UTC))).timestamp())
    except (CronSimError, StopIteration) as error:
        raise ScheduleError(f"{expression!r} is no cron expression that ever comes due: {error}") from None


def due(container: Container, handled_at: float, now: float, grace_s: float) -> Due | None:
    """The run of a scheduled container that is due now. ``handled_at``: the last one that was dealt with."""
    expression = container.schedule or ""
    since = max(container.created_at, container.started_at, handled_at)
    first = next_after(expression, since)
    if first > now:
        return None
    # Of several that nobody started only the last counts, and only when it is not long ago.
    at = next_after(expression, max(since, now - grace_s))
    if at > now:
        return Due(first, False, f"missed: no supervisor was there within {grace_s:g} s")
    if container.status in ("running", "paused", "restarting"):
        return Due(at, False, "its last run still goes on")
    return Due(at, True)
