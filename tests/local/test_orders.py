"""The example application through the front door: what it acknowledges is kept, and stopping a worker drops nothing."""

from __future__ import annotations

import threading
import time
import uuid
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import httpx
import pytest

from tests.support.running import RunningPlatform

ANCHOR = {"item": "anchor", "quantity": 1}
POSTGRES = ("postgres-1", "postgres-2", "postgres-3")
ANSWERED_S = 6.0
"""The application's own 5 s and what the edge adds."""
QUORUM_BACK_S = 40.0
LOAD_THREADS = 4
EARLIER_LOAD_S = 2.0


def place(client: httpx.Client, key: str | None = None, **order: object) -> httpx.Response:
    return client.post("/api/orders", json={**ANCHOR, **order}, headers={"Idempotency-Key": key or str(uuid.uuid4())})


def test_an_order_is_read_by_the_other_edge_from_primary_and_replica(platform: RunningPlatform) -> None:
    with platform.client(1) as first, platform.client(2) as second:
        placed = place(first, note="by edge 1").json()
        path = f"/api/orders/{placed['id']}"
        own = second.get(path, params={"consistency": "primary"})
        assert (own.json()["note"], own.headers["x-orders-source"]) == ("by edge 1", "primary")
        deadline = time.monotonic() + 5
        while (copy := second.get(path)).headers["x-orders-source"] != "replica":
            assert copy.status_code == 200, "what was acknowledged is found, however far the replica is behind"
            assert time.monotonic() < deadline, "the replica should have followed"
            time.sleep(0.05)
        assert (copy.json()["note"], copy.headers["x-orders-source"]) == ("by edge 1", "replica")


def test_one_key_is_one_order_by_whatever_way_and_however_often(platform: RunningPlatform) -> None:
    key = str(uuid.uuid4())
    with platform.client(1) as first, platform.client(2) as second, ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(lambda number: place((first, second)[number % 2], key), range(24)))
        assert Counter(answer.status_code for answer in answers) == {201: 1, 200: 23}
        assert len({answer.json()["id"] for answer in answers}) == 1
        assert place(first, key, quantity=2).status_code == 422


def test_a_bad_order_is_refused_with_its_reason(platform: RunningPlatform) -> None:
    with platform.client() as client:
        answer = client.post("/api/orders", json={"item": "anchor", "quantity": "many"})
        assert answer.status_code == 400
        assert "quantity" in answer.json()["reason"]


def ledger(client: httpx.Client) -> dict[str, str]:
    """Id by key of every order there is."""
    found: dict[str, str] = {}
    following: int | None = 0
    while following is not None:
        page = client.get("/api/orders/ledger", params={"after": following, "limit": 5000}).json()
        found |= {key: identifier for _, identifier, key in page["entries"]}
        following = page["next"]
    return found


def test_the_ledger_knows_every_acknowledged_order(platform: RunningPlatform) -> None:
    with platform.client(1) as client:
        placed = [place(client).json() for _ in range(50)]
        known = ledger(client)
    assert {order["idempotency_key"]: order["id"] for order in placed}.items() <= known.items()


def test_a_session_is_the_same_on_every_worker(platform: RunningPlatform) -> None:
    with platform.client(1) as first, platform.client(2) as second:
        assert first.post("/api/session").status_code == 201
        second.cookies.set("session", first.cookies["session"])
        answers = [client.get("/api/session") for _ in range(10) for client in (first, second)]
    assert [answer.json()["visits"] for answer in answers] == list(range(1, 21))
    assert len({answer.headers["x-evenkeel-member"] for answer in answers}) == 2


def test_every_worker_reaches_everything_it_depends_on(platform: RunningPlatform) -> None:
    for member in ("web-blue-1", "web-blue-2"):
        health = platform.inside(member, "curl", "-fsS", "http://127.0.0.1:8000/health")
        states = httpx.Response(200, text=health).json()["dependencies"]
        assert states == dict.fromkeys(("database", "reader", "cache", "session", "feed"), "up"), member


@contextmanager
def replicas_paused(platform: RunningPlatform) -> Iterator[None]:
    """Only the primary goes on: no commit can be confirmed by a second member."""
    replicas = [member for member in POSTGRES
                if platform.inside(member, "find", "/var/lib/evenkeel/postgres", "-name", "standby.signal")]
    assert len(replicas) == 2
    for member in replicas:
        platform.container(member).pause()
    try:
        yield
    finally:
        for member in replicas:
            platform.container(member).unpause()


def test_without_a_quorum_nothing_is_acknowledged_and_the_key_resolves_it_afterwards(platform: RunningPlatform) -> None:
    key = str(uuid.uuid4())
    with platform.client() as client:
        with replicas_paused(platform):
            began = time.monotonic()
            answer = place(client, key)
            assert time.monotonic() - began < ANSWERED_S
            assert answer.status_code == 503, answer.text
            assert answer.headers["retry-after"]
            assert answer.json()["status"] == "unknown", answer.text
        deadline = time.monotonic() + QUORUM_BACK_S
        while (answer := place(client, key)).status_code == 503:
            assert time.monotonic() < deadline, answer.text
            time.sleep(0.2)
        assert answer.json()["idempotency_key"] == key
        assert key in ledger(client)


class Load:
    """Orders placed and read without a pause by several clients of both edges, until told to stop."""

    def __init__(self, platform: RunningPlatform) -> None:
        self.answers: Counter[int | str] = Counter()
        self.acknowledged: set[str] = set()
        self._platform = platform
        self._end = threading.Event()
        self._threads = [threading.Thread(target=self._run, args=(1 + number % 2,)) for number in range(LOAD_THREADS)]

    def __enter__(self) -> Load:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end.set()
        for thread in self._threads:
            thread.join()

    def _run(self, edge: int) -> None:
        with self._platform.client(edge) as client:
            while not self._end.is_set():
                key = str(uuid.uuid4())
                try:
                    answer = place(client, key)
                    if answer.status_code == 201:
                        self.acknowledged.add(key)
                    self.answers[answer.status_code] += 1
                    self.answers[client.get("/api/orders?limit=1").status_code] += 1
                except httpx.HTTPError as error:
                    self.answers[f"{type(error).__name__}: {error}"] += 1


@pytest.mark.parametrize("member", ["web-blue-1", "web-blue-2"])
def test_a_worker_stops_and_starts_under_load_without_a_dropped_request(platform: RunningPlatform, member: str) -> None:
    container = platform.container(member)
    with platform.held(member, "a test"), Load(platform) as load:
        time.sleep(EARLIER_LOAD_S)
        container.kill(signal="SIGTERM")
        assert container.wait(timeout=40)["StatusCode"] == 0
        container.start()
        deadline = time.monotonic() + 30
        while container.exec_run(["curl", "-fsS", "http://127.0.0.1:8000/health/ready"]).exit_code != 0:
            assert time.monotonic() < deadline, f"{member} should be ready again"
            time.sleep(0.2)
        time.sleep(EARLIER_LOAD_S)
    assert set(load.answers) == {200, 201}, load.answers
    assert load.answers[201] > 100, "that was no load"
    with platform.client() as client:
        assert load.acknowledged <= ledger(client).keys()
