"""What is acknowledged, what is unknown and what has failed."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from psycopg import errors

from orders.attempts import may_pass
from orders.database import Answer
from orders.pool import PoolTimeoutError
from orders.store import NewOrder, OrderStore, WriteFailedError, WriteUnknownError, may_have_committed

pytestmark = pytest.mark.anyio

NEW = NewOrder("key-1", "rope", 2)
WARNING = "canceling wait for synchronous replication due to user request"
STORED = "stored"
STORED_WITH_WARNING = "stored with a warning"
Event = str | Exception | UUID


class FakeDatabase:
    """A database whose next answers are known: stored, with a warning, stored before under an id, or an error."""

    def __init__(self, *events: Event) -> None:
        self.events = list(events)
        self.primary = self
        self.attempts: list[list[Any]] = []
        self.schema_wanted = False

    @asynccontextmanager
    async def lend(self, wait_s: float, deadline: float) -> AsyncIterator[Any]:
        if isinstance(self.events[0], PoolTimeoutError):
            raise self.events.pop(0)  # type: ignore[misc]
        connection = SimpleNamespace(warning=None)

        async def answer(query: str, parameters: list[Any]) -> list[tuple[Any, ...]]:
            self.attempts.append(parameters)
            event = self.events.pop(0)
            if isinstance(event, Exception):
                raise event
            identifier = event if isinstance(event, UUID) else parameters[0]
            if event == STORED_WITH_WARNING:
                connection.warning = WARNING
            return [(identifier, *parameters[1:], datetime.now(UTC), 7)]

        connection.answer = answer
        yield connection

    def create_schema_soon(self) -> None:
        self.schema_wanted = True


def store(*events: Event, deadline_s: float = 5) -> tuple[OrderStore, FakeDatabase]:
    database = FakeDatabase(*events)
    return OrderStore(database, deadline_s, 2), database  # type: ignore[arg-type]


def lost() -> psycopg.OperationalError:
    return psycopg.OperationalError("server closed the connection unexpectedly")


async def test_a_clean_completion_is_acknowledged() -> None:
    orders, database = store(STORED)
    placed = await orders.place(NEW)
    assert not placed.repeated
    assert placed.order.id == database.attempts[0][0]


async def test_the_same_key_finds_the_first_order() -> None:
    earlier = uuid4()
    orders, _ = store(earlier)
    placed = await orders.place(NEW)
    assert placed.repeated
    assert placed.order.id == earlier


async def test_a_warning_is_never_acknowledged_nor_tried_again() -> None:
    orders, database = store(STORED_WITH_WARNING, STORED)
    with pytest.raises(WriteUnknownError, match="canceling wait"):
        await orders.place(NEW)
    assert len(database.attempts) == 1


async def test_a_lost_connection_is_resolved_by_the_same_id_and_key() -> None:
    orders, database = store(lost(), STORED)
    placed = await orders.place(NEW)
    assert not placed.repeated
    assert database.attempts[0] == database.attempts[1]


async def test_a_lost_connection_that_nothing_resolves_is_unknown() -> None:
    orders, _ = store(lost(), PoolTimeoutError("no connection"))
    with pytest.raises(WriteUnknownError):
        await orders.place(NEW)


async def test_a_later_failure_does_not_make_an_earlier_unknown_certain() -> None:
    orders, _ = store(lost(), errors.DiskFull("no space"), errors.CheckViolation("no"))
    with pytest.raises(WriteUnknownError):
        await orders.place(NEW)


async def test_no_connection_means_that_nothing_was_stored() -> None:
    orders, _ = store(PoolTimeoutError("no connection"))
    with pytest.raises(WriteFailedError):
        await orders.place(NEW)


async def test_an_old_primary_is_tried_again() -> None:
    orders, _ = store(errors.ReadOnlySqlTransaction("cannot execute INSERT in a read-only transaction"), STORED)
    assert not (await orders.place(NEW)).repeated


async def test_an_error_that_will_not_pass_is_not_tried_again() -> None:
    orders, database = store(errors.CheckViolation("quantity"), STORED)
    with pytest.raises(WriteFailedError):
        await orders.place(NEW)
    assert len(database.attempts) == 1


async def test_without_time_there_is_no_other_attempt() -> None:
    orders, database = store(lost(), STORED, deadline_s=0.3)
    with pytest.raises(WriteUnknownError):
        await orders.place(NEW)
    assert len(database.attempts) == 1


async def test_a_missing_table_is_created() -> None:
    orders, database = store(errors.UndefinedTable("orders"))
    with pytest.raises(WriteFailedError):
        await orders.place(NEW)
    assert database.schema_wanted


@pytest.mark.parametrize(("error", "committed", "passes"), [
    (psycopg.OperationalError("server closed the connection unexpectedly"), True, True),
    (errors.ConnectionFailure("server conn crashed?"), True, True),
    (errors.ProtocolViolation("server conn crashed?"), True, True),
    (errors.ProtocolViolation("query_wait_timeout"), False, True),
    (psycopg.OperationalError("server login has been failing, try again later"), False, True),
    (errors.AdminShutdown("terminating connection"), True, True),
    (errors.CannotConnectNow("the database system is starting up"), False, True),
    (errors.QueryCanceled("canceling statement"), True, False),
    (errors.LockNotAvailable("lock timeout"), True, False),
    (errors.ReadOnlySqlTransaction("read-only"), False, True),
    (errors.TooManyConnections("too many clients"), False, True),
    (errors.DeadlockDetected("deadlock"), False, True),
    (errors.NotNullViolation("null"), False, False),
])
async def test_errors_are_judged(error: psycopg.Error, committed: bool, passes: bool) -> None:
    assert may_have_committed(error) is committed
    assert may_pass(error) is passes


class Lagging:
    """A primary that knows an order, and a replica that may not know it yet."""

    def __init__(self, row: tuple[Any, ...] | None, *, follows: bool) -> None:
        self.row, self.follows = row, follows
        self.asked: list[str] = []

    async def read(self, query: str, parameters: list[Any], *, from_primary: bool = False) -> Answer:
        self.asked.append("primary" if from_primary else "replica")
        known = self.row and self.row[0] == parameters[0] and (from_primary or self.follows)
        return Answer([self.row] if known else [], self.asked[-1])


async def test_what_a_replica_does_not_know_yet_is_asked_of_the_primary() -> None:
    row = (uuid4(), "key-1", "rope", 2, "", datetime.now(UTC), 7)
    for follows, asked in ((True, ["replica"]), (False, ["replica", "primary"])):
        database = Lagging(row, follows=follows)
        order, source = await OrderStore(database, 5, 2).get(row[0])  # type: ignore[arg-type]
        assert order is not None
        assert (order.id, source, database.asked) == (row[0], asked[-1], asked)


async def test_what_nobody_knows_is_not_there() -> None:
    database = Lagging(None, follows=True)
    assert await OrderStore(database, 5, 2).get(uuid4()) == (None, "primary")  # type: ignore[arg-type]
    assert database.asked == ["replica", "primary"]
