"""The real Postgres of the platform: quorum in force, closed to strangers, back after losses, nothing lost."""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from docker.errors import APIError

from components.settings.postgres import PLANS, Postgres, RecoveryPlan
from tests.support.running import RunningPlatform

MEMBERS = ("postgres-1", "postgres-2", "postgres-3")
TTL_S = PLANS[RecoveryPlan.FAST].ttl_s
WRITES_AGAIN_S = Postgres().pgbouncer.query_timeout_s + 15
"""Its death is proved, so its key need not expire (20 s more). Our one writer may be caught in a write that waits for
its quorum until PgBouncer ends it; then six more writes, each with a psql of its own."""
AUTHORITY = "/etc/evenkeel/tls/ca.pem"
SUPPORT = Path(__file__).parents[1] / "support"
PASSWORD = """awk -F'"' '$2 == "app" { print $4 }' /etc/evenkeel/pgbouncer/userlist.txt"""


def sql(platform: RunningPlatform, query: str, *, host: str = "pgbouncer", port: int = 6432, database: str = "app",
        user: str = "app", sslmode: str = "verify-full") -> str:
    """What psql prints, warnings included, as a client inside the data network."""
    target = f"host={host} port={port} dbname={database} user={user} sslmode={sslmode} sslrootcert={AUTHORITY}"
    script = f'PGCONNECT_TIMEOUT=5 PGPASSWORD="$({PASSWORD})" psql "{target}" -v ON_ERROR_STOP=1 -At -c "$0"'
    return platform.inside("pgbouncer-1", "sh", "-c", script, query)


def as_superuser(platform: RunningPlatform, member: str, query: str) -> str:
    return platform.inside(member, "psql", "-h", "/run", "-U", "postgres", "-At", "-c", query)


def patroni(platform: RunningPlatform, member: str, path: str, *options: str) -> str:
    """Status code of a member's REST API."""
    return platform.inside(member, "curl", "--silent", "--output", "/dev/null", "--write-out", "%{http_code}",
                           "--cacert", AUTHORITY, *options, f"https://localhost:8008/{path}")


def running(platform: RunningPlatform) -> list[str]:
    return [member for member in MEMBERS if platform.container(member).status == "running"]


def primary(platform: RunningPlatform) -> str:
    leaders = [member for member in running(platform) if patroni(platform, member, "primary") == "200"]
    assert len(leaders) == 1, leaders
    return leaders[0]


def in_quorum(platform: RunningPlatform) -> int:
    """Replicas that stream and whose confirmation counts."""
    query = "SELECT count(*) FROM pg_stat_replication WHERE state = 'streaming' AND sync_state = 'quorum'"
    return int(as_superuser(platform, primary(platform), query))


def failsafe_members(platform: RunningPlatform) -> set[str]:
    """Who must answer the primary while etcd has no majority. A member that has just come back is not among them."""
    known = platform.inside("etcd-1", "etcdctl", "get", "--print-value-only", "/evenkeel/postgres/failsafe")
    return set(json.loads(known))


def wait_until(condition: Callable[[], bool], what: str, timeout_s: float) -> None:
    """What fails meanwhile counts as not yet."""
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        try:
            if condition():
                return
        except (AssertionError, APIError):
            pass  # a member that is down can't be asked
        time.sleep(0.25)
    pytest.fail(f"{what}: not within {timeout_s} s")


@pytest.fixture(autouse=True)
def whole(platform: RunningPlatform) -> Iterator[None]:
    """Every test finds all members in place, and leaves them so. What a test kills stays dead until it says so."""
    wait_until(lambda: in_quorum(platform) == 2, "two replicas in the quorum, as another test left it", 90)
    with platform.held("postgres", "these tests bring members back by themselves"):
        yield
        # Holds live in etcd: before one can be ended, its members have to be back.
        for member in (*MEMBERS, "etcd-1", "etcd-2", "etcd-3", "pgproxy-1"):
            platform.container(member).start()
        wait_until(lambda: in_quorum(platform) == 2, "two replicas in the quorum", 90)


def test_a_write_needs_one_of_two_streaming_replicas(platform: RunningPlatform) -> None:
    names = as_superuser(platform, primary(platform), "SHOW synchronous_standby_names")
    assert names.startswith("ANY 1 (") and names.count("postgres-") == 2
    assert in_quorum(platform) == 2


def test_an_etcd_member_that_stops_while_it_is_asked_is_no_refusal(platform: RunningPlatform) -> None:
    script = (SUPPORT / "etcd_stopping.py").read_text()
    assert "TTL 20" in platform.inside("postgres-1", "python3", "-c", script)


def test_the_end_of_postgres_wakes_patroni(platform: RunningPlatform) -> None:
    said = platform.inside("postgres-1", "python3", "-c", (SUPPORT / "postmaster_dying.py").read_text())
    after = re.search(r"woken after (\d+) ms", said)
    assert after and int(after[1]) < 1000, said


def test_readers_are_on_replicas_and_cannot_write(platform: RunningPlatform) -> None:
    assert sql(platform, "SELECT pg_is_in_recovery()") == "f"
    assert sql(platform, "SELECT pg_is_in_recovery()", database="app_readonly") == "t"
    with pytest.raises(AssertionError, match="read-only"):
        sql(platform, "CREATE TABLE forbidden ()", database="app_readonly")


def test_readers_get_the_primary_when_no_replica_is_left_but_still_cannot_write(platform: RunningPlatform) -> None:
    leader = primary(platform)
    for member in MEMBERS:
        if member != leader:
            platform.container(member).kill()
    wait_until(lambda: sql(platform, "SELECT pg_is_in_recovery()", database="app_readonly") == "f", "a reader", 15)
    with pytest.raises(AssertionError, match="read-only"):
        sql(platform, "CREATE TABLE forbidden ()", database="app_readonly")


def test_strangers_stay_out(platform: RunningPlatform) -> None:
    leader = primary(platform)
    for refused in ({"sslmode": "disable"}, {"user": "postgres", "database": "postgres"},
                    {"user": "replicator", "database": "app"}):
        with pytest.raises(AssertionError, match="no pg_hba"):
            sql(platform, "SELECT 1", host=leader, port=5432, **refused)
    with pytest.raises(AssertionError, match="SSL required"):
        sql(platform, "SELECT 1", sslmode="disable")
    with pytest.raises(AssertionError, match="authentication failed"):
        sql(platform, "SELECT 1", host=leader, port=5432, user="app_readonly")  # with the other user's password
    assert patroni(platform, leader, "config") == "200"
    assert patroni(platform, leader, "config", "-X", "PATCH", "--data", '{"pause": true}') == "401"
    with pytest.raises(AssertionError):  # no certificate of the platform's authority
        platform.inside("etcd-1", "curl", "--silent", "--fail", "--cacert", AUTHORITY, "https://etcd-1:2379/health")


def test_a_killed_primary_is_replaced_and_nothing_acknowledged_is_lost(platform: RunningPlatform) -> None:
    """It is held, so it stays dead; its leader key is released all the same. How quickly, test_drills.py measures."""
    sql(platform, "CREATE TABLE IF NOT EXISTS test_ledger (entry int PRIMARY KEY)")
    sql(platform, "TRUNCATE test_ledger")
    acknowledged: list[int] = []
    stop = threading.Event()

    def write() -> None:
        entry = 0
        while not stop.is_set():
            entry += 1
            try:
                answer = sql(platform, f"INSERT INTO test_ledger VALUES ({entry})")
            except AssertionError:
                continue
            if answer == "INSERT 0 1":  # anything more is a warning: unknown, not acknowledged
                acknowledged.append(entry)

    writer = threading.Thread(target=write)
    writer.start()
    old = primary(platform)
    try:
        wait_until(lambda: len(acknowledged) > 10, "writes", 30)
        platform.container(old).kill()
        before = len(acknowledged)
        wait_until(lambda: len(acknowledged) > before + 5, "writes again", WRITES_AGAIN_S)
        assert primary(platform) != old
    finally:
        stop.set()
        writer.join()
        platform.container(old).start()
    kept = {int(line) for line in sql(platform, "SELECT entry FROM test_ledger").splitlines()}
    assert set(acknowledged) <= kept
    wait_until(lambda: patroni(platform, old, "replica") == "200", f"{old} as a replica", 90)


def test_the_loss_of_etcds_majority_does_not_stop_writes(platform: RunningPlatform) -> None:
    sql(platform, "CREATE TABLE IF NOT EXISTS test_ledger (entry int PRIMARY KEY)")
    wait_until(lambda: in_quorum(platform) == 2 and failsafe_members(platform) == set(MEMBERS), "a whole cluster", 60)
    leader = primary(platform)
    for member in ("etcd-2", "etcd-3"):
        platform.container(member).kill()
    until = time.monotonic() + TTL_S + 10
    entry = 1_000_000
    while time.monotonic() < until:
        entry += 1
        assert sql(platform, f"INSERT INTO test_ledger VALUES ({entry}) ON CONFLICT DO NOTHING").startswith("INSERT 0 ")
        time.sleep(1)
    assert primary(platform) == leader


def test_one_proxy_may_die(platform: RunningPlatform) -> None:
    platform.container("pgproxy-1").kill()
    wait_until(lambda: sql(platform, "SELECT 1") == "1", "an answer", 5)
    for _ in range(20):
        assert sql(platform, "SELECT 1") == "1"


def test_settings_that_agree_change_nothing(platform: RunningPlatform) -> None:
    leader = primary(platform)
    script = f"curl --silent --cacert {AUTHORITY} https://localhost:8008/config"
    before = json.loads(platform.inside(leader, "sh", "-c", script))
    assert platform.inside(leader, "postgres-settings") == ""
    assert json.loads(platform.inside(leader, "sh", "-c", script)) == before
