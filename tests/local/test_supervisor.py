"""A supervisor and its proxy on the real engine, over a few idle containers: what is brought back, what is left alone,
and what the proxy refuses. No platform is needed."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from docker.errors import NotFound
from docker.models.containers import Container

from components.targets.docker import engine
from components.targets.docker.waiting import RESTARTS_ALLOWED
from operations.setup.images import image_tag
from tests.support.supervision_rig import Rig, hunger, rig
from tests.support.waiting import wait_until

MEMBERS = ["idle-1", "hungry-1", "job-2"]
BACK_S = 10.0
"""The product's figure."""
LEFT_ALONE_S = 6.0
IDLE = ["tini", "--", "sleep", "600"]
MEMORY_MIB = 48


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    with rig(tmp_path_factory.mktemp("rig"), MEMBERS) as running:
        yield running


@pytest.fixture
def idle(watched: Rig) -> Iterator[Container]:
    made = watched.run("idle-1", IDLE)
    yield made
    with contextlib.suppress(NotFound):
        made.remove(force=True)


def running(container: Container, after: str) -> bool:
    """Whether it runs, and was started after another start."""
    container.reload()
    state = container.attrs["State"]
    return state["Running"] and not state["Restarting"] and state["StartedAt"] != after


def started(container: Container) -> str:
    container.reload()
    return str(container.attrs["State"]["StartedAt"])


def crash(container: Container) -> None:
    """SIGKILL for its first process, past the engine: only root of the machine can, hence a container without walls."""
    container.reload()
    engine.client().containers.run(image_tag("base"), ["sh", "-c", f"kill -9 {container.attrs['State']['Pid']}"],
                                   remove=True, pid_mode="host", user="0:0", network_mode="none")


def last(watched: Rig, member: str) -> dict[str, Any]:
    """What was said last about a member."""
    return ([{"action": "nothing"}] + [line for line in watched.said() if line.get("member") == member])[-1]


# -- what is brought back ---------------------------------------------------------------------------------------------


def test_what_docker_kill_ended_is_back(watched: Rig, idle: Container) -> None:
    before = started(idle)
    idle.kill()
    wait_until(lambda: running(idle, before), "back", BACK_S)
    wait_until(lambda: last(watched, "idle-1")["action"] == "started", "said so", 3)
    told = last(watched, "idle-1")
    assert (told["cause"], told["exit_code"], told["signal"], told["tier"]) == ("kill", 137, 9, "test")
    assert told["actor"] == "supervisor-1" and 0 < told["down_s"] < BACK_S


def test_what_crashed_is_brought_back_by_the_engine_and_that_is_said(watched: Rig, idle: Container) -> None:
    before = started(idle)
    crash(idle)
    wait_until(lambda: running(idle, before), "back", BACK_S)
    wait_until(lambda: last(watched, "idle-1")["action"] == "returned", "said so", 3)
    assert (last(watched, "idle-1")["actor"], last(watched, "idle-1")["cause"]) == ("engine", "crash")


def test_what_crashed_after_a_signal_that_it_survived_is_back_although_the_engine_gave_it_up(
        watched: Rig, idle: Container) -> None:
    idle.kill(signal="SIGWINCH")
    before = started(idle)
    crash(idle)
    wait_until(lambda: running(idle, before), "back", BACK_S)
    wait_until(lambda: last(watched, "idle-1")["action"] == "started", "said so", 3)


def test_a_long_pause_of_the_engine_is_cut_short(watched: Rig) -> None:
    """The engine doubles its pauses up to a minute: 0.1 s, 0.2 s ... 12.8 s before the eighth start."""
    made = watched.run("idle-1", ["sh", "-c", "exit 3"])
    try:
        wait_until(lambda: watched.said("restarted"), "cut short", 30)
        told = watched.said("restarted")[-1]
        assert (told["cause"], told["exit_code"]) == ("crash", 3) and told["down_s"] < BACK_S
        crashes = [line for line in watched.said("returned") if line["time"] < told["time"] and line["exit_code"] == 3]
        assert len(crashes) > RESTARTS_ALLOWED, "`make up` must see by the engine's count that it never starts"
    finally:
        made.remove(force=True)


def test_what_ran_out_of_memory_is_back(watched: Rig) -> None:
    """The kernel ends the first process for what another one takes; a signal before makes it ours, not the engine's."""
    made = watched.run("hungry-1", ["sleep", "600"], mem_limit=f"{MEMORY_MIB}m", memswap_limit=f"{MEMORY_MIB}m")
    try:
        made.kill(signal="SIGWINCH")
        before = started(made)
        made.exec_run(["sh", "-c", "echo 1000 >/proc/1/oom_score_adj"], user="0:0")
        made.exec_run(["python3", "-c", hunger(MEMORY_MIB << 20)])
        wait_until(lambda: running(made, before), "back", BACK_S)
        wait_until(lambda: last(watched, "hungry-1")["action"] == "started", "said so", 3)
        assert last(watched, "hungry-1")["cause"] == "oom"
    finally:
        made.remove(force=True)


# -- what is left alone -----------------------------------------------------------------------------------------------


def test_what_was_stopped_stays_so(watched: Rig, idle: Container) -> None:
    idle.stop(timeout=2)
    time.sleep(LEFT_ALONE_S)
    idle.reload()
    assert idle.status == "exited"
    assert last(watched, "idle-1")["action"] == "left alone"
    assert len([line for line in watched.said("left alone") if line["time"] == last(watched, "idle-1")["time"]]) == 1


def test_what_was_stopped_stays_so_after_the_supervisor_came_back(watched: Rig, idle: Container) -> None:
    """By the exit code alone, or by the events that the engine still has: nobody else was there to see."""
    watched.stop_supervisor()
    idle.stop(timeout=2)
    watched.start_supervisor()
    time.sleep(LEFT_ALONE_S)
    idle.reload()
    assert idle.status == "exited"


def test_what_died_while_nobody_watched_is_back(watched: Rig, idle: Container) -> None:
    before = started(idle)
    watched.stop_supervisor()
    idle.kill()
    watched.start_supervisor()
    wait_until(lambda: running(idle, before), "back", BACK_S)


def test_a_replacement_is_not_disturbed(watched: Rig, idle: Container) -> None:
    """What Pulumi does: stop, remove, create, and start a little later."""
    idle.stop(timeout=1)
    idle.remove()
    again = watched.run("idle-1", IDLE, start=False)
    try:
        time.sleep(LEFT_ALONE_S)
        again.reload()
        assert again.status == "created"
    finally:
        again.remove(force=True)


# -- schedules --------------------------------------------------------------------------------------------------------


def test_a_scheduled_member_runs_when_due_and_its_end_is_said(watched: Rig) -> None:
    """Every four seconds: the sixth field in front counts seconds."""
    made = watched.run("job-1", ["sh", "-c", "sleep 0.5; exit 2"], start=False,
                       labels={"evenkeel.schedule": "*/4 * * * * *"})
    try:
        wait_until(lambda: len(watched.said("ended")) >= 2, "two runs", 20)
        ended = watched.said("ended")[-1]
        assert (ended["member"], ended["exit_code"]) == ("job-1", 2) and 0.4 < ended["ran_s"] < 4
        assert {line["member"] for line in watched.said("run")} == {"job-1"}
    finally:
        made.remove(force=True)


def test_a_run_is_left_out_while_the_last_one_goes_on(watched: Rig) -> None:
    made = watched.run("job-2", ["tini", "--", "sleep", "20"], start=False,
                       labels={"evenkeel.schedule": "*/3 * * * * *"})
    try:
        wait_until(lambda: watched.said("skipped"), "left out", 15)
        assert "still goes on" in watched.said("skipped")[-1]["msg"]
        assert len([line for line in watched.said("run") if line["member"] == "job-2"]) == 1
    finally:
        made.remove(force=True)


# -- what the proxy refuses -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("method", "path"), [
    ("POST", "/containers/create"), ("POST", "/containers/{own}/kill"), ("POST", "/containers/{own}/stop"),
    ("POST", "/containers/{own}/exec"), ("DELETE", "/containers/{own}"), ("PUT", "/containers/{own}/archive"),
    ("GET", "/containers/{own}/logs"), ("GET", "/containers/{own}/archive?path=/etc"), ("GET", "/images/json"),
    ("GET", "/volumes"), ("GET", "/networks"), ("GET", "/info"), ("GET", "/secrets"), ("POST", "/build"),
    ("GET", "/v1.41/containers/json"), ("GET", "//containers/json"), ("GET", "/containers/json/"),
    ("GET", "/containers/%7Bown%7D/json"), ("GET", "/containers/{own}/../{foreign}/json"),
    ("GET", "/containers/{foreign}/json"), ("GET", "/containers/{foreign}/stats"), ("POST", "/containers/{own}/stats"),
    ("POST", "/containers/{foreign}/start"),
    ("POST", "/containers/{foreign}/restart"), ("POST", "/containers/{own}/json"), ("GET", "/containers/{own}/start"),
    ("HEAD", "/containers/json"), ("GET", "/events"), ("GET", "/events?since=0%22"), ("OPTIONS", "/containers/json"),
])
def test_the_proxy_refuses(watched: Rig, idle: Container, method: str, path: str) -> None:
    answer = watched.ask(method, path.format(own=watched.name("idle-1"), foreign=f"evenkeel-{watched.stack}-b-idle-1"))
    assert answer.status_code == 403, answer.text


def test_a_stack_whose_name_begins_alike_is_neither_seen_nor_touched(watched: Rig, idle: Container) -> None:
    neighbour = f"{watched.stack}-b"
    foreign = watched.run("idle-1", IDLE, stack=neighbour)
    try:
        assert foreign.name == f"evenkeel-{neighbour}-idle-1"
        everything = '{"label":[]}'
        for query in ("", "?all=1", f"?all=1&filters={everything}"):
            names = {name for one in watched.ask("GET", f"/containers/json{query}").json() for name in one["Names"]}
            assert f"/{watched.name('idle-1')}" in names and f"/{foreign.name}" not in names
        foreign.kill()
        time.sleep(LEFT_ALONE_S)
        foreign.reload()
        assert foreign.status == "exited"
        assert watched.ask("POST", f"/containers/{foreign.id}/start").status_code == 403
    finally:
        foreign.remove(force=True)


def test_a_body_or_another_protocol_is_refused(watched: Rig, idle: Container) -> None:
    path = f"/containers/{watched.name('idle-1')}/start"
    assert watched.ask("POST", path, content='{"Privileged":true}').status_code == 403
    assert watched.ask("POST", path, headers={"Connection": "Upgrade", "Upgrade": "tcp"}).status_code == 403
    assert watched.ask("POST", path).status_code == 304, "it runs already"


def test_only_a_supervisor_may_ask(watched: Rig) -> None:
    assert watched.ask("GET", "/version").status_code == 200
    assert watched.ask("GET", "/version", client="nginx").status_code == 403
    with pytest.raises(httpx.TransportError, match=r"certificate required|SSL"):
        watched.ask("GET", "/version", client="")
