"""The routes for machines: health, version, metrics, and what tests need."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from orders.answers import DATABASE, Json, unavailable, whole_number
from orders.configuration import Configuration
from orders.health import Health

SLOWEST_MS = 5000
UNCACHED = {"Cache-Control": "no-store"}


class StatusRoutes:
    """How this worker is."""

    def __init__(self, configuration: Configuration, health: Health, refresh_metrics: Callable[[], None]) -> None:
        self._configuration = configuration
        self._health = health
        self._refresh_metrics = refresh_metrics

    def routes(self) -> list[Route]:
        """What this serves."""
        routes = [
            Route("/health", self.alive),
            Route("/health/ready", self.ready),
            Route("/health/readonly", self.readonly),
            Route("/version", self.version),
            Route("/metrics", self.metrics),
            Route("/api/slow", self.slow),
        ]
        return [*routes, Route("/api/fail", self.fail)] if self._configuration.faults else routes

    async def alive(self, _: Request) -> Response:
        """200 while the process serves, whatever its dependencies do: they are told, not judged."""
        states = {state.name: str(state) for state in self._health.states}
        return Json({"status": self._health.summary(), **self._identity(), "dependencies": states}, 200, UNCACHED)

    async def ready(self, _: Request) -> Response:
        """200 where this worker may get requests that write."""
        return self._judged(await self._health.can_write())

    async def readonly(self, _: Request) -> Response:
        """200 where this worker may get requests that only read."""
        return self._judged(await self._health.can_read())

    async def version(self, _: Request) -> Response:
        """What runs here."""
        return Json(self._identity(), 200, UNCACHED)

    async def metrics(self, _: Request) -> Response:
        """For Prometheus."""
        self._refresh_metrics()
        return Response(generate_latest(), 200, UNCACHED, CONTENT_TYPE_LATEST)

    async def slow(self, request: Request) -> Response:
        """Answers after ``ms`` milliseconds; caches may keep the answer for ``max_age`` seconds."""
        milliseconds = whole_number(request, "ms", 1000, 0, SLOWEST_MS)
        age = whole_number(request, "max_age", 0, 0, 3600)
        await asyncio.sleep(milliseconds / 1000)
        headers = {"Cache-Control": f"public, max-age={age}"} if age else UNCACHED
        return Json({"slept_ms": milliseconds}, 200, headers)

    async def fail(self, request: Request) -> Response:
        """Answers with ``status``; with ``cause`` as if that dependency had failed. Only where ORDERS_FAULTS=1."""
        status = whole_number(request, "status", 500, 400, 599)
        cause = request.query_params.get("cause")
        headers = UNCACHED | ({"X-Evenkeel-Cause": cause} if cause == DATABASE else {})
        return Json({"status": "failed on request"}, status, headers)

    def _identity(self) -> dict[str, str]:
        configuration = self._configuration
        return {"version": configuration.version, "colour": configuration.colour, "member": configuration.member}

    def _judged(self, passes: bool) -> Response:
        if passes:
            return Json({"status": "ok"}, 200, UNCACHED)
        return unavailable({"status": self._health.summary() if self._health.draining else "unavailable"},
                           "drain" if self._health.draining else DATABASE)
