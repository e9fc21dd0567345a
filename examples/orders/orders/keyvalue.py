"""Redis Cluster, one client per purpose. Nobody waits long for it: what it does here is a convenience."""

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

from orders.configuration import RedisAccess
from orders.states import State

T = TypeVar("T")

OPERATION_S = 1.0
"""An operation takes no longer, all attempts and redirections included. A dead master's replica has its place after a
third of a second, so a second attempt finds it; and a moment without a processor is no failure yet."""
PATIENT_S = 2.0
"""The same where a request fails without it: a session is no convenience, so it is tried again while there is time."""
SOCKET_S = 0.4
PAUSE_S = 0.2
"""After a failure nobody tries again for this long: requests go on without Redis and don't wait for it."""
RENEWAL_S = 5.0
"""A client that takes over from another has this long to learn the cluster's layout."""
GIVE_UP_AFTER = 3
"""Failures in a row, after which the client is made anew: learning the cluster's layout is work, too much for each."""
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
        self._paused_until = 0.0
        self._failures = 0

    def key(self, name: str) -> str:
        """``name`` with the prefix this user may write."""
        return f"{self.access.prefix}{name}"

    async def run(self, operation: Callable[[RedisCluster], Awaitable[T]]) -> T:
        """Runs an operation on the cluster; a patient store runs one again that failed, so it must bear that.

        Raises:
            UnavailableError: it failed, took more than ``limit_s``, or something else did in the last ``PAUSE_S``.
        """
        if not self.access.nodes:
            raise UnavailableError("no Redis is configured")
        loop = asyncio.get_running_loop()
        until = loop.time() + self._limit_s
        while True:
            try:
                return await self._attempt(operation, until)
            except UnavailableError:
                if not self._patient or self._paused_until >= until:
                    raise
            await asyncio.sleep(self._paused_until - loop.time())

    async def _attempt(self, operation: Callable[[RedisCluster], Awaitable[T]], until: float) -> T:
        loop = asyncio.get_running_loop()
        if loop.time() < self._paused_until:
            raise UnavailableError("Redis failed a moment ago")
        try:
            async with asyncio.timeout_at(until):
                result = await operation(self._connected())
        except FAILURES as error:
            self._paused_until = loop.time() + PAUSE_S
            self._state.set(False, f"{type(error).__name__}: {error}")
            self._failures += 1
            if self._failures % GIVE_UP_AFTER == 0:
                await self._forget()
            raise UnavailableError(str(error)) from error
        self._failures = 0
        self._state.set(True)
        return result

    async def close(self) -> None:
        """Closes every connection."""
        await self._forget()

    async def renew(self) -> None:
        """Replaces the client where the authority's file says something else; to be called now and then.

        Connections know only what the file said when they were made, and would be refused one day. The new client is
        ready before the old one goes; where it can't be, the old one stays until the next call.
        """
        if self._client is None or self._trusted == self._authority():
            return
        trusted, client = self._authority(), self._make()
        try:
            async with asyncio.timeout(RENEWAL_S):
                await client.initialize()
        except FAILURES:
            with suppress(*FAILURES):
                await client.aclose()
            return
        old, self._client, self._trusted = self._client, client, trusted
        await asyncio.sleep(2 * self._limit_s)  # whoever is in the middle of something with it gets through
        if old is not None:
            with suppress(*FAILURES):
                await old.aclose()

    def _connected(self) -> RedisCluster:
        if self._client is None:
            self._trusted = self._authority()
            self._client = self._make()
        return self._client

    def _make(self) -> RedisCluster:
        return RedisCluster(
            startup_nodes=[ClusterNode(host, port) for host, port in self.access.nodes],
            decode_responses=True, socket_timeout=SOCKET_S, max_connections=CONNECTIONS_PER_NODE,
            require_full_coverage=False, retry=Retry(ConstantBackoff(0.05), 3),
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
        if client is not None:
            with suppress(*FAILURES):
                await client.aclose()
