"""Traces that Jaeger keeps: how they are read, whose the time is, and what is said where there is none."""

from __future__ import annotations

import json
from typing import Any

import pytest

from operations.monitoring import api, traces, waterfall
from operations.monitoring.traces import Trace
from operations.setup.errors import SetupError

REQUEST = "4bf92f3577b34da6a3ce929d0e0e4736"
BEGIN = 1_796_000_000_000_000


def span(name: str, parent: str, process: str, at_ms: float, took_ms: float, **tags: Any) -> dict[str, Any]:
    kinds = {str: "string", int: "int64", bool: "bool"}
    return {"traceID": REQUEST, "spanID": name, "operationName": tags.pop("called", name), "processID": process,
            "references": [{"refType": "CHILD_OF", "spanID": parent}] if parent else [],
            "startTime": BEGIN + round(at_ms * 1000), "duration": round(took_ms * 1000),
            "tags": [{"key": key.replace("__", "."), "type": kinds[type(value)], "value": value}
                     for key, value in tags.items()]}


def told(*spans: dict[str, Any]) -> dict[str, Any]:
    members = {"p1": ("nginx", "nginx-1"), "p2": ("haproxy", "haproxy-2"), "p3": ("web", "web-blue-1")}
    return {"traceID": REQUEST, "spans": list(spans), "processes": {
        key: {"serviceName": service, "tags": [{"key": "service.instance.id", "type": "string", "value": member}]}
        for key, (service, member) in members.items()}}


SLOW = told(
    span("c", "b", "p3", 2, 96, called="GET /api/orders"),
    span("a", "", "p1", 0, 100, called="GET", url__path="/api/orders", http__response__status_code=200),
    span("b", "a", "p2", 1, 98, called="GET", url__path="/api/orders", queue_ms=0),
    span("d", "c", "p3", 3, 90, called="SELECT", db__query__text="SELECT 1\n  FROM orders"),
    span("e", "c", "p3", 90, 6, called="cache"))


def test_it_is_read_in_order_and_under_the_members_names() -> None:
    trace = traces.read(SLOW)
    assert [(depth, one.who, one.name) for depth, one in trace.tree()] == [
        (0, "nginx-1", "GET /api/orders"), (1, "haproxy-2", "GET /api/orders"), (2, "web-blue-1", "GET /api/orders"),
        (3, "web-blue-1", "SELECT"), (3, "web-blue-1", "cache")]
    assert trace.root.id == "a" and trace.took_us == 100_000


def test_a_span_owns_what_passed_in_none_that_it_called() -> None:
    trace = traces.read(SLOW)
    own = {one.id: trace.own_us(one) / 1000 for one in trace.spans}
    # The last 3 ms of the statement are the cache's, too: they count once.
    assert own == {"a": 2, "b": 2, "c": 3, "d": 90, "e": 6}
    assert trace.most.id == "d"
    assert waterfall.verdict(trace) == "100 ms in all; 90 % of it, 90 ms, in web-blue-1 itself: SELECT"


def test_one_that_outlives_its_caller_takes_nothing_from_it() -> None:
    trace = traces.read(told(span("a", "", "p1", 0, 10), span("b", "a", "p2", 5, 50)))
    assert trace.own_us(trace.root) == 5_000 and trace.took_us == 55_000


def test_the_edges_part_is_missing() -> None:
    """A span of Nginx is written a second later than it ends."""
    trace = traces.read(told(span("c", "b", "p3", 2, 96), span("d", "c", "p3", 3, 90)))
    assert [one.id for _, one in trace.tree()] == ["c", "d"]


def test_where_it_failed_first() -> None:
    trace = traces.read(told(
        span("a", "", "p1", 0, 9, error=True), span("b", "a", "p2", 1, 7, error=True),
        span("c", "b", "p3", 2, 5, called="GET /api/orders", error=True), span("d", "c", "p3", 3, 1)))
    assert trace.failed and waterfall.verdict(trace).endswith("It failed first in web-blue-1: GET /api/orders")


def test_the_picture_is_as_wide_as_it_says() -> None:
    trace = traces.read(SLOW)
    bars = {one.id: waterfall.bar(one, BEGIN, trace.took_us) for one in trace.spans}
    assert bars["a"] == "━" * waterfall.WIDTH
    assert all(len(bar) <= waterfall.WIDTH and "━" in bar for bar in bars.values())


def test_the_picture_begins_with_the_figures_and_the_list_keeps_the_request_whole() -> None:
    trace = traces.read(SLOW)
    lines = [line.plain for line in waterfall.picture(trace)]
    assert lines[4].split()[:3] == ["3.0", "90", "90"] and lines[4].endswith("web-blue-1  SELECT  SELECT 1 FROM orders")
    _, row = (line.plain for line in waterfall.listing([trace]))
    assert row.index(REQUEST) + len(REQUEST) < 80 and row.endswith("GET /api/orders  90 ms in web-blue-1: SELECT")


def test_what_is_as_usual_is_not_said() -> None:
    trace = traces.read(told(span("a", "", "p2", 0, 9, retries=0, terminated="----", queue_ms=0, backend="web_blue")))
    assert waterfall.said(trace.root) == "queued ms 0, web_blue"


class Jaeger:
    name = "evenkeel-shop-jaeger-1"

    def __init__(self, body: str) -> None:
        self.body, self.asked = body, ""

    def answer(self, _container: object, _port: int, path: str, *options: str) -> str:
        self.asked = f"{path} {' '.join(option for option in options if not option.startswith('--'))}".strip()
        return self.body


def of_request(monkeypatch: pytest.MonkeyPatch, body: str, request: str) -> tuple[Trace | None, str]:
    jaeger = Jaeger(body)
    monkeypatch.setattr(api, "ask", jaeger.answer)
    return traces.of_request(jaeger, request), jaeger.asked  # type: ignore[arg-type]


def test_a_request_with_a_traces_name_is_that_trace(monkeypatch: pytest.MonkeyPatch) -> None:
    found, asked = of_request(monkeypatch, json.dumps({"data": [SLOW]}), REQUEST)
    assert found is not None and asked == f"/api/traces/{REQUEST}"


def test_another_is_found_by_its_own_name(monkeypatch: pytest.MonkeyPatch) -> None:
    found, asked = of_request(monkeypatch, json.dumps({"data": [SLOW]}), "order-17-of-anne")
    assert found is not None and '{"request.id": "order-17-of-anne"}' in asked


def test_none_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    body = json.dumps({"data": None, "errors": [{"code": 404, "msg": "trace not found"}]})
    assert of_request(monkeypatch, body, REQUEST)[0] is None


@pytest.mark.parametrize(("body", "said"), [
    ("upstream not ready", "is not ready"),
    (json.dumps({"data": None, "errors": [{"code": 400, "msg": "bad duration"}]}), "bad duration")])
def test_a_refusal_is_told_in_jaegers_words(monkeypatch: pytest.MonkeyPatch, body: str, said: str) -> None:
    with pytest.raises(SetupError, match=said):
        of_request(monkeypatch, body, REQUEST)
