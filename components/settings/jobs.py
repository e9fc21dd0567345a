"""Settings of scheduled jobs: commands of the application that run by the clock."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Self

from cronsim import CronSim, CronSimError
from pydantic import model_validator

from components.settings.base import Model, knob

FIELDS = ("minute", "hour", "day of the month", "month", "day of the week")
OWN_WORDS = re.compile(r"[LW#]")
"""What single schedulers add to cron's language. A schedule must mean the same on every target."""
SEVENTH_DAY = re.compile(r"(^|[,/-])7($|[,/-])")


def check_schedule(expression: str) -> None:
    """Raise ``ValueError`` with the reason unless ``expression`` is a cron expression of five fields that every target
    understands alike."""
    fields = expression.split()
    if len(fields) != len(FIELDS):
        raise ValueError(f"schedule {expression!r} has {len(fields)} fields instead of five: {', '.join(FIELDS)}; for "
                         "example `*/5 * * * *` or `30 2 * * 1-5`")
    if OWN_WORDS.search(re.sub(r"[A-Za-z]{3}", "", expression)):
        raise ValueError(f"schedule {expression!r}: `L`, `W` and `#` are not understood everywhere")
    if SEVENTH_DAY.search(fields[4]):
        raise ValueError(f"schedule {expression!r}: Sunday is 0 (or SUN); 7 is not understood everywhere")
    try:
        CronSim(expression, datetime.now(UTC))
    except CronSimError as error:
        raise ValueError(f"schedule {expression!r}: {error}") from None


class Job(Model):
    """A command that runs by the clock, in a container of its own, with the same connections as a worker."""

    schedule: str = knob(..., "When it runs, as a cron expression in UTC: minute, hour, day of the month, month, day "
                              "of the week. It is left out while the previous run still works.")
    command: list[str] = knob(..., "What runs. Exit status 0: done; anything else: failed. A failed run is not "
                                   "repeated before the next one is due.", min_length=1)
    image: str | None = knob(None, "Its image; empty: `app.image`. Never a colour's: which one serves is no setting.")
    timeout_s: int = knob(3600, "A run that takes longer is asked to stop, killed after `app.drain_s`, and has failed "
                                "with exit status 124. The image needs `timeout` (coreutils or busybox).", unit="s",
                          ge=1, le=7 * 86400)
    memory_mib: int = knob(256, "Memory limit of a run.", unit="MiB", ge=32)
    cpus: float = knob(1.0, "CPU limit of a run.", unit="cores", gt=0)

    @model_validator(mode="after")
    def _schedule_is_understood(self) -> Self:
        check_schedule(self.schedule)
        return self
