"""The two ways to the database: a pool for what must be true now, a pool for what may be a moment old."""

from __future__ import annotations

import asyncio
import logging
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any, Self

import psycopg

from orders.attempts import RETRY_S, WORTH_RETRYING_S, may_pass
from orders.configuration import Configuration
from orders.pool import Pool, PoolTimeoutError, Row
from orders.states import State
from orders.tasks import end

log = logging.getLogger(__name__)

SCHEMA_LOCK = 0x6F7264657273
"""Advisory lock under which one worker of all creates the schema: "orders" in ASCII."""
SCHEMA_RETRY_S = 0.25
READER_WAIT_S = 0.5
"""A reader that gives no connection in this time loses the request to the primary."""
SCHEMA = """
CREATE TABLE IF NOT EXISTS orders (
    id              uuid PRIMARY KEY,
    sequence        bigint GENERATED ALWAYS AS IDENTITY UNIQUE,
    idempotency_key text NOT NULL UNIQUE,
    item            text NOT NULL,
    quantity        integer NOT NULL CHECK (quantity > 0),
    note            text NOT NULL DEFAULT '',
    created_at      timestamptz NOT NULL DEFAULT clock_timestamp()
)"""

READABLE = "SELECT to_regclass('orders') IS NOT NULL"
WRITABLE = "SELECT to_regclass('orders') IS NOT NULL AND NOT pg_is_in_recovery()"


class DatabaseUnavailableError(Exception):
    """A read that nobody could answer in time."""


@dataclass(frozen=True)
class Answer:
    """Rows, and who gave them: ``primary`` or ``replica``."""

    rows: list[Row]
    source: str


class Database:
    """Both pools, and the schema they need. As a context manager: opens and closes them; never waits for a server."""

    def __init__(self, configuration: Configuration, primary: State, reader: State) -> None:
        self._deadline_s = configuration.deadline_s
        self._wait_s = configuration.pool_wait_s
        self._primary_state = primary
        self._reader_state = reader
        self.primary = Pool("primary", configuration.database_url, configuration.write_pool)
        replica_url = configuration.read_replica_url
        self.reader = Pool("reader", replica_url, configuration.read_pool) if replica_url else None
        self._open = AsyncExitStack()
        self._schema_task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        await self._open.enter_async_context(self.primary)
        if self.reader:
            await self._open.enter_async_context(self.reader)
        self.create_schema_soon()
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._schema_task:
            await end(self._schema_task)
        await self._open.aclose()

    @property
    def pools(self) -> list[Pool]:
        """The pools that are configured."""
        return [self.primary, self.reader] if self.reader else [self.primary]

    async def read(self, query: str, parameters: list[Any], *, from_primary: bool = False) -> Answer:
        """Runs a query that changes nothing, on a replica unless asked otherwise or none can be reached. As it changes
        nothing it may be repeated while its time lasts: a connection that ends under it costs its client nothing.

        Raises:
            DatabaseUnavailableError: neither a replica nor the primary answered in time.
        """
        loop = asyncio.get_running_loop()
        end = loop.time() + self._deadline_s
        if self.reader and self._reader_state.up is not False and not from_primary:
            try:
                half_way = end - self._deadline_s / 2
                return Answer(await self._fetch(self.reader, query, parameters, READER_WAIT_S, half_way), "replica")
            except (PoolTimeoutError, psycopg.Error) as error:
                log.debug("read went to the primary: %s", error)
        while True:
            try:
                return Answer(await self._fetch(self.primary, query, parameters, self._wait_s, end), "primary")
            except PoolTimeoutError as error:
                raise DatabaseUnavailableError(str(error)) from error
            except psycopg.Error as error:
                if isinstance(error, psycopg.errors.UndefinedTable):
                    self.create_schema_soon()
                if not may_pass(error) or end - loop.time() < WORTH_RETRYING_S:
                    raise DatabaseUnavailableError(str(error).strip()) from error
            await asyncio.sleep(RETRY_S)

    async def can_read(self, limit_s: float) -> bool:
        """Whether a replica, or else the primary, finds the table, found out within ``limit_s`` seconds."""
        if self.reader:
            reason = await self._why_not(self.reader, READABLE, limit_s / 2)
            self._reader_state.set(reason is None, reason or "")
            if reason is None:
                return True
        return await self._why_not(self.primary, READABLE, limit_s / 2) is None

    async def can_write(self, limit_s: float) -> bool:
        """Whether the primary takes writes and the table is there, found out within ``limit_s`` seconds."""
        reason = await self._why_not(self.primary, WRITABLE, limit_s)
        self._primary_state.set(reason is None, reason or "")
        return reason is None

    async def _why_not(self, pool: Pool, question: str, limit_s: float) -> str | None:
        """Nothing where the answer is yes; otherwise what is wrong."""
        deadline = asyncio.get_running_loop().time() + limit_s
        reason = ""
        # A first connection may be broken only because its server was restarted a while ago; a second one is new.
        for _ in range(2):
            try:
                rows = await self._fetch(pool, question, [], limit_s, deadline)
                return None if rows[0][0] else "it answers, but has no table yet or is no primary"
            except PoolTimeoutError as error:
                return str(error)
            except psycopg.Error as error:
                reason = str(error).strip()
        return reason

    @staticmethod
    async def _fetch(pool: Pool, query: str, parameters: list[Any], wait_s: float, deadline: float) -> list[Row]:
        async with pool.lend(wait_s, deadline) as connection:
            return await connection.answer(query, parameters)

    def create_schema_soon(self) -> None:
        """Starts creating the table, unless that is going on already. To be called when it turns out to be missing."""
        if self._schema_task is None or self._schema_task.done():
            self._schema_task = asyncio.create_task(self._create_schema())

    async def _create_schema(self) -> None:
        """Tries until the table is there; safe in any number of workers at once."""
        while True:
            try:
                deadline = asyncio.get_running_loop().time() + self._deadline_s
                async with self.primary.lend(self._deadline_s, deadline) as connection, connection.transaction():
                    await connection.execute("SELECT pg_advisory_xact_lock($1)", [SCHEMA_LOCK])
                    await connection.execute(SCHEMA)
                log.info("schema is in place")
                return
            except (PoolTimeoutError, psycopg.Error) as error:
                log.debug("schema not yet in place: %s", error)
                await asyncio.sleep(SCHEMA_RETRY_S)
