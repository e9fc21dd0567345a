"""Traces that Jaeger keeps, asked from inside its member: nothing of it is published."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any

from docker.models.containers import Container

from components.edge import NGINX
from components.monitoring_traces import JAEGER, JAEGER_PORT
from operations.monitoring import api
from operations.setup import engine_state
from operations.setup.errors import SetupError

MOST = 500
"""How many traces are looked at for the slowest: the newest ones."""
TRACE_ID = re.compile(r"^[0-9a-f]{32}$")
MICRO = 1_000_000


@dataclass(frozen=True)
class Span:
    """``who``: the member. Times in microseconds, the begin since 1970."""

    id: str
    parent: str | None
    who: str
    name: str
    begin_us: int
    took_us: int
    failed: bool
    attributes: Mapping[str, str] = field(default_factory=dict)

    @property
    def end_us(self) -> int:
        return self.begin_us + self.took_us


@dataclass(frozen=True)
class Trace:
    """The spans of one request, by their begin."""

    id: str
    spans: tuple[Span, ...]

    @property
    def root(self) -> Span:
        """The first one that nobody it knows has called."""
        return self._below[None][0]

    @property
    def begin_us(self) -> int:
        return self.spans[0].begin_us

    @cached_property
    def took_us(self) -> int:
        return max(span.end_us for span in self.spans) - self.begin_us

    def tree(self) -> Iterator[tuple[int, Span]]:
        """Every span with its depth, each below the one that called it."""
        def below(parent: str | None, depth: int) -> Iterator[tuple[int, Span]]:
            for span in self._below.get(parent, ()):
                yield depth, span
                yield from below(span.id, depth + 1)

        yield from below(None, 0)

    def own_us(self, span: Span) -> int:
        """What of its time passed in none of those that it called."""
        called, until = 0, span.begin_us
        for child in self._below.get(span.id, ()):
            begin, end = max(child.begin_us, until), min(child.end_us, span.end_us)
            called, until = called + max(0, end - begin), max(until, end)
        return span.took_us - called

    @cached_property
    def most(self) -> Span:
        """Where most of the time passed."""
        return max(self.spans, key=self.own_us)

    @property
    def failed(self) -> bool:
        return any(span.failed for span in self.spans)

    @cached_property
    def _below(self) -> Mapping[str | None, list[Span]]:
        known = {span.id for span in self.spans}
        below: dict[str | None, list[Span]] = {}
        for span in self.spans:
            below.setdefault(span.parent if span.parent in known else None, []).append(span)
        return below


def keeper(stack: str) -> Container:
    """The member that keeps traces and runs. Raises ``SetupError``."""
    for container in engine_state.running(stack, JAEGER):
        return container
    raise SetupError(f"No request of the stack {stack!r} is traced",
                     why=f"`monitoring.traces.enabled` is false in stacks/Pulumi.{stack}.yaml, or Jaeger is down",
                     then=f"pulumi config set --stack {stack} --path evenkeel:monitoring.traces.enabled true\n"
                          f"make up STACK={stack}")


def of_request(jaeger: Container, request: str) -> Trace | None:
    """The trace of a request by its ``X-Request-ID``; None where none is kept. Raises ``SetupError``."""
    if TRACE_ID.match(request):
        found = _asked(jaeger, f"/api/traces/{request}")
    else:
        found = _asked(jaeger, "/api/traces", service=NGINX, tags=json.dumps({"request.id": request}), limit="1")
    return next(iter(found), None)


def newest(jaeger: Container, begin: datetime, end: datetime, least_s: float = 0, *,
           failed: bool = False) -> list[Trace]:
    """Up to ``MOST`` traces of this time whose edge took ``least_s`` or more, slowest first. Raises ``SetupError``."""
    parameters = {"service": NGINX, "start": _micro(begin), "end": _micro(end), "limit": str(MOST)}
    if least_s:
        parameters["minDuration"] = f"{round(least_s * MICRO)}us"
    if failed:
        parameters["tags"] = json.dumps({"error": "true"})
    return sorted(_asked(jaeger, "/api/traces", **parameters), key=lambda trace: -trace.took_us)


def _micro(time: datetime) -> str:
    return str(round(time.timestamp() * MICRO))


def _asked(jaeger: Container, path: str, **parameters: str) -> list[Trace]:
    body = api.get(jaeger, JAEGER_PORT, path, parameters)
    try:
        told = json.loads(body)
    except ValueError:
        raise SetupError(f"{jaeger.name} is not ready", why=body.strip()[:500], then="make logs TIER=jaeger") from None
    errors = [error for error in told.get("errors") or [] if error.get("code") != 404]
    if errors:
        raise SetupError(f"{jaeger.name} refused the question", why=str(errors[0].get("msg")),
                         then="make logs TIER=jaeger")
    return [read(one) for one in told.get("data") or []]


def read(told: Mapping[str, Any]) -> Trace:
    """A trace as Jaeger's API tells it."""
    processes = {name: (str(process["serviceName"]), _tags(process.get("tags")))
                 for name, process in told["processes"].items()}
    spans = [_span(one, *processes[one["processID"]]) for one in told["spans"]]
    # An attempt at the same moment as what it is part of comes second: the longer one called it.
    return Trace(str(told["traceID"]), tuple(sorted(spans, key=lambda span: (span.begin_us, -span.took_us))))


def _span(told: Mapping[str, Any], service: str, about: Mapping[str, str]) -> Span:
    attributes = _tags(told.get("tags"))
    parent = next((str(one["spanID"]) for one in told.get("references") or [] if one["refType"] == "CHILD_OF"), None)
    path = attributes.get("url.path", "")
    name = told["operationName"] if " " in told["operationName"] or not path else f"{told['operationName']} {path}"
    return Span(str(told["spanID"]), parent, about.get("service.instance.id", service), name, int(told["startTime"]),
                int(told["duration"]), attributes.get("error") == "true", attributes)


def _tags(told: Sequence[Mapping[str, Any]] | None) -> dict[str, str]:
    return {str(one["key"]): str(one["value"]).lower() if one["type"] == "bool" else " ".join(str(one["value"]).split())
            for one in told or ()}
