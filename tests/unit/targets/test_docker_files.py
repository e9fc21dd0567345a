"""Files in place: what is staged, with which owner and mode, and when a member hears of it."""

from __future__ import annotations

import io
import tarfile
from concurrent.futures import ThreadPoolExecutor
from typing import Any, ClassVar
from unittest import mock

import pytest

from components.targets.docker import engine, placing
from components.targets.docker.config_volume import ConfigVolumeProvider
from components.workload import USER_ID

OLD: dict[str, Any] = {
    "volume": "v", "labels": {"evenkeel.stack": "test"}, "helperImage": "base", "container": "c", "workload": "test/w",
    "files": {"a.conf": "1", "tls/ca.pem": "ca"}, "secretFiles": {"key": "k"}, "executables": [],
    "effects": {"a.conf": "reload", "tls/ca.pem": "reload", "key": "restart", "b.conf": "none"},
    "reload": ["reload-it"], "check": ["check-it"], "health": ["ok"],
}


def changed(**files: str) -> dict[str, Any]:
    return {**OLD, "files": {**OLD["files"], **files}}


def test_secrets_belong_to_the_service_and_to_nobody_else() -> None:
    with tarfile.open(fileobj=io.BytesIO(engine.archive(placing._files(OLD, placing._all(OLD))))) as tar:
        entries = {entry.name: (oct(entry.mode), entry.uid) for entry in tar}
    assert entries == {"a.conf": ("0o444", 0), "key": ("0o400", USER_ID), "tls": ("0o755", 0),
                       "tls/ca.pem": ("0o444", 0)}


@pytest.mark.parametrize(("new", "changes"), [
    (OLD, False), (changed(**{"a.conf": "2"}), True), ({**OLD, "reload": ["other"]}, False),
    ({**OLD, "secretFiles": {"key": "new"}}, True), ({**OLD, "helperImage": "base:2"}, False)])
def test_only_files_make_a_difference(new: dict[str, Any], changes: bool) -> None:
    assert ConfigVolumeProvider().diff("v", OLD, new).changes is changes


class FakeMember:
    """A running member whose commands are recorded; ``failing`` ones exit 1."""

    status = "running"
    attrs: ClassVar[dict[str, Any]] = {"Config": {"StopTimeout": 90}}

    def __init__(self, failing: str = "") -> None:
        self.ran: list[str] = []
        self.failing = failing

    def run(self, command: list[str]) -> tuple[int, str]:
        self.ran.append(command[0])
        return int(command[0] == self.failing), "said so"

    def restart(self, timeout: int) -> None:
        self.ran.append(f"restart {timeout}")

    def reload(self) -> None:
        """Refreshes nothing: the fake never changes state."""


def update(new: dict[str, Any], member: FakeMember, placed: list[tuple[list[str], list[str]]]) -> None:
    with mock.patch.object(engine, "find", return_value=member), mock.patch.object(
            engine, "run_inside", side_effect=lambda member, command: member.run(command)), mock.patch.object(
            placing, "_place", side_effect=lambda _props, files, gone: placed.append((files, gone))):
        placing.update(OLD, new)


def test_a_changed_file_is_checked_then_reloaded() -> None:
    member, placed = FakeMember(), []
    update(changed(**{"a.conf": "2"}), member, placed)
    assert placed == [(["a.conf"], [])] and member.ran == ["check-it", "reload-it"]


def test_a_file_read_only_at_start_restarts_the_member_and_waits_for_its_health() -> None:
    member, placed = FakeMember(), []
    update({**OLD, "secretFiles": {"key": "new"}}, member, placed)
    assert member.ran == ["restart 90", "ok"], "its own grace, not ours"


def test_a_file_read_when_needed_disturbs_nobody() -> None:
    member, placed = FakeMember(), []
    update(changed(**{"b.conf": "x"}), member, placed)
    assert placed == [(["b.conf"], [])] and member.ran == []


def test_what_the_service_refuses_is_taken_back() -> None:
    member, placed = FakeMember(failing="check-it"), []
    with pytest.raises(placing.PlacingError, match="previous files are back"):
        update(changed(**{"a.conf": "bad", "b.conf": "new"}), member, placed)
    assert placed == [(["a.conf", "b.conf"], []), (["a.conf"], ["b.conf"])]
    assert "reload-it" not in member.ran


def test_a_reload_that_fails_is_taken_back() -> None:
    member, placed = FakeMember(failing="reload-it"), []
    with pytest.raises(placing.PlacingError, match=r"(?s)`reload-it` failed \(1\):\nsaid so.*previous files"):
        update(changed(**{"a.conf": "2"}), member, placed)
    assert placed == [(["a.conf"], []), (["a.conf"], [])]


def test_members_whose_clients_connect_anew_after_a_reload_take_turns() -> None:
    class Reloading(FakeMember):
        def run(self, command: list[str]) -> tuple[int, str]:
            under_way.append(command[0])
            if command[0] == "reload-it":
                assert under_way.count("reload-it") - settled.count("settled") == 1, "the one before has settled"
            return super().run(command)

    under_way: list[str] = []
    settled: list[str] = []
    labels = {"evenkeel.stack": "test", "evenkeel.tier": "edge"}
    new = {**changed(**{"a.conf": "2"}), "reloadSettle": 0.2, "labels": labels}
    with mock.patch.object(placing.time, "sleep", side_effect=lambda _seconds: settled.append("settled")), \
         mock.patch.object(engine, "run_inside", side_effect=lambda member, command: member.run(command)), \
         ThreadPoolExecutor() as pool:
        for done in [pool.submit(placing._reload_in_turn, new, Reloading()) for _ in range(4)]:  # type: ignore[arg-type]
            done.result()
    assert settled == ["settled"] * 4
