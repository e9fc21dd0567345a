"""How a generated value is exchanged for another while everybody goes on: pure functions over a resource's outputs.

A rotation has three steps. Between two of them nothing is in a hurry: the platform runs on whatever phase it is in, and
a plain `pulumi up` keeps it.

    steady --introduce--> introduced --switch--> switched --retire--> steady
                     <--withdraw--          <--withdraw--

*introduced*: a second value is accepted beside the one in use. *switched*: the second one is in use, the first is still
accepted. A value keeps its *slot* (``a`` or ``b``) for life, for services whose logins differ by name. Imports nothing
heavy: it is asked at every preview.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Any

VARIABLE = "EVENKEEL_ROTATE"
"""Environment variable by which an operation asks for a step: ``introduce:redis-cache,redis-queue``."""

SLOTS = ("a", "b")


class Phase(StrEnum):
    """Where a value stands."""

    STEADY = "steady"
    INTRODUCED = "introduced"
    SWITCHED = "switched"


class Step(StrEnum):
    """What takes it further, or back."""

    INTRODUCE = "introduce"
    SWITCH = "switch"
    RETIRE = "retire"
    WITHDRAW = "withdraw"


class RotationError(Exception):
    """A step that can't be taken, or a request that nobody understands; says why and what to do."""


TRANSITIONS: Mapping[tuple[Phase, Step], Phase] = {
    (Phase.STEADY, Step.INTRODUCE): Phase.INTRODUCED,
    (Phase.INTRODUCED, Step.SWITCH): Phase.SWITCHED,
    (Phase.SWITCHED, Step.RETIRE): Phase.STEADY,
    (Phase.SWITCHED, Step.WITHDRAW): Phase.INTRODUCED,
    (Phase.INTRODUCED, Step.WITHDRAW): Phase.STEADY,
}
"""Every other step changes nothing, so that a run that was cut off can be run again."""


def phase_of(outputs: Mapping[str, Any]) -> Phase:
    """The phase that a resource's outputs tell; those of an earlier version of the platform tell none."""
    return Phase(outputs.get("phase") or Phase.STEADY)


def slot_of(outputs: Mapping[str, Any]) -> str:
    """The slot of the value in use."""
    return str(outputs.get("slot") or SLOTS[0])


def other_slot(slot: str) -> str:
    """``b`` for ``a``, ``a`` for ``b``."""
    return SLOTS[1 - SLOTS.index(slot)]


def changes(outputs: Mapping[str, Any], step: str | None) -> bool:
    """Whether ``step`` changes anything; ``None`` (a plain update) never does, except that it completes the outputs
    that an earlier version of the platform left."""
    return "phase" not in outputs or bool(step and (phase_of(outputs), Step(step)) in TRANSITIONS)


def advance(outputs: Mapping[str, Any], step: str | None, parts: tuple[str, ...],
            fresh: Callable[[], Mapping[str, str] | None]) -> dict[str, Any]:
    """The outputs after ``step``.

    ``parts`` are the outputs that make up the value in use (``value``, or ``certificate`` and ``key``); the second
    value's are called the same with ``other`` before them. ``fresh`` makes a new value, by part; None where its source
    has no other one, and nothing is introduced.
    """
    before = phase_of(outputs)
    after = TRANSITIONS.get((before, Step(step)), before) if step else before
    slot = slot_of(outputs)
    current = {part: outputs[part] for part in parts}
    other = {part: outputs.get(other_part(part)) or "" for part in parts}
    if (before, after) == (Phase.STEADY, Phase.INTRODUCED):
        made = fresh()
        if made is None:
            after = before
        else:
            other = dict(made)
    elif {before, after} == {Phase.INTRODUCED, Phase.SWITCHED}:
        current, other, slot = other, current, other_slot(slot)
    elif after is Phase.STEADY:
        other = dict.fromkeys(parts, "")
    return {**outputs, **current, **{other_part(part): text for part, text in other.items()}, "slot": slot,
            "phase": after.value}


def other_part(part: str) -> str:
    """``otherValue`` for ``value``."""
    return f"other{part[0].upper()}{part[1:]}"


def by_slot(in_use: str, other: str | None, slot: str | None) -> dict[str, str]:
    """Every accepted value by its slot, ``a`` first whichever is in use: what lists them doesn't change at a switch."""
    own = slot or SLOTS[0]
    values = {own: in_use, **({other_slot(own): other} if other else {})}
    return {name: values[name] for name in SLOTS if name in values}


def unfinished(phases: Mapping[str, str | None]) -> dict[str, str]:
    """The phases of the names in the middle of a rotation."""
    return {name: phase for name, phase in sorted(phases.items()) if phase and phase != Phase.STEADY}


def requested(text: str | None) -> dict[str, str]:
    """Step by name, from the environment variable's value. Raises ``RotationError`` where it makes no sense."""
    wanted: dict[str, str] = {}
    for part in (text or "").split(";"):
        if not part.strip():
            continue
        step, _, names = part.strip().partition(":")
        if step not in list(Step) or not names:
            raise RotationError(f"{VARIABLE}={text!r}: written as STEP:NAME,NAME with a step of "
                                f"{', '.join(Step)}.\nNothing was changed. Next: `make rotate WHAT=NAME` sets it.")
        wanted |= {name.strip(): step for name in names.split(",") if name.strip()}
    return wanted


def refuse_unknown(wanted: Mapping[str, str], known: set[str]) -> None:
    """Raise ``RotationError`` where a name is asked for that the stack doesn't have."""
    unknown = sorted(set(wanted) - known)
    if unknown:
        raise RotationError(f"{VARIABLE} names {', '.join(unknown)}; this stack has {', '.join(sorted(known))}.\n"
                            "Nothing was changed. Next: `make rotate WHAT=NAME` with one of these.")
