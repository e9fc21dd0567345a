"""The steps of a rotation: pure functions over outputs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import count
from typing import Any

import pytest

from components.generated import authority, passwords, rotation
from components.generated.rotation import Phase, RotationError, Step

OLD = {"name": "redis-cache", "value": "first"}
"""What a stack of an earlier version holds."""


@pytest.fixture(autouse=True)
def _numbered(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    numbers = count(2)
    monkeypatch.setattr(passwords, "generate", lambda: f"value-{next(numbers)}")
    yield


def after(outputs: Mapping[str, Any], *steps: str | None) -> dict[str, Any]:
    for step in steps:
        outputs = passwords.update(outputs, {"step": step})
    return dict(outputs)


def told(outputs: Mapping[str, Any]) -> tuple[str, str, str, str]:
    return outputs["value"], outputs["otherValue"], outputs["slot"], outputs["phase"]


def test_a_rotation_introduces_switches_and_retires() -> None:
    assert told(after(OLD, "introduce")) == ("first", "value-2", "a", "introduced")
    assert told(after(OLD, "introduce", "switch")) == ("value-3", "first", "b", "switched")
    assert told(after(OLD, "introduce", "switch", "retire")) == ("value-4", "", "b", "steady")


def test_the_next_rotation_goes_back_to_the_first_slot() -> None:
    once = after(OLD, "introduce", "switch", "retire")
    assert told(after(once, "introduce", "switch", "retire")) == ("value-3", "", "a", "steady")


def test_a_rotation_is_taken_back_from_either_phase() -> None:
    assert told(after(OLD, "introduce", "withdraw")) == ("first", "", "a", "steady")
    assert told(after(OLD, "introduce", "switch", "withdraw")) == ("first", "value-3", "a", "introduced")
    assert told(after(OLD, "introduce", "switch", "withdraw", "withdraw")) == ("first", "", "a", "steady")


@pytest.mark.parametrize("steps", [[], ["introduce"], ["introduce", "switch"], ["introduce", "switch", "retire"]])
def test_a_plain_update_keeps_value_and_phase(steps: list[str]) -> None:
    outputs = after(OLD, None, *steps)
    assert not rotation.changes(outputs, None)
    assert after(outputs, None) == outputs


@pytest.mark.parametrize("steps", [["introduce"], ["introduce", "switch"], ["introduce", "switch", "retire"]])
def test_a_step_taken_twice_is_taken_once(steps: list[str]) -> None:
    """A run that was cut off is run again, with some of the resources changed already."""
    outputs = after(OLD, *steps)
    last = steps[-1]
    assert not rotation.changes(outputs, last)
    assert after(outputs, last) == outputs


@pytest.mark.parametrize(("phase", "step"), [(phase, step) for phase in Phase for step in Step
                                             if (phase, step) not in rotation.TRANSITIONS])
def test_steps_out_of_turn_change_nothing(phase: Phase, step: Step) -> None:
    other = "" if phase is Phase.STEADY else "two"
    outputs = {"name": "x", "value": "one", "otherValue": other, "slot": "a", "phase": phase.value}
    assert not rotation.changes(outputs, step)
    assert passwords.update(outputs, {"step": step}) == outputs


def test_outputs_of_an_earlier_version_are_completed_and_the_value_kept() -> None:
    assert rotation.changes(OLD, None)
    assert told(after(OLD, None)) == ("first", "", "a", "steady")


def test_accepted_values_are_listed_alike_before_and_after_the_switch() -> None:
    before, switched = after(OLD, "introduce"), None
    switched = after(before, "switch")
    lists = [list(rotation.by_slot(held["value"], held["otherValue"], held["slot"]).items())
             for held in (before, switched)]
    assert lists[0] == lists[1] == [("a", "first"), ("b", "value-2")]


def test_two_authorities_are_told_apart_and_the_issuer_changes_with_the_switch() -> None:
    held = authority.create("Evenkeel test", 30)
    introduced = authority.update(held, "introduce", 30)
    assert introduced["certificate"] == held["certificate"] != introduced["otherCertificate"]
    switched = authority.update(introduced, "switch", 30)
    assert (switched["certificate"], switched["key"]) == (introduced["otherCertificate"], introduced["otherKey"])
    retired = authority.update(switched, "retire", 30)
    assert retired["otherCertificate"] == retired["otherKey"] == ""
    assert retired["certificate"] == introduced["otherCertificate"]


def test_a_request_says_a_step_for_names() -> None:
    assert rotation.requested(None) == rotation.requested("") == {}
    assert rotation.requested("introduce:redis-cache,redis-queue;switch:authority") == {
        "redis-cache": "introduce", "redis-queue": "introduce", "authority": "switch"}


@pytest.mark.parametrize("text", ["redis-cache", "swap:redis-cache", "introduce:", ":redis-cache"])
def test_a_request_that_makes_no_sense_is_refused_with_the_next_command(text: str) -> None:
    with pytest.raises(RotationError, match=r"STEP:NAME,NAME.*\n.*make rotate"):
        rotation.requested(text)


def test_a_name_that_the_stack_does_not_have_is_refused() -> None:
    with pytest.raises(RotationError, match="names redis-cash; this stack has redis-cache"):
        rotation.refuse_unknown({"redis-cash": "introduce"}, {"redis-cache"})
