"""A member's turn to be replaced: after the others serve, and after its clients were led away."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any
from unittest import mock

import pytest

from components.targets.docker import engine, inputs, steps, turns, waiting
from components.targets.docker.turn import TurnProvider

PROPS: dict[str, Any] = {
    "stack": "t", "member": "door-1", "container": "evenkeel-t-door-1", "health": ["ok"], "fingerprint": "new",
    "settleSeconds": 0,
    "others": [{"member": "door-2", "container": "evenkeel-t-door-2", "health": ["ok"], "startSeconds": 1}],
    "drain": [{"workload": "", "command": ["close"]}, {"workload": "pooler", "command": ["reconnect"]}],
}


def take(ran: list[str], *, fingerprint: str = "old", others: Exception | None = None, failing: str = "") -> None:
    own = SimpleNamespace(name="door-1", status="running", labels={inputs.FINGERPRINT_LABEL: fingerprint})
    pooler = SimpleNamespace(name="pooler-1", status="running", labels={})

    def run(container: Any, command: list[str]) -> tuple[int, str]:
        ran.append(f"{container.name} {command[0]}")
        return int(command[0] == failing), "said so"

    with (mock.patch.object(engine, "find", return_value=own), mock.patch.object(engine, "run_inside", run),
          mock.patch.object(steps, "running", return_value=[pooler]),
          mock.patch.object(waiting, "until_ready", side_effect=others or (lambda _: ran.append("others serve")))):
        turns.take(PROPS)


def test_first_the_others_serve_then_clients_are_led_away() -> None:
    ran: list[str] = []
    take(ran)
    assert ran == ["door-1 ok", "others serve", "door-1 close", "pooler-1 reconnect"]


def test_a_member_that_is_as_wanted_already_is_left_alone() -> None:
    ran: list[str] = []
    take(ran, fingerprint="new")
    assert ran == []


def test_while_another_one_does_not_serve_nobody_is_taken_away() -> None:
    ran: list[str] = []
    with pytest.raises(turns.TurnError, match=r"door-1 is not replaced.*too few"):
        take(ran, others=waiting.NotReadyError("door-2"))
    assert ran == ["door-1 ok"]


def test_who_does_not_serve_is_replaced_at_once_even_if_nobody_else_does() -> None:
    """Otherwise a workload whose members are all broken could never be mended."""
    ran: list[str] = []
    take(ran, others=waiting.NotReadyError("door-2"), failing="ok")
    assert ran == ["door-1 ok"]


def test_clients_that_can_not_be_led_away_keep_their_member() -> None:
    with pytest.raises(turns.TurnError, match=r"door-1 is not replaced.*said so"):
        take([], failing="reconnect")


@pytest.mark.parametrize(("more", "changes"), [({}, False), ({"fingerprint": "newer"}, True), ({"others": []}, False)])
def test_only_another_container_is_a_turn(more: dict[str, Any], changes: bool) -> None:
    assert TurnProvider().diff("door-1", PROPS, {**PROPS, **more}).changes is changes
