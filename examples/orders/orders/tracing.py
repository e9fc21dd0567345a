"""Traces, where OpenTelemetry's variables say where they go; otherwise its SDK is not even read.

A trace begins at the edge. A worker goes on with those that came in a request's ``traceparent`` and were asked for;
what it does by itself is in none.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING

from starlette.types import Scope

if TYPE_CHECKING:
    from opentelemetry.trace import Span

    from orders.spans import Spans

ENDPOINT = "OTEL_EXPORTER_OTLP_ENDPOINT"

_spans: Spans | None = None
_nothing: AbstractContextManager[None] = nullcontext()


def configure(environment: Mapping[str, str], member: str, version: str) -> None:
    """Begins to trace where ``OTEL_EXPORTER_OTLP_ENDPOINT`` is set. Every other variable is read by the SDK itself."""
    global _spans  # noqa: PLW0603
    if environment.get(ENDPOINT) and environment.get("OTEL_SDK_DISABLED", "").lower() != "true":
        from orders.spans import Spans

        _spans = Spans.exported(member, version)


def of_request(scope: Scope, ended: Callable[[], tuple[str, int]]) -> AbstractContextManager[Span | None]:
    """The span of a request, in the trace that its ``traceparent`` tells of. ``ended``: its route and status, asked
    once it is answered."""
    return _spans.of_request(scope, ended) if _spans else _nothing


def of_statement(query: str, server: str) -> AbstractContextManager[None]:
    """The span of a statement, without the values it is given."""
    return _spans.step(query.split(maxsplit=1)[0], {
        "db.system.name": "postgresql", "db.query.text": query, "server.address": server}) if _spans else _nothing


def of_connection(pool: str) -> AbstractContextManager[None]:
    """The span of waiting for a connection."""
    return _spans.step(f"connection to the {pool}", {}) if _spans else _nothing


def of_redis(purpose: str) -> AbstractContextManager[None]:
    """The span of an operation on Redis: ``cache`` or ``session``."""
    return _spans.step(purpose, {"db.system.name": "redis"}) if _spans else _nothing
