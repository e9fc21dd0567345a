"""The composition of one worker: everything it is made of, in the order in which it opens and closes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress

from starlette.applications import Starlette
from starlette.types import ASGIApp

from orders.answers import RefusedError, refused
from orders.catalogue import Catalogue
from orders.configuration import Configuration
from orders.database import Database
from orders.feed import Feed
from orders.health import Health
from orders.keyvalue import OPERATION_S, PATIENT_S, KeyValueStore, UnavailableError
from orders.metrics import BUILD, CONNECTIONS, DEPENDENCY, WAITING
from orders.middleware import Witness
from orders.order_routes import OrderRoutes
from orders.sessions import SessionStore
from orders.shop_routes import ShopRoutes
from orders.states import State
from orders.status_routes import StatusRoutes
from orders.store import OrderStore
from orders.tasks import end

WATCH_S = 2.0
"""Dependencies are asked how they are this often, so that /health tells the truth on a worker that nobody uses."""


class Worker:
    """One worker. ``application`` is what the server runs; ``drain`` what it does when asked to stop."""

    def __init__(self, configuration: Configuration) -> None:
        self._configuration = configuration
        primary, reader = State("database"), State("reader")
        self._states = [primary, reader] if configuration.read_replica_url else [primary]
        self._database = Database(configuration, primary, reader)
        self._stores = {purpose: self._store(purpose) for purpose in ("cache", "session")}
        self._feed = Feed(configuration.redis["queue"], self._state("feed"))
        self.health = Health(self._database, self._states)
        self.application = self._assemble()

    async def drain(self) -> None:
        """Fails readiness at once, serves on until load balancers have noticed, then closes the WebSockets."""
        self.health.draining = True
        await asyncio.sleep(self._configuration.drain_delay_s)
        await self._feed.drain(self._configuration.websocket_drain_s)

    def _state(self, name: str) -> State:
        state = State(name)
        if self._configuration.redis["queue"].nodes:
            self._states.append(state)
        return state

    def _store(self, purpose: str) -> KeyValueStore:
        patient = purpose == "session"
        return KeyValueStore(self._configuration.redis[purpose], self._state(purpose),
                             PATIENT_S if patient else OPERATION_S, patient=patient)

    def _assemble(self) -> ASGIApp:
        configuration = self._configuration
        orders = OrderStore(self._database, configuration.deadline_s, configuration.pool_wait_s)
        catalogue = Catalogue(orders, self._stores["cache"])
        shop = ShopRoutes(catalogue, SessionStore(self._stores["session"]), self._feed)
        status = StatusRoutes(configuration, self.health, self._refresh_metrics)
        application = Starlette(
            routes=[*OrderRoutes(orders, self._feed).routes(), *status.routes(), *shop.routes()],
            exception_handlers={RefusedError: refused},
            lifespan=self._lifespan,
        )
        identity = {"X-Evenkeel-Version": configuration.version, "X-Evenkeel-Colour": configuration.colour,
                    "X-Evenkeel-Member": configuration.member}
        BUILD.labels(configuration.version, configuration.colour).set(1)
        return Witness(application, identity, lambda: self.health.draining, configuration.access_log)

    @asynccontextmanager
    async def _lifespan(self, _: Starlette) -> AsyncIterator[None]:
        async with AsyncExitStack() as open_parts:
            await open_parts.enter_async_context(self._database)
            for store in self._stores.values():
                open_parts.push_async_callback(store.close)
            await open_parts.enter_async_context(self._feed)
            open_parts.push_async_callback(end, asyncio.create_task(self._watch()))
            yield

    async def _watch(self) -> None:
        while True:
            await self.health.can_write()
            await self.health.can_read()
            for store in self._stores.values():
                await store.renew()
                if store.access.nodes:
                    with suppress(UnavailableError):  # the store has noted it
                        await store.run(store.look)
            await asyncio.sleep(WATCH_S)

    def _refresh_metrics(self) -> None:
        for pool in self._database.pools:
            CONNECTIONS.labels(pool.name, "idle").set(pool.idle_count)
            CONNECTIONS.labels(pool.name, "lent").set(pool.open_count - pool.idle_count)
            WAITING.labels(pool.name).set(pool.waiting_count)
        for state in self._states:
            DEPENDENCY.labels(state.name).set(bool(state.up))
