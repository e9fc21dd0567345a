"""Answers that several routes give."""

from __future__ import annotations

from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response

RETRY_AFTER_S = 1
DATABASE = "database"
"""Cause by which the edge's circuit breaker knows an error that says nothing about this worker."""


class Json(Response):
    """JSON by orjson, which knows dates and UUIDs."""

    media_type = "application/json"

    def render(self, content: Any) -> bytes:
        return orjson.dumps(content)


class RefusedError(Exception):
    """A request that can't be served as it is."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status


def refused(_: Request, error: Exception) -> Response:
    """The answer to a ``RefusedError``."""
    assert isinstance(error, RefusedError)
    return Json({"status": "invalid", "reason": str(error)}, error.status)


def unavailable(content: dict[str, object], cause: str) -> Response:
    """503: try again. ``cause`` says which dependency failed."""
    return Json(content, 503, {"Retry-After": str(RETRY_AFTER_S), "X-Evenkeel-Cause": cause,
                               "Cache-Control": "no-store"})


def whole_number(request: Request, name: str, default: int, least: int, most: int) -> int:
    """A number in the query string.

    Raises:
        RefusedError: it isn't one, or lies outside ``least`` to ``most``.
    """
    text = request.query_params.get(name)
    if text is None:
        return default
    # The length is bounded first: int() of a megabyte of digits takes its time.
    if len(text) > 19 or not text.isascii() or not text.isdecimal() or not least <= int(text) <= most:
        raise RefusedError(400, f"{name}: a whole number from {least} to {most}")
    return int(text)
