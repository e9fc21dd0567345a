"""The pool: bounded waits, no broken connection lent, quick replacement."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import psycopg
import pytest

from orders import pool as pools
from orders.configuration import PoolSize
from orders.pool import Pool, PoolTimeoutError

pytestmark = pytest.mark.anyio


class FakeConnection:
    """As much of a connection as the pool looks at."""

    def __init__(self) -> None:
        self.warning: str | None = "from the one before"
        self.expires = float("inf")
        self.idle_since = 0.0
        self.overdue = False
        self.broken = False
        self.closed = False
        self.events: list[str] = []
        self.pgconn = self

    def usable(self) -> bool:
        return not self.broken and not self.closed

    def finish(self) -> None:
        self.closed = True

    async def close(self) -> None:
        self.closed = True

    def sever(self) -> None:
        self.events.append("sever")

    async def cancel_safe(self, timeout: float) -> None:
        self.events.append("cancel")


class FakePool(Pool):
    """Connects to nothing; ``reachable`` says whether that works."""

    def __init__(self, minimum: int, maximum: int) -> None:
        super().__init__("fake", "host=nowhere", PoolSize(minimum, maximum))
        self.reachable = True
        self.made: list[FakeConnection] = []

    async def _open(self) -> Any:
        if not self.reachable:
            raise psycopg.OperationalError("connection refused")
        self.made.append(FakeConnection())
        return self.made[-1]


@asynccontextmanager
async def running(minimum: int = 1, maximum: int = 1) -> AsyncIterator[FakePool]:
    pool = FakePool(minimum, maximum)
    async with pool:
        await asyncio.sleep(0.01)
        yield pool


def soon(seconds: float = 5) -> float:
    return asyncio.get_running_loop().time() + seconds


async def test_opens_its_minimum_and_reuses_it() -> None:
    async with running(2, 4) as pool:
        assert pool.open_count == 2
        for _ in range(5):
            async with pool.lend(1, soon()) as connection:
                assert connection.warning is None
        assert len(pool.made) == 2
        assert pool.last_success > 0


async def test_grows_to_its_maximum_and_no_further() -> None:
    async with running(1, 2) as pool, pool.lend(1, soon()), pool.lend(1, soon()):
        with pytest.raises(PoolTimeoutError):
            async with pool.lend(0.05, soon()):
                pass
        assert pool.open_count == 2
        assert pool.waiting_count == 0


async def test_the_deadline_also_limits_the_wait() -> None:
    async with running() as pool, pool.lend(1, soon()):
        began = asyncio.get_running_loop().time()
        with pytest.raises(PoolTimeoutError):
            async with pool.lend(5, soon(0.05)):
                pass
        assert asyncio.get_running_loop().time() - began < 1


async def test_who_waits_gets_what_is_returned() -> None:
    async with running() as pool:
        async with pool.lend(1, soon()) as first:
            waiting = asyncio.create_task(pool.lend(1, soon()).__aenter__())
            await asyncio.sleep(0.01)
        assert await waiting is first


async def test_who_is_cancelled_while_waiting_loses_no_connection() -> None:
    async with running() as pool:
        async with pool.lend(1, soon()):
            waiting = asyncio.create_task(pool.lend(1, soon()).__aenter__())
            await asyncio.sleep(0.01)
        waiting.cancel()  # it has been given the connection, and hasn't run since
        await asyncio.gather(waiting, return_exceptions=True)
        async with pool.lend(0.1, soon()):
            pass


async def test_a_broken_idle_connection_is_replaced_unseen() -> None:
    async with running(2, 2) as pool:
        for connection in pool.made:
            connection.broken = True
        async with pool.lend(1, soon()) as connection:
            assert connection not in pool.made[:2]
        assert pool.made[0].closed
        assert pool.made[1].closed


async def test_one_broken_connection_clears_out_the_others_like_it() -> None:
    async with running(3, 3) as pool:
        async with pool.lend(1, soon()):
            for connection in pool.made:
                connection.broken = True
        await asyncio.sleep(0.01)
        assert [connection.closed for connection in pool.made] == [True] * 3 + [False] * 3


async def test_an_outage_is_explained_and_ends_quickly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pools, "RETRY_S", 0.01)
    async with running() as pool:
        pool.reachable = False
        async with pool.lend(1, soon()) as connection:
            connection.broken = True  # type: ignore[attr-defined]
        with pytest.raises(PoolTimeoutError, match="connection refused"):
            async with pool.lend(0.05, soon()):
                pass
        pool.reachable = True
        async with pool.lend(1, soon()):
            pass


async def test_an_overdue_statement_is_cancelled_then_severed_and_its_connection_not_lent_again() -> None:
    async with running() as pool:
        async with pool.lend(1, soon(0.1)) as connection:
            await asyncio.sleep(0.15)
        assert connection.events == ["cancel", "sever"]  # type: ignore[attr-defined]
        async with pool.lend(1, soon()) as another:
            assert another is not connection


async def test_an_answer_in_time_is_left_alone() -> None:
    async with running() as pool:
        async with pool.lend(1, soon(0.1)) as connection:
            pass
        await asyncio.sleep(0.15)
        assert connection.events == []  # type: ignore[attr-defined]


async def test_closing_closes_every_connection() -> None:
    async with running(2, 2) as pool:
        pass
    assert all(connection.closed for connection in pool.made)
