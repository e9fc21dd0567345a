"""The client of a drill: an open loop of writes, reads and sessions through both edges, and live feeds that stay open.

A request begins when it is due, whatever became of the earlier ones. It goes to one edge and, when that refuses the
connection (so that nothing was sent), to the other. A write is sent once: its key is in the ledger in exactly one of
acknowledged, failed, unknown. A read that lost its connection is asked for once more, as browsers do (RFC 9110, 9.2.2).
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import random
import ssl
import threading
import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any

import httpx

from operations.drills.ledger import Outcome, Write, classify
from operations.drills.sockets import Feed

NOT_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)
CONNECTION_LOST = (httpx.RemoteProtocolError, httpx.ReadError, httpx.WriteError, httpx.CloseError)
TIMEOUT_S = 15.0
LONGEST_S = 600.0
"""No witness outlives this."""
MOST_AT_ONCE = 400
"""Beyond it nothing more is sent, and that is counted."""
FEEDS_PER_EDGE = 2
VISITORS = 24
"""Sessions, enough that every master of Redis serves some."""


@dataclass(frozen=True)
class Rates:
    """Requests a second of each kind."""

    writes: float = 40
    reads: float = 20
    sessions: float = 10


@dataclass(frozen=True, slots=True)
class Ask:
    """A read or a session's visit. ``status`` 0: no answer."""

    kind: str
    began: float
    ended: float
    status: int
    why: str = ""

    @property
    def succeeded(self) -> bool:
        return 200 <= self.status < 400


@dataclass
class Seen:
    """Everything that the witness saw."""

    writes: list[Write] = field(default_factory=list)
    asks: list[Ask] = field(default_factory=list)
    other_edge: int = 0
    """Requests sent to the other edge because the first one refused the connection."""
    repeated: int = 0
    """Reads sent again because their connection ended."""
    left_out: int = 0
    """Due, but ``MOST_AT_ONCE`` were under way."""
    feeds: list[Feed] = field(default_factory=list)

    def acknowledged(self) -> list[float]:
        """When each acknowledged write was acknowledged."""
        return [write.ended for write in self.writes if write.outcome is Outcome.ACKNOWLEDGED]


class Witness:
    """``with Witness(urls, trust) as witness: ...``; ``witness.seen`` is complete afterwards."""

    def __init__(self, urls: Sequence[str], trust: ssl.SSLContext, rates: Rates | None = None) -> None:
        """``urls``: HTTPS of every edge."""
        self.seen = Seen()
        self._urls, self._trust, self._rates = list(urls), trust, rates or Rates()
        self._stop = threading.Event()
        self._numbers = itertools.count()
        self._known: list[str] = []
        self._failure: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="witness", daemon=True)

    def __enter__(self) -> Witness:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, _: BaseException | None, __: TracebackType | None) -> None:
        self._stop.set()
        self._thread.join(2 * TIMEOUT_S + 5)
        if kind is None and self._failure is not None:
            raise self._failure

    def _run(self) -> None:
        try:
            asyncio.run(self._all())
        except BaseException as error:
            self._failure = error
            raise

    async def _all(self) -> None:
        limits = httpx.Limits(max_connections=MOST_AT_ONCE, max_keepalive_connections=60)
        async with contextlib.AsyncExitStack() as opened:
            clients = [await opened.enter_async_context(httpx.AsyncClient(
                base_url=url, verify=self._trust, timeout=TIMEOUT_S, limits=limits)) for url in self._urls]
            self.seen.feeds = [Feed(self._urls[edge:] + self._urls[:edge], self._trust)
                               for edge in range(len(self._urls)) for _ in range(FEEDS_PER_EDGE)]
            feeds = [asyncio.create_task(feed.follow()) for feed in self.seen.feeds]
            visitors = itertools.cycle([await self._open_session(clients) for _ in range(VISITORS)])
            kinds = ((self._rates.writes, self._write), (self._rates.reads, self._read))
            loops = [self._loop(rate, lambda ask=ask: ask(clients)) for rate, ask in kinds]
            loops.append(self._loop(self._rates.sessions, lambda: self._ask(
                clients, "session", "/api/session", headers={"Cookie": next(visitors)})))
            await asyncio.gather(*loops)
            for feed in feeds:
                feed.cancel()
            await asyncio.gather(*feeds, return_exceptions=True)

    async def _loop(self, rate: float, send: Any) -> None:
        """Begin a request every 1/``rate`` s until stopped, then wait for those under way."""
        under_way: set[asyncio.Task[None]] = set()
        began, number = time.monotonic(), 0
        while rate and not self._stop.is_set() and time.monotonic() - began < LONGEST_S:
            if len(under_way) < MOST_AT_ONCE:
                task = asyncio.create_task(send())
                under_way.add(task)
                task.add_done_callback(under_way.discard)
            else:
                self.seen.left_out += 1
            number += 1
            await asyncio.sleep(max(0.0, began + number / rate - time.monotonic()))
        await asyncio.gather(*under_way)

    def _in_turn(self, clients: list[httpx.AsyncClient]) -> list[httpx.AsyncClient]:
        first = next(self._numbers) % len(clients)
        return clients[first:] + clients[:first]

    async def _write(self, clients: list[httpx.AsyncClient]) -> None:
        key, began = f"drill-{uuid.uuid4()}", time.time()
        outcome, why, edge = Outcome.FAILED, "", ""
        for client in self._in_turn(clients):
            edge = str(client.base_url)
            try:
                answer = await client.post("/api/orders", json={"item": "anchor", "quantity": 1},
                                           headers={"Idempotency-Key": key})
            except NOT_SENT as error:
                why = _words(error)
                self.seen.other_edge += 1
                continue
            except (httpx.HTTPError, ssl.SSLError) as error:
                outcome, why = Outcome.UNKNOWN, _words(error)
                break
            said = _json(answer)
            outcome = classify(answer.status_code, said)
            if outcome is Outcome.ACKNOWLEDGED:
                self._known = [*self._known[-20:], str(said.get("id", ""))]
            else:
                why = f"{answer.status_code} {answer.text[:160]}"
            break
        self.seen.writes.append(Write(key, began, time.time(), outcome, why, edge))

    async def _read(self, clients: list[httpx.AsyncClient]) -> None:
        path = f"/api/orders/{random.choice(self._known)}?consistency=primary" if self._known and random.random() < .5 \
            else "/api/orders?limit=5"  # noqa: S311
        await self._ask(clients, "read", path)

    async def _ask(self, clients: list[httpx.AsyncClient], kind: str, path: str, **options: Any) -> None:
        began, status, why = time.time(), 0, ""
        repeated = False
        for client in [*(order := self._in_turn(clients)), order[0]]:
            try:
                answer = await client.get(path, **options)
            except NOT_SENT as error:
                why = _words(error)
                self.seen.other_edge += 1
                continue
            except CONNECTION_LOST as error:
                why = _words(error)
                if repeated:
                    break
                repeated = True
                self.seen.repeated += 1
                continue
            except (httpx.HTTPError, ssl.SSLError) as error:
                why = _words(error)
                break
            status = answer.status_code
            why = "" if status < 400 else f"{status} {answer.text[:160]}"
            break
        self.seen.asks.append(Ask(kind, began, time.time(), status, why))

    async def _open_session(self, clients: list[httpx.AsyncClient]) -> str:
        for client in clients:
            with contextlib.suppress(httpx.HTTPError):
                answer = await client.post("/api/session")
                if answer.status_code == 201:
                    client.cookies.clear()
                    return str(answer.headers.get("set-cookie", "")).partition(";")[0]
        return ""


def _words(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}".rstrip(": ")


def _json(answer: httpx.Response) -> dict[str, Any]:
    try:
        said = answer.json()
    except ValueError:
        return {}
    return said if isinstance(said, dict) else {}
