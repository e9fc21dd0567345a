"""The running platform's supervisors: whoever dies is back within the product's bound, also the supervisors themselves
and what they need. What a supervisor does with other ends of a container is in test_supervisor.py."""

from __future__ import annotations

import json
import subprocess
import time
from datetime import UTC, datetime
from typing import Any

import pytest

from components.targets.docker import engine
from components.workload import ENGINE_SOCKET
from operations.setup import status
from operations.setup.images import image_tag
from tests.support.running import ROOT, RunningPlatform
from tests.support.supervision_rig import hunger
from tests.support.waiting import wait_until

BACK_S = 10.0
"""The product's figure: in service, as the member's own health check sees it."""
TIERS = ["web-blue-1", "redis-2", "haproxy-1", "nginx-2", "etcd-1", "pgbouncer-1", "pgproxy-2"]
WATCHERS = ["supervisor-1", "supervisor-2"]
OURSELVES = ["engineproxy-1", *WATCHERS]
LEFT_ALONE_S = 8


def in_service(platform: RunningPlatform, member: str, not_since: str = "") -> bool:
    """Whether it runs since another start, and its health check succeeds."""
    container = platform.container(member)
    state = container.attrs["State"]
    if not state["Running"] or state["Restarting"] or state["StartedAt"] == not_since:
        return False
    try:
        return engine.run_inside(container, engine.health_command(container))[0] == 0
    except engine.docker.errors.APIError:
        return False  # it just ended


def started(platform: RunningPlatform, member: str) -> str:
    return str(platform.container(member).attrs["State"]["StartedAt"])


def whole(platform: RunningPlatform) -> bool:
    """Everybody runs, etcd and the supervisors serve, and one of these leads."""
    return (all(container.status == "running" for container in platform.containers())
            and all(in_service(platform, f"etcd-{n}") for n in (1, 2, 3))
            and sorted(role(platform, watcher) for watcher in WATCHERS) == ["leader", "standby"])


def role(platform: RunningPlatform, watcher: str) -> str:
    """What its health check, and thereby `make status`, says."""
    return engine.run_inside(platform.container(watcher), ["supervisor-health"])[1]


def said(platform: RunningPlatform, member: str) -> list[dict[str, Any]]:
    """What both supervisors said about a member, in the order of time."""
    lines = [json.loads(line) for watcher in WATCHERS
             for line in platform.container(watcher).logs().decode().splitlines() if line.startswith("{")]
    return sorted((line for line in lines if line.get("member") == member), key=lambda line: line["time"])


@pytest.fixture(autouse=True)
def _whole(platform: RunningPlatform) -> None:
    wait_until(lambda: whole(platform), "a whole platform", 60)


@pytest.mark.parametrize("member", [*TIERS, *OURSELVES])
def test_what_docker_kill_ended_is_back_in_service(platform: RunningPlatform, member: str) -> None:
    before, killed_at = started(platform, member), datetime.now(UTC).isoformat()
    platform.container(member).kill()
    took_s = wait_until(lambda: in_service(platform, member, before), f"{member} in service", BACK_S)
    print(f"{member}: back in service {took_s:.1f} s after docker kill")
    wait_until(lambda: any(line["time"] >= killed_at for line in said(platform, member)), "said so", 5)
    told = [line for line in said(platform, member) if line["time"] >= killed_at]
    assert [(line["action"], line["cause"], line["exit_code"], line.get("signal")) for line in told] == [
        ("started", "kill", 137, 9)], f"exactly one acts, and knows why: {told}"


@pytest.mark.parametrize("member", ["web-blue-1", "redis-3", "haproxy-2", "nginx-1", "etcd-2"])
def test_what_crashed_is_back_in_service(platform: RunningPlatform, member: str) -> None:
    """SIGKILL for its first process, past the engine."""
    before = started(platform, member)
    process = platform.container(member).attrs["State"]["Pid"]
    engine.client().containers.run(image_tag("base"), ["sh", "-c", f"kill -9 {process}"], remove=True, pid_mode="host",
                                   user="0:0", network_mode="none")
    took_s = wait_until(lambda: in_service(platform, member, before), f"{member} in service", BACK_S)
    print(f"{member}: back in service {took_s:.1f} s after its crash")


def test_a_worker_that_ran_out_of_memory_is_back_in_service(platform: RunningPlatform) -> None:
    """Bounded by its own limit; the kernel is told to prefer the worker over who takes the memory."""
    member = "web-blue-2"
    before = started(platform, member)
    limit = platform.container(member).attrs["HostConfig"]["Memory"]
    platform.inside(member, "sh", "-c", "for p in /proc/[0-9]*; do echo 1000 >$p/oom_score_adj; done 2>/dev/null; true")
    engine.run_inside(platform.container(member), ["python3", "-c", hunger(limit)])
    took_s = wait_until(lambda: in_service(platform, member, before), f"{member} in service", BACK_S)
    print(f"{member}: back in service {took_s:.1f} s after it ran out of memory")
    wait_until(lambda: bool(said(platform, member)), "said so", 5)
    assert said(platform, member)[-1]["cause"] == "oom"


def test_with_its_leader_gone_the_other_acts_within_the_bound(platform: RunningPlatform) -> None:
    gone, other = next(one for one in WATCHERS if role(platform, one) == "leader"), "web-blue-1"
    before = started(platform, other)
    platform.container(gone).kill()
    platform.container(other).kill()
    took_s = wait_until(lambda: in_service(platform, other, before), f"{other} in service", BACK_S)
    print(f"{other}: back in service {took_s:.1f} s after it and the leading supervisor were killed")
    assert said(platform, other)[-1]["actor"] != gone


def test_without_etcds_majority_members_still_come_back(platform: RunningPlatform) -> None:
    """Nobody can lead then: the first in rank acts once its last view is older than a lease."""
    victims = ["etcd-1", "etcd-2", "web-blue-1"]
    before = {member: started(platform, member) for member in victims}
    for member in victims:
        platform.container(member).kill()
    wait_until(lambda: all(in_service(platform, member, before[member]) for member in victims), "all back", 2 * BACK_S)


def test_what_was_stopped_stays_so_even_when_the_supervisors_are_restarted(platform: RunningPlatform) -> None:
    """Stopped without patience it ends by SIGKILL, as if killed: only who saw the stop can tell."""
    container = platform.container("web-blue-2")
    try:
        container.stop(timeout=0)
        wait_until(lambda: bool(said(platform, "web-blue-2"))
                   and said(platform, "web-blue-2")[-1]["action"] == "left alone", "said so", 10)
        time.sleep(2)
        for watcher in WATCHERS:
            platform.container(watcher).restart()
        time.sleep(LEFT_ALONE_S)
        container.reload()
        assert container.status == "exited"
    finally:
        container.start()


def test_a_held_member_stays_down_until_then(platform: RunningPlatform) -> None:
    with platform.held("web-blue", "a test of holds"):
        before = started(platform, "web-blue-1")
        platform.container("web-blue-1").kill()
        listed = subprocess.run(["make", "status", f"STACK={platform.stack}"], check=False, capture_output=True,
                                cwd=ROOT, text=True, env=platform.environment).stdout
        assert "held: web-blue for another" in listed and "a test of holds" in listed
        time.sleep(LEFT_ALONE_S)
        assert platform.container("web-blue-1").status == "exited"
    wait_until(lambda: in_service(platform, "web-blue-1", before), "back after the hold", BACK_S)


def test_only_the_proxies_have_the_engines_socket(platform: RunningPlatform) -> None:
    having = {container.labels["evenkeel.workload"] for container in platform.containers()
              for mount in container.attrs["Mounts"] if mount["Source"].endswith("docker.sock")}
    assert having == {"engineproxy"}
    proxy = platform.container("engineproxy-1").attrs
    assert [mount["Destination"] for mount in proxy["Mounts"] if mount["Type"] == "bind"] == [ENGINE_SOCKET]
    assert set(proxy["NetworkSettings"]["Networks"]) == {f"evenkeel-{platform.stack}-control"}
    network = engine.client().networks.get(f"evenkeel-{platform.stack}-control")
    network.reload()
    assert network.attrs["Internal"]
    attached = {one["Name"].removeprefix(f"evenkeel-{platform.stack}-") for one in network.attrs["Containers"].values()}
    assert attached == {"engineproxy-1", "engineproxy-2", "supervisor-1", "supervisor-2"}


def test_a_member_of_another_stack_is_refused(platform: RunningPlatform) -> None:
    """What a broken or taken supervisor could try."""
    program = ("from operations.supervisor.engine import Engine\nfrom operations.supervisor.settings import Settings\n"
               "import sys\nsettings = Settings.load()\nengine = Engine(settings.engines, settings.tls)\n"
               "assert engine.inspect(sys.argv[1]).member == 'redis-1'\n"
               "try: engine.act(sys.argv[2], 'start')\nexcept Exception as error: print(error)")
    own, foreign = f"evenkeel-{platform.stack}-redis-1", f"evenkeel-{platform.stack}-b-redis-1"
    assert "proxy of the engine's socket refused" in platform.inside(
        "supervisor-1", "python3", "-c", program, own, foreign)


def test_status_shows_who_leads_and_that_the_four_are_small(platform: RunningPlatform) -> None:
    ours = [member for member in status.of(platform.stack) if member.tier == "supervision"]
    assert sorted(member.role for member in ours if member.member in WATCHERS) == ["leader", "standby"]
    memory = {member.member: member.memory_mib or 0 for member in ours}
    print(memory)
    assert len(memory) == 4 and sum(memory.values()) < 80, memory
