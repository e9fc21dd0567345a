"""A small constant load on a real platform: orders, reads and sessions over both edges, every answer counted.

Nginx closes idle HTTP/1.1 connections when it reloads, and a request may cross that on its way. HTTP has the client
repeat it, where that is safe (RFC 9112, 9.3.1), as browsers, Go and proxies do; so does this one, once, and counts it.
"""

from __future__ import annotations

import itertools
import ssl
import threading
import time
import uuid
from collections import Counter
from dataclasses import dataclass, field

import httpx

from tests.support.running import RunningPlatform

PAUSE_S = 0.1
"""Between two requests of a thread."""


@dataclass
class Load:
    """Runs while it is entered. ``trust`` and ``login`` may be changed meanwhile: the next request uses them."""

    platform: RunningPlatform
    trust: ssl.SSLContext
    login: tuple[str, str] | None = None
    threads: int = 4
    answers: Counter[int] = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)
    acknowledged: set[str] = field(default_factory=set)
    crossed: list[str] = field(default_factory=list)
    """Requests that crossed the closing of an idle connection and were repeated."""

    def __post_init__(self) -> None:
        self._end = threading.Event()
        self._running = [threading.Thread(target=self._run, args=(number,)) for number in range(self.threads)]

    def __enter__(self) -> Load:
        for thread in self._running:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end.set()
        for thread in self._running:
            thread.join()

    def _run(self, number: int) -> None:
        url = self.platform.urls[number % len(self.platform.urls)]
        for _ in iter(self._end.is_set, True):
            used = (self.trust, self.login)
            with httpx.Client(base_url=url, verify=self.trust, auth=self.login, timeout=10) as client:
                self._ask(client, "POST", "/api/session")
                for kind in itertools.cycle(("order", "read", "session")):
                    if self._end.wait(PAUSE_S) or used != (self.trust, self.login):
                        break
                    if kind == "order":
                        self._order(client)
                    else:
                        self._ask(client, "GET", "/api/orders?limit=1" if kind == "read" else "/api/session")

    def _order(self, client: httpx.Client) -> None:
        key = str(uuid.uuid4())
        if self._ask(client, "POST", "/api/orders", json={"item": "anchor", "quantity": 1},
                     headers={"Idempotency-Key": key}) == httpx.codes.CREATED:
            self.acknowledged.add(key)

    def _ask(self, client: httpx.Client, method: str, path: str, **options: object) -> int | None:
        try:
            try:
                answer = client.request(method, path, **options)  # type: ignore[arg-type]
            except (httpx.ReadError, httpx.WriteError, httpx.RemoteProtocolError):
                if method != "GET" and "headers" not in options:
                    raise
                self.crossed.append(f"{time.strftime('%T')} {method} {path}")
                answer = client.request(method, path, **options)  # type: ignore[arg-type]
        except httpx.HTTPError as error:
            self._fail(f"{method} {path} {type(error).__name__}: {error}")
            return None
        self.answers[answer.status_code] += 1
        if answer.status_code not in (200, 201):
            self._fail(f"{method} {path} {answer.status_code}: {answer.text[:200]}")
        return answer.status_code

    def _fail(self, what: str) -> None:
        self.failures.append(f"{time.strftime('%T')} {what}")
