"""The feed: never waits for a slow reader, closes gently, works without Redis on its own worker."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from prometheus_client import REGISTRY
from starlette.websockets import WebSocketState

from orders import feed as feeds
from orders.configuration import RedisAccess
from orders.feed import SERVICE_RESTART, TRY_AGAIN_LATER, Feed, Subscriber
from orders.states import State

pytestmark = pytest.mark.anyio


class FakeSocket:
    """A WebSocket whose client says what it is told to and reads while ``reading`` is set."""

    def __init__(self) -> None:
        self.application_state = WebSocketState.CONNECTED
        self.sent: list[str] = []
        self.closed: list[int] = []
        self.reading = asyncio.Event()
        self.reading.set()
        self.said: asyncio.Queue[str | None] = asyncio.Queue()

    async def accept(self) -> None:
        pass

    async def send_text(self, text: str) -> None:
        await self.reading.wait()
        self.sent.append(text)

    async def close(self, code: int) -> None:
        self.application_state = WebSocketState.DISCONNECTED
        await self.reading.wait()
        self.closed.append(code)
        self.said.put_nowait(None)

    async def iter_text(self) -> Any:
        while (text := await self.said.get()) is not None:
            yield text


def feed() -> Feed:
    return Feed(RedisAccess("queue", (), "queue", "queue:"), State("feed"))


async def serve(feed: Feed, count: int) -> tuple[list[FakeSocket], list[asyncio.Task[None]]]:
    sockets: Any = [FakeSocket() for _ in range(count)]
    tasks = [asyncio.create_task(feed.serve(socket)) for socket in sockets]
    await asyncio.sleep(0.01)
    return sockets, tasks


async def test_everybody_gets_every_message_in_order() -> None:
    live = feed()
    sockets, _ = await serve(live, 3)
    for number in range(5):
        live.publish(str(number))
    await asyncio.sleep(0.01)
    assert all(socket.sent == ["0", "1", "2", "3", "4"] for socket in sockets)


async def test_ping_is_answered() -> None:
    (socket,), _ = await serve(feed(), 1)
    socket.said.put_nowait("ping")
    await asyncio.sleep(0.01)
    assert socket.sent == ["pong"]


async def test_a_reader_that_is_too_slow_is_closed_and_holds_up_nobody() -> None:
    live = feed()
    (slow, quick), _ = await serve(live, 2)
    slow.reading.clear()
    dropped = REGISTRY.get_sample_value("orders_feed_dropped_total") or 0
    for number in range(3 * feeds.BACKLOG):
        live.broadcast(str(number))
        await asyncio.sleep(0)
    slow.reading.set()
    await asyncio.sleep(0.01)
    assert slow.closed == [TRY_AGAIN_LATER]
    assert len(quick.sent) == 3 * feeds.BACKLOG
    assert REGISTRY.get_sample_value("orders_feed_dropped_total") == dropped + 1


async def test_draining_closes_all_with_1012_over_its_time() -> None:
    live = feed()
    sockets, tasks = await serve(live, 10)
    began = asyncio.get_running_loop().time()
    await live.drain(0.5)
    assert 0.3 < asyncio.get_running_loop().time() - began < 2
    await asyncio.gather(*tasks)
    assert all(socket.closed == [SERVICE_RESTART] for socket in sockets)


async def test_draining_without_anybody_takes_no_time() -> None:
    began = asyncio.get_running_loop().time()
    await feed().drain(5)
    assert asyncio.get_running_loop().time() - began < 1


async def test_nobody_is_taken_while_draining() -> None:
    live = feed()
    await live.drain(0)
    (socket,), _ = await serve(live, 1)
    assert socket.closed == [SERVICE_RESTART]


async def test_a_socket_that_is_gone_is_forgotten() -> None:
    live = feed()
    (socket,), tasks = await serve(live, 1)
    socket.said.put_nowait(None)
    await asyncio.gather(*tasks)
    live.broadcast("anybody there?")
    await asyncio.sleep(0.01)
    assert socket.sent == []


async def test_a_closed_socket_is_not_closed_again() -> None:
    socket: Any = FakeSocket()
    subscriber = Subscriber(socket)
    await subscriber.close(SERVICE_RESTART)
    await subscriber.close(SERVICE_RESTART)
    assert socket.closed == [SERVICE_RESTART]
