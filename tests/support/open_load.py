"""A small constant load through both edges, and what became of each request.

An open loop: requests begin at a fixed rate whatever became of the earlier ones. A client does what a browser or a
load balancer in front of the edges does: when one edge refuses the connection, it goes to the other one. A request may
also cross the closing of an idle connection on its way (Nginx closes those when it reloads or ends): RFC 9112, 9.3.1
lets a client repeat what is safe to repeat, here GETs and orders, which have an idempotency key; after a second such
connection it takes a new one, as browsers do, which nobody closes because it is idle. All of that is counted.
"""

from __future__ import annotations

import asyncio
import random
import ssl
import threading
import time
import uuid
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx

UNSEEN = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)
"""The request was not sent."""
LOST = (httpx.RemoteProtocolError, httpx.ReadError, httpx.WriteError)
"""The connection ended under it."""
TIMEOUT_S = 15


@dataclass
class Report:
    """Counts of what clients saw. ``slowest_s`` is the longest answer of each kind, in seconds."""

    sent: int = 0
    moved: int = 0
    """Sent to the other edge, because the first one refused."""
    crossed: int = 0
    """Sent again, because the connection was closed before an answer began."""
    failed: list[str] = field(default_factory=list)
    statuses: Counter[str] = field(default_factory=Counter)
    slowest_s: dict[str, float] = field(default_factory=dict)
    orders: dict[str, str] = field(default_factory=dict)
    """Acknowledged orders: id -> item."""

    def __str__(self) -> str:
        slowest = ", ".join(f"{kind} {seconds:.2f} s" for kind, seconds in sorted(self.slowest_s.items()))
        return (f"{self.sent} sent, {len(self.failed)} failed, {self.moved} went to the other edge, "
                f"{self.crossed} crossed a closing connection, slowest: {slowest}"
                + "".join(f"\n  {failure}" for failure in self.failed[:20]))


class Load:
    """``rate`` requests a second: one third of them orders, the others reads of the database and of a static file."""

    def __init__(self, urls: list[str], trust: ssl.SSLContext, rate: float = 40) -> None:
        self.report = Report()
        self._urls, self._trust, self._rate = urls, trust, rate
        self._stop = threading.Event()

    async def run(self) -> None:
        """Until ``stop``; then waits for what is in flight."""
        limits = httpx.Limits(max_connections=200, max_keepalive_connections=50)
        fresh = httpx.Limits(max_connections=200, max_keepalive_connections=0)
        clients, newcomers = ([httpx.AsyncClient(base_url=url, verify=self._trust, timeout=TIMEOUT_S, limits=one)
                               for url in self._urls] for one in (limits, fresh))
        under_way: set[asyncio.Task[None]] = set()
        begin, number = time.monotonic(), 0
        while not self._stop.is_set():
            turn = number % len(clients)
            order = [client for among in (clients, newcomers) for client in among[turn:] + among[:turn]]
            task = asyncio.create_task(self._one(order, number))
            under_way.add(task)
            task.add_done_callback(under_way.discard)
            number += 1
            await asyncio.sleep(max(0, begin + number / self._rate - time.monotonic()))
        await asyncio.gather(*under_way)
        for client in [*clients, *newcomers]:
            await client.aclose()

    def stop(self) -> None:
        self._stop.set()

    async def _one(self, order: list[httpx.AsyncClient], number: int) -> None:
        kind, method, path, options = _request(number, list(self.report.orders))
        began = time.monotonic()
        answer: httpx.Response | None = None
        trouble = ""
        for client in order:
            try:
                answer = await client.request(method, path, **options)
                break
            except UNSEEN as error:
                trouble = f"{type(error).__name__}: {error}"
                self.report.moved += 1
            except LOST as error:
                trouble = f"{type(error).__name__}: {error}"
                self.report.crossed += 1
            except httpx.HTTPError as error:
                trouble = f"{type(error).__name__}: {error}"
                break
        seconds = time.monotonic() - began
        report = self.report
        report.sent += 1
        report.slowest_s[kind] = max(report.slowest_s.get(kind, 0), seconds)
        if answer is None or answer.status_code >= 400:
            said = f"{answer.status_code} {answer.text[:100]}" if answer is not None else trouble
            served_by = answer.headers.get("X-Evenkeel-Balancer", "") if answer is not None else ""
            report.failed.append(f"{time.strftime('%T')} {kind} after {seconds:.2f} s: {said} {served_by}")
            return
        report.statuses[f"{kind} {answer.status_code}"] += 1
        if kind == "order":
            report.orders[answer.json()["id"]] = options["json"]["item"]


def _request(number: int, known: list[str]) -> tuple[str, str, str, dict[str, Any]]:
    """Kind, method, path and options of the request of this number."""
    if number % 3 == 0:
        return "order", "POST", "/api/orders", {"json": {"item": "anchor", "quantity": 1},
                                                "headers": {"Idempotency-Key": str(uuid.uuid4())}}
    if number % 3 == 1 and known:
        return "read", "GET", f"/api/orders/{random.choice(known[-50:])}", {}
    return "page", "GET", "/", {}


@contextmanager
def load(urls: list[str], trust: ssl.SSLContext, rate: float = 40) -> Iterator[Report]:
    """The load, as long as the block lasts; its report is complete afterwards."""
    made = Load(urls, trust, rate)
    thread = threading.Thread(target=lambda: asyncio.run(made.run()), daemon=True)
    thread.start()
    try:
        yield made.report
    finally:
        made.stop()
        thread.join(TIMEOUT_S * 2)
        assert not thread.is_alive(), "requests should have ended in their time"
