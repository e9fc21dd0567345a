"""Where a request spent its time, from the edge to the database, kept and found again."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import pytest
from docker.models.containers import Container

from components.monitoring_collector import COLLECTOR
from components.monitoring_traces import JAEGER
from operations.monitoring import traces
from operations.monitoring.traces import Span, Trace
from tests.support.load import Load
from tests.support.running import SETTINGS, RunningPlatform, settled

pytestmark = pytest.mark.logs
ARRIVES_S = 20
HALF = {"monitoring": {"traces": {"enabled": True, "share": 0.5, "slow_s": 0.4}}}
EDGE = frozenset({"nginx", "haproxy"})
ORDER = {"item": "anchor", "quantity": 1}


@pytest.fixture(scope="module")
def traced(platform: RunningPlatform) -> Iterator[RunningPlatform]:
    """The platform with half of its requests traced; without, afterwards."""
    with settled(platform.stack, {**SETTINGS, **HALF}) as running:
        yield running


def jaeger(running: RunningPlatform) -> Container:
    return running.container(f"{JAEGER}-1")


def arrived(running: RunningPlatform, request: str, seconds: float = ARRIVES_S,
            told_by: frozenset[str] = EDGE) -> Trace | None:
    """The trace of a request, once all of them have told of it: each does that a second late. None where one doesn't
    come."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        found = traces.of_request(jaeger(running), request)
        if found and {span.who.rsplit("-", 1)[0] for span in found.spans} >= told_by:
            return found
        time.sleep(0.5)
    return None


def to_the_end(running: RunningPlatform, ask: Callable[[], str]) -> Trace:
    """Of a request that is traced to the end: every second one."""
    for _ in range(20):
        asked = ask()
        found = arrived(running, asked, 6, EDGE | {"web-blue"})
        if found:
            return found
    raise AssertionError("none of twenty requests was traced")


def require_back(running: RunningPlatform, workload: str) -> None:
    end = time.monotonic() + 60
    while not running.fit(f"{workload}-1"):
        assert time.monotonic() < end, f"{workload} does not come back"
        time.sleep(0.5)


def called(trace: Trace, who: str, name: str) -> Span:
    found = [span for span in trace.spans if span.who.startswith(who) and span.name.startswith(name)]
    assert len(found) == 1, [(span.who, span.name) for span in trace.spans]
    return found[0]


def test_an_order_is_followed_from_the_edge_to_the_database(traced: RunningPlatform) -> None:
    with traced.client() as client:
        def place() -> str:
            answer = client.post("/api/orders", json=ORDER)
            assert answer.status_code == 201
            return answer.headers["X-Request-ID"]

        trace = to_the_end(traced, place)
    steps = [called(trace, "nginx", "POST /api/orders"), called(trace, "haproxy", "POST /api/orders"),
             called(trace, "web-blue", "POST /api/orders"), called(trace, "web-blue", "INSERT")]
    for caller, step in itertools.pairwise(steps):
        assert step.parent == caller.id
        # Nginx' clock has milliseconds only.
        assert caller.begin_us - 2000 <= step.begin_us and step.end_us <= caller.end_us + 2000
    assert steps[0].attributes["http.response.status_code"] == "201"
    assert steps[1].attributes["backend"].startswith("web_blue")
    assert steps[3].attributes["server.address"].startswith("pgbouncer")
    assert "anchor" not in str(trace)


def test_what_failed_is_kept_whatever_the_share(traced: RunningPlatform) -> None:
    with traced.client() as client:
        asked = [client.get("/api/fail?status=500").headers["X-Request-ID"] for _ in range(6)]
    for request in asked:
        found = arrived(traced, request)
        assert found is not None and found.failed and found.root.who.startswith("nginx")


def test_what_was_slow_is_kept_and_stands_first(traced: RunningPlatform) -> None:
    begin = datetime.now(UTC) - timedelta(seconds=1)
    with traced.client() as client:
        asked = [client.get("/api/slow?ms=600").headers["X-Request-ID"] for _ in range(4)]
    assert all(arrived(traced, request) for request in asked)
    slowest = traces.newest(jaeger(traced), begin, datetime.now(UTC), 0.4)
    assert {trace.id for trace in slowest} >= set(asked)
    assert all(trace.took_us >= 600_000 for trace in slowest if trace.id in asked)


def test_a_share_of_the_rest_is_traced(traced: RunningPlatform) -> None:
    with traced.client() as client:
        asked = [client.get("/api/orders?limit=1").headers["X-Request-ID"] for _ in range(100)]
    time.sleep(8)
    found = [trace for request in asked if (trace := traces.of_request(jaeger(traced), request))]
    assert 25 <= len(found) <= 75
    assert all(any(span.name == "SELECT" for span in trace.spans) for trace in found)


def test_a_client_does_not_decide_what_is_kept(traced: RunningPlatform) -> None:
    stranger = "4bf92f3577b34da6a3ce929d0e0e4736"
    with traced.client() as client:
        for _ in range(4):
            client.get("/api/orders?limit=1", headers={"traceparent": f"00-{stranger}-00f067aa0ba902b7-01"})
    time.sleep(6)
    assert traces.of_request(jaeger(traced), stranger) is None


def test_one_named_by_its_client_is_found_by_that_name(traced: RunningPlatform) -> None:
    with traced.client() as client:
        client.get("/api/fail?status=500", headers={"X-Request-ID": "order-17-of-anne"})
    found = arrived(traced, "order-17-of-anne")
    assert found is not None and found.id != "order-17-of-anne"


@pytest.mark.parametrize("gone", [JAEGER, COLLECTOR])
def test_while_one_of_them_is_gone_nobody_notices(traced: RunningPlatform, gone: str) -> None:
    container = traced.container(f"{gone}-1")
    with traced.held(f"{gone}-1", "a test"), Load(traced, traced.trust()) as load:
        container.kill()
        time.sleep(8)
        container.start()
        time.sleep(3)
    assert load.acknowledged and not load.failures
    require_back(traced, gone)
    with traced.client() as client:
        request = client.get("/api/fail?status=500").headers["X-Request-ID"]
    assert arrived(traced, request, 40)


def test_they_survive_a_restart_of_who_keeps_them(traced: RunningPlatform) -> None:
    with traced.client() as client:
        request = client.get("/api/fail?status=500").headers["X-Request-ID"]
    assert arrived(traced, request)
    with traced.held(f"{JAEGER}-1", "a test"):
        jaeger(traced).restart(timeout=15)
    require_back(traced, JAEGER)
    assert traces.of_request(jaeger(traced), request)
