"""Steps inside members: in order, ended by a failure."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any
from unittest import mock

import pytest

from components.targets.docker import converging, engine, steps
from components.targets.docker.convergence import ConvergenceProvider
from components.workload import Step

ROW = steps.described((Step(("close",)), Step(("reconnect",), workload="pooler"), Step(("wait",))))
MEMBER: Any = SimpleNamespace(name="store-1")
POOLERS = [SimpleNamespace(name="pooler-1"), SimpleNamespace(name="pooler-2")]


def run(codes: dict[str, int] | None = None) -> list[str]:
    """What was run where; ``codes`` are exit statuses other than 0."""
    ran: list[str] = []

    def inside(container: Any, command: list[str]) -> tuple[int, str]:
        ran.append(f"{container.name} {command[0]}")
        return (codes or {}).get(command[0], 0), "said so"

    with mock.patch.object(engine, "run_inside", inside), mock.patch.object(steps, "running", return_value=POOLERS):
        try:
            steps.run("t", MEMBER, ROW)
        except steps.StepError as error:
            ran.append(str(error))
    return ran


def test_steps_run_in_order_and_in_every_member_of_a_workload() -> None:
    ran = run()
    assert ran[0] == "store-1 close" and set(ran[1:3]) == {"pooler-1 reconnect", "pooler-2 reconnect"}
    assert ran[3:] == ["store-1 wait"]


def test_described_steps_survive_pulumi_which_drops_what_is_none() -> None:
    assert all(value is not None for step in ROW for value in step.values())


def test_a_failure_ends_the_row_and_says_where() -> None:
    assert run({"close": 1}) == ["store-1 close", "in store-1, `close` failed (1): said so"]


@pytest.mark.parametrize(("trigger", "changes"), [("one", False), ("two", True)])
def test_a_convergence_is_called_for_by_its_files(trigger: str, changes: bool) -> None:
    old = {"workload": "store", "stack": "t", "trigger": "one", "steps": []}
    assert ConvergenceProvider().diff("store", old, {**old, "trigger": trigger, "steps": ROW}).changes is changes


def test_a_failed_convergence_says_what_runs_and_what_to_do() -> None:
    props = {"stack": "t", "workload": "store", "steps": ROW}
    with (mock.patch.object(steps, "running", return_value=[MEMBER]),
          mock.patch.object(steps, "run", side_effect=steps.StepError("no")),
          pytest.raises(converging.ConvergenceError, match=r"(?s)store: the new settings are in place.*no.*Next: ")):
        converging.converge(props)
