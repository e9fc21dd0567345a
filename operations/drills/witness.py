"""The client of a drill: an open loop of writes, reads and sessions through both edges, and live feeds that stay open.

A request begins when it is due, whatever became of the earlier ones. It goes to one edge and, when that refuses the
connection (so that nothing was sent), to the other. A write is sent once: its key is in the ledger in exactly one of
acknowledged, failed, unknown. A read that lost its connection is asked for once more, as browsers do (RFC 9110, 9.2.2).

It is a process of its own that the kernel prefers: it stands for clients on other machines, which don't wait for a
processor of this one. Beside the drill's own threads it came up to 0.8 s late to an answer, and called that a pause.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import multiprocessing
import os
import random
import ssl
import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path
from types import TracebackType
from typing import Any

import aiohttp

from operations.drills.errors import DrillError
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
READY_S = 30.0
"""Python starts, and the sessions are opened."""
PREFERRED = -10
"""Its niceness, where we may set it."""
STOP, TELL = "stop", "tell"
"""What the drill says to it: end and tell what was seen; tell what was seen so far."""


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
    late_s: float = 0.0
    """The most that a request began later than it was due: what the times in here may be wrong by."""
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
    """``with Witness(urls, authority) as witness: ...``; ``witness.seen`` is complete afterwards."""

    def __init__(self, urls: Sequence[str], authority: str, rates: Rates | None = None) -> None:
        """``urls``: HTTPS of every edge. ``authority``: PEM of whom they are trusted for."""
        self._seen: Seen | None = None
        context = multiprocessing.get_context("spawn")
        self._pipe, theirs = context.Pipe()
        self._process = context.Process(target=_witness, args=(theirs, list(urls), authority, rates or Rates()),
                                        name="witness", daemon=True)
        self._theirs = theirs

    def __enter__(self) -> Witness:
        self._process.start()
        self._theirs.close()
        self._hear(READY_S)
        return self

    def __exit__(self, kind: type[BaseException] | None, _: BaseException | None, __: TracebackType | None) -> None:
        try:
            self._seen = self._ask(STOP, 2 * TIMEOUT_S + 5)
        except DrillError:
            if kind is None:
                raise
        finally:
            self._pipe.close()
            self._process.join(TIMEOUT_S)

    @property
    def seen(self) -> Seen:
        """Everything, or everything so far."""
        return self._seen or self._ask(TELL, TIMEOUT_S)

    def _ask(self, what: str, limit_s: float) -> Seen:
        with contextlib.suppress(OSError):
            self._pipe.send(what)
        said = self._hear(limit_s)
        assert isinstance(said, Seen)
        return said

    def _hear(self, limit_s: float) -> object:
        try:
            if self._pipe.poll(limit_s):
                return self._pipe.recv()
        except (EOFError, OSError):
            self._process.join(TIMEOUT_S)
        raise DrillError("the drill's client ended by itself, or doesn't answer (exit code "
                           f"{self._process.exitcode}): what it said is above. Next: run the drill again")


def _witness(pipe: Connection, urls: list[str], authority: str, rates: Rates) -> None:
    """The process."""
    os.setsid()  # an interrupt is the drill's to handle; it ends this one
    with contextlib.suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, 0, PREFERRED)
        Path("/proc/self/autogroup").write_text(str(PREFERRED))  # the session's share comes first: sched(7)
    asyncio.run(Client(urls, ssl.create_default_context(cadata=authority), rates).run(pipe))


class Client:
    """The open loop."""

    def __init__(self, urls: Sequence[str], trust: ssl.SSLContext, rates: Rates) -> None:
        self.seen = Seen()
        self._urls, self._trust, self._rates = list(urls), trust, rates
        self._stop = asyncio.Event()
        self._numbers = itertools.count()
        self._known: list[str] = []

    async def run(self, pipe: Connection) -> None:
        """Until it is told to stop, or nobody is there any more to tell it."""
        async with contextlib.AsyncExitStack() as opened:
            edges = [Edge(url, await opened.enter_async_context(self._session(url))) for url in self._urls]
            self.seen.feeds = [Feed(self._urls[edge:] + self._urls[:edge])
                               for edge in range(len(self._urls)) for _ in range(FEEDS_PER_EDGE)]
            feeds = [asyncio.create_task(feed.follow(self._trust)) for feed in self.seen.feeds]
            visitors = itertools.cycle([await self._open_session(edges) for _ in range(VISITORS)])
            asyncio.get_running_loop().add_reader(pipe.fileno(), self._hear, pipe)
            pipe.send("ready")
            kinds = ((self._rates.writes, self._write), (self._rates.reads, self._read))
            loops = [self._loop(rate, lambda ask=ask: ask(edges)) for rate, ask in kinds]
            loops.append(self._loop(self._rates.sessions, lambda: self._ask(
                edges, "session", "/api/session", headers={"Cookie": next(visitors)})))
            await asyncio.gather(*loops)
            for feed in feeds:
                feed.cancel()
            await asyncio.gather(*feeds, return_exceptions=True)
        with contextlib.suppress(OSError):
            pipe.send(self.seen)

    def _hear(self, pipe: Connection) -> None:
        try:
            what = pipe.recv()
        except (EOFError, OSError):
            what = STOP
        if what == TELL:
            pipe.send(self.seen)
        else:
            asyncio.get_running_loop().remove_reader(pipe.fileno())
            self._stop.set()

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
            due = began + number / rate
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout_at(due):
                    await self._stop.wait()
            self.seen.late_s = max(self.seen.late_s, time.monotonic() - due)
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
