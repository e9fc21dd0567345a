"""Redis Cluster, one client per purpose. Nobody waits long for it.

Whatever failed, one task alone finds out when it goes well again; everybody else waits for that, or goes on without. If
each tried by itself, each attempt would cost handshakes with six members, and whoever is out of time in the middle of
learning the cluster's layout makes redis-py begin again for all: on a busy machine that never ends.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

from redis.asyncio import RedisCluster
from redis.asyncio.cluster import ClusterNode
from redis.asyncio.retry import Retry
from redis.backoff import ConstantBackoff
from redis.credentials import CredentialProvider
from redis.exceptions import RedisClusterException, RedisError

from orders import tracing
from orders.configuration import RedisAccess
from orders.states import State
from orders.tasks import end

T = TypeVar("T")

OPERATION_S = 1.0
"""An operation takes no longer, redirections included: a moment without a processor is no failure yet."""
PATIENT_S = 2.0
"""The same where a request fails without it: a session is no convenience, so it is tried again while there is time. A
dead master's replica has its place after a third of a second."""
SOCKET_S = 0.4
PAUSE_S = 0.2
"""Before it is tried again whether Redis answers."""
LAYOUT_S = 5.0
"""A client has this long to learn the cluster's layout."""
GIVE_UP_AFTER = 3
"""Failed tries in a row, after which the client is made anew."""
CONNECTIONS_PER_NODE = 32
FAILURES = (RedisError, RedisClusterException, OSError)
"""How redis-py fails; a cluster's exception is no RedisError, a TimeoutError is an OSError."""

TCP_KEEPIDLE, TCP_KEEPINTVL, TCP_KEEPCNT, TCP_USER_TIMEOUT = 4, 5, 6, 18
KEEPALIVE = {TCP_KEEPIDLE: 2, TCP_KEEPINTVL: 1, TCP_KEEPCNT: 2, TCP_USER_TIMEOUT: 3000}
"""A node that vanished without a word is noticed within some 4 s (Linux' numbers of the options; the last in ms)."""


class UnavailableError(Exception):
    """Redis can't be reached, or didn't answer in time."""


class _Password(CredentialProvider):
    """Read again for each connection."""

    def __init__(self, access: RedisAccess) -> None:
        self._access = access

    def get_credentials(self) -> tuple[str, str]:
        return self._access.user, self._access.read_password() or ""

    async def get_credentials_async(self) -> tuple[str, str]:
        return self.get_credentials()


def connection_options(access: RedisAccess) -> dict[str, Any]:
    """What every connection of this user needs, in redis-py's words. RESP 2: nothing here uses what 3 adds."""
    options: dict[str, Any] = {
        "protocol": 2, "socket_connect_timeout": SOCKET_S, "socket_keepalive": True,
        "socket_keepalive_options": KEEPALIVE,
    }
    if access.password or access.password_file:
        options["credential_provider"] = _Password(access)
    if access.authority:
        options |= {"ssl": True, "ssl_ca_certs": access.authority}
    return options


class KeyValueStore:
    """The cluster as one user sees it. Connects when first used, and again whenever it must."""

    def __init__(self, access: RedisAccess, state: State, limit_s: float = OPERATION_S, *,
                 patient: bool = False) -> None:
        """``limit_s``: an operation takes no longer. ``patient``: what fails is tried again until then."""
        self.access = access
        self._state = state
        self._limit_s = limit_s
        self._patient = patient
        self._client: RedisCluster | None = None
        self._trusted: bytes | None = None
        self._mending: asyncio.Task[None] | None = None
        self._mended = 0
        """How often Redis came to answer (again): what began before that and fails now says nothing."""

    def key(self, name: str) -> str:
        """``name`` with the prefix this user may write."""
        return f"{self.access.prefix}{name}"

    async def look(self, client: RedisCluster) -> None:
        """The least that can be asked for: an operation to find out whether Redis answers."""
        await client.exists(self.key("watch"))

    async def run(self, operation: Callable[[RedisCluster], Awaitable[T]]) -> T:
        """Runs an operation on the cluster; a patient store runs one again that failed, so it must bear that.

        Raises:
            UnavailableError: it failed, took more than ``limit_s``, or Redis hasn't answered again since another did.
        """
        if not self.access.nodes:
            raise UnavailableError("no Redis is configured")
        with tracing.of_redis(self.access.purpose):
            return await self._run(operation)

    async def _run(self, operation: Callable[[RedisCluster], Awaitable[T]]) -> T:
        loop = asyncio.get_running_loop()
        until = loop.time() + self._limit_s
        while True:
            client = await self._usable(until)
            known = self._mended
            try:
                async with asyncio.timeout_at(until):
                    result = await operation(client)
            except FAILURES as error:
                if known == self._mended:
                    self._state.set(False, f"{type(error).__name__}: {error}")
                    self._mend_soon(PAUSE_S)
                if not self._patient or loop.time() >= until:
                    raise UnavailableError(str(error)) from error
            else:
                self._state.set(True)
                return result

    async def close(self) -> None:
        """Closes every connection."""
        if self._mending:
            await end(self._mending)
        await self._forget()

    async def _usable(self, until: float) -> RedisCluster:
        """The client, as soon as Redis answers it. Raises ``UnavailableError`` where nobody may wait for that."""
        while self._client is None or self._is_mending():
            mending = self._mend_soon(0)
            left = until - asyncio.get_running_loop().time()
            if not self._patient or left <= 0:
                raise UnavailableError("Redis doesn't answer, or not again yet")
            await asyncio.wait({mending}, timeout=left)
        return self._client

    def _is_mending(self) -> bool:
        return self._mending is not None and not self._mending.done()

    def _mend_soon(self, pause_s: float) -> asyncio.Task[None]:
        if self._mending is None or self._mending.done():
            self._mending = asyncio.create_task(self._mend(pause_s))
        return self._mending

    async def _mend(self, pause_s: float) -> None:
        """Tries until Redis answers, from time to time with a client made anew."""
        failures = 0
        while not await self._answers(pause_s):
            pause_s, failures = PAUSE_S, failures + 1
            if failures % GIVE_UP_AFTER == 0:
                await self._forget()
        self._mended += 1

    async def _answers(self, pause_s: float) -> bool:
        await asyncio.sleep(pause_s)
        if self._client is None:
            self._trusted, self._client = self._authority(), self._make()
        try:
            async with asyncio.timeout(LAYOUT_S):
                await self._client.initialize()
                await self.look(self._client)
        except FAILURES as error:
            self._state.set(False, f"{type(error).__name__}: {error}")
            return False
        self._state.set(True)
        return True

    async def renew(self) -> None:
        """Replaces the client where the authority's file says something else; to be called now and then.

        Connections know only what the file said when they were made, and would be refused one day. The new client is
        ready before the old one goes; where it can't be, the old one stays until the next call.
        """
        if self._client is None or self._is_mending() or self._trusted == self._authority():
            return
        trusted, client = self._authority(), self._make()
        try:
            async with asyncio.timeout(LAYOUT_S):
                await client.initialize()
        except FAILURES:
            await _end(client)
            return
        old, self._client, self._trusted = self._client, client, trusted
        await asyncio.sleep(2 * self._limit_s)  # whoever is in the middle of something with it gets through
        await _end(old)

    def _make(self) -> RedisCluster:
        return RedisCluster(
            startup_nodes=[ClusterNode(host, port) for host, port in self.access.nodes],
            decode_responses=True, socket_timeout=SOCKET_S, max_connections=CONNECTIONS_PER_NODE,
            require_full_coverage=False, retry=Retry(ConstantBackoff(0.05), 1),
            **connection_options(self.access))

    def _authority(self) -> bytes | None:
        """What the authority's file says. Not its time: whoever puts files into containers may set that to anything."""
        try:
            return Path(self.access.authority).read_bytes() if self.access.authority else None
        except OSError:
            return None

    async def _forget(self) -> None:
        """The next use starts from the configured nodes: after a restart of all, none of the known ones may be left."""
        client, self._client = self._client, None
        await _end(client)


async def _end(client: RedisCluster | None) -> None:
    if client is not None:
        with suppress(*FAILURES):
            await client.aclose()
