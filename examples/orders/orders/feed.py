"""The live feed: every new order goes to every open WebSocket, whichever worker took it, through Redis.

A plain PUBLISH: the cluster passes it to all its nodes, so that a worker may listen on any one of them. Best effort by
nature: a message published while a worker looks for another node is not repeated.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections import deque
from contextlib import suppress
from typing import Any, Self

from redis.asyncio import Redis
from redis.asyncio.client import PubSub
from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketState

from orders.configuration import RedisAccess
from orders.keyvalue import FAILURES, connection_options
from orders.metrics import FEED_CLIENTS, FEED_DROPPED, FEED_MESSAGES
from orders.states import State
from orders.tasks import end, until_one_fails

log = logging.getLogger(__name__)

CHANNEL = "orders"
"""Behind the user's prefix: what its ACL lets it publish to."""
SEPARATOR = "\n"
"""Between the messages of a batch; JSON has no raw line feed inside a line."""
BATCH_S = 0.01
"""What is to be published in this time goes as one message: the feed costs the same at 10 orders/s and at 1,000."""
OUTGOING = 1000
"""Messages that may wait to be published; beyond that the oldest are lost."""
PUBLISH_S = 0.5
RETRY_S = 0.25
QUIET_S = 5
"""A quiet subscription is pinged this often, so that a dead one is noticed."""
BACKLOG = 64
"""Messages that a WebSocket may be behind before it is closed."""
DRAIN_STEP_S = 0.05
SERVICE_RESTART = 1012
TRY_AGAIN_LATER = 1013


class Subscriber:
    """One WebSocket. It costs one waiting task; a second one exists only while there is something to send."""

    def __init__(self, socket: WebSocket) -> None:
        self._socket = socket
        self._backlog: deque[str] = deque()
        self._sender: asyncio.Task[None] | None = None
        self._given_up = False

    def offer(self, message: str) -> None:
        """Sends without making anybody wait; a reader that is too slow is closed."""
        if self._given_up:
            return
        if len(self._backlog) >= BACKLOG:
            FEED_DROPPED.inc()
            self._given_up = True
            self._backlog.clear()
            self._sender = asyncio.create_task(self.close(TRY_AGAIN_LATER))
            return
        self._backlog.append(message)
        if self._sender is None or self._sender.done():
            self._sender = asyncio.create_task(self._send())

    async def _send(self) -> None:
        with suppress(WebSocketDisconnect, RuntimeError):
            while self._backlog:
                await self._socket.send_text(self._backlog.popleft())
                FEED_MESSAGES.inc()

    async def close(self, code: int) -> None:
        """Closes the WebSocket, if it is still open."""
        if self._socket.application_state is WebSocketState.CONNECTED:
            with suppress(WebSocketDisconnect, RuntimeError):
                await self._socket.close(code)


class Feed:
    """Carries messages between workers and to the WebSockets of this one. As a context manager: talks to Redis."""

    def __init__(self, access: RedisAccess, state: State) -> None:
        self._access = access
        self._channel = f"{access.prefix}{CHANNEL}"
        self._state = state
        self._subscribers: set[Subscriber] = set()
        self._outgoing: deque[str] = deque(maxlen=OUTGOING)
        self._something_outgoing = asyncio.Event()
        self._relay: asyncio.Task[None] | None = None
        self.closing = False

    async def __aenter__(self) -> Self:
        if self._access.nodes:
            self._relay = asyncio.create_task(self._stay_connected())
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._relay:
            await end(self._relay)

    def publish(self, message: str) -> None:
        """Sends a line of text to all workers, soon. Where Redis is down, this worker's WebSockets get it at least."""
        if self._state.up:
            self._outgoing.append(message)
            self._something_outgoing.set()
        else:
            self.broadcast(message)

    def broadcast(self, message: str) -> None:
        """Sends to the WebSockets of this worker."""
        for subscriber in self._subscribers:
            subscriber.offer(message)

    async def serve(self, socket: WebSocket) -> None:
        """Stays with one WebSocket until either side closes it. Answers ``ping`` with ``pong``."""
        if self.closing:
            await socket.close(SERVICE_RESTART)
            return
        await socket.accept()
        subscriber = Subscriber(socket)
        self._subscribers.add(subscriber)
        FEED_CLIENTS.set(len(self._subscribers))
        try:
            async for text in socket.iter_text():
                if text == "ping":
                    subscriber.offer("pong")
        finally:
            self._subscribers.discard(subscriber)
            FEED_CLIENTS.set(len(self._subscribers))

    async def drain(self, over_s: float) -> None:
        """Closes every WebSocket with 1012 (service restart), spread over ``over_s`` seconds; takes no new ones."""
        self.closing = True
        left = list(self._subscribers)
        random.shuffle(left)
        steps = max(1, int(over_s / DRAIN_STEP_S))
        size = -(-len(left) // steps)
        while left:
            batch, left = left[:size], left[size:]
            await asyncio.gather(*(subscriber.close(SERVICE_RESTART) for subscriber in batch))
            if left:
                await asyncio.sleep(DRAIN_STEP_S)

    async def _stay_connected(self) -> None:
        options: dict[str, Any] = connection_options(self._access)
        while True:
            host, port = random.choice(self._access.nodes)  # noqa: S311
            try:
                async with (
                    Redis(host=host, port=port, health_check_interval=QUIET_S, **options) as redis,
                    redis.pubsub(ignore_subscribe_messages=True) as subscription,
                ):
                    await subscription.subscribe(self._channel)
                    self._state.set(True)
                    await until_one_fails(self._receive(subscription), self._send(redis))
            except FAILURES as error:
                self._state.set(False, f"{type(error).__name__}: {error}")
                await asyncio.sleep(RETRY_S)

    async def _receive(self, subscription: PubSub) -> None:
        while True:
            message = await subscription.get_message(timeout=QUIET_S)
            if message is not None:
                for line in message["data"].decode().split(SEPARATOR):
                    self.broadcast(line)

    async def _send(self, redis: Redis) -> None:
        while True:
            await self._something_outgoing.wait()
            self._something_outgoing.clear()
            batch = SEPARATOR.join(self._outgoing)
            self._outgoing.clear()
            async with asyncio.timeout(PUBLISH_S):
                await redis.publish(self._channel, batch)
            await asyncio.sleep(BATCH_S)
