"""The way back of a rolling release that left the former colour fewer workers than it had."""

from __future__ import annotations

from contextlib import nullcontext
from types import SimpleNamespace
from typing import Any

import pytest
from ansible_collections.evenkeel.platform.plugins.module_utils import (
    balancing,
    lock_store,
    release,
    release_store,
    returning,
    running,
    split,
    switching,
)

ASKED = {"purpose": "rollback", "switch": True, "force": False}


def rolling_release(capacity: int) -> release.Release:
    made, _ = release.begin(None, stack="shop", image="shop:2", strategy="rolling", active="blue",
                            active_image="shop:1", last_serial=1, who="ada", now=1.0, capacity={"web": capacity})
    return made


def came_back(monkeypatch: pytest.MonkeyPatch, workers: dict[str, int], refused: str = "") -> tuple[Any, list[int]]:
    """What ``back`` tells where ``workers`` of four run and green has everything; the shares that blue was given."""
    members = [SimpleNamespace(name=f"web-{colour}-{number}", running=True,
                               labels={"evenkeel.pool": "web", "evenkeel.colour": colour})
               for colour, count in workers.items() for number in range(1, count + 1)]
    given: list[int] = []

    class Switch:
        def __init__(self, _streams: Any, asked: dict[str, Any], _check_mode: bool) -> None:
            self.percent = asked["percent"]

        def among(self, *_: Any) -> dict[str, Any]:
            if refused:
                raise running.RefusedError(refused)
            given.append(self.percent)
            return {"changed": True, "narration": [], "switch": {}}

    monkeypatch.setattr(balancing, "Balancers", lambda _streams: SimpleNamespace(opened=lambda: nullcontext(([], {}))))
    monkeypatch.setattr(lock_store, "take_first", lambda *_: [])
    monkeypatch.setattr(release_store, "Releases", lambda _streams: SimpleNamespace(current=lambda: rolling_release(4)))
    monkeypatch.setattr(split, "look", lambda *_: {"haproxy-1": SimpleNamespace(running={"web": "100"})})
    monkeypatch.setattr(switching, "Switch", Switch)
    streams: Any = SimpleNamespace(stack="shop", members=lambda: members)
    return returning.back(streams, ASKED, False), given


@pytest.mark.parametrize(("workers", "share", "left"), [
    ({"blue": 4, "green": 1}, [100], False), ({"blue": 2, "green": 2}, [100], True),
    ({"blue": 1, "green": 3}, [25], True), ({"blue": 0, "green": 4}, [], True)])
def test_former_workers_take_at_once_what_they_can_and_the_rest_is_left_to_do(
        workers: dict[str, int], share: list[int], left: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    told, given = came_back(monkeypatch, workers)
    assert given == share and told["needed"] is left and told["short"] is left


def test_what_cannot_take_its_share_yet_does_not_keep_the_others_from_coming_back(
        monkeypatch: pytest.MonkeyPatch) -> None:
    told, _ = came_back(monkeypatch, {"blue": 1, "green": 3}, refused="green can't take the requests")
    assert told["needed"] and "green can't take the requests" in told["narration"][-1] and "switch" not in told
    with pytest.raises(running.RefusedError):
        came_back(monkeypatch, {"blue": 4, "green": 1}, refused="blue can't take the requests")
