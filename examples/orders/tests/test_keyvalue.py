"""Redis may fail; nobody waits for it."""

from __future__ import annotations

import asyncio
import os
import time
from pathlib import Path
from typing import Any

import pytest
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisClusterException

from orders import keyvalue
from orders.configuration import RedisAccess
from orders.keyvalue import KeyValueStore, UnavailableError
from orders.states import State

pytestmark = pytest.mark.anyio


class Store(KeyValueStore):
    """Counts the clients it makes; connects to nothing."""

    def __init__(self, nodes: tuple[tuple[str, int], ...] = (("nowhere", 6379),), limit_s: float = 0.02, *,
                 patient: bool = False) -> None:
        self.state = State("cache")
        super().__init__(RedisAccess("cache", nodes, "cache", "cache:"), self.state, limit_s, patient=patient)
        self.forgotten = 0

    def _connected(self) -> Any:
        return None

    async def _forget(self) -> None:
        self.forgotten += 1


async def fails(_: Any) -> None:
    raise RedisConnectionError("refused")


async def answers(_: Any) -> str:
    return "here"


async def test_an_answer() -> None:
    store = Store()
    assert await store.run(answers) == "here"
    assert store.state.up
    assert store.key("popularity") == "cache:popularity"


async def test_without_redis() -> None:
    with pytest.raises(UnavailableError, match="no Redis"):
        await Store(()).run(answers)


@pytest.mark.parametrize(
    "error", [RedisConnectionError("refused"), RedisClusterException("no node"), OSError("unreachable")])
async def test_every_kind_of_failure_is_one(error: Exception) -> None:
    async def operation(_: Any) -> None:
        raise error

    store = Store()
    with pytest.raises(UnavailableError):
        await store.run(operation)
    assert store.state.up is False


@pytest.mark.parametrize(("limit_s", "answered"), [(0.02, False), (1.0, True)])
async def test_what_hangs_is_given_up_in_its_time(limit_s: float, answered: bool) -> None:
    async def slow(_: Any) -> str:
        await asyncio.sleep(0.1)
        return "late"

    store = Store(limit_s=limit_s)
    if answered:
        assert await store.run(slow) == "late"
    else:
        with pytest.raises(UnavailableError):
            await store.run(slow)


async def test_after_a_failure_nobody_waits_until_the_pause_is_over(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keyvalue, "PAUSE_S", 0.05)
    store = Store()
    with pytest.raises(UnavailableError):
        await store.run(fails)
    with pytest.raises(UnavailableError, match="a moment ago"):
        await store.run(answers)
    await asyncio.sleep(0.06)
    assert await store.run(answers) == "here"


async def test_who_is_patient_tries_again_until_it_goes_well(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keyvalue, "PAUSE_S", 0.02)
    store, attempts = Store(limit_s=1.0, patient=True), 0

    async def third_time_lucky(_: Any) -> str:
        nonlocal attempts
        attempts += 1
        return await (answers(_) if attempts == 3 else fails(_))

    assert await store.run(third_time_lucky) == "here"
    assert store.state.up is True


async def test_even_the_patient_give_up_in_their_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keyvalue, "PAUSE_S", 0.02)
    store = Store(limit_s=0.1, patient=True)
    began = time.monotonic()
    with pytest.raises(UnavailableError):
        await store.run(fails)
    assert 0.05 < time.monotonic() - began < 0.5


async def test_the_client_is_made_anew_after_some_failures_in_a_row(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keyvalue, "PAUSE_S", 0.0)
    store = Store()
    for _ in range(keyvalue.GIVE_UP_AFTER):
        assert store.forgotten == 0
        with pytest.raises(UnavailableError):
            await store.run(fails)
    assert store.forgotten == 1


class Client:
    """Stands in for a cluster's client: knows whether it was made ready and closed."""

    def __init__(self, *, reachable: bool = True) -> None:
        self.reachable, self.ready, self.closed = reachable, False, False

    async def initialize(self) -> None:
        if not self.reachable:
            raise RedisConnectionError("refused")
        self.ready = True

    async def aclose(self) -> None:
        self.closed = True


class Renewing(KeyValueStore):
    """Makes these clients, one after the other."""

    def __init__(self, authority: Path, *clients: Client) -> None:
        access = RedisAccess("cache", (("nowhere", 6379),), "cache", "cache:", authority=str(authority))
        super().__init__(access, State("cache"), limit_s=0.01)
        self.clients = list(clients)

    def _make(self) -> Any:
        return self.clients.pop(0)

    async def current(self) -> Any:
        async def itself(client: Any) -> Any:
            return client

        return await self.run(itself)


def replace(file: Path, text: str) -> None:
    """As an engine does it that copies files into a container: each carries the time that its archive says."""
    file.write_text(text)
    os.utime(file, ns=(0, 0))


async def test_a_changed_authority_gets_a_client_of_its_own(tmp_path: Path) -> None:
    authority = tmp_path / "ca.pem"
    replace(authority, "old")
    first, unreachable, second = Client(), Client(reachable=False), Client()
    store = Renewing(authority, first, unreachable, second)
    assert await store.current() is first
    await store.renew()
    assert await store.current() is first, "nothing has changed"
    replace(authority, "new")
    await store.renew()
    assert await store.current() is first and unreachable.closed, "a client that can't connect replaces nobody"
    await store.renew()
    assert await store.current() is second and second.ready and first.closed
    await store.renew()
    assert await store.current() is second
