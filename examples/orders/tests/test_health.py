"""Health: cheap for the database however many ask, honest, and failing at once when draining."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest

from orders import health as healths
from orders.health import Check, Health
from orders.states import State

pytestmark = pytest.mark.anyio


class Asked:
    """Counts how often it is asked."""

    def __init__(self, answer: bool = True) -> None:
        self.answer = answer
        self.times = 0
        self.evidence = float("-inf")
        self.check = Check(self.ask, lambda: self.evidence)

    async def ask(self, limit_s: float) -> bool:
        self.times += 1
        await asyncio.sleep(0.01)
        return self.answer


async def test_many_who_ask_at_once_are_one_question() -> None:
    asked = Asked()
    assert all(await asyncio.gather(*(asked.check.passes() for _ in range(20))))
    assert asked.times == 1


async def test_an_answer_is_good_for_a_moment_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(healths, "FRESH_S", 0.02)
    asked = Asked()
    assert await asked.check.passes()
    asked.answer = False
    await asyncio.sleep(0.03)
    assert not await asked.check.passes()


async def test_a_busy_worker_proves_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(healths, "FRESH_S", 0.02)
    asked = Asked()
    assert await asked.check.passes()
    await asyncio.sleep(0.03)
    asked.evidence = asyncio.get_running_loop().time()
    assert await asked.check.passes()
    assert asked.times == 1


async def test_a_pause_is_waited_for_and_what_lasts_longer_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(healths, "FRESH_S", 0.01)
    asked = Asked()
    check = Check(asked.ask, lambda: asked.evidence, pause_s=0.2)
    assert await check.passes()
    asked.answer = False
    await asyncio.sleep(0.05)
    assert await check.passes() and asked.times == 2, "it was asked, and did not answer"
    await asyncio.sleep(0.25)
    assert not await check.passes()
    asked.answer = True
    await asyncio.sleep(0.02)
    assert await check.passes()


async def test_what_was_never_proved_is_no_pause() -> None:
    asked = Asked(answer=False)
    assert not await Check(asked.ask, lambda: asked.evidence, pause_s=60).passes()


async def test_who_asks_and_leaves_does_not_spoil_it_for_the_others() -> None:
    asked = Asked()
    impatient = asyncio.create_task(asked.check.passes())
    patient = asyncio.create_task(asked.check.passes())
    await asyncio.sleep(0)
    impatient.cancel()
    assert await patient


def worker(writes: bool = True, reads: bool = True, states: list[State] | None = None) -> Health:
    async def can_write(_: float) -> bool:
        return writes

    async def can_read(_: float) -> bool:
        return reads

    primary = SimpleNamespace(last_success=float("-inf"))
    database: Any = SimpleNamespace(can_write=can_write, can_read=can_read, primary=primary, reader=None)
    return Health(database, states or [])


async def test_reading_and_writing_are_judged_apart() -> None:
    health = worker(writes=False)
    assert not await health.can_write()
    assert await health.can_read()


async def test_draining_fails_both_at_once() -> None:
    health = worker()
    assert await health.can_write()
    health.draining = True
    assert not await health.can_write()
    assert not await health.can_read()
    assert health.summary() == "draining"


async def test_a_dependency_that_is_down_degrades() -> None:
    state = State("cache")
    health = worker(states=[state])
    assert health.summary() == "ok"
    state.set(False, "refused")
    assert health.summary() == "degraded"
    assert await health.can_write()


async def test_a_change_is_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    state = State("cache")
    for _ in range(3):
        state.set(False, "refused")
    state.set(True)
    assert [record.levelname for record in caplog.records if record.name == "orders.states"][:1] == ["WARNING"]
    assert len([record for record in caplog.records if record.levelname == "WARNING"]) == 1
