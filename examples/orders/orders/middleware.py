"""What happens to every request: who answered goes into the headers, how it went into metrics and log.

Pure ASGI: Starlette's BaseHTTPMiddleware would cost each request a task and a queue.
"""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Callable
from uuid import uuid4

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from orders import logs, tracing
from orders.metrics import IN_FLIGHT, REQUESTS, SECONDS

log = logging.getLogger(__name__)

REQUEST_ID = b"x-request-id"
ACCEPTABLE_ID = re.compile(rb"[\x21-\x7e]{1,128}")
SAID_ELSEWHERE = 503
"""Whoever answers 503 logs the reason."""
SLOW_S = 1.0
"""A request slower than this is logged whatever its status."""


class Witness:
    """The outermost layer of the application."""

    def __init__(self, app: ASGIApp, identity: dict[str, str], draining: Callable[[], bool],
                 access_log: bool = False) -> None:
        """``identity``: headers of every answer. ``access_log``: also log what went well, health checks apart."""
        self._app = app
        self._identity = [(name.lower().encode(), value.encode("latin-1", "replace"))
                          for name, value in identity.items()]
        self._draining = draining
        self._access_log = access_log

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        identifier = _request_id(scope)
        token = logs.request_id.set(identifier.decode())
        started = time.perf_counter()
        status = 500

        async def witness(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = [*message.get("headers", ()), *self._identity, (REQUEST_ID, identifier)]
                if self._draining():
                    headers.append((b"connection", b"close"))
                message = {**message, "headers": headers}
            await send(message)

        IN_FLIGHT.inc()
        try:
            with tracing.of_request(scope, lambda: (_route(scope), status)):
                await self._app(scope, receive, witness)
        finally:
            IN_FLIGHT.dec()
            self._record(scope, status, time.perf_counter() - started)
            logs.request_id.reset(token)

    def _record(self, scope: Scope, status: int, seconds: float) -> None:
        route = _route(scope)
        REQUESTS.labels(route, scope["method"], status).inc()
        SECONDS.labels(route).observe(seconds)
        health = route.startswith("/health")
        if status == SAID_ELSEWHERE:
            return
        failed = status >= 500
        if failed or seconds > SLOW_S or (self._access_log and not health):
            fields = {"method": scope["method"], "path": scope["path"], "status": status, "ms": round(seconds * 1e3, 1)}
            log.log(logging.WARNING if failed else logging.INFO, "request", extra={"fields": fields})


def _route(scope: Scope) -> str:
    return str(getattr(scope.get("route"), "path", "none"))


def _request_id(scope: Scope) -> bytes:
    """The identifier that the edge gave the request, or a new one."""
    for name, value in scope["headers"]:
        if name == REQUEST_ID and ACCEPTABLE_ID.fullmatch(value):
            return bytes(value)
    return uuid4().hex.encode()
