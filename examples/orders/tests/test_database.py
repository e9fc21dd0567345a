"""Who is asked for a read, and what is known of primary and readers."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any

import psycopg
import pytest

from orders.configuration import Configuration
from orders.database import Database, DatabaseUnavailableError
from orders.pool import PoolTimeoutError
from orders.states import State

pytestmark = pytest.mark.anyio


class FakePool:
    """Answers every query with one value, or fails every one."""

    def __init__(self, answer: Any) -> None:
        self.answer = answer
        self.asked = 0
        self.last_success = 0.0
        self.failures = float("inf")
        """How often it fails before it answers."""

    @asynccontextmanager
    async def lend(self, wait_s: float, deadline: float) -> AsyncIterator[Any]:
        self.asked += 1
        if isinstance(self.answer, PoolTimeoutError):
            raise self.answer

        async def answer(query: str, parameters: list[Any]) -> list[tuple[Any]]:
            if isinstance(self.answer, Exception) and self.asked <= self.failures:
                raise self.answer
            return [(self.answer,)]

        yield SimpleNamespace(answer=answer)


class Both(Database):
    """A database over two fake pools."""

    def __init__(self, primary: Any, reader: Any, deadline_s: float = 5) -> None:
        self.states = State("database"), State("reader")
        configuration = Configuration.from_environment({"DATABASE_URL": "host=a", "ORDERS_DEADLINE_S": f"{deadline_s}"})
        super().__init__(configuration, *self.states)
        self.primary: Any = FakePool(primary)
        self.reader: Any = FakePool(reader)
        self.schema_wanted = False

    def create_schema_soon(self) -> None:
        self.schema_wanted = True


GONE = (PoolTimeoutError("none free"), psycopg.OperationalError("connection lost"))


async def test_reads_go_to_a_replica_unless_the_primary_is_asked_for() -> None:
    database = Both("from primary", "from replica")
    assert (await database.read("q", [])).source == "replica"
    answer = await database.read("q", [], from_primary=True)
    assert (answer.source, answer.rows) == ("primary", [("from primary",)])


@pytest.mark.parametrize("failure", GONE)
async def test_the_primary_stands_in_for_a_replica(failure: Exception) -> None:
    assert (await Both("here", failure).read("q", [])).source == "primary"


@pytest.mark.parametrize("failure", GONE)
async def test_nobody_left(failure: Exception) -> None:
    with pytest.raises(DatabaseUnavailableError):
        await Both(failure, failure, deadline_s=0.3).read("q", [])


async def test_a_read_whose_connection_ends_is_repeated() -> None:
    database = Both(psycopg.OperationalError("connection lost"), PoolTimeoutError("none free"))
    database.primary.failures = 1
    assert (await database.read("q", [])).source == "primary"
    assert database.primary.asked == 2


async def test_readers_known_to_be_down_cost_no_time_and_come_back() -> None:
    database = Both(True, PoolTimeoutError("none"))
    assert await database.can_read(1), "the primary can"
    asked = database.reader.asked
    assert (await database.read("q", [])).source == "primary"
    assert database.reader.asked == asked
    database.reader.answer = True
    assert await database.can_read(1)
    assert (await database.read("q", [])).source == "replica"


async def test_states_follow_the_answers_not_the_connections() -> None:
    database = Both(True, True)
    assert await database.can_write(1)
    assert database.states[0].up
    database.primary.answer = False  # reachable, but a replica, or without the table
    assert not await database.can_write(1)
    assert database.states[0].up is False


async def test_one_broken_connection_does_not_make_the_database_down() -> None:
    database = Both(psycopg.OperationalError("connection lost"), True)
    database.primary.failures = 1
    assert await database.can_write(1)
    assert database.primary.asked == 2


async def test_a_missing_table_is_created() -> None:
    database = Both(psycopg.errors.UndefinedTable("orders"), psycopg.errors.UndefinedTable("orders"))
    with pytest.raises(DatabaseUnavailableError):
        await database.read("q", [])
    assert database.schema_wanted
