"""``make alert-test``: one alert through every configured route, and what became of it.

The alert names its route, and Alertmanager leads it there alone. Whether the other end took it, Alertmanager's own
counters say: attempts, and those of them that failed.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from docker.models.containers import Container

from components.monitoring import ALERTMANAGER_PORT, TEST_LABEL
from components.settings.routes import Route
from operations.monitoring import api

PATIENCE_S = 20.0
STEP_S = 0.5
LASTS_S = 60
"""Then it is over, which is told as well."""
SENT, FAILED = "alertmanager_notification_requests_total", "alertmanager_notification_requests_failed_total"


@dataclass(frozen=True)
class Outcome:
    """Of one route. ``why`` is Alertmanager's last word about it, where it did not arrive."""

    route: str
    arrived: bool
    why: str = ""


def run(stack: str, routes: Mapping[str, Route], say: Callable[[str], None]) -> Iterator[Outcome]:
    """Try the routes one after the other, through the first alert manager that runs."""
    manager = api.alertmanagers(stack)[0]
    for name, route in routes.items():
        say(f"{name}: waiting until {route.kind.value} has taken it")
        yield _through(manager, stack, name, route)


def _through(manager: Container, stack: str, name: str, route: Route) -> Outcome:
    kind, begin = route.kind.value, datetime.now(UTC)
    before = counts(api.ask(manager, ALERTMANAGER_PORT, "/metrics"), kind)
    body = json.dumps([alert(stack, name, route, begin)])
    told = api.ask(manager, ALERTMANAGER_PORT, "/api/v2/alerts", "--header", "Content-Type: application/json",
                   "--data", body)
    if told.strip():
        return Outcome(name, False, f"Alertmanager refused the alert: {told.strip()}")
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        sent, failed = (now - then for now, then in zip(
            counts(api.ask(manager, ALERTMANAGER_PORT, "/metrics"), kind), before, strict=True))
        if sent > failed:
            return Outcome(name, True)
        if failed:
            return Outcome(name, False, last_word(manager, begin) or "the other end did not take it")
        time.sleep(STEP_S)
    return Outcome(name, False, f"nothing was sent within {PATIENCE_S:.0f} s")


def alert(stack: str, name: str, route: Route, now: datetime) -> dict[str, object]:
    """Of the mildest severity that the route takes; told anew at every run."""
    severity = route.severities[0].value
    return {
        "labels": {"alertname": "AlertTest", "stack": stack, "tier": "monitoring", "severity": severity,
                   TEST_LABEL: name, "run": now.strftime("%Y%m%dT%H%M%S")},
        "annotations": {"summary": f"this is a test of the route {name}: nothing is wrong"},
        "startsAt": now.isoformat(), "endsAt": (now + timedelta(seconds=LASTS_S)).isoformat(),
    }


def counts(metrics: str, integration: str) -> tuple[int, int]:
    """(attempts, failed ones) of an integration, from Alertmanager's own figures."""
    found = []
    for name in (SENT, FAILED):
        match = re.search(rf'^{name}{{integration="{integration}"}} (\S+)$', metrics, re.MULTILINE)
        found.append(int(float(match[1])) if match else 0)
    return found[0], found[1]


def last_word(manager: Container, begin: datetime) -> str:
    """What it logged of a message that failed since ``begin``. Secrets are in files: it has none to log."""
    lines = manager.logs(since=begin.replace(tzinfo=None)).decode(errors="replace").splitlines()
    said = [match[1] for line in lines if (match := re.search(r'err="((?:[^"\\]|\\.)*)"', line))]
    return said[-1].replace('\\"', '"') if said else ""
