"""From phases to steps: forward, on from wherever it was cut off, and back."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from components.generated.rotation import TRANSITIONS, Phase, Step
from operations.rotation.plan import Plan, PlanError, Stage, back, forward, select

STEADY, INTRODUCED, SWITCHED = Phase.STEADY, Phase.INTRODUCED, Phase.SWITCHED
KNOWN = dict.fromkeys(("authority", "edge-cookie-key", "postgres-app", "redis-cache", "redis-queue"), STEADY)


def steps(plan: Plan) -> list[tuple[str, str]]:
    return [(stage.step.value, " ".join(stage.names)) for stage in plan.stages]


def end_of(phases: Mapping[str, Phase], plan: Plan) -> dict[str, Phase]:
    """Where the steps lead."""
    found = dict(phases)
    for stage in plan.stages:
        found |= {name: TRANSITIONS.get((found[name], stage.step), found[name]) for name in stage.names}
    return found


@pytest.mark.parametrize(("what", "names"), [
    ("all", list(KNOWN)), ("redis", ["redis-cache", "redis-queue"]), ("ca", ["authority"]),
    ("postgres-app", ["postgres-app"]), ("edge,redis-queue", ["edge-cookie-key", "redis-queue"])])
def test_what_is_meant(what: str, names: list[str]) -> None:
    assert select(what, KNOWN) == names


def test_what_nobody_has_is_refused_with_what_there_is() -> None:
    with pytest.raises(PlanError, match=r"'mysql' is nothing.*\n.*redis-cache"):
        select("redis,mysql", KNOWN)


def test_a_rotation_takes_three_steps_of_all_names() -> None:
    assert steps(forward({"a": STEADY, "b": STEADY})) == [("introduce", "a b"), ("switch", "a b"), ("retire", "a b")]
    assert steps(forward({"a": STEADY}, Step.SWITCH)) == [("introduce", "a"), ("switch", "a")]
    assert steps(forward({"a": SWITCHED}, Step.SWITCH)) == []


@pytest.mark.parametrize(("phases", "left"), [
    ({"a": INTRODUCED, "b": STEADY}, [("introduce", "b"), ("switch", "a b"), ("retire", "a b")]),
    ({"a": INTRODUCED, "b": INTRODUCED}, [("switch", "a b"), ("retire", "a b")]),
    ({"a": SWITCHED, "b": INTRODUCED}, [("switch", "b"), ("retire", "a b")]),
    ({"a": SWITCHED, "b": SWITCHED}, [("retire", "a b")]),
    ({"a": SWITCHED, "b": STEADY}, [("retire", "a")]),
], ids=["while introducing", "introduced", "while switching", "switched", "while retiring"])
def test_a_rotation_cut_off_goes_on_where_it_was(phases: dict[str, Phase], left: list[tuple[str, str]]) -> None:
    plan = forward(phases)
    assert steps(plan) == left
    assert set(end_of(phases, plan).values()) == {STEADY}
    assert plan.resumed == tuple(name for name, phase in phases.items() if phase is not STEADY)


def test_nothing_is_rotated_a_second_time_when_a_rotation_goes_on() -> None:
    assert forward({"a": SWITCHED, "b": STEADY}).left_out == ("b",)


@pytest.mark.parametrize("phases", [
    {"a": INTRODUCED, "b": STEADY}, {"a": SWITCHED, "b": INTRODUCED}, {"a": SWITCHED, "b": STEADY}])
def test_what_is_unfinished_is_taken_back(phases: dict[str, Phase]) -> None:
    plan = back(phases)
    assert set(end_of(phases, plan).values()) == {STEADY}
    assert {stage.step for stage in plan.stages} == {Step.WITHDRAW}
    assert not any("b" in stage.names for stage in plan.stages) or phases["b"] is not STEADY


def test_there_is_nothing_to_take_back_of_what_is_steady() -> None:
    assert back(KNOWN).stages == ()


def test_a_stage_is_asked_for_as_the_program_reads_it() -> None:
    assert Stage(Step.SWITCH, ("a", "b")).request == "switch:a,b"
