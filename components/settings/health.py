"""Settings of the health score: how much each tier counts."""

from __future__ import annotations

from typing import Self

from pydantic import model_validator

from components.settings.base import Model, knob


class Weights(Model):
    """How much each tier counts in the score, in proportion to the others; 0: not at all."""

    edge: float = knob(3, "Nginx and HAProxy.", ge=0)
    app: float = knob(3, "The workers.", ge=0)
    postgres: float = knob(3, "Postgres, etcd, pgproxy and PgBouncer.", ge=0)
    redis: float = knob(2, "Redis.", ge=0)
    machine: float = knob(1, "The machine: processors, memory, disks.", ge=0)
    supervision: float = knob(1, "Who brings members back.", ge=0)
    monitoring: float = knob(1, "Who watches.", ge=0)

    @model_validator(mode="after")
    def _something_counts(self) -> Self:
        if not any(self.by_tier().values()):
            raise ValueError("weights: all are 0: nothing would count")
        return self

    def by_tier(self) -> dict[str, float]:
        """Every tier's weight, those of 0 as well."""
        return {name: float(getattr(self, name)) for name in type(self).model_fields}


class Health(Model):
    """The score of 0 to 100 that `make status` and `make dashboard` show with its reasons."""

    weights: Weights = knob(Weights, "How much each tier counts.")
