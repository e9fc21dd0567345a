"""Settings of the monitoring tier: what is kept of the platform's figures, and when somebody is told of them."""

from __future__ import annotations

import re
from typing import Self

from pydantic import model_validator

from components.settings.base import Model, knob
from components.settings.checks import Check
from components.settings.healing import Hook
from components.settings.health import Health
from components.settings.logs import Logs
from components.settings.routes import Route, Severity
from components.settings.service_levels import ServiceLevels
from components.settings.thresholds import Thresholds
from components.settings.traces import Traces
from components.settings.traffic import require_path, require_statuses

ALERT_NAME = re.compile(r"^[A-Za-z][A-Za-z0-9]*$")
OWN_NAME = re.compile(r"^[a-z][a-z0-9-]{0,30}$")
"""Of a check or a hook."""
ROUTE_NAME = re.compile(r"^[a-z][a-z0-9-]*$")
RECORD_NAME = re.compile(r"^[a-z_][a-zA-Z0-9_]*(:[a-zA-Z0-9_]+)+$")


class Prometheus(Model):
    """The one that asks for figures, keeps them and judges them."""

    interval_s: int = knob(5, "How often every member is asked, and every rule judged.", unit="s", ge=1, le=60)
    retention_days: int = knob(15, "Figures older than this go.", unit="days", ge=1)
    retention_gib: float = knob(2, "The oldest go, too, when there are more than this.", unit="GiB", ge=0.5)
    memory_mib: int = knob(256, "Memory limit. With the default platform's 6,500 series it used 65 MiB.", unit="MiB",
                           ge=96)
    cpus: float = knob(0.5, "CPU limit.", unit="cores", gt=0)


class Alertmanager(Model):
    """Those who tell people. They share what they have told, so that nobody hears of it twice."""

    members: int = knob(2, "Members. Prometheus tells all of them; either of two may die.", ge=1, le=5)
    group_wait_s: int = knob(5, "How long the first message about a tier waits for what belongs to it.", unit="s", ge=0)
    group_interval_s: int = knob(60, "How long until the next message about a tier, when something came or is over.",
                                 unit="s", ge=1)
    repeat_h: float = knob(4, "How often what lasts is said again.", unit="h", gt=0)
    memory_mib: int = knob(64, "Memory limit of one member.", unit="MiB", ge=32)
    cpus: float = knob(0.2, "CPU limit of one member.", unit="cores", gt=0)


class Exporters(Model):
    """One container asks those who do not speak Prometheus' format: Postgres, PgBouncer, Redis, Nginx, the machine, and
    the front door."""

    memory_mib: int = knob(160, "Memory limit of all of them together.", unit="MiB", ge=96)
    cpus: float = knob(0.5, "CPU limit of all of them together.", unit="cores", gt=0)


class Probe(Model):
    """A request through every edge, as a client makes it: HTTPS, certificate verified."""

    path: str = knob("/", "What is asked for.", pattern="^/")
    statuses: list[int] = knob(lambda: [200, 204, 301, 302, 303, 307, 308, 401, 403, 404],
                               "Statuses that count as served.", min_length=1)

    @model_validator(mode="after")
    def _values_are_valid(self) -> Self:
        require_path(self.path)
        require_statuses("probe.statuses", self.statuses)
        return self


class OwnAlert(Model):
    """An alert of your own."""

    expression: str = knob(..., "PromQL: it alerts for every series that this returns.", min_length=1)
    for_s: int = knob(60, "How long it must hold first.", unit="s", ge=0)
    severity: Severity = knob(Severity.WARNING, "info, warning or critical.")
    says: str = knob(..., "What it means, in a sentence; `{{ $value }}` and `{{ $labels.member }}` are filled in.",
                     min_length=1)
    runbook: str = knob("", "Where it says what to do: a link.")


class Monitoring(Model):
    """Prometheus, its exporters and its alert managers, told by the platform itself whom to ask."""

    enabled: bool = knob(True, "Run them.")
    prometheus: Prometheus = knob(Prometheus, "Prometheus.")
    alertmanager: Alertmanager = knob(Alertmanager, "The alert managers.")
    exporters: Exporters = knob(Exporters, "The exporters.")
    logs: Logs = knob(Logs, "What members say.")
    traces: Traces = knob(Traces, "Where requests spend their time.")
    probe: Probe = knob(Probe, "Requests through the front door.")
    thresholds: Thresholds = knob(Thresholds, "When a figure is an alert.")
    service_levels: ServiceLevels = knob(ServiceLevels, "What is promised.")
    health: Health = knob(Health, "The score.")
    answer_times: str = knob(
        '{__name__=~"(.+_)?http_request(_duration)?_seconds_bucket",route!~"/health.*"}',
        "Series of the application's histogram of answer times, for the alert `SlowAnswers`. Answered where "
        "`app.metrics_path` says.")
    checks: dict[str, Check] = knob(dict, "Checks of your own by name: `checkout`.")
    healing: dict[str, Hook] = knob(dict, "Playbooks by the name of the hook, each run by `make heal` while its alert "
                                          "fires.")
    routes: dict[str, Route] = knob(dict, "Ways on which alerts reach people, by name. None: nobody is told.")
    alerts: dict[str, OwnAlert] = knob(dict, "Alerts of your own by name: `CartEmpty`.")
    records: dict[str, str] = knob(dict, "Recording rules of your own, name -> PromQL: `shop:orders:rate5m`.")
    runbooks: str = knob("docs/runbooks", "What links to runbook pages begin with: where your checkout can be read, "
                                          "`https://git.example.com/shop/platform/blob/main/docs/runbooks`.")

    @model_validator(mode="after")
    def _names_are_names(self) -> Self:
        for name in self.alerts:
            if not ALERT_NAME.match(name):
                raise ValueError(f"alerts: {name!r}: letters and digits, a letter first: `CartEmpty`")
        for group, names, example in (("checks", self.checks, "checkout"), ("healing", self.healing, "restart")):
            for name in names:
                if not OWN_NAME.match(name):
                    raise ValueError(f"{group}: {name!r}: lower-case letters, digits and dashes, a letter first: "
                                     f"`{example}`")
        for name in self.routes:
            if not ROUTE_NAME.match(name):
                raise ValueError(f"routes: {name!r}: lower-case letters, digits and dashes, a letter first")
        for name in self.records:
            if not RECORD_NAME.match(name):
                raise ValueError(f"records: {name!r}: level:figure:operation, as `shop:orders:rate5m`")
            if name.startswith("evenkeel:"):
                raise ValueError(f"records: {name!r}: `evenkeel:` is how the platform's own begin")
        return self
