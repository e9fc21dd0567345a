"""The live feed through both edges and both load balancers: shared by all workers, drained on a stop."""

from __future__ import annotations

import json
import ssl
import time
import uuid
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from tests.support.running import RunningPlatform

ARRIVES_S = 5.0
DRAINED_S = 20.0
SERVICE_RESTART = 1012
PER_EDGE = 8
"""Enough that each worker has some of them."""


@contextmanager
def feed(platform: RunningPlatform, trust: ssl.SSLContext, edge: int) -> Iterator[ClientConnection]:
    """An open feed by an edge."""
    address = platform.urls[edge - 1].replace("https://", "wss://")
    with connect(f"{address}/ws", ssl=trust) as socket:
        yield socket


@pytest.fixture
def feeds(platform: RunningPlatform, trust: ssl.SSLContext) -> Iterator[list[ClientConnection]]:
    """Several feeds by each edge."""
    with ExitStack() as opened:
        yield [opened.enter_context(feed(platform, trust, edge)) for _ in range(PER_EDGE) for edge in (1, 2)]


def place(platform: RunningPlatform, edge: int) -> str:
    with platform.client(edge) as client:
        answer = client.post("/api/orders", json={"item": "compass", "quantity": 1},
                             headers={"Idempotency-Key": str(uuid.uuid4())})
        assert answer.status_code == 201, answer.text
        return str(answer.json()["id"])


def awaits(socket: ClientConnection, order: str) -> None:
    """Reads until that order arrives."""
    deadline = time.monotonic() + ARRIVES_S
    while json.loads(socket.recv(timeout=max(0.0, deadline - time.monotonic())))["order"]["id"] != order:
        pass


def test_ping_is_answered_through_both_tiers(feeds: list[ClientConnection]) -> None:
    for socket in feeds:
        socket.send("ping")
        assert socket.recv(timeout=ARRIVES_S) == "pong"


def test_an_order_arrives_everywhere_whoever_took_it(platform: RunningPlatform, feeds: list[ClientConnection]) -> None:
    for edge in (1, 2):
        order = place(platform, edge)
        for socket in feeds:
            awaits(socket, order)


def test_the_feeds_are_spread_over_the_workers(platform: RunningPlatform, feeds: list[ClientConnection]) -> None:
    counts = []
    for member in ("web-blue-1", "web-blue-2"):
        metrics = platform.inside(member, "curl", "-fsS", "http://127.0.0.1:8000/metrics")
        counts += [float(line.split()[1]) for line in metrics.splitlines() if line.startswith("orders_websockets ")]
    assert all(counts)
    assert sum(counts) >= len(feeds)


def test_a_stopping_worker_closes_its_feeds_gently_and_they_find_another(
        platform: RunningPlatform, trust: ssl.SSLContext, feeds: list[ClientConnection]) -> None:
    container = platform.container("web-blue-2")
    container.kill(signal="SIGTERM")
    try:
        assert container.wait(timeout=40)["StatusCode"] == 0
        closed = [code for socket in feeds if (code := close_code(socket)) is not None]
        assert closed, "that worker should have had some"
        assert set(closed) == {SERVICE_RESTART}
        with feed(platform, trust, 1) as again:
            awaits_after(again, platform)
    finally:
        container.start()
    deadline = time.monotonic() + DRAINED_S
    while container.exec_run(["curl", "-fsS", "http://127.0.0.1:8000/health/ready"]).exit_code != 0:
        assert time.monotonic() < deadline, "web-blue-2 should be ready again"
        time.sleep(0.2)


def awaits_after(socket: ClientConnection, platform: RunningPlatform) -> None:
    awaits(socket, place(platform, 2))


def close_code(socket: ClientConnection) -> int | None:
    """With what the server closed; none where the feed is still open."""
    try:
        while True:
            socket.recv(timeout=0)
    except TimeoutError:
        return None
    except ConnectionClosed:
        return socket.close_code
