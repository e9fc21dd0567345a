"""Recording rules and alerts: one file per part of the platform, thresholds from the settings."""

from __future__ import annotations

from collections.abc import Sequence

from components.alerts import (
    app,
    checks,
    edge,
    health,
    logs,
    machine,
    members,
    own,
    postgres,
    redis,
    service_levels,
    supervision,
    watching,
)
from components.alerts.rule import Alert, Group, Record
from components.settings import Settings
from components.workload import Workload

__all__ = ["Alert", "Group", "Record", "groups"]

PARTS = (members, edge, checks, app, service_levels, postgres, redis, supervision, machine, watching, logs, own, health)


def groups(settings: Settings, declared: Sequence[Workload]) -> list[Group]:
    """Everything that is judged, in groups. Runbooks get the links that the settings say."""
    base = settings.monitoring.runbooks.rstrip("/")
    found = [part.group(settings, declared) for part in PARTS]
    return [group.linked(base) for group in found if group.records or group.alerts]
