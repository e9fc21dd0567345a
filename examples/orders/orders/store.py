"""Orders in Postgres. The one promise: an order acknowledged as placed is never lost.

The insert is a single statement in autocommit: one round trip, whose completion is the commit. What can come back:

- completion without a warning: committed, and replicated as far as the server was told to wait for: *placed*;
- completion with a WARNING: committed here, but the wait for the synchronous standby was cancelled (by this worker when
  time is up, by an administrator): a failover may lose it: *unknown*;
- no answer (connection lost): *unknown*;
- an error from the server: rolled back: *failed*.

The idempotency key resolves the unknown. ``ON CONFLICT DO UPDATE`` rather than ``DO NOTHING``: the second attempt must
itself write, so that its own commit waits for the standby; that commit comes later in the log than the first one's, so
its acknowledgement covers both. A mere read of the existing row would acknowledge what only the primary has.

For the same reason an attempt may be repeated here, with the same key, while its time lasts: it can't place two orders.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID, uuid4

import psycopg

from orders.attempts import RETRY_S, WORTH_RETRYING_S, may_pass
from orders.database import Database
from orders.pool import PoolTimeoutError

INSERT = """
INSERT INTO orders AS stored (id, idempotency_key, item, quantity, note) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (idempotency_key) DO UPDATE SET idempotency_key = stored.idempotency_key
RETURNING id, idempotency_key, item, quantity, note, created_at, sequence"""
SELECT = "SELECT id, idempotency_key, item, quantity, note, created_at, sequence FROM orders"
NEVER_SENT = ("query_wait_timeout", "server login has been failing", "server_login_retry")
"""What PgBouncer says of a statement that it gave to no server: known to have failed, though the connection is lost."""


class WriteFailedError(Exception):
    """Nothing was stored."""


class WriteUnknownError(Exception):
    """Perhaps stored, perhaps stored for good, perhaps not; the same idempotency key finds out."""


@dataclass(frozen=True, slots=True)
class NewOrder:
    """What a customer asks for."""

    idempotency_key: str
    item: str
    quantity: int
    note: str = ""


@dataclass(frozen=True, slots=True)
class Order:
    """What is stored."""

    id: UUID
    idempotency_key: str
    item: str
    quantity: int
    note: str
    created_at: datetime
    sequence: int
    """Rises with each order; in the order of insertion, which isn't quite that of the commits."""


@dataclass(frozen=True, slots=True)
class Placed:
    """An acknowledged order."""

    order: Order
    repeated: bool
    """It was there already, under the same key."""


class OrderStore:
    """Places and finds orders."""

    def __init__(self, database: Database, deadline_s: float, pool_wait_s: float) -> None:
        self._database = database
        self._deadline_s = deadline_s
        self._pool_wait_s = pool_wait_s

    async def place(self, new: NewOrder) -> Placed:
        """Stores an order, or finds the one stored before under the same key.

        Raises:
            WriteUnknownError: an attempt may have stored it, and none has proved it.
            WriteFailedError: no attempt has stored it.
        """
        loop = asyncio.get_running_loop()
        deadline = loop.time() + self._deadline_s
        identifier = uuid4()
        unknown: WriteUnknownError | None = None
        while True:
            try:
                return await self._attempt(identifier, new, deadline)
            except PoolTimeoutError as error:
                raise unknown or WriteFailedError(str(error)) from error
            except psycopg.Error as error:
                reason = str(error).strip()
                if isinstance(error, psycopg.errors.UndefinedTable):
                    self._database.create_schema_soon()
                if may_have_committed(error):
                    unknown = WriteUnknownError(reason)
                if not may_pass(error) or deadline - loop.time() < WORTH_RETRYING_S:
                    raise unknown or WriteFailedError(reason) from error
            await asyncio.sleep(RETRY_S)

    async def _attempt(self, identifier: UUID, new: NewOrder, deadline: float) -> Placed:
        async with self._database.primary.lend(self._pool_wait_s, deadline) as connection:
            rows = await connection.answer(
                INSERT, [identifier, new.idempotency_key, new.item, new.quantity, new.note])
            if connection.warning or not rows:
                raise WriteUnknownError(connection.warning or "the insert returned no row")
        order = Order(*rows[0])
        return Placed(order, repeated=order.id != identifier)

    async def get(self, identifier: UUID, *, from_primary: bool = False) -> tuple[Order | None, str]:
        """One order (or none) and who answered.

        A replica may be a moment behind: only the primary can say that there is no such order.
        """
        query = f"{SELECT} WHERE id = $1"
        answer = await self._database.read(query, [identifier], from_primary=from_primary)
        if not answer.rows and answer.source == "replica":
            answer = await self._database.read(query, [identifier], from_primary=True)
        return (Order(*answer.rows[0]) if answer.rows else None), answer.source

    async def latest(self, limit: int, *, from_primary: bool = False) -> tuple[list[Order], str]:
        """The last orders, newest first, and who answered."""
        answer = await self._database.read(f"{SELECT} ORDER BY sequence DESC LIMIT $1", [limit],
                                           from_primary=from_primary)
        return [Order(*row) for row in answer.rows], answer.source

    async def ledger(self, after: int, limit: int) -> list[tuple[int, UUID, str]]:
        """Sequence, id and idempotency key of up to ``limit`` orders beyond ``after``, from the primary.

        Complete once no write is under way: a commit may still fill in a number below one already seen.
        """
        answer = await self._database.read(
            "SELECT sequence, id, idempotency_key FROM orders WHERE sequence > $1 ORDER BY sequence LIMIT $2",
            [after, limit], from_primary=True)
        return [(row[0], row[1], row[2]) for row in answer.rows]

    async def popularity(self, among: int) -> dict[str, int]:
        """How many of each item the last ``among`` orders asked for."""
        answer = await self._database.read(
            "SELECT item, sum(quantity) FROM (SELECT item, quantity FROM orders ORDER BY sequence DESC LIMIT $1)"
            " AS latest GROUP BY item", [among])
        return {item: int(quantity) for item, quantity in answer.rows}


def may_have_committed(error: psycopg.Error) -> bool:
    """Whether the statement that ended in this error may have been committed all the same.

    An error that Postgres itself reports for a statement means that it was rolled back. Not so where the connection
    ended: without a code, class 08 (which PgBouncer uses for a server it lost), and 57P01 and 57P02 (the server is
    going down, perhaps while a commit waits for its standby). Nor where it was cancelled (57014) or waited too long for
    a lock (55P03): it may have waited for an earlier attempt with the same key, whose end nobody knows yet.
    """
    code = error.sqlstate
    if code is None or code.startswith("08") or code in ("57P01", "57P02", "57014", "55P03"):
        return not any(text in str(error) for text in NEVER_SENT)
    return False
