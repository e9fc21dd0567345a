"""One's own application: `stacks/Pulumi.visits.yaml` alone brings the Node.js example up, on a small platform.

What the platform offers is proved by the application using it: sessions, the feed, the queue, a job by the clock, files
at the edge; and what the edge's cache does for them, purge and warm-up included.
"""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest
import yaml
from websockets.asyncio.client import connect

from operations.cache import edges
from operations.setup import status
from operations.setup.paths import ROOT
from tests.support.running import RunningPlatform, brought_up
from tests.support.waiting import wait_until

STACK = os.environ.get("EVENKEEL_TEST_OWN_STACK", f"test-own-{os.getpid()}")
PAGE = {"Accept": "text/html"}
STRANGER = "203.0.113.77"
"""An address for documentation: nobody's."""
TIMED_OUT = 124
SMALL: dict[str, Any] = {
    "postgres": {"members": 1, "etcd": {"members": 1}, "pgbouncer": {"members": 1}, "pgproxy": {"members": 1}},
    "redis": {"masters": 3, "replicas_per_master": 0},
}


def settings() -> dict[str, Any]:
    config = yaml.safe_load((ROOT / "stacks" / "Pulumi.visits.yaml").read_text())["config"]
    found = {key.removeprefix("evenkeel:"): value for key, value in config.items()}
    found["app"]["environment"] = {"VISITS_FAULTS": "1"}
    found["app"]["jobs"]["stuck"] = {"schedule": "0 0 29 2 *", "command": ["sleep", "60"], "timeout_s": 1}
    # Published ports are reached through the engine's own bridge: it plays the CDN.
    found["edge"]["nginx"] = {"trusted_proxies": ["10.0.0.0/8"]}
    return {**found, **SMALL, "monitoring": {"enabled": False}}


@pytest.fixture(scope="module")
def visits() -> Iterator[RunningPlatform]:
    with brought_up(STACK, settings()) as running:
        yield running


def write(client: httpx.Client, **visit: Any) -> dict[str, Any]:
    answer = client.post("/api/visits", json={"name": "Ann", "message": "hello", **visit})
    assert answer.status_code == 201, answer.text
    return answer.json()


def greeted(client: httpx.Client, visit: dict[str, Any], limit_s: float = 15) -> dict[str, Any]:
    def kept() -> dict[str, Any]:
        return client.get(f"/api/visits/{visit['id']}").json()

    wait_until(lambda: kept()["greeting"], f"a greeting of visit {visit['id']}", limit_s)
    return kept()


def cached(client: httpx.Client, path: str, **headers: str) -> str:
    return client.get(path, headers=headers).headers["x-cache-status"]


# -- what the application is offered ----------------------------------------------------------------------------------


def test_every_pool_runs_and_the_job_waits(visits: RunningPlatform) -> None:
    app = {found.member: found for found in status.of(STACK) if found.tier == "app"}
    assert set(app) == {"web-blue-1", "web-blue-2", "websocket-blue-1", "websocket-blue-2", "frontend-blue-1",
                        "worker-blue-1", "job-report-1", "job-stuck-1"}
    assert all(found.serves for found in app.values()), app
    # The report's own time comes every five minutes, perhaps now.
    assert app["job-stuck-1"].state == "scheduled"


def test_a_session_is_the_same_on_every_worker_and_by_both_edges(visits: RunningPlatform) -> None:
    with visits.client(1) as first, visits.client(2) as second:
        assert first.get("/api/me").json()["visits"] == 1
        second.cookies = first.cookies
        answers = [client.get("/api/me").json() for _ in range(4) for client in (first, second)]
    assert [answer["visits"] for answer in answers] == list(range(2, 10))
    assert {answer["member"] for answer in answers} == {"web-blue-1", "web-blue-2"}


def test_a_visit_is_queued_carried_out_and_told_to_everybody(visits: RunningPlatform) -> None:
    async def scenario() -> None:
        addresses = [f"{url.replace('https://', 'wss://')}/ws" for url in visits.urls]
        async with connect(addresses[0], ssl=visits.trust()) as one, connect(addresses[1], ssl=visits.trust()) as two:
            await one.send("ping")
            assert await asyncio.wait_for(one.recv(), 5) == "pong"

            def place() -> int:
                with visits.client() as client:
                    return int(write(client, name="Bea")["id"])

            own = await asyncio.to_thread(place)
            for socket in (one, two):
                missing = {"visit", "greeting"}  # published through two nodes of the cluster: in either order
                async with asyncio.timeout(15):
                    while missing:
                        told = json.loads(await socket.recv())
                        if told["visit"]["id"] == own:
                            missing.remove(told["event"])

    asyncio.run(scenario())


def test_the_queue_delays_retries_and_recurs(visits: RunningPlatform) -> None:
    with visits.client() as client:
        late, failing = write(client, delay_ms=2500), write(client, message="fail once")
        prompt = write(client, urgent=True)
        assert greeted(client, prompt)["attempts"] == 1
        assert client.get(f"/api/visits/{late['id']}").json()["greeting"] is None, "that one comes later"
        assert greeted(client, failing)["attempts"] == 2
        assert greeted(client, late)["greeting"] == "Welcome, Ann!"
        waiting = client.get("/api/queue").json()
        assert waiting["schedulers"] == ["total"] and waiting["counts"]["failed"] == 0, waiting
        total = len(client.get("/api/visits?limit=100").json())
        wait_until(lambda: client.get("/api/total").json()["total"] >= total, "the recurring job counted them")


def test_jobs_wait_in_the_queue_while_no_worker_is_there(visits: RunningPlatform) -> None:
    worker = visits.container("worker-blue-1")
    worker.stop(timeout=20)
    worker.reload()
    assert worker.attrs["State"]["ExitCode"] == 0, "a worker that is asked to stop finishes and ends"
    with visits.client() as client:
        visit = write(client)
        worker.start()
        assert greeted(client, visit, limit_s=30)["attempts"] == 1


def test_a_job_runs_when_it_is_started_and_no_up_minds(visits: RunningPlatform) -> None:
    job = visits.container("job-report-1")
    with visits.client() as client:
        write(client)
        job.start()
        assert job.wait(timeout=60)["StatusCode"] == 0, job.logs().decode()
        assert client.get("/api/days").json()[0]["visits"] >= 1
    stuck = visits.container("job-stuck-1")
    stuck.start()
    assert stuck.wait(timeout=20)["StatusCode"] == TIMED_OUT
    told = {found.member: found.problem for found in status.of(STACK) if found.state == "scheduled"}
    assert told["job-report-1"].startswith("ran until ") and told["job-stuck-1"].startswith("failed with 124 at "), told
    seen = visits.pulumi("preview", "--refresh", "--expect-no-changes")
    assert seen.returncode == 0, seen.stdout


# -- the edge in front of it ------------------------------------------------------------------------------------------


@pytest.fixture
def edge(visits: RunningPlatform) -> Iterator[httpx.Client]:
    """A client of edge 1, whose cache is empty."""
    assert not [outcome for outcome in edges.purge(STACK, ["*"]) if outcome.problem]
    with visits.client(1) as client:
        yield client


def test_files_are_cached_whoever_asks(edge: httpx.Client) -> None:
    edge.cookies.set("visits.sid", "somebody")
    answers = [edge.get("/app/page.js") for _ in range(2)]
    assert [answer.headers["x-cache-status"] for answer in answers] == ["MISS", "HIT"]
    assert answers[0].text == answers[1].text and "max-age=86400" in answers[1].headers["cache-control"]
    assert "set-cookie" not in answers[1].headers
    assert edge.get("/api/total").headers["x-cache-status"] == "BYPASS", "elsewhere a session's cookie counts"


def test_a_page_that_is_not_there_is_the_applications_own(edge: httpx.Client) -> None:
    page = edge.get("/app/").text
    deep = edge.get("/app/visits/12", headers=PAGE)
    assert (deep.status_code, deep.text) == (200, page)
    assert cached(edge, "/app/visits/13", **PAGE) == "HIT", "all of them are one answer"
    assert edge.get("/app/missing.js").status_code == 404
    assert edge.get("/apple", headers=PAGE).json() == {"error": "no such page"}, "not below /app: the pool web's"


def test_a_purge_reaches_both_edges_and_takes_what_it_says(visits: RunningPlatform, edge: httpx.Client) -> None:
    with visits.client(2) as other:
        for client in (edge, other):
            assert [cached(client, path) for path in ("/app/", "/app/page.js", "/app/", "/app/page.js")] == [
                "MISS", "MISS", "HIT", "HIT"]
        assert [outcome.result["removed"] for outcome in edges.purge(STACK, ["/app/"])] == [["localhost/app/"]] * 2
        for client in (edge, other):
            assert [cached(client, path) for path in ("/app/page.js", "/app/", "/app/")] == ["HIT", "MISS", "HIT"]


def test_a_warm_up_fills_both_edges(visits: RunningPlatform, edge: httpx.Client) -> None:
    outcomes = edges.warm(STACK, "localhost", ["/app/", "/app/page.css", "/api/visits", "/app/missing.js"])
    assert [outcome.member for outcome in outcomes] == ["nginx-1", "nginx-2"]
    for outcome in outcomes:
        assert outcome.result["kept"] == 2 and outcome.result["passed"] == ["/api/visits"], outcome
        assert outcome.result["failed"] == {"/app/missing.js": "HTTP 404"}
    with visits.client(2) as other:
        assert [cached(client, "/app/page.css") for client in (edge, other)] == ["HIT", "HIT"]


def test_a_trusted_proxy_names_the_client(visits: RunningPlatform) -> None:
    with visits.client() as client:
        told = client.get("/api/me", headers={"X-Forwarded-For": f"10.9.9.9, {STRANGER}"}).json()
    assert told["address"] == STRANGER and told["secure"] is True


def test_a_worker_that_stops_under_load_drops_nothing(visits: RunningPlatform) -> None:
    worker = visits.container("web-blue-2")
    codes: list[int] = []
    # Stopped, not killed: whoever brings members back leaves alone what somebody stopped.
    with visits.client() as client, ThreadPoolExecutor(1) as thread:
        stopping = thread.submit(worker.stop, timeout=40)
        while not stopping.done():
            codes.append(client.get("/api/visits?limit=1").status_code)
        stopping.result()
    worker.reload()
    assert worker.attrs["State"]["ExitCode"] == 0
    assert set(codes) == {200} and len(codes) > 10, codes
    worker.start()
