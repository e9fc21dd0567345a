"""Settings of the alerts: from which value on a figure is a warning, and from which it is critical."""

from __future__ import annotations

from typing import Self

from pydantic import model_validator

from components.settings.base import Model, knob

PAIRS = ("cpu", "memory", "disk", "pool", "errors", "p95", "lag")
"""Figures that are worse the higher they are, each with a value for a warning and a higher one for critical."""


class Thresholds(Model):
    """Values from which on an alert holds. How long it must hold is the alert's own (docs/monitoring.md)."""

    cpu_warning: float = knob(70, "The machine's processors busy, for a quarter of an hour.", unit="%", gt=0, le=100)
    cpu_critical: float = knob(85, "The same, for five minutes.", unit="%", gt=0, le=100)
    memory_warning: float = knob(80, "The machine's memory in use.", unit="%", gt=0, le=100)
    memory_critical: float = knob(90, "The same; also data memory of a Redis member in use (a warning).", unit="%",
                                  gt=0, le=100)
    disk_warning: float = knob(80, "A disk of the machine in use.", unit="%", gt=0, le=100)
    disk_critical: float = knob(90, "The same.", unit="%", gt=0, le=100)
    pool_warning: float = knob(80, "Connections of a PgBouncer's pool in use.", unit="%", gt=0, le=100)
    pool_critical: float = knob(90, "The same.", unit="%", gt=0, le=100)
    errors_warning: float = knob(1, "Requests answered with 5xx.", unit="%", gt=0, le=100)
    errors_critical: float = knob(5, "The same.", unit="%", gt=0, le=100)
    p95_warning: float = knob(1000, "Time in which 95 % of the requests are answered.", unit="ms", gt=0)
    p95_critical: float = knob(2000, "The same.", unit="ms", gt=0)
    cache_hits_warning: float = knob(85, "Look-ups in Redis that find something, when fewer.", unit="%", gt=0, le=100)
    lag_warning: float = knob(16, "What a Postgres replica has yet to replay.", unit="MiB", gt=0)
    lag_critical: float = knob(256, "The same.", unit="MiB", gt=0)
    certificate_warning: float = knob(30, "Until a certificate expires, when less. `make up` renews the platform's own "
                                          "from 60 days on.", unit="days", gt=0)
    certificate_critical: float = knob(7, "The same.", unit="days", gt=0)

    @model_validator(mode="after")
    def _critical_is_worse(self) -> Self:
        for name in PAIRS:
            warning, critical = getattr(self, f"{name}_warning"), getattr(self, f"{name}_critical")
            if warning >= critical:
                raise ValueError(f"{name}_warning is {warning:g} and {name}_critical {critical:g}: it would be "
                                 "critical before it is a warning")
        if self.certificate_warning <= self.certificate_critical:
            raise ValueError(f"certificate_warning is {self.certificate_warning:g} days and certificate_critical "
                             f"{self.certificate_critical:g}: it would be critical before it is a warning")
        return self
