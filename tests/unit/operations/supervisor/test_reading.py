"""What the engine sends, read into plain values. The texts are Docker 20.10's own, shortened."""

from __future__ import annotations

import json
from typing import Any

import pytest

from operations.supervisor import container, events
from operations.supervisor.engine import listed

LABELS = {"evenkeel.stack": "test", "evenkeel.tier": "redis", "evenkeel.workload": "redis",
          "evenkeel.member": "redis-2"}


def event(action: str, **attributes: str) -> bytes:
    told = {"status": action, "id": "1922", "Type": "container", "Action": action, "Actor": {
        "ID": "1922", "Attributes": {"name": "evenkeel-test-redis-2", "image": "x", **LABELS, **attributes}},
        "time": 1795253125, "timeNano": 1795253125750552224}
    return json.dumps(told).encode()


def inspected(**state: Any) -> dict[str, Any]:
    return {"Id": "1922", "Name": "/evenkeel-test-redis-2", "Created": "2026-11-21T09:25:25.202Z",
            "State": {"Status": "exited", "ExitCode": 137, "OOMKilled": False,
                      "StartedAt": "2026-11-21T09:25:25.393913717Z", "FinishedAt": "2026-11-21T09:25:25.729842755Z",
                      **state},
            "HostConfig": {"RestartPolicy": {"Name": "unless-stopped"}},
            "Config": {"Labels": LABELS, "StopSignal": "SIGUSR1", "StopTimeout": 20}}


def test_an_event() -> None:
    found = events.read(event("kill", signal="9"))
    assert found is not None
    assert (found.action, found.signal, found.exit_code, found.name) == ("kill", 9, None, "evenkeel-test-redis-2")
    assert found.at == pytest.approx(1795253125.750552) and found.labels["evenkeel.tier"] == "redis"
    assert "image" not in found.labels
    assert (events.read(event("die", exitCode="137")) or found).exit_code == 137


def test_events_of_networks_are_none() -> None:
    assert events.read(event("connect").replace(b'"container"', b'"network"')) is None


def test_a_container() -> None:
    found = container.read(inspected())
    assert found is not None
    assert (found.member, found.name, found.status) == ("redis-2", "evenkeel-test-redis-2", "exited")
    assert found.finished_at - found.started_at == pytest.approx(0.335929, abs=1e-5)
    assert (found.stop_signal, found.stop_grace_s, found.restarts, found.schedule) == (10, 20.0, True, None)
    assert found.names == {"redis-2", "redis", "all"}


def test_what_never_happened() -> None:
    found = container.read(inspected(StartedAt="0001-01-01T00:00:00Z", FinishedAt="0001-01-01T00:00:00Z"))
    assert found is not None and found.started_at == found.finished_at == container.NEVER


def test_a_helper_is_no_member() -> None:
    told = inspected()
    told["Config"] = {"Labels": {"evenkeel.stack": "test", "evenkeel.helper": "config"}}
    assert container.read(told) is None


@pytest.mark.parametrize(("name", "number"), [("SIGTERM", 15), ("TERM", 15), ("3", 3), ("SIGRTMIN+3", 0)])
def test_signals(name: str, number: int) -> None:
    assert container.signal_number(name) == number


def test_a_list_entry() -> None:
    found = listed({"Id": "1922", "Names": ["/evenkeel-test-redis-2"], "State": "exited", "Labels": LABELS})
    assert (found.name, found.is_member, found.schedule) == ("evenkeel-test-redis-2", True, None)
    assert not listed({"Id": "1", "Names": ["/x"], "State": "created", "Labels": None}).is_member
