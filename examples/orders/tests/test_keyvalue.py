"""Redis may fail; nobody waits long for it, and one alone finds out when it goes well again."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Awaitable, Callable
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


class Client:
    """Stands in for a cluster's client: knows whether it was made ready and closed, and how often it was tried."""

    def __init__(self, *, reachable: bool = True, unreachable_for: int = 0) -> None:
        self.unreachable_for = unreachable_for if reachable else 10**6
        self.ready, self.closed, self.tries = False, False, 0

    async def initialize(self) -> None:
        self.tries += 1
        if self.tries <= self.unreachable_for:
            raise RedisConnectionError("refused")
        self.ready = True

    async def exists(self, _key: str) -> int:
        return 0

    async def aclose(self) -> None:
        self.closed = True


class Store(KeyValueStore):
    """Makes these clients, one after the other, the last one for ever."""

    def __init__(self, *clients: Client, limit_s: float = 0.05, patient: bool = False, authority: Path | None = None,
                 nodes: tuple[tuple[str, int], ...] = (("nowhere", 6379),)) -> None:
        self.state = State("cache")
        access = RedisAccess("cache", nodes, "cache", "cache:", authority=str(authority) if authority else None)
        super().__init__(access, self.state, limit_s, patient=patient)
        self.clients = list(clients) or [Client()]

    def _make(self) -> Any:
        return self.clients.pop(0) if len(self.clients) > 1 else self.clients[0]

    async def settled(self) -> Store:
        """After what is being mended is mended."""
        while self._client is None or self._is_mending():
            await asyncio.wait({self._mend_soon(0)})
        return self


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keyvalue, "PAUSE_S", 0.02)


async def fails(_: Any) -> None:
    raise RedisConnectionError("refused")


async def answers(_: Any) -> str:
    return "here"


async def itself(client: Any) -> Any:
    return client


def failing(times: int) -> Callable[[Any], Awaitable[str]]:
    """An operation that fails so often before it answers."""
    left = times

    async def operation(client: Any) -> str:
        nonlocal left
        left -= 1
        if left >= 0:
            await fails(client)
        return "here"

    return operation


async def test_an_answer() -> None:
    store = await Store().settled()
    assert await store.run(answers) == "here"
    assert store.state.up
    assert store.key("popularity") == "cache:popularity"


async def test_without_redis() -> None:
    with pytest.raises(UnavailableError, match="no Redis"):
        await Store(nodes=()).run(answers)


@pytest.mark.parametrize(
    "error", [RedisConnectionError("refused"), RedisClusterException("no node"), OSError("unreachable")])
async def test_every_kind_of_failure_is_one(error: Exception) -> None:
    async def operation(_: Any) -> None:
        raise error

    store = await Store().settled()
    with pytest.raises(UnavailableError):
        await store.run(operation)
    assert store.state.up is False
    await store.close()


@pytest.mark.parametrize(("limit_s", "answered"), [(0.02, False), (1.0, True)])
async def test_what_hangs_is_given_up_in_its_time(limit_s: float, answered: bool) -> None:
    async def slow(_: Any) -> str:
        await asyncio.sleep(0.1)
        return "late"

    store = await Store(limit_s=limit_s).settled()
    if answered:
        assert await store.run(slow) == "late"
    else:
        with pytest.raises(UnavailableError):
            await store.run(slow)
    await store.close()


async def test_after_a_failure_nobody_waits_until_it_answers_again() -> None:
    store = await Store().settled()
    with pytest.raises(UnavailableError, match="refused"):
        await store.run(fails)
    with pytest.raises(UnavailableError, match="not again yet"):
        await store.run(answers)
    await store.settled()
    assert await store.run(answers) == "here" and store.state.up


async def test_who_is_patient_tries_again_until_it_goes_well() -> None:
    store = Store(Client(unreachable_for=2), limit_s=1.0, patient=True)
    assert await store.run(failing(2)) == "here"
    assert store.state.up is True


async def test_even_the_patient_give_up_in_their_time() -> None:
    for store, operation in ((Store(Client(reachable=False), limit_s=0.1, patient=True), answers),
                             (await Store(limit_s=0.1, patient=True).settled(), fails)):
        began = time.monotonic()
        with pytest.raises(UnavailableError):
            await store.run(operation)
        assert 0.09 < time.monotonic() - began < 0.5
        await store.close()


async def test_one_alone_finds_out_however_many_wait() -> None:
    """Each by itself, and out of time in the middle, they once kept each other from ever learning the layout."""
    client = Client(unreachable_for=5)
    store = Store(client, limit_s=2.0, patient=True)
    assert await asyncio.gather(*(store.run(answers) for _ in range(50))) == ["here"] * 50
    assert client.tries == 6


async def test_what_began_before_it_was_mended_says_nothing() -> None:
    store = await Store(limit_s=1.0, patient=True).settled()
    late = asyncio.Event()

    async def fails_late(client: Any) -> str:
        if late.is_set():
            return "here"
        await late.wait()
        return await fails(client) or ""

    waiting = asyncio.create_task(store.run(fails_late))
    await asyncio.sleep(0)
    assert await store.run(failing(1)) == "here"
    mended = store._mended
    late.set()
    assert await waiting == "here" and store._mended == mended


async def test_the_client_is_made_anew_after_some_failures_in_a_row() -> None:
    first, second = Client(reachable=False), Client()
    store = await Store(first, second).settled()
    assert first.closed and first.tries == keyvalue.GIVE_UP_AFTER
    assert await store.run(itself) is second


async def test_an_end_in_the_middle_of_it() -> None:
    store = Store(Client(reachable=False))
    with pytest.raises(UnavailableError):
        await store.run(answers)
    await store.close()
    assert store._client is None and not store._is_mending()


def replace(file: Path, text: str) -> None:
    """As an engine does it that copies files into a container: each carries the time that its archive says."""
    file.write_text(text)
    os.utime(file, ns=(0, 0))


async def test_a_changed_authority_gets_a_client_of_its_own(tmp_path: Path) -> None:
    authority = tmp_path / "ca.pem"
    replace(authority, "old")
    first, unreachable, second = Client(), Client(reachable=False), Client()
    store = await Store(first, unreachable, second, authority=authority, limit_s=0.01).settled()
    assert await store.run(itself) is first
    await store.renew()
    assert await store.run(itself) is first, "nothing has changed"
    replace(authority, "new")
    await store.renew()
    assert await store.run(itself) is first and unreachable.closed, "a client that can't connect replaces nobody"
    await store.renew()
    assert await store.run(itself) is second and second.ready and first.closed
    await store.renew()
    assert await store.run(itself) is second
