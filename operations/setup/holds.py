"""`make hold` and `make unhold`: what the supervisors leave alone for a while. Asked of any supervisor that runs."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass

from components.targets.docker import engine
from operations.setup import engine_state

WORKLOAD = "supervisor"
COMMAND = ("python3", "-m", "operations.supervisor")
SECONDS = {"s": 1, "m": 60, "h": 3600}
LONGEST_S = 86400


class HoldError(Exception):
    """A hold could not be made, ended or listed; says why and what to do."""


@dataclass(frozen=True)
class Hold:
    """``name``: a member, workload or tier, or ``all``."""

    name: str
    left_s: float
    why: str


def duration_s(text: str) -> int:
    """``10m`` -> 600. Units s, m, h; at most a day. Raises ``HoldError``."""
    amount, unit = text[:-1], text[-1:]
    if unit not in SECONDS or not amount.isdigit() or not 1 <= int(amount) * SECONDS[unit] <= LONGEST_S:
        raise HoldError(f"FOR={text}: a number and a unit, for example 30s, 10m, 2h; 24h at most")
    return int(amount) * SECONDS[unit]


def hold(stack: str, name: str, seconds: int, why: str) -> str:
    """Leave ``name`` alone. Returns a sentence. Raises ``HoldError``."""
    known = engine_state.containers(stack)
    names = {"all"} | {container.labels[f"evenkeel.{kind}"] for container in known
                       for kind in ("member", "workload", "tier")}
    if name not in names:
        raise HoldError(f"MEMBER={name}: the stack {stack!r} has no member, workload or tier of that name; it has "
                        f"{', '.join(sorted(names))}")
    return _ask(stack, "hold", name, str(seconds), why)


def unhold(stack: str, name: str) -> str:
    """End a hold before its time. Returns a sentence. Raises ``HoldError``."""
    return _ask(stack, "unhold", name)


def current(stack: str) -> list[Hold]:
    """Holds in force; none where no supervisor runs. Raises ``HoldError``."""
    if not engine_state.running(stack, WORKLOAD):
        return []
    told = json.loads(_ask(stack, "holds"))
    return [Hold(name, found["until"] - time.time(), found["why"]) for name, found in told.items()]


def _ask(stack: str, *arguments: str) -> str:
    supervisors = engine_state.running(stack, WORKLOAD)
    if not supervisors:
        raise HoldError(f"No supervisor of the stack {stack!r} runs, so nobody brings members back, and there is "
                        "nothing to hold.\nNext: `make status` shows what runs; `make up` starts what should.")
    said = ""
    for supervisor in supervisors:
        code, said = engine.run_inside(supervisor, [*COMMAND, *arguments])
        if code == 0:
            return said
    raise HoldError(f"{said}\nNext: `make status` shows etcd's members; when they serve, run the same command again.")
