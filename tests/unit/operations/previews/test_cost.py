"""Cost by dated price files: own hardware, a cloud, and what nobody knows."""

from __future__ import annotations

from pathlib import Path

import pytest

from operations.changes.declared import plan
from operations.changes.plan import Plan
from operations.previews import cost, markdown, steps, text
from operations.previews.report import Report

RENTED = """
target: rented
dated: 2026-11-01
currency: EUR
instance: {class: standard-4, cpus: 4, memory_gib: 16, per_hour: 0.10}
volume_gib_month: 0.05
traffic_gib: 0.01
traffic_gib_month: 500
"""


def volumes(*sizes: float | None, op: str = "same") -> list[steps.Step]:
    inputs = [{"volume": "v", **({"sizeGib": size} if size is not None else {})} for size in sizes]
    return [steps.Step(f"v{n}", "t", op, {} if op == "create" else one, one) for n, one in enumerate(inputs)]


def rented(folder: Path, content: str = RENTED) -> cost.Prices:
    (folder / "rented.yaml").write_text(content)
    return cost.read("rented", folder)


def test_own_hardware_costs_nothing_more() -> None:
    made = cost.estimate(cost.read("docker"), Plan({}), plan({}), [])
    assert made.own_hardware
    said = markdown.render(Report(project="p", stack="s", cost=made))
    assert "**Cost:** 0 before, 0 after (own hardware; prices of docker as of 20" in said


def test_a_cloud_is_counted_by_instances_volumes_and_traffic(tmp_path: Path) -> None:
    small, large = plan({}), plan({"app": {"pools": {"web": {"cpus": 8.0}}}})
    found = [*volumes(10, 10), *volumes(30, op="create")]
    made = cost.estimate(rented(tmp_path), small, large, found)
    amounts = {amount.what: (amount.before, amount.after) for amount in made.amounts}
    cpus = [sum(float(member.container["cpus"]) for member in one.members.values()) for one in (small, large)]
    expected = tuple(round(max(-(-cores // 4), 3) * 0.10 * 730, 2) for cores in cpus)
    assert amounts == {"instances of standard-4": expected, "volumes": (1.0, 2.5), "traffic": (5.0, 5.0)}
    total = f"{expected[0] + 6:.2f} EUR before, {expected[1] + 7.5:.2f} EUR after"
    assert f"**Cost a month:** {total}" in markdown.render(Report(project="p", stack="s", cost=made))


def test_unknown_is_said_as_unknown_with_the_date() -> None:
    made = cost.estimate(cost.read("kubernetes"), plan({}), plan({}), volumes(1))
    comment = markdown.render(Report(project="p", stack="s", cost=made))
    assert "**Cost a month:** unknown" in comment and f"as of {made.dated}" in comment
    assert "has no instance, no volume&#95;gib&#95;month" in comment
    assert "unknown before, unknown after" in text.render(Report(project="p", stack="s", cost=made))


def test_a_volume_of_unknown_size_makes_the_sum_unknown(tmp_path: Path) -> None:
    made = cost.estimate(rented(tmp_path), plan({}), plan({}), volumes(10, None))
    assert made.amounts[1].after is None and "no recorded size" in made.unknown[0]
    assert cost.total([amount.after for amount in made.amounts]) is None


@pytest.mark.parametrize("content", [
    "target: rented", "- a", RENTED + "own_hardware: true", RENTED + "spot: 1", "a: ["])
def test_a_price_file_that_can_not_be_used_says_so(tmp_path: Path, content: str) -> None:
    with pytest.raises(cost.PriceError, match=r"rented\.yaml"):
        rented(tmp_path, content)


def test_a_missing_price_file_says_so(tmp_path: Path) -> None:
    with pytest.raises(cost.PriceError, match="missing"):
        cost.read("moon", tmp_path)
