"""Settings of the service levels: what is promised to those who use the platform."""

from __future__ import annotations

import re
from typing import Self

from pydantic import model_validator

from components.settings.base import Model, knob

LEVEL_NAME = re.compile(r"^[a-z][a-z0-9-]*$")
PATH = re.compile(r"^/[A-Za-z0-9/_-]*$")
AVAILABILITY = "availability"


class Latency(Model):
    """A promise on how quickly a class of requests is answered."""

    paths: list[str] = knob(lambda: ["/"], "Which routes, as the application's histogram names them (`route`), by how "
                                           "they begin.", min_length=1)
    within_ms: float = knob(1000, "Answered within; must be a bucket of the application's histogram.", unit="ms", gt=0)
    percent: float = knob(99, "Of so many requests.", unit="%", gt=0, lt=100)

    @model_validator(mode="after")
    def _paths_are_paths(self) -> Self:
        for path in self.paths:
            if not PATH.match(path):
                raise ValueError(f"paths: {path!r}: begins with a slash, then letters, digits, `/`, `_` and `-`")
        return self


class ServiceLevels(Model):
    """What is promised. What is left of it, the error budget, may be spent on releases and repairs; that it is spent
    too quickly is an alert, and `make slo-report` shows where it went."""

    window_days: int = knob(30, "Over how long.", unit="days", ge=1, le=366)
    availability: float = knob(99.9, "Requests through the edge that are not answered with 5xx.", unit="%", gt=0,
                               lt=100)
    latency: dict[str, Latency] = knob(lambda: {"answers": Latency()},
                                       "By name: requests that are answered quickly enough.")

    @model_validator(mode="after")
    def _names_are_names(self) -> Self:
        for name in self.latency:
            if not LEVEL_NAME.match(name) or name == AVAILABILITY:
                raise ValueError(f"latency: {name!r}: lower-case letters, digits and dashes, a letter first, and not "
                                 f"`{AVAILABILITY}`")
        return self

    def promised(self) -> dict[str, float]:
        """Every level's objective in percent, by name."""
        return {AVAILABILITY: self.availability, **{name: level.percent for name, level in self.latency.items()}}
