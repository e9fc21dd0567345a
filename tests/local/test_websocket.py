"""The live feed through both edges and both load balancers: shared by all workers, drained on a stop.

By websockets' asyncio client: its threaded one reads and writes a TLS connection from two threads at once, which now
and then loses the handshake on a busy machine.
"""

from __future__ import annotations

import asyncio
import json
import ssl
import time
import uuid
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from tests.support.running import RunningPlatform

ARRIVES_S = 5.0
CLOSED_S = 5.0
READY_S = 30.0
SERVICE_RESTART = 1012
PER_EDGE = 8
"""Enough that each worker has some of them."""
WORKERS = ("web-blue-1", "web-blue-2")


@asynccontextmanager
async def feeds(platform: RunningPlatform, trust: ssl.SSLContext,
                per_edge: int = PER_EDGE) -> AsyncIterator[list[ClientConnection]]:
    """Open feeds by both edges."""
    addresses = [f"{url.replace('https://', 'wss://')}/ws" for url in platform.urls]
    async with AsyncExitStack() as opened:
        yield [await opened.enter_async_context(connect(address, ssl=trust))
               for _ in range(per_edge) for address in addresses]


def place(platform: RunningPlatform, edge: int) -> str:
    """The id of a new order."""
    with platform.client(edge) as client:
        answer = client.post("/api/orders", json={"item": "compass", "quantity": 1},
                             headers={"Idempotency-Key": str(uuid.uuid4())})
        assert answer.status_code == 201, answer.text
        return str(answer.json()["id"])


async def arrives(socket: ClientConnection, order: str) -> None:
    """Reads until that order comes by."""
    async with asyncio.timeout(ARRIVES_S):
        while json.loads(await socket.recv())["order"]["id"] != order:
            pass


async def close_code(socket: ClientConnection, within_s: float) -> int | None:
    """With what the server closed; none where the feed is still open after that time."""
    try:
        async with asyncio.timeout(within_s):
            while True:
                await socket.recv()
    except TimeoutError:
        return None
    except ConnectionClosed as closed:
        return closed.rcvd.code if closed.rcvd else None


def open_feeds(platform: RunningPlatform) -> list[int]:
    """How many each worker has."""
    pages = [platform.inside(member, "curl", "-fsS", "http://127.0.0.1:8000/metrics") for member in WORKERS]
    return [int(float(line.split()[1])) for page in pages for line in page.splitlines()
            if line.startswith("orders_websockets ")]


def test_ping_is_answered_through_both_tiers(platform: RunningPlatform, trust: ssl.SSLContext) -> None:
    async def scenario() -> None:
        async with feeds(platform, trust, per_edge=2) as sockets:
            for socket in sockets:
                await socket.send("ping")
                assert await asyncio.wait_for(socket.recv(), ARRIVES_S) == "pong"

    asyncio.run(scenario())


def test_an_order_arrives_everywhere_whoever_took_it(platform: RunningPlatform, trust: ssl.SSLContext) -> None:
    async def scenario() -> None:
        async with feeds(platform, trust) as sockets:
            spread = open_feeds(platform)
            assert all(spread), f"every worker should have some: {spread}"
            assert sum(spread) >= len(sockets)
            for edge in (1, 2):
                order = place(platform, edge)
                await asyncio.gather(*(arrives(socket, order) for socket in sockets))

    asyncio.run(scenario())


def test_a_stopping_worker_closes_its_feeds_gently_and_the_others_live_on(
        platform: RunningPlatform, trust: ssl.SSLContext) -> None:
    container = platform.container(WORKERS[1])

    async def scenario() -> None:
        async with feeds(platform, trust) as sockets:
            container.kill(signal="SIGTERM")
            ended = await asyncio.to_thread(container.wait, timeout=40)
            assert ended["StatusCode"] == 0
            codes = await asyncio.gather(*(close_code(socket, CLOSED_S) for socket in sockets))
            assert set(codes) == {SERVICE_RESTART, None}, "that worker's feeds, and the other's"
            alive = [socket for socket, code in zip(sockets, codes, strict=True) if code is None]
            async with feeds(platform, trust, per_edge=1) as again:
                order = place(platform, 2)
                await asyncio.gather(*(arrives(socket, order) for socket in [*alive, *again]))

    try:
        with platform.held(WORKERS[1], "a test"):
            asyncio.run(scenario())
    finally:
        container.start()
    deadline = time.monotonic() + READY_S
    while container.exec_run(["curl", "-fsS", "http://127.0.0.1:8000/health/ready"]).exit_code != 0:
        assert time.monotonic() < deadline, f"{WORKERS[1]} should be ready again"
        time.sleep(0.2)
