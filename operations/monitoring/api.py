"""Prometheus' and Alertmanager's own APIs, asked from inside their members: nothing of them is published."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from docker.models.containers import Container

from components.monitoring import ALERTMANAGER, ALERTMANAGER_PORT, PROMETHEUS, PROMETHEUS_PORT
from components.targets.docker import engine, naming
from components.workload import Zone
from operations.setup import engine_state
from operations.setup.errors import SetupError

PATIENCE_S = 10


def prometheus(stack: str) -> Container:
    """The member that runs. Raises ``SetupError``."""
    return _running(stack, PROMETHEUS)[0]


def alertmanagers(stack: str) -> list[Container]:
    """The members that run. Raises ``SetupError`` where none does."""
    return _running(stack, ALERTMANAGER)


def query(stack: str, expression: str) -> list[dict[str, Any]]:
    """What PromQL gives now: ``metric`` and ``value`` of each series. Raises ``SetupError`` with Prometheus' words."""
    result = _answer(prometheus(stack), PROMETHEUS_PORT, "/api/v1/query", "--data-urlencode", f"query={expression}")
    if result["resultType"] == "vector":
        return list(result["result"])
    if result["resultType"] in ("scalar", "string"):
        return [{"metric": {}, "value": result["result"]}]
    raise SetupError(f"{expression!r} gives a range of values, not one",
                     then="put a function around it: `rate(...)`, `max_over_time(...)`")


def series(stack: str, expression: str) -> list[dict[str, Any]]:
    """What an expression with a range gives: ``metric`` and ``values``, pairs of time and text. Raises
    ``SetupError``."""
    return list(_answer(prometheus(stack), PROMETHEUS_PORT, "/api/v1/query", "--data-urlencode",
                        f"query={expression}")["result"])


def alerts(stack: str) -> list[dict[str, Any]]:
    """Every alert that is pending or fires, as Prometheus tells it."""
    return list(_answer(prometheus(stack), PROMETHEUS_PORT, "/api/v1/alerts")["alerts"])


def address(container: Container, stack: str, port: int) -> str:
    """Where this machine reaches a member, though nothing is published: through the engine's own network."""
    networks = container.attrs["NetworkSettings"]["Networks"]
    return f"http://{networks[naming.network(stack, Zone.WATCH)]['IPAddress']}:{port}"


def addresses(stack: str) -> list[str]:
    """Of Prometheus and of each alert manager."""
    return [address(prometheus(stack), stack, PROMETHEUS_PORT),
            *(address(one, stack, ALERTMANAGER_PORT) for one in alertmanagers(stack))]


def ask(container: Container, port: int, path: str, *options: str) -> str:
    """The body of an answer, whatever its status. Raises ``SetupError``."""
    command: Sequence[str] = ("curl", "-sS", "--max-time", str(PATIENCE_S), *options, f"http://127.0.0.1:{port}{path}")
    code, output = engine.run_inside(container, list(command))
    if code:
        raise SetupError(f"{container.name} does not answer", why=output, then="make logs TIER=monitoring")
    return output


def _answer(container: Container, port: int, path: str, *options: str) -> Any:
    body = ask(container, port, path, *options)
    try:
        told = json.loads(body)
    except ValueError:
        raise SetupError(f"{container.name} is not ready", why=body, then="make logs TIER=monitoring") from None
    if told["status"] != "success":
        raise SetupError("Prometheus refused the expression", why=told["error"], then="correct it")
    return told["data"]


def _running(stack: str, workload: str) -> list[Container]:
    found = [container for container in engine_state.containers(stack)
             if container.labels["evenkeel.workload"] == workload and container.status == "running"]
    if not found:
        raise SetupError(f"No {workload} of the stack {stack!r} runs",
                         why=f"`monitoring.enabled` may be false in stacks/Pulumi.{stack}.yaml",
                         then=f"make status STACK={stack}\nmake up STACK={stack}")
    return found
