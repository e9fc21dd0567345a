"""A pool of Postgres connections made for failovers.

psycopg_pool waits 1 s before its second attempt to connect and doubles that up to minutes; after a failover of two
seconds nothing would be served for another one or more. Here a lost connection is replaced every ``RETRY_S``, for as
long as it takes, an idle connection whose server is gone is noticed before a statement is sent on it, and borrowing
costs one poll(2).
"""

from __future__ import annotations

import asyncio
import logging
import os
import random
import select
import socket
from collections import deque
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any, Self

import psycopg
from psycopg import AsyncConnection, AsyncRawCursor
from psycopg.conninfo import conninfo_to_dict
from psycopg.pq import TransactionStatus

from orders import tracing
from orders.configuration import PoolSize
from orders.tasks import end

log = logging.getLogger(__name__)

Row = tuple[Any, ...]

RETRY_S = 0.2
"""Between attempts to connect while the database can't be reached."""
CONNECT_S = 2
"""For one address; psycopg takes no less."""
OPENERS = 2
"""Connections being opened at once: one that hangs on a dead address must not hold up the other."""
CANCEL_SHARE = 0.1
"""The last tenth of a statement's time is for its cancellation."""
IDLE_S = 60.0
"""Beyond the minimum, a connection not used for this long is closed."""
LIFETIME_S = 1800.0
"""Connections are renewed after this, so that they spread again over all PgBouncers."""
TIDY_S = 5.0

TRANSPORT: dict[str, Any] = {
    # A server that vanished without a word is noticed within 3 s, both when idle and with data under way.
    "keepalives_idle": 2, "keepalives_interval": 1, "keepalives_count": 1, "tcp_user_timeout": 3000,
    "connect_timeout": CONNECT_S, "load_balance_hosts": "random", "application_name": "orders",
}


class PoolTimeoutError(Exception):
    """No connection in time. Nothing was sent to the database."""


class Connection(AsyncConnection[Row]):
    """One connection in autocommit, with what the pool and the writer need to know about it."""

    warning: str | None = None
    """The last WARNING the server sent: the only sign of a commit whose synchronous wait was cancelled."""
    expires: float = 0.0
    idle_since: float = 0.0
    overdue = False
    """Had to be interrupted: never lent again, as the request to cancel may arrive late and hit the next statement."""

    def prepare(self, expires: float) -> None:
        """To be called once, after connecting."""
        self.expires = expires
        self._server = self.info.host
        self.cursor_factory = AsyncRawCursor
        self.add_notice_handler(self._notice)
        self._readable = select.poll()
        self._readable.register(self.fileno(), select.POLLIN)

    def _notice(self, notice: psycopg.errors.Diagnostic) -> None:
        if notice.severity_nonlocalized == "WARNING":
            self.warning = notice.message_primary or "a warning without text"

    def usable(self) -> bool:
        """Whether the connection, idle until now, still has a server at its other end."""
        if self.closed:
            return False
        if self._readable.poll(0):
            try:
                self.pgconn.consume_input()
            except psycopg.OperationalError:
                return False
        return self.pgconn.transaction_status == TransactionStatus.IDLE

    def sever(self) -> None:
        """Ends the statement under way at once, whatever the server does; it fails with an ``OperationalError``."""
        with suppress(OSError), socket.socket(fileno=os.dup(self.fileno())) as duplicate:
            duplicate.shutdown(socket.SHUT_RDWR)

    async def answer(self, query: str, parameters: Sequence[Any]) -> list[Row]:
        """The rows that a statement answers with."""
        with tracing.of_statement(query, self._server):
            cursor = await self.execute(query, parameters)
            return await cursor.fetchall()


class _Deadline:
    """Ends a statement in time, in two steps: the server is asked to cancel it; then the connection is severed.

    Severing alone would leave a commit that waits for a standby waiting on the server, with its backend, for as long as
    there is no standby (statement_timeout doesn't apply to that wait): soon no backend would be left. Cancelling the
    task that awaits the statement would do both, but psycopg then waits for the server without a limit of ours.
    """

    def __init__(self, connection: Connection, deadline: float) -> None:
        self._connection = connection
        self._deadline = deadline
        self._loop = asyncio.get_running_loop()
        grace = CANCEL_SHARE * (deadline - self._loop.time())
        self._timer = self._loop.call_at(deadline - grace, self._cancel)
        self._cancelling: asyncio.Task[None] | None = None

    def _cancel(self) -> None:
        self._connection.overdue = True
        self._timer = self._loop.call_at(self._deadline, self._connection.sever)
        self._cancelling = asyncio.create_task(self._ask())

    async def _ask(self) -> None:
        with suppress(psycopg.Error, OSError):
            await self._connection.cancel_safe(timeout=CONNECT_S)

    def dismiss(self) -> None:
        """The statement has ended."""
        self._timer.cancel()


class Pool:
    """Connections to one database.

    Opens at least ``size.minimum`` connections and keeps them, whatever happens to the database.
    """

    def __init__(self, name: str, url: str, size: PoolSize) -> None:
        self.name = name
        self.size = size
        self.open_count = 0
        """Connections that exist, lent or idle."""
        self.last_success = float("-inf")
        """When a statement last succeeded, by the event loop's clock."""
        self._parameters = TRANSPORT | conninfo_to_dict(url)
        self._idle: deque[Connection] = deque()
        self._waiters: deque[asyncio.Future[Connection]] = deque()
        self._wanted = asyncio.Event()
        self._opening = 0
        self._refusal = ""
        self._closing = False
        self._tasks: list[asyncio.Task[None]] = []

    @property
    def idle_count(self) -> int:
        """Connections that nobody uses."""
        return len(self._idle)

    @property
    def waiting_count(self) -> int:
        """Requests that wait for a connection."""
        return len(self._waiters)

    async def __aenter__(self) -> Self:
        self._wanted.set()
        self._tasks = [asyncio.create_task(self._keep()) for _ in range(OPENERS)]
        self._tasks.append(asyncio.create_task(self._tidy()))
        return self

    async def __aexit__(self, *_: object) -> None:
        self._closing = True
        await end(*self._tasks)
        while self._idle:
            await self._idle.pop().close()

    @asynccontextmanager
    async def lend(self, wait_s: float, deadline: float) -> AsyncIterator[Connection]:
        """Lends a connection.

        Args:
            wait_s: how long to wait for a free one, in seconds; never beyond ``deadline``.
            deadline: until when, by the event loop's clock, it may be kept; a statement that lasts longer is ended,
                and fails with an ``OperationalError``.

        Raises:
            PoolTimeoutError: none was free in time.
        """
        loop = asyncio.get_running_loop()
        with tracing.of_connection(self.name):
            connection = await self._acquire(min(wait_s, deadline - loop.time()))
        connection.warning = None
        limit = _Deadline(connection, deadline)
        try:
            yield connection
            self.last_success = loop.time()
        finally:
            limit.dismiss()
            self._release(connection)

    async def _acquire(self, wait_s: float) -> Connection:
        while self._idle:
            connection = self._idle.pop()
            if connection.usable():
                return connection
            self._discard(connection)
        loop = asyncio.get_running_loop()
        waiter: asyncio.Future[Connection] = loop.create_future()
        self._waiters.append(waiter)
        self._wanted.set()
        alarm = loop.call_later(wait_s, self._give_up, waiter)
        try:
            return await waiter
        except asyncio.CancelledError:
            if waiter.done() and not waiter.cancelled() and not waiter.exception():
                self._release(waiter.result())
            raise
        finally:
            alarm.cancel()
            with suppress(ValueError):
                self._waiters.remove(waiter)

    def _give_up(self, waiter: asyncio.Future[Connection]) -> None:
        if not waiter.done():
            waiter.set_exception(PoolTimeoutError(f"no connection to the {self.name} in time. {self._refusal}".strip()))

    def _release(self, connection: Connection) -> None:
        expired = asyncio.get_running_loop().time() > connection.expires
        if self._closing or expired or connection.overdue or not connection.usable():
            self._discard(connection)
            if not expired:
                self._sweep()
        else:
            self._hand_over(connection)

    def _hand_over(self, connection: Connection) -> None:
        while self._waiters:
            waiter = self._waiters.popleft()
            if not waiter.done():
                waiter.set_result(connection)
                return
        connection.idle_since = asyncio.get_running_loop().time()
        self._idle.append(connection)

    def _discard(self, connection: Connection) -> None:
        self.open_count -= 1
        connection.pgconn.finish()
        self._wanted.set()

    def _sweep(self) -> None:
        """Where one connection broke, others probably did: out with them before somebody borrows one."""
        for connection in [connection for connection in self._idle if not connection.usable()]:
            self._idle.remove(connection)
            self._discard(connection)

    def _lacking(self) -> bool:
        coming = self.open_count + self._opening
        return coming < self.size.minimum or (self._opening < len(self._waiters) and coming < self.size.maximum)

    async def _keep(self) -> None:
        while True:
            if not self._lacking():
                self._wanted.clear()
                await self._wanted.wait()
                continue
            self._opening += 1
            try:
                connection = await self._open()
            except (psycopg.Error, OSError) as error:
                self._refusal = str(error).strip()
                await asyncio.sleep(RETRY_S)
            else:
                self.open_count += 1
                self._refusal = ""
                self._hand_over(connection)
            finally:
                self._opening -= 1

    async def _open(self) -> Connection:
        # PgBouncer's transaction pooling before 1.21 can't follow prepared statements from server to server.
        connection = await Connection.connect(**self._parameters, autocommit=True, prepare_threshold=None)
        lifetime = LIFETIME_S * random.uniform(0.9, 1.1)  # noqa: S311
        connection.prepare(asyncio.get_running_loop().time() + lifetime)
        return connection

    async def _tidy(self) -> None:
        while True:
            await asyncio.sleep(TIDY_S)
            self._sweep()
            oldest_allowed = asyncio.get_running_loop().time() - IDLE_S
            while self._idle and self.open_count > self.size.minimum and self._idle[0].idle_since < oldest_allowed:
                self._discard(self._idle.popleft())
