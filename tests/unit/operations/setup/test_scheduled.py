"""Scheduled members in `make up` and `make status`: left alone between their runs, and no failure of the platform."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest

from components.targets.docker import waiting
from operations.setup import by_hand, deploy, engine_state, status
from operations.setup.stack import Recorded


@dataclass
class Container:
    """What `repair` and `status` ask of one."""

    name: str
    status: str
    labels: dict[str, str]
    state: dict[str, Any] = field(default_factory=dict)
    started: bool = False

    @property
    def id(self) -> str:
        return f"{self.name}-id"

    @property
    def attrs(self) -> dict[str, Any]:
        return {"Id": self.id, "State": self.state, "Config": {"Image": "visits:1.0", "Labels": self.labels},
                "HostConfig": {"RestartPolicy": {"Name": ""}}}

    def start(self) -> None:
        self.started = True


def member(name: str, state: str, **engine_says: Any) -> Container:
    labels = {"evenkeel.member": name, "evenkeel.tier": "app", "evenkeel.workload": name[:-2], "evenkeel.domain": "a"}
    if name.startswith("job-"):
        labels["evenkeel.schedule"] = "*/5 * * * *"
    return Container(name, state, labels, engine_says)


def test_a_job_between_its_runs_is_not_started(monkeypatch: pytest.MonkeyPatch) -> None:
    stopped, never, ran = member("web-blue-1", "exited"), member("job-a-1", "created"), member("job-b-1", "exited")
    monkeypatch.setattr(engine_state, "remove_unknown", lambda *_: None)
    monkeypatch.setattr(engine_state, "containers", lambda _stack: [stopped, never, ran])
    said: list[str] = []
    known = {container.name: container.id for container in (stopped, never, ran)}
    assert engine_state.repair("test", Recorded(known, frozenset(), 0), said.append) is False
    assert (stopped.started, never.started, ran.started) == (True, False, False)
    assert said == ["started web-blue-1: it was exited"]


def test_an_up_that_changed_nothing_waits_for_all_others(monkeypatch: pytest.MonkeyPatch) -> None:
    waited: list[str] = []
    present = [member("web-blue-1", "running"), member("job-a-1", "exited")]
    monkeypatch.setattr(engine_state, "containers", lambda _stack: present)
    monkeypatch.setattr(waiting, "until_ready", lambda members: waited.extend(one["member"] for one in members))
    deploy._wait_for_all("test")
    assert waited == ["web-blue-1"]


def test_a_job_between_its_runs_was_not_stopped_by_hand() -> None:
    job = member("job-a-1", "exited", Running=False, Paused=False, Status="exited")
    web = member("web-blue-1", "exited", Running=False, Paused=False, Status="exited")
    assert list(by_hand.seen(job.attrs, job.id, {}, job.name)) == []
    assert [*by_hand.seen(web.attrs, web.id, {}, web.name)] == ["web-blue-1: it is exited; `make up` lets it run again"]


@pytest.mark.parametrize(("state", "finished", "code", "told"), [
    ("created", "0001-01-01T00:00:00Z", 0, "has not run yet"),
    ("exited", "2026-11-21T09:15:02.123456789Z", 0, "ran until 2026-11-21 09:15:02"),
    ("exited", "2026-11-21T09:15:02.123456789Z", 124, "failed with 124 at 2026-11-21 09:15:02"),
])
def test_status_says_what_the_last_run_came_to(
        monkeypatch: pytest.MonkeyPatch, state: str, finished: str, code: int, told: str) -> None:
    job = member("job-report-1", state, FinishedAt=finished, ExitCode=code)
    monkeypatch.setattr(engine_state, "containers", lambda _stack: [job])
    [found] = status.of("test")
    assert (found.state, found.role, found.problem, found.serves) == ("scheduled", "*/5 * * * *", told, True)


def test_any_other_member_that_has_exited_does_not_serve(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine_state, "containers", lambda _stack: [member("web-blue-1", "exited")])
    assert [found.serves for found in status.of("test")] == [False]
