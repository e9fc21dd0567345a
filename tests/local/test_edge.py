"""The edge of the running platform: what clients of both edges see, with the real application behind it."""

from __future__ import annotations

import base64
import json
import os
import socket
import textwrap
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import httpx
import pytest

from components.edge_haproxy import HANDOVER_S
from tests.support.running import RunningPlatform
from tests.support.waiting import wait_until

BALANCERS = ("haproxy-1", "haproxy-2")
MAPS = "/var/lib/evenkeel"
STOP = ("import os, pathlib, signal\n"
        "for process in pathlib.Path('/proc').glob('[0-9]*'):\n"
        "    if int(process.name) not in (1, os.getpid()): os.kill(int(process.name), signal.SIGSTOP)")


def runtime(platform: RunningPlatform, command: str) -> list[str]:
    """What both HAProxy answer on their runtime sockets."""
    return [platform.inside(balancer, "sh", "-c", f"echo '{command}' | socat -t 5 - /run/haproxy.sock")
            for balancer in BALANCERS]


def set_level(platform: RunningPlatform, level: str) -> None:
    runtime(platform, f"set map {MAPS}/level.map level {level}")


@pytest.fixture
def level(platform: RunningPlatform) -> Iterator[Callable[[str], None]]:
    yield lambda name: set_level(platform, name)
    set_level(platform, "auto")


@pytest.fixture
def breakers(platform: RunningPlatform) -> Iterator[Callable[[], str]]:
    runtime(platform, "reset breakers")
    yield lambda: "".join(runtime(platform, "show breakers"))
    runtime(platform, "reset breakers")


@pytest.mark.parametrize("edge", [1, 2])
def test_each_edge_reaches_the_application_by_both_balancers(platform: RunningPlatform, edge: int) -> None:
    with platform.client(edge) as client:
        answers = [client.get("/version") for _ in range(8)]
    assert {answer.status_code for answer in answers} == {200}
    assert {answer.headers["x-evenkeel-balancer"] for answer in answers} == set(BALANCERS)
    assert {answer.headers["x-evenkeel-colour"] for answer in answers} == {"blue"}


def test_http_is_redirected_to_the_same_edge(platform: RunningPlatform) -> None:
    plain = [url for url in platform.outputs["urls"] if url.startswith("http://")]
    for insecure, secure in zip(plain, platform.urls, strict=True):
        answer = httpx.get(f"{insecure}/api/orders?limit=1")
        assert answer.status_code == 308
        assert answer.headers["location"] == f"{secure}/api/orders?limit=1"


def test_security_headers_and_a_request_id(platform: RunningPlatform) -> None:
    with platform.client() as client:
        answer = client.get("/version", headers={"X-Request-ID": "test-12345678"})
    assert answer.headers["x-request-id"] == "test-12345678"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["x-frame-options"] == "SAMEORIGIN"
    assert "strict-transport-security" not in answer.headers, "never for localhost"


def test_insiders_paths_are_not_for_clients(platform: RunningPlatform) -> None:
    with platform.client() as client:
        assert [client.get(path).status_code for path in ("/edge/status", "/metrics")] == [404, 404]
    assert "Active connections" in platform.inside("nginx-1", "curl", "-fsS", "http://127.0.0.1:8081/edge/status")


def test_nobody_but_nginx_may_speak_to_haproxy(platform: RunningPlatform) -> None:
    without = "curl -sk -m 3 -o /dev/null -w '%{http_code}' https://127.0.0.1:8443/version || true"
    other = without.replace("-sk", "-sk --cert /etc/evenkeel/tls/bundle.pem")
    for command in (without, other):
        assert platform.inside("haproxy-1", "sh", "-c", command).strip() == "000"


def test_health_passes_to_the_application(platform: RunningPlatform) -> None:
    with platform.client() as client:
        for path in ("/health", "/health/ready", "/health/readonly", "/edge/health", "/edge/ready"):
            assert client.get(path).status_code == 200, path
        assert client.get("/edge/ready").json()["level"] == "full"


def test_a_cacheable_answer_is_fetched_once_for_fifty_at_once(platform: RunningPlatform) -> None:
    path = f"/api/catalogue?{time.time_ns()}"
    before = catalogue_requests(platform)
    with platform.client() as client, ThreadPoolExecutor(50) as pool:
        answers = list(pool.map(lambda _: client.get(path, timeout=20), range(50)))
    assert {answer.status_code for answer in answers} == {200}
    assert catalogue_requests(platform) - before == 1
    assert Counter(answer.headers["x-cache-status"] for answer in answers)["MISS"] == 1


def catalogue_requests(platform: RunningPlatform) -> float:
    workers = [container.labels["evenkeel.member"] for container in platform.containers()
               if container.labels["evenkeel.workload"] == "web-blue"]
    texts = [platform.inside(worker, "curl", "-fsS", "http://127.0.0.1:8000/metrics") for worker in workers]
    return sum(float(line.split()[1]) for text in texts for line in text.splitlines()
               if line.startswith("orders_catalogue_requests_total "))


def test_personal_answers_are_not_cached(platform: RunningPlatform) -> None:
    with platform.client() as client:
        client.get("/api/catalogue")
        personal = client.get("/api/catalogue", headers={"Cookie": "sessionid=1"})
        authorised = client.get("/api/catalogue", headers={"Authorization": "Bearer x"})
    assert {personal.headers["x-cache-status"], authorised.headers["x-cache-status"]} == {"BYPASS"}


@pytest.mark.parametrize("coding", ["br", "gzip"])
def test_text_is_compressed(platform: RunningPlatform, coding: str) -> None:
    with platform.client() as client:
        assert client.get("/", headers={"Accept-Encoding": coding}).headers["content-encoding"] == coding


def test_logins_are_limited_over_both_balancers_together(platform: RunningPlatform) -> None:
    seen: Counter[tuple[str, bool]] = Counter()
    with platform.client(1) as one, platform.client(2) as two:
        for turn in range(40):
            answer = (one, two)[turn % 2].post("/api/login")
            seen[answer.headers["x-evenkeel-balancer"], answer.status_code == 429] += 1
            # The balancers tell each other within milliseconds, not within none.
            time.sleep(0.02)
        assert answer.status_code == 429
        assert answer.headers["retry-after"] == "60"
        assert answer.json()["limit"] == 20
        assert one.get("/version").status_code == 200, "another class has its own limit"
    admitted = {balancer: count for (balancer, refused), count in seen.items() if not refused}
    assert set(admitted) == set(BALANCERS)
    # The window slides: a slot every three seconds.
    assert 20 <= sum(admitted.values()) <= 22, seen


@pytest.mark.parametrize("edge", [1, 2])
def test_a_websocket_passes_both_tiers(platform: RunningPlatform, edge: int) -> None:
    port = int(platform.urls[edge - 1].rpartition(":")[2])
    key = base64.b64encode(os.urandom(16)).decode()
    request = (f"GET /ws HTTP/1.1\r\nHost: localhost:{port}\r\nOrigin: https://localhost:{port}\r\n"
               "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
               f"Sec-WebSocket-Key: {key}\r\n\r\n")
    with socket.create_connection(("localhost", port), timeout=10) as plain, \
            platform.trust().wrap_socket(plain, server_hostname="localhost") as secure:
        secure.sendall(request.encode())
        assert secure.recv(12) == b"HTTP/1.1 101"


def test_operators_force_a_level(platform: RunningPlatform, level: Callable[[str], None]) -> None:
    order = {"item": "anchor", "quantity": 1}
    with platform.client() as client:
        level("read-only")
        refused = client.post("/api/orders", json=order)
        assert (refused.status_code, refused.headers["x-evenkeel-level"]) == (503, "read-only")
        assert int(refused.headers["retry-after"]) >= 1
        assert client.get("/api/orders").status_code == 200
        level("maintenance")
        page = client.get("/version", headers={"Accept": "text/html"})
        assert (page.status_code, page.headers["x-evenkeel-level"]) == (503, "maintenance")
        assert "<html" in page.text and page.headers["retry-after"]
        assert client.get("/edge/ready").status_code == 503
        level("auto")
        assert client.post("/api/orders", json=order).status_code == 201


def test_what_is_cached_is_served_while_nothing_answers(platform: RunningPlatform,
                                                        level: Callable[[str], None]) -> None:
    path = f"/api/catalogue?{time.time_ns()}"
    with platform.client() as client:
        assert client.get(path).status_code == 200
        time.sleep(6.1)  # the catalogue is fresh for 5 s, and Nginx counts whole seconds
        level("maintenance")
        stale = client.get(path)
    assert (stale.status_code, stale.headers["x-evenkeel-level"]) == (200, "stale-cache")


def test_a_tester_without_a_green_worker_stays_on_blue(platform: RunningPlatform) -> None:
    with platform.client() as client:
        answer = client.get("/version", headers={"X-Evenkeel-Colour": "green"})
    assert (answer.status_code, answer.headers["x-evenkeel-colour"]) == (200, "blue")


def test_errors_of_the_database_do_not_open_a_breaker(platform: RunningPlatform, breakers: Callable[[], str]) -> None:
    with platform.client() as client:
        codes = {client.get("/api/fail", params={"status": 503, "cause": "database"}).status_code for _ in range(40)}
    assert codes == {503}
    assert " open " not in breakers()


def test_errors_of_the_application_open_it_and_writers_go_on(platform: RunningPlatform,
                                                             breakers: Callable[[], str]) -> None:
    with platform.client() as client:
        for _ in range(24):
            client.get("/api/fail", params={"status": 500})
        assert " open " in breakers()
        assert client.get("/version").status_code == 200, "safe requests go to the other pool of access"
        runtime(platform, "reset breakers")
        assert " open " not in breakers()


def test_a_reload_drops_nothing(platform: RunningPlatform) -> None:
    failed: list[str] = []
    deadline = time.monotonic() + 5

    def load(edge: int) -> int:
        count = 0
        with platform.client(edge) as client:
            while time.monotonic() < deadline:
                answer = client.get("/version")
                if answer.status_code != 200:
                    failed.append(f"{answer.status_code} {answer.text}")
                count += 1
        return count

    with ThreadPoolExecutor(4) as pool:
        sent = [pool.submit(load, edge) for edge in (1, 2, 1, 2)]
        for balancer in BALANCERS:
            platform.inside(balancer, "/usr/local/bin/reload")
            time.sleep(1)
        assert sum(each.result() for each in sent) > 100
    assert not failed, failed[:5]


KEPT = textwrap.dedent("""
    import http.client, os, ssl, sys, time
    told, go = sys.argv[1:]
    trust = ssl.create_default_context(cafile="/etc/evenkeel/tls/ca.pem")
    trust.check_hostname = False
    trust.load_cert_chain("/etc/evenkeel/tls/cert.pem", "/etc/evenkeel/tls/key.pem")
    kept = http.client.HTTPSConnection("haproxy-1", 8443, context=trust, timeout=10)
    for ask in (1, 2):
        kept.request("POST", "/edge/ready", body="{}")
        answer = kept.getresponse()
        print(answer.status, answer.getheader("Connection"), answer.read().decode(), flush=True)
        open(told, "w").close()
        while not os.path.exists(go):
            time.sleep(0.05)
""")
"""Two requests on one connection of Nginx', with a reload in between."""


def test_what_a_kept_connection_brings_after_a_reload_is_answered_by_the_process_that_knows(
        platform: RunningPlatform, level: Callable[[str], None]) -> None:
    told, go = (f"/tmp/kept-{time.monotonic_ns()}-{what}" for what in ("told", "go"))
    with ThreadPoolExecutor(1) as pool:
        kept = pool.submit(platform.inside, "nginx-1", "python3", "-c", KEPT, told, go)
        try:
            wait_until(lambda: platform.container("nginx-1").exec_run(["test", "-e", told]).exit_code == 0, "an answer")
            platform.inside("haproxy-1", "/usr/local/bin/reload")
            level("maintenance")  # only the new process learns of it, as of a worker that is gone
            time.sleep(HANDOVER_S + 1)
        finally:
            platform.inside("nginx-1", "touch", go)
        before, after = kept.result(timeout=20).splitlines()
    assert before.startswith("200 ") and '"level":"full"' in before, before
    assert after.startswith("503 close ") and '"level":"maintenance"' in after, after


def test_a_reload_while_a_worker_is_gone_leaves_no_moment_without_one(platform: RunningPlatform) -> None:
    """Whichever slot it had: the first one's is what a new process fills first."""
    def first() -> str:
        state, _ = runtime(platform, "show servers state web_blue_read")
        return next((line.split()[4] for line in state.splitlines() if " slot-1 " in line), "-")

    address = first()
    gone = next(one for one in map(platform.container, ("web-blue-1", "web-blue-2")) if address in {
        network["IPAddress"] for network in one.attrs["NetworkSettings"]["Networks"].values()})
    gone.stop(timeout=30)
    try:
        assert first() == address, "it is not forgotten yet, and known to be down"
        since = datetime.now(UTC).replace(tzinfo=None)
        platform.inside("haproxy-1", "/usr/local/bin/reload")
        time.sleep(1)
        said = platform.container("haproxy-1").logs(since=since).decode()
        assert "Loading success" in said and "corrupted" not in said and "no server available" not in said, said
        assert first() not in ("-", address), "who is there has the first slot now"
    finally:
        gone.start()
        wait_until(lambda: platform.fit(gone.labels["evenkeel.member"]), "it serves again", limit_s=30)


def test_a_reloaded_nginx_accepts_with_new_workers_only(platform: RunningPlatform) -> None:
    """Else the next edge would be reloaded while this one still changes over."""
    # Processes may end while they are looked at; one that leaves says so in its name.
    serving = ("for process in /proc/[0-9]*; do tr '\\0' ' ' 2>/dev/null <$process/cmdline "
               "| grep -q '^nginx: worker process *$' && echo $process; done; true")
    with platform.client() as client:  # its connection is what an old worker closes before it goes
        assert client.get("/version").status_code == 200
        before = set(platform.inside("nginx-1", "sh", "-c", serving).split())
        platform.inside("nginx-1", "/usr/local/bin/reload")
        after = set(platform.inside("nginx-1", "sh", "-c", serving).split())
    assert before and after and not before & after, (before, after)


def test_a_killed_balancer_is_stepped_over(platform: RunningPlatform) -> None:
    with platform.held("haproxy-2", "a test"), platform.client() as client:
        platform.container("haproxy-2").kill()
        try:
            answers = [client.get("/version") for _ in range(30)]
        finally:
            platform.container("haproxy-2").start()
        assert {answer.status_code for answer in answers} == {200}
        assert {answer.headers["x-evenkeel-balancer"] for answer in answers} == {"haproxy-1"}
        wait_until(lambda: client.get("/version").headers["x-evenkeel-balancer"] == "haproxy-2",
                   "haproxy-2 serves again")


def test_what_a_dying_worker_did_not_answer_is_read_from_another(platform: RunningPlatform) -> None:
    """It accepts and is silent, then its connections end without a byte: as those of a worker that closes one which
    was about to be used again."""
    worker = platform.container("web-blue-1")
    with platform.held("web-blue-1", "a test"), platform.client() as client, ThreadPoolExecutor(12) as pool:
        worker.exec_run(["python3", "-c", STOP])
        try:
            asked = [pool.submit(client.get, "/version", params={"n": number}) for number in range(12)]
            wait_until(lambda: sum(one.done() for one in asked) >= 4, "the other worker answers")
            assert not all(one.done() for one in asked), "some were sent to the silent one"
        finally:
            worker.kill()
            answers = Counter(one.result().status_code for one in asked)
            worker.start()
    assert answers == {200: 12}

    def slots() -> Counter[str]:
        return Counter(row.split(",")[17] for rows in runtime(platform, "show stat") for row in rows.splitlines()
                       if row.startswith("web_blue_") and "slot-" in row)

    every = len(BALANCERS) * len(("read", "write", "socket")) * len(("web-blue-1", "web-blue-2"))
    wait_until(lambda: slots()["UP"] == every, "it serves again", limit_s=30)


def test_logs_are_json_without_query_strings(platform: RunningPlatform) -> None:
    marker = f"secret-{time.time_ns()}"
    with platform.client() as client:
        client.get("/version", params={"token": marker},
                   headers={"Cookie": f"a={marker}", "X-Request-ID": "log-12345678"})
    container = platform.container("nginx-1")
    wait_until(lambda: b"log-12345678" in container.logs(tail=200), "the line is flushed", limit_s=5)
    lines = container.logs(tail=200).decode().splitlines()
    entry = json.loads(next(line for line in lines if "log-12345678" in line))
    assert (entry["path"], entry["status"], entry["colour"]) == ("/version", 200, "blue")
    assert not any(marker in line for line in lines)
