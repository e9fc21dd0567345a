"""What a rotation will do: from the phases that a stack is in to the steps that are left. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from components.certificates import AUTHORITY
from components.generated.rotation import Phase, Step

GROUPS = ("redis", "postgres", "edge")
"""Names that begin so belong together."""
ALL, CA = "all", "ca"
ORDER = (Step.INTRODUCE, Step.SWITCH, Step.RETIRE)


class PlanError(Exception):
    """What is asked for can't be done; says why and what can."""


@dataclass(frozen=True)
class Stage:
    """One `pulumi up`: a step for some names."""

    step: Step
    names: tuple[str, ...]

    @property
    def request(self) -> str:
        """As ``EVENKEEL_ROTATE`` says it."""
        return f"{self.step}:{','.join(self.names)}"


@dataclass(frozen=True)
class Plan:
    """``resumed``: names of an unfinished rotation that this goes on with. ``left_out``: names that were asked for, but
    are through with that rotation already."""

    stages: tuple[Stage, ...]
    resumed: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()


def select(what: str, known: Mapping[str, Phase]) -> list[str]:
    """The names that ``what`` means: ``all``, ``redis``, ``postgres``, ``edge``, ``ca`` or names with commas."""
    chosen: set[str] = set()
    for part in what.split(","):
        if part == ALL:
            found = set(known)
        elif part == CA:
            found = {AUTHORITY} & set(known)
        elif part in GROUPS:
            found = {name for name in known if name.startswith(f"{part}-")}
        else:
            found = {part} & set(known)
        if not found:
            raise PlanError(f"{part!r} is nothing that this stack rotates.\nNothing was changed. Next: `make rotate "
                            f"WHAT=...` with one of {', '.join((ALL, *GROUPS, CA, *sorted(known)))}.")
        chosen |= found
    return sorted(chosen)


def forward(phases: Mapping[str, Phase], until: Step = Step.RETIRE) -> Plan:
    """The steps up to ``until`` for these names.

    In one rotation nothing is switched before everything is introduced. So where a name is switched already, those that
    are steady are through with it: they are left out, and the unfinished ones finished.
    """
    unfinished = tuple(sorted(name for name, phase in phases.items() if phase is not Phase.STEADY))
    steady = tuple(sorted(set(phases) - set(unfinished)))
    left_out = steady if Phase.SWITCHED in phases.values() else ()
    at = {name: phase for name, phase in phases.items() if name not in left_out}
    waiting = {
        Step.INTRODUCE: [name for name, phase in at.items() if phase is Phase.STEADY],
        Step.SWITCH: [name for name, phase in at.items() if phase is not Phase.SWITCHED],
        Step.RETIRE: list(at),
    }
    stages = tuple(Stage(step, tuple(sorted(waiting[step]))) for step in ORDER[:ORDER.index(until) + 1]
                   if waiting[step])
    return Plan(stages, unfinished, left_out)


def back(phases: Mapping[str, Phase]) -> Plan:
    """The steps that take an unfinished rotation back: clients return to the old values, then the new ones go."""
    switched = tuple(sorted(name for name, phase in phases.items() if phase is Phase.SWITCHED))
    unfinished = tuple(sorted(name for name, phase in phases.items() if phase is not Phase.STEADY))
    stages = [Stage(Step.WITHDRAW, names) for names in (switched, unfinished) if names]
    return Plan(tuple(stages), unfinished)
