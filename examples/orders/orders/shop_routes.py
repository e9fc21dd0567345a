"""The routes of the shop around the orders: catalogue, session, live feed and page."""

from __future__ import annotations

import hashlib
import logging
from pathlib import Path
from typing import Any

import orjson
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import BaseRoute, Mount, Route, WebSocketRoute
from starlette.staticfiles import StaticFiles
from starlette.websockets import WebSocket

from orders.answers import Json, unavailable
from orders.catalogue import Catalogue
from orders.feed import Feed
from orders.keyvalue import UnavailableError
from orders.metrics import CATALOGUE
from orders.sessions import COOKIE, LIFETIME_S, SessionStore

log = logging.getLogger(__name__)

FILES = Path(__file__).parent / "static"
PAGE_HEADERS = {"Cache-Control": "no-cache", "Content-Security-Policy": "default-src 'self'; frame-ancestors 'none'"}
CATALOGUE_CACHE = "public, max-age=5, stale-if-error=60"
STATIC_CACHE = "public, max-age=86400"


class StaticWithAge(StaticFiles):
    """Static files that may be kept for a day."""

    def file_response(self, *args: Any, **kwargs: Any) -> Response:
        response = super().file_response(*args, **kwargs)
        response.headers["Cache-Control"] = STATIC_CACHE
        return response


class ShopRoutes:
    """Everything a visitor sees, orders apart."""

    def __init__(self, catalogue: Catalogue, sessions: SessionStore, feed: Feed) -> None:
        self._catalogue = catalogue
        self._sessions = sessions
        self._feed = feed
        self._asked = 0

    def routes(self) -> list[BaseRoute]:
        """What this serves."""
        return [
            Route("/", self.page),
            Route("/api/catalogue", self.catalogue),
            Route("/api/session", self.start_session, methods=["POST"]),
            Route("/api/session", self.session, methods=["GET"]),
            WebSocketRoute("/ws", self.socket),
            Mount("/static", StaticWithAge(directory=FILES), name="static"),
        ]

    async def page(self, _: Request) -> Response:
        """The page for people."""
        return FileResponse(FILES / "index.html", headers=PAGE_HEADERS)

    async def catalogue(self, request: Request) -> Response:
        """The catalogue, for any cache. ``X-Origin-Count``: how often this worker itself was asked for it."""
        self._asked += 1
        CATALOGUE.inc()
        body = orjson.dumps({"items": await self._catalogue.items()})
        tag = f'"{hashlib.blake2b(body, digest_size=12).hexdigest()}"'
        headers = {"ETag": tag, "Cache-Control": CATALOGUE_CACHE, "X-Origin-Count": str(self._asked)}
        if tag in (known.strip().removeprefix("W/") for known in _if_none_match(request.headers)):
            return Response(status_code=304, headers=headers)
        return Response(body, 200, headers, "application/json")

    async def start_session(self, request: Request) -> Response:
        """Starts a session and sets its cookie."""
        try:
            token, session = await self._sessions.start()
        except UnavailableError as error:
            return _without_sessions(error)
        response = Json({"visits": session.visits, "started": session.started}, 201, {"Cache-Control": "no-store"})
        response.set_cookie(COOKIE, token, max_age=LIFETIME_S, httponly=True, samesite="lax",
                            secure=request.headers.get("x-forwarded-proto") == "https")
        return response

    async def session(self, request: Request) -> Response:
        """The session of the cookie, one visit further; 401 without one."""
        token = request.cookies.get(COOKIE)
        try:
            session = await self._sessions.visit(token) if token else None
        except UnavailableError as error:
            return _without_sessions(error)
        if session is None:
            return Json({"status": "no session"}, 401, {"Cache-Control": "no-store"})
        return Json({"visits": session.visits, "started": session.started}, 200, {"Cache-Control": "no-store"})

    async def socket(self, socket: WebSocket) -> None:
        """The live feed of new orders."""
        await self._feed.serve(socket)


def _if_none_match(headers: Headers) -> list[str]:
    return headers.get("if-none-match", "").split(",")


def _without_sessions(error: UnavailableError) -> Response:
    log.debug("no sessions: %s", error)
    return unavailable({"status": "failed"}, "redis")
