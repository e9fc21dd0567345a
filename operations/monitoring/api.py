"""Prometheus' and Alertmanager's own APIs, asked from inside their members: nothing of them is published."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

import httpx
from docker.models.containers import Container

from components.alerts.rule import ALL_IS_WELL
from components.monitoring import ALERTMANAGER, ALERTMANAGER_PORT, PROMETHEUS, PROMETHEUS_PORT
from components.targets.docker import engine, naming
from components.workload import Zone
from operations.setup import engine_state
from operations.setup.errors import SetupError

PATIENCE_S = 10.0
CONNECT_S = 0.5
"""How long this machine tries to reach the engine's network itself; on some (Docker Desktop) it never does."""


class NotThereError(SetupError):
    """No such member runs."""


@dataclass(frozen=True)
class Question:
    """One of several that are asked together: a path of Prometheus' API and what it is asked with."""

    path: str
    parameters: Mapping[str, str] = field(default_factory=dict)

    @property
    def line(self) -> str:
        return f"{self.path}?{urlencode(self.parameters)}"


@dataclass(frozen=True)
class Told:
    """The answer to a question: its ``data``, or ``why`` Prometheus refused it."""

    data: Any = None
    why: str = ""

    @property
    def rows(self) -> list[dict[str, Any]]:
        """The series of an expression; none where it was refused."""
        return list(self.data["result"]) if self.data else []


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


def now(expression: str) -> Question:
    """What PromQL gives now."""
    return Question("/api/v1/query", {"query": expression})


def between(expression: str, begin: float, end: float, step_s: float) -> Question:
    """What PromQL gives at every step of a time (seconds since 1970)."""
    return Question("/api/v1/query_range", {"query": expression, "start": f"{begin:.3f}", "end": f"{end:.3f}",
                                            "step": f"{step_s:g}"})


def query_range(stack: str, expression: str, begin: float, end: float, step_s: float) -> list[dict[str, Any]]:
    """``metric`` and ``values`` of each series, one value for every ``step_s``. Raises ``SetupError``."""
    told, = several(stack, [between(expression, begin, end, step_s)])
    if told.why:
        raise SetupError("Prometheus refused the expression", why=told.why, then="correct it")
    return told.rows


def several(stack: str, questions: Sequence[Question], patience_s: float = PATIENCE_S) -> list[Told]:
    """All answers, in one go. Raises ``SetupError`` where Prometheus does not answer within ``patience_s``."""
    with Line(stack, patience_s) as line:
        return line.several(questions)


class Line:
    """A way to Prometheus that is kept, for whoever asks much: one connection where this machine reaches the engine's
    network, else one command inside the member for all questions."""

    def __init__(self, stack: str, patience_s: float = PATIENCE_S) -> None:
        """Raises ``NotThereError``."""
        self._container = prometheus(stack)
        self._patience_s = patience_s
        self._client: httpx.Client | None = httpx.Client(
            base_url=address(self._container, stack, PROMETHEUS_PORT), trust_env=False,
            timeout=httpx.Timeout(patience_s, connect=CONNECT_S))

    def __enter__(self) -> Line:
        return self

    def __exit__(self, *_error: object) -> None:
        if self._client:
            self._client.close()

    def several(self, questions: Sequence[Question]) -> list[Told]:
        """All answers, in the order of the questions. Raises ``SetupError``; then another line is needed."""
        try:
            bodies = self._over_the_network(questions) if self._client else self._from_inside(questions)
        except (httpx.ConnectError, httpx.ConnectTimeout):
            self._client = None
            bodies = self._from_inside(questions)
        except httpx.TransportError as error:
            raise self._silent(str(error) or type(error).__name__) from None
        return [self._told(body) for body in bodies]

    def _over_the_network(self, questions: Sequence[Question]) -> list[str]:
        assert self._client
        return [self._client.get(question.line).text for question in questions]

    def _from_inside(self, questions: Sequence[Question]) -> list[str]:
        urls = [f"http://127.0.0.1:{PROMETHEUS_PORT}{question.line}" for question in questions]
        # Every answer is a line of JSON.
        _, output = engine.run_inside(self._container, [
            "curl", "-s", "--fail-early", "--max-time", f"{self._patience_s:g}", "-w", "\\n", *urls])
        bodies = output.splitlines()
        if len(bodies) != len(questions):
            raise self._silent(output[:500])
        return bodies

    def _told(self, body: str) -> Told:
        try:
            told = json.loads(body)
        except ValueError:
            raise SetupError(f"{self._container.name} is not ready", why=body[:500],
                             then="make logs TIER=monitoring") from None
        return Told(told["data"]) if told["status"] == "success" else Told(why=str(told["error"]))

    def _silent(self, why: str) -> SetupError:
        return SetupError(f"{self._container.name} does not answer", why=why, then="make logs TIER=monitoring")


def alerts(stack: str) -> list[dict[str, Any]]:
    """Every alert that is pending or fires, as Prometheus tells it; heartbeats are none."""
    return wrong(_answer(prometheus(stack), PROMETHEUS_PORT, "/api/v1/alerts"))


def wrong(told: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Of an answer of ``/api/v1/alerts`` those that say that something is wrong."""
    return [one for one in told["alerts"] if one["labels"].get("severity") != ALL_IS_WELL]


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
    command: Sequence[str] = ("curl", "-sS", "--max-time", f"{PATIENCE_S:g}", *options, f"http://127.0.0.1:{port}{path}")
    code, output = engine.run_inside(container, list(command))
    if code:
        raise SetupError(f"{container.name} does not answer", why=output, then="make logs TIER=monitoring")
    return output


def get(container: Container, port: int, path: str, parameters: Mapping[str, str]) -> str:
    """The body of an answer to a question with these parameters, whatever its status. Raises ``SetupError``."""
    options = [part for name, value in parameters.items() for part in ("--data-urlencode", f"{name}={value}")]
    return ask(container, port, path, "--get", *options)


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
    found = engine_state.running(stack, workload)
    if not found:
        raise NotThereError(f"No {workload} of the stack {stack!r} runs",
                            why=f"`monitoring.enabled` may be false in stacks/Pulumi.{stack}.yaml",
                            then=f"make status STACK={stack}\nmake up STACK={stack}")
    return found
