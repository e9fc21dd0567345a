"""The client of a drill: an open loop of writes, reads and sessions through both edges, and live feeds that stay open.

A request begins when it is due, whatever became of the earlier ones. It goes to one edge and, when that refuses the
connection (so that nothing was sent), to the other. A write is sent once: its key is in the ledger in exactly one of
acknowledged, failed, unknown. A read that lost its connection is asked for once more, as browsers do (RFC 9110, 9.2.2).
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import random
import ssl
import threading
import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any

import aiohttp

from operations.drills.ledger import Outcome, Write, classify
from operations.drills.sockets import Feed

NOT_SENT = (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError)
CONNECTION_LOST = (aiohttp.ServerDisconnectedError, aiohttp.ClientOSError, aiohttp.ClientPayloadError)
NO_ANSWER = (aiohttp.ClientError, TimeoutError, OSError)
TIMEOUT_S = 15.0
IDLE_S = 5.0
"""How long a connection is kept that nobody uses."""
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


@dataclass(frozen=True)
class Edge:
    """One way in, with the connections that are kept to it."""

    url: str
    session: aiohttp.ClientSession


@dataclass(frozen=True)
class Answer:
    """``text`` is the whole body."""

    status: int
    text: str


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
        async with contextlib.AsyncExitStack() as opened:
            edges = [Edge(url, await opened.enter_async_context(self._session(url))) for url in self._urls]
            self.seen.feeds = [Feed(self._urls[edge:] + self._urls[:edge], self._trust)
                               for edge in range(len(self._urls)) for _ in range(FEEDS_PER_EDGE)]
            feeds = [asyncio.create_task(feed.follow()) for feed in self.seen.feeds]
            visitors = itertools.cycle([await self._open_session(edges) for _ in range(VISITORS)])
            kinds = ((self._rates.writes, self._write), (self._rates.reads, self._read))
            loops = [self._loop(rate, lambda ask=ask: ask(edges)) for rate, ask in kinds]
            loops.append(self._loop(self._rates.sessions, lambda: self._ask(
                edges, "session", "/api/session", headers={"Cookie": next(visitors)})))
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

    def _session(self, url: str) -> aiohttp.ClientSession:
        session = aiohttp.ClientSession(
            url, cookie_jar=aiohttp.DummyCookieJar(), connector=aiohttp.TCPConnector(
                ssl=self._trust, limit=MOST_AT_ONCE, keepalive_timeout=IDLE_S),
            timeout=aiohttp.ClientTimeout(total=None, connect=TIMEOUT_S, sock_read=TIMEOUT_S))
        # What is sent again is sent and counted here.
        session._retry_connection = False
        return session

    def _in_turn(self, edges: list[Edge]) -> list[Edge]:
        first = next(self._numbers) % len(edges)
        return edges[first:] + edges[:first]

    async def _write(self, edges: list[Edge]) -> None:
        key, began = f"drill-{uuid.uuid4()}", time.time()
        outcome, why, url = Outcome.FAILED, "", ""
        for edge in self._in_turn(edges):
            url = edge.url
            try:
                answer = await _asked(edge, "POST", "/api/orders", json={"item": "anchor", "quantity": 1},
                                      headers={"Idempotency-Key": key})
            except NOT_SENT as error:
                why = _words(error)
                self.seen.other_edge += 1
                continue
            except NO_ANSWER as error:
                outcome, why = Outcome.UNKNOWN, _words(error)
                break
            said = _json(answer)
            outcome = classify(answer.status, said)
            if outcome is Outcome.ACKNOWLEDGED:
                self._known = [*self._known[-20:], str(said.get("id", ""))]
            else:
                why = f"{answer.status} {answer.text[:160]}"
            break
        self.seen.writes.append(Write(key, began, time.time(), outcome, why, url))

    async def _read(self, edges: list[Edge]) -> None:
        path = f"/api/orders/{random.choice(self._known)}?consistency=primary" if self._known and random.random() < .5 \
            else "/api/orders?limit=5"  # noqa: S311
        await self._ask(edges, "read", path)

    async def _ask(self, edges: list[Edge], kind: str, path: str, **options: Any) -> None:
        began, status, why = time.time(), 0, ""
        repeated = False
        for edge in [*(order := self._in_turn(edges)), order[0]]:
            try:
                answer = await _asked(edge, "GET", path, **options)
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
            except NO_ANSWER as error:
                why = _words(error)
                break
            status = answer.status
            why = "" if status < 400 else f"{status} {answer.text[:160]}"
            break
        self.seen.asks.append(Ask(kind, began, time.time(), status, why))

    async def _open_session(self, edges: list[Edge]) -> str:
        for edge in edges:
            with contextlib.suppress(*NO_ANSWER):
                async with edge.session.post("/api/session") as answer:
                    if answer.status == 201:
                        return str(answer.headers.get("Set-Cookie", "")).partition(";")[0]
        return ""


async def _asked(edge: Edge, method: str, path: str, **options: Any) -> Answer:
    async with edge.session.request(method, path, allow_redirects=False, **options) as answer:
        return Answer(answer.status, (await answer.read()).decode(errors="replace"))


def _words(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}".rstrip(": ")


def _json(answer: Answer) -> dict[str, Any]:
    try:
        said = json.loads(answer.text)
    except ValueError:
        return {}
    return said if isinstance(said, dict) else {}
