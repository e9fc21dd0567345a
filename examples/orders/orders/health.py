"""What load balancers, supervisors and people are told about this worker."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from orders.database import Database
from orders.states import State

FRESH_S = 0.25
"""An answer is good for this long: any number of load balancers costs the database four questions a second."""
LIMIT_S = 1.0
"""A database that takes longer to answer counts as gone."""
PAUSE_S = 3.0
"""So long without a proof that writing works is a pause (a switchover, a failover): writes wait, and have time to
(``ORDERS_DEADLINE_S``). Refused connections are quick answers: a few of them say nothing about how long it lasts."""


class Check:
    """One question, asked at most once per ``FRESH_S`` and once at a time, however many want to know."""

    def __init__(self, ask: Callable[[float], Awaitable[bool]], evidence: Callable[[], float],
                 pause_s: float = 0.0) -> None:
        """``ask(limit_s)`` asks; ``evidence()`` is when something else last proved that the answer is yes. It stays
        yes for ``pause_s`` after the last proof."""
        self._ask = ask
        self._evidence = evidence
        self._pause_s = pause_s
        self._answer = False
        self._proved = float("-inf")
        self._asked = float("-inf")
        self._asking: asyncio.Task[bool] | None = None

    async def passes(self) -> bool:
        """The answer, at most ``FRESH_S`` old, within about ``LIMIT_S``."""
        now = asyncio.get_running_loop().time()
        if now - self._asked < FRESH_S:
            return self._answer
        if self._answer and now - self._evidence() < FRESH_S:
            # A busy worker proves its database with every statement; a check that queued behind those for a free
            # connection would call the worker dead for being busy.
            return True
        if self._asking is None or self._asking.done():
            self._asking = asyncio.create_task(self._refresh())
        return await asyncio.shield(self._asking)

    async def _refresh(self) -> bool:
        passed = await self._ask(LIMIT_S)
        self._asked = asyncio.get_running_loop().time()
        self._proved = self._asked if passed else max(self._proved, self._evidence())
        self._answer = passed or self._asked - self._proved < self._pause_s
        return self._answer


class Health:
    """This worker's health: alive, able to write, able to read."""

    def __init__(self, database: Database, states: list[State]) -> None:
        self.states = states
        self.draining = False
        self._write = Check(database.can_write, lambda: database.primary.last_success, PAUSE_S)
        # The primary's answers prove nothing about the readers: they are asked again until they answer themselves.
        self._read = Check(database.can_read, lambda: (database.reader or database.primary).last_success)

    async def can_write(self) -> bool:
        """Whether requests that change something may come."""
        return not self.draining and await self._write.passes()

    async def can_read(self) -> bool:
        """Whether requests that only read may come."""
        return not self.draining and await self._read.passes()

    def summary(self) -> str:
        """``ok``; ``degraded`` where a dependency is down; ``draining`` once the worker was asked to stop."""
        if self.draining:
            return "draining"
        return "degraded" if any(state.up is False for state in self.states) else "ok"
