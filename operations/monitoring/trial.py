"""``make alert-test``: one alert through every configured route, and what became of it.

The alert names its route, and Alertmanager leads it there alone. Whether the other end took it, Alertmanager's own
counters say: attempts, and those of them that failed. They are one per kind of receiver, and an alert manager at work
may tell of something else at that moment: of a heartbeat it does all the time. So each route is tried by an
Alertmanager of its own, which runs beside the one at work for seconds, with the same configuration, secrets and
network, and knows of no other alert. Whether those at work have that configuration, too, is asked first.
"""

from __future__ import annotations

import json
import re
import shlex
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from docker.models.containers import Container

from components.monitoring import ALERTMANAGER_FILE, ALERTMANAGER_PORT, TEST_LABEL
from components.settings.routes import Kind, Route
from components.targets.docker import engine
from components.workload import CONFIG_DIR
from operations.monitoring import api
from operations.setup.errors import SetupError

PORT = 19093
"""Of the Alertmanager that tries a route: on the loopback interface of the member in which it runs."""
PLACE = "/tmp/alert-test"  # noqa: S108 - inside the member
STOP = (f"if read -r pid < {PLACE}/pid; then kill $pid; while kill -0 $pid; do sleep 0.05; done; fi 2>/dev/null;"
        f" rm -rf {PLACE}")
"""Until it is gone: the next one listens where it did."""
START_S = 10.0
PATIENCE_S = 20.0
STEP_S = 0.2
LASTS_S = 60
"""How long it lives at most, should this command be killed."""
SENT, FAILED = "alertmanager_notification_requests_total", "alertmanager_notification_requests_failed_total"
INTEGRATION: Mapping[Kind, str] = {Kind.HEARTBEAT: "webhook"}
"""As what Alertmanager counts a kind, where not by its name."""


@dataclass(frozen=True)
class Outcome:
    """Of one route. ``why`` is Alertmanager's last word about it, where it did not arrive."""

    route: str
    arrived: bool
    why: str = ""


def run(stack: str, routes: Mapping[str, Route], say: Callable[[str], None]) -> Iterator[Outcome]:
    """Try the routes one after the other, from within the first alert manager that runs. Raises ``SetupError``."""
    managers = api.alertmanagers(stack)
    for name, route in routes.items():
        say(f"{name}: waiting until {route.kind.value} has taken it")
        with _alone(managers[0]):
            _require_alike(managers)
            yield _through(managers[0], stack, name, route)


@contextmanager
def _alone(manager: Container) -> Iterator[None]:
    """An Alertmanager that nobody else sends anything, inside the member."""
    file = shlex.quote(f"{CONFIG_DIR}/{ALERTMANAGER_FILE}")
    begin = (f"{STOP}; mkdir {PLACE} && echo $$ > {PLACE}/pid && exec timeout {LASTS_S} prometheus-alertmanager"
             f" --config.file={file} --storage.path={PLACE}/data --web.listen-address=127.0.0.1:{PORT}"
             f" --cluster.listen-address= --log.level=warn > {PLACE}/log 2>&1")
    manager.exec_run(["sh", "-c", begin], detach=True)
    try:
        deadline = time.monotonic() + START_S
        while not _ready(manager):
            if time.monotonic() > deadline:
                raise SetupError(f"No Alertmanager could be started in {manager.name} to try the routes",
                                 why=_log(manager), then="make logs TIER=monitoring")
            time.sleep(STEP_S)
        yield
    finally:
        engine.run_inside(manager, ["sh", "-c", STOP])


def _ready(manager: Container) -> bool:
    try:
        return api.ask(manager, PORT, "/-/ready").strip() == "OK"
    except SetupError:
        return False


def _require_alike(managers: Sequence[Container]) -> None:
    """Raise ``SetupError`` where an alert manager at work has another configuration than the first one's file, which is
    tried."""
    def configured(manager: Container, port: int) -> str:
        return str(json.loads(api.ask(manager, port, "/api/v2/status"))["config"]["original"])

    tried = configured(managers[0], PORT)
    for manager in managers:
        if configured(manager, ALERTMANAGER_PORT) != tried:
            raise SetupError(f"{manager.name} works with other routes than those in the file of {managers[0].name}",
                             why="it did not take the last change of its configuration",
                             then="make logs TIER=monitoring\nmake up")


def _through(manager: Container, stack: str, name: str, route: Route) -> Outcome:
    begin = datetime.now(UTC)
    if refused := _post(manager, alert(stack, name, route, begin, begin + timedelta(seconds=LASTS_S))):
        return Outcome(name, False, f"Alertmanager refused the alert: {refused}")
    if why := _taken(manager, route.kind, 1):
        return Outcome(name, False, why)
    if route.kind is Kind.HEARTBEAT:
        return Outcome(name, True)
    # Whoever was woken by it is told that it is over. Alertmanager looks a second later.
    _post(manager, alert(stack, name, route, begin, datetime.now(UTC)))
    if why := _taken(manager, route.kind, 2):
        return Outcome(name, False, f"the alert arrived, but not that it is over: {why}")
    return Outcome(name, True)


def _post(manager: Container, made: Mapping[str, object]) -> str:
    """What Alertmanager has against it."""
    return api.ask(manager, PORT, "/api/v2/alerts", "--header", "Content-Type: application/json",
                   "--data", json.dumps([made])).strip()


def _taken(manager: Container, kind: Kind, messages: int) -> str:
    """Why the other end did not take this many messages; empty where it did."""
    deadline, sent_before = time.monotonic() + PATIENCE_S, 0
    while time.monotonic() < deadline:
        sent, failed = counts(api.ask(manager, PORT, "/metrics"), INTEGRATION.get(kind, kind.value))
        if failed:
            return last_word(_log(manager)) or "the other end did not take it"
        if sent_before >= messages:
            return ""
        sent_before = sent  # an attempt is counted before its failure is: looked at once more
        time.sleep(STEP_S)
    return f"nothing was sent within {PATIENCE_S:.0f} s"


def alert(stack: str, name: str, route: Route, now: datetime, end: datetime) -> dict[str, object]:
    """Of the mildest severity that the route takes; told anew at every run."""
    severity = route.severities[0].value
    return {
        "labels": {"alertname": "AlertTest", "stack": stack, "tier": "monitoring", "severity": severity,
                   TEST_LABEL: name, "run": now.strftime("%Y%m%dT%H%M%S")},
        "annotations": {"summary": f"this is a test of the route {name}: nothing is wrong"},
        "startsAt": now.isoformat(), "endsAt": end.isoformat(),
    }


def counts(metrics: str, integration: str) -> tuple[int, int]:
    """(attempts, failed ones) of an integration, from Alertmanager's own figures."""
    found = []
    for name in (SENT, FAILED):
        match = re.search(rf'^{name}{{integration="{integration}"}} (\S+)$', metrics, re.MULTILINE)
        found.append(int(float(match[1])) if match else 0)
    return found[0], found[1]


def _log(manager: Container) -> str:
    return engine.run_inside(manager, ["cat", f"{PLACE}/log"])[1]


def last_word(log: str) -> str:
    """What Alertmanager logged last of a message that failed. Secrets are in files: it has none to log."""
    said = re.findall(r'err="((?:[^"\\]|\\.)*)"', log)
    return str(said[-1]).replace('\\"', '"') if said else ""
