"""In which order a first start makes its members: with what the gate lets through, and when."""

from __future__ import annotations

import asyncio
from typing import Any

import pulumi
import pytest

from components.targets.docker import stages, waiting
from components.targets.docker.stages import Stages

MEMBER = {"member": "web-blue-1", "container": "evenkeel-shop-web-blue-1", "health": ["true"], "startSeconds": 60}


class Container:
    """Of a container, what a gate looks at."""

    def __init__(self) -> None:
        self.made: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self.id = self

    def future(self) -> asyncio.Future[str]:
        return self.made


@pytest.fixture(autouse=True)
def no_preview(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pulumi.runtime, "is_dry_run", lambda: False)


async def named(name: pulumi.Input[str]) -> Any:
    return await asyncio.wait_for(name.future(), 1) if isinstance(name, pulumi.Output) else name


def test_a_later_stage_waits_until_the_former_is_made_or_could_not_be() -> None:
    async def start() -> None:
        one, other, begun = Container(), Container(), Stages(first=True)
        begun.begin([one, other])  # type: ignore[list-item]
        waiting_for_it = asyncio.ensure_future(named(begun.in_turn("redis-1")))
        one.made.set_result("id")
        await asyncio.sleep(0.05)
        assert not waiting_for_it.done(), "one of two is made"
        other.made.set_exception(RuntimeError("no such image"))
        assert await waiting_for_it == "redis-1"

    asyncio.run(start())


@pytest.mark.parametrize("identity", ["", None, RuntimeError("no such image")], ids=["targeted", "unknown", "failed"])
def test_nobody_waits_for_who_was_not_made(identity: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waiting, "until_ready", lambda _members: pytest.fail("it was waited for"))

    async def start() -> None:
        made, begun = Container(), Stages(first=True)
        made.made.set_exception(identity) if isinstance(identity, Exception) else made.made.set_result(identity)
        begun.begin([made], [MEMBER])  # type: ignore[list-item]
        assert await named(begun.in_turn("prometheus-1")) == "prometheus-1"

    asyncio.run(start())


@pytest.mark.parametrize("serves", [True, False])
def test_who_watches_waits_until_others_serve_for_a_time(serves: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[dict[str, Any]] = []

    def until_ready(members: list[dict[str, Any]]) -> None:
        asked.extend(members)
        if not serves:
            raise waiting.NotReadyError("web-blue-1 does not serve")

    monkeypatch.setattr(waiting, "until_ready", until_ready)

    async def start() -> None:
        made, begun = Container(), Stages(first=True)
        made.made.set_result("id")
        begun.begin([made], [MEMBER])  # type: ignore[list-item]
        assert await named(begun.in_turn("prometheus-1")) == "prometheus-1"
        assert asked == [{**MEMBER, "startSeconds": stages.SERVING_S}]

    asyncio.run(start())


def test_where_members_run_already_nobody_waits() -> None:
    async def start() -> None:
        begun = Stages(first=False)
        begun.begin([Container()], [MEMBER])  # type: ignore[list-item]
        assert begun.in_turn("redis-1") == "redis-1"

    asyncio.run(start())
