"""What a stack costs a month, before and after, by a dated price file; what isn't known is said to be unknown."""

from __future__ import annotations

import datetime
import math
from collections.abc import Iterable
from pathlib import Path
from typing import Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from operations.changes.plan import Plan
from operations.previews.report import Amount, Cost
from operations.previews.steps import DELETE, Step

FOLDER = Path(__file__).parent / "prices"
HOURS = 730
"""Of a month, as clouds count: 365 days x 24 h / 12."""
MIB_PER_GIB = 1024


class PriceError(Exception):
    """A price file that can't be used: which, and why."""


class Instance(BaseModel):
    """The class of machines that members are put on."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(alias="class")
    cpus: float = Field(gt=0)
    memory_gib: float = Field(gt=0)
    per_hour: float = Field(ge=0)


class Prices(BaseModel):
    """One price file. What is left out is unknown."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    target: str
    dated: datetime.date
    currency: str
    own_hardware: bool = False
    instance: Instance | None = None
    volume_gib_month: float | None = Field(None, ge=0)
    traffic_gib: float | None = Field(None, ge=0)
    traffic_gib_month: float | None = Field(None, ge=0)
    """How much leaves the platform; nobody can tell it from a declaration."""

    @model_validator(mode="after")
    def _own_hardware_has_no_prices(self) -> Self:
        if self.own_hardware and (self.instance or self.volume_gib_month or self.traffic_gib):
            raise ValueError("own_hardware: true contradicts its prices: set it to false, or take them out")
        return self


def read(target: str, folder: Path = FOLDER) -> Prices:
    """The prices of a target. Raises ``PriceError``."""
    file = folder / f"{target}.yaml"
    try:
        return Prices.model_validate(yaml.safe_load(file.read_text()))
    except FileNotFoundError:
        raise PriceError(f"{file} is missing") from None
    except (ValidationError, yaml.YAMLError) as error:
        raise PriceError(f"{file} can't be used: {error}") from None


def estimate(prices: Prices, before: Plan, after: Plan, steps: Iterable[Step]) -> Cost:
    """Instances, volumes and traffic a month."""
    about = {"target": prices.target, "dated": str(prices.dated), "currency": prices.currency}
    if prices.own_hardware:
        return Cost(**about, own_hardware=True)
    volumes = [step for step in steps if step.what == "volume"]
    old = [step.old.get("sizeGib") for step in volumes if step.old]
    new = [step.new.get("sizeGib") for step in volumes if step.op != DELETE and step.new]
    machines = prices.instance
    amounts = (
        Amount(what=f"instances of {machines.name}" if machines else "instances",
               before=_instances(prices, before), after=_instances(prices, after)),
        Amount(what="volumes", before=_volumes(prices, old), after=_volumes(prices, new)),
        Amount(what="traffic", before=_traffic(prices, before), after=_traffic(prices, after)),
    )
    return Cost(**about, amounts=amounts, unknown=tuple(_unknown(prices, [*old, *new])))


def _instances(prices: Prices, plan: Plan) -> float | None:
    """As many as hold the limits of all members, at least one per failure domain."""
    if not plan.members:
        return 0
    if prices.instance is None:
        return None
    running = [member for member in plan.members.values() if not member.scheduled]
    cpus = sum(float(member.container.get("cpus") or 0) for member in running)
    memory = sum(float(member.container.get("memory") or 0) for member in running) / MIB_PER_GIB
    domains = {member.container.get("labels", {}).get("evenkeel.domain", "") for member in running}
    count = max(math.ceil(cpus / prices.instance.cpus), math.ceil(memory / prices.instance.memory_gib), len(domains))
    return round(count * prices.instance.per_hour * HOURS, 2)


def _volumes(prices: Prices, sizes: list[float | None]) -> float | None:
    if not sizes:
        return 0
    if prices.volume_gib_month is None or None in sizes:
        return None
    return round(sum(size or 0 for size in sizes) * prices.volume_gib_month, 2)


def _traffic(prices: Prices, plan: Plan) -> float | None:
    if not plan.members:
        return 0
    if prices.traffic_gib is None or prices.traffic_gib_month is None:
        return None
    return round(prices.traffic_gib * prices.traffic_gib_month, 2)


def _unknown(prices: Prices, sizes: list[float | None]) -> Iterable[str]:
    file = f"operations/previews/prices/{prices.target}.yaml"
    missing = [key for key in ("instance", "volume_gib_month", "traffic_gib", "traffic_gib_month")
               if getattr(prices, key) is None]
    if missing:
        yield f"{file} has no {', no '.join(missing)}"
    if None in sizes:
        yield "volumes that an earlier version made have no recorded size"


def total(amounts: list[float | None]) -> float | None:
    """The sum; unknown as soon as a part is."""
    return None if None in amounts else round(sum(amount or 0 for amount in amounts), 2)
