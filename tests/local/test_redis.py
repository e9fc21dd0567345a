"""The real Redis Cluster of the platform: spread over domains, closed to strangers, back after a loss."""

from __future__ import annotations

import binascii
import time
from collections.abc import Callable, Iterator

import pytest
from docker.errors import APIError

from tests.support.running import RunningPlatform

MEMBERS = [f"redis-{n}" for n in range(1, 7)]
DOMAINS = dict(zip(MEMBERS, "abcabc", strict=True))
CLIENT = "redis-cli -p 6379 --no-auth-warning --tls --cacert /etc/evenkeel/tls/ca.pem"
SERVED_AGAIN_S = 3.0
"""The product's figure for the slots of a killed master."""
WATCHED_S = 2
"""A replica has looked whom it follows, and watches that one."""


def redis(platform: RunningPlatform, member: str, command: str, user: str = "platform", password: str = "") -> str:
    """Output of a command to one member, an error's text included."""
    secret = password or "$(cat /etc/evenkeel/platform.password)"
    return platform.inside(member, "sh", "-c", f"REDISCLI_AUTH={secret} {CLIENT} --user {user} {command}").strip()


def owners(platform: RunningPlatform, seen_by: str = "redis-1") -> dict[str, str]:
    """``master`` or the master's name, by member."""
    lines = [line.split() for line in redis(platform, seen_by, "CLUSTER NODES").splitlines()]
    names = {line[0]: line[1].rpartition(",")[2].split(".")[0] for line in lines}
    return {names[line[0]]: names[line[3]] if line[3] != "-" else "master" for line in lines}


def wait_until(condition: Callable[[], bool], what: str, timeout_s: float = 30) -> float:
    """Seconds until the condition held; what fails meanwhile counts as not yet."""
    began = time.monotonic()
    while time.monotonic() - began < timeout_s:
        try:
            if condition():
                return time.monotonic() - began
        except (AssertionError, APIError):
            pass  # a member that is down can't be asked
        time.sleep(0.1)
    pytest.fail(f"{what}: not within {timeout_s} s")


def healthy(platform: RunningPlatform) -> bool:
    """All members serve, and masters and replicas are where they belong."""
    for member in MEMBERS:
        platform.inside(member, "redis-health", "6379")
    return well_placed(owners(platform))


def well_placed(roles: dict[str, str]) -> bool:
    masters = [member for member, role in roles.items() if role == "master"]
    replicas = {member: role for member, role in roles.items() if role != "master"}
    return (len(roles) == 6 and len({DOMAINS[member] for member in masters}) == len(masters) == 3
            and set(replicas.values()) == set(masters)
            and all(DOMAINS[member] != DOMAINS[master] for member, master in replicas.items()))


def key_of(platform: RunningPlatform, master: str) -> str:
    """A key of the cache that belongs to a master."""
    own = next(line for line in redis(platform, master, "CLUSTER NODES").splitlines() if "myself" in line)
    first, _, last = own.split()[8].partition("-")
    return next(key for key in (f"cache:test-{n}" for n in range(100_000))
                if int(first) <= binascii.crc_hqx(key.encode(), 0) % 16384 <= int(last or first))


@pytest.fixture(scope="module")
def password(platform: RunningPlatform) -> str:
    """The cache user's, as the application got it."""
    return platform.inside("web-blue-1", "cat", "/etc/evenkeel/secrets/redis-cache").strip()


@pytest.fixture(autouse=True)
def _whole(platform: RunningPlatform) -> Iterator[None]:
    """Every test finds a whole cluster. What it kills stays dead until it says so."""
    wait_until(lambda: healthy(platform), "a whole cluster")
    with platform.held("redis", "these tests bring members back by themselves"):
        yield


def test_all_slots_are_served_over_three_domains(platform: RunningPlatform) -> None:
    info = redis(platform, "redis-1", "CLUSTER INFO")
    assert "cluster_slots_ok:16384" in info and "cluster_size:3" in info
    assert well_placed(owners(platform))


def test_clients_are_sent_to_names(platform: RunningPlatform, password: str) -> None:
    master = next(member for member, role in owners(platform).items() if role == "master")
    stranger = next(member for member, role in owners(platform).items() if role == "master" and member != master)
    assert f" {master}:6379" in redis(platform, stranger, f"GET {key_of(platform, master)}", "cache", password)


def test_a_user_has_its_own_keys_and_no_dangerous_command(platform: RunningPlatform, password: str) -> None:
    assert "NOPERM" in redis(platform, "redis-1", "GET session:1", "cache", password)
    assert "NOPERM" in redis(platform, "redis-1", "FLUSHALL", "cache", password)
    assert "AUTH failed" in redis(platform, "redis-1", "PING", "default", "guessed")


def test_a_killed_master_is_replaced_and_takes_its_place_back(platform: RunningPlatform, password: str) -> None:
    roles = owners(platform)
    victim, replica = next((role, member) for member, role in roles.items() if role != "master")
    key = key_of(platform, victim)
    time.sleep(WATCHED_S)
    began = time.time()
    platform.container(victim).kill()
    served_s = wait_until(lambda: redis(platform, replica, f"SET {key} kept EX 600", "cache", password) == "OK",
                          f"the slots of {victim}")
    print(f"the slots of {victim} were served again after {served_s:.2f} s")
    assert served_s <= SERVED_AGAIN_S
    said = platform.container(replica).logs(since=int(began)).decode()
    assert f"succession: {victim} has ended" in said and "Failover election won" in said, said
    platform.container(victim).start()
    wait_until(lambda: owners(platform).get(victim) == "master" and healthy(platform), f"{victim} back in its place")
    assert redis(platform, victim, f"GET {key}", "cache", password) == "kept"


def test_a_full_restart_with_other_addresses_heals_by_itself(platform: RunningPlatform, password: str) -> None:
    kept = {master: key_of(platform, master) for master, role in owners(platform).items() if role == "master"}
    for master, key in kept.items():
        assert redis(platform, master, f"SET {key} {master} EX 600", "cache", password) == "OK"
    network = f"evenkeel-{platform.stack}-data"
    time.sleep(1.2)  # the append-only file reaches the disk every second
    before = addresses(platform, network)
    for member in MEMBERS:
        platform.container(member).kill()
    for member in reversed(MEMBERS):
        platform.container(member).start()
    wait_until(lambda: healthy(platform), "a whole cluster after a full restart")
    assert addresses(platform, network) != before, "no address changed: nothing was proved"
    for key in kept.values():
        values = {redis(platform, member, f"GET {key}", "cache", password) for member in MEMBERS}
        assert values & set(MEMBERS), f"{key} is lost: {values}"


def addresses(platform: RunningPlatform, network: str) -> dict[str, str]:
    return {member: platform.container(member).attrs["NetworkSettings"]["Networks"][network]["IPAddress"]
            for member in MEMBERS}
