"""What can be ordered, and how popular it is: a sum over many orders, so kept in Redis for a moment."""

from __future__ import annotations

import logging

import orjson
from redis.asyncio import RedisCluster

from orders.database import DatabaseUnavailableError
from orders.keyvalue import KeyValueStore, UnavailableError
from orders.metrics import CACHE
from orders.store import OrderStore

log = logging.getLogger(__name__)

ITEMS = {
    "anchor": ("Anchor", 18900),
    "compass": ("Compass", 7450),
    "lantern": ("Lantern", 3900),
    "rope": ("Rope, 20 m", 2650),
    "sextant": ("Sextant", 24500),
    "spyglass": ("Spyglass", 11200),
}
"""Name and price in cents by item."""
POPULAR_AMONG = 10_000
"""Popularity counts this many of the last orders."""
FRESH_S = 5
"""How long a popularity is good."""


class Catalogue:
    """The items with their popularity."""

    def __init__(self, orders: OrderStore, cache: KeyValueStore) -> None:
        self._orders = orders
        self._cache = cache

    async def items(self) -> list[dict[str, object]]:
        """Every item; ``ordered`` is null where neither cache nor database could say."""
        popularity = await self._popularity()
        return [
            {"item": item, "name": name, "price_cents": price,
             "ordered": None if popularity is None else popularity.get(item, 0)}
            for item, (name, price) in ITEMS.items()
        ]

    async def _popularity(self) -> dict[str, int] | None:
        key = self._cache.key("popularity")
        usable = True
        try:
            cached = await self._cache.run(lambda redis: redis.get(key))
            if cached is not None:
                CACHE.labels("hit").inc()
                return dict(orjson.loads(cached))
            CACHE.labels("miss").inc()
        except UnavailableError:
            CACHE.labels("bypass").inc()
            usable = False
        try:
            popularity = await self._orders.popularity(POPULAR_AMONG)
        except DatabaseUnavailableError as error:
            log.warning("catalogue without popularity", extra={"fields": {"reason": str(error)}})
            return None
        if usable:
            await self._keep(key, orjson.dumps(popularity))
        return popularity

    async def _keep(self, key: str, value: bytes) -> None:
        async def write(redis: RedisCluster) -> None:
            await redis.set(key, value, ex=FRESH_S)

        try:
            await self._cache.run(write)
        except UnavailableError as error:
            log.debug("popularity not cached: %s", error)
