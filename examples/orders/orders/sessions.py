"""Sessions in Redis: a cookie holds a random token, Redis what is known about its bearer."""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass

from redis.asyncio import RedisCluster

from orders.keyvalue import KeyValueStore

COOKIE = "session"
LIFETIME_S = 3600
"""A session ends this long after its last use."""
TOKEN_BYTES = 24


@dataclass(frozen=True)
class Session:
    """What is known of a visitor."""

    visits: int
    started: float
    """Unix time, in seconds."""


class SessionStore:
    """Raises ``UnavailableError`` throughout where Redis can't be reached."""

    def __init__(self, store: KeyValueStore) -> None:
        self._store = store

    async def start(self) -> tuple[str, Session]:
        """A new session and the token that finds it."""
        token = secrets.token_urlsafe(TOKEN_BYTES)
        session = Session(visits=0, started=time.time())
        key = self._store.key(token)

        async def write(redis: RedisCluster) -> None:
            async with redis.pipeline() as pipeline:
                pipeline.hset(key, mapping={"visits": session.visits, "started": session.started})
                pipeline.expire(key, LIFETIME_S)
                await pipeline.execute()

        await self._store.run(write)
        return token, session

    async def visit(self, token: str) -> Session | None:
        """Counts one more visit; none where the session has ended or never was."""
        key = self._store.key(token)

        async def read(redis: RedisCluster) -> Session | None:
            # Prolonging comes first: it says whether there is a session, so that counting can't make an empty one.
            if not await redis.expire(key, LIFETIME_S):
                return None
            async with redis.pipeline() as pipeline:
                pipeline.hincrby(key, "visits", 1)
                pipeline.hget(key, "started")
                visits, started = await pipeline.execute()
            return Session(visits=int(visits), started=float(started or 0))

        return await self._store.run(read)
