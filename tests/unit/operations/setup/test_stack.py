"""What an interrupted run leaves is recognised, and only that."""

from __future__ import annotations

import json
import os
import socket
from pathlib import Path
from unittest import mock

import pytest

from operations.setup import logs, stack, state_file


def lock(tmp_path: Path, pid: int, host: str) -> mock.Mock:
    folder = tmp_path / ".pulumi" / "locks" / "organization" / "evenkeel" / "test"
    folder.mkdir(parents=True)
    (folder / "one.json").write_text(json.dumps({"pid": pid, "hostname": host, "username": "u"}))
    selected = mock.Mock()
    selected.name = "test"
    return selected


def gone_pid() -> int:
    child = os.fork()
    if child == 0:
        os._exit(0)
    os.waitpid(child, 0)
    return child


def test_the_lock_of_a_dead_process_is_released(tmp_path: Path) -> None:
    selected, said = lock(tmp_path, gone_pid(), socket.gethostname()), []
    stack.wait_for_others(selected, f"file://{tmp_path}", said.append)
    assert len(said) == 1 and "interrupted run" in said[0]
    selected.cancel.assert_called_once()


def test_the_lock_of_another_machine_is_left_alone(tmp_path: Path) -> None:
    selected, said = lock(tmp_path, 1, "another-machine"), []
    stack.wait_for_others(selected, f"file://{tmp_path}", said.append)
    assert said == []
    selected.cancel.assert_not_called()


def test_a_living_run_is_waited_for_and_never_robbed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    selected, said = lock(tmp_path, os.getpid(), socket.gethostname()), []
    file = next(tmp_path.rglob("*.json"))
    monkeypatch.setattr(stack.time, "sleep", lambda _seconds: file.unlink())
    stack.wait_for_others(selected, f"file://{tmp_path}", said.append)
    assert len(said) == 1 and f"process {os.getpid()}" in said[0]
    selected.cancel.assert_not_called()


def test_waiting_for_a_living_run_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    selected = lock(tmp_path, os.getpid(), socket.gethostname())
    monkeypatch.setattr(stack, "LOCK_TIMEOUT_S", 0)
    with pytest.raises(TimeoutError, match="ps -fp"):
        stack.wait_for_others(selected, f"file://{tmp_path}", lambda _sentence: None)


def test_the_salt_goes_with_the_secrets_unless_the_file_holds_some(
        tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stack, "ROOT", tmp_path)
    (tmp_path / "stacks").mkdir()
    plain, secret = tmp_path / "stacks" / "Pulumi.plain.yaml", tmp_path / "stacks" / "Pulumi.secret.yaml"
    plain.write_text("encryptionsalt: v1:abc\nconfig:\n  evenkeel:target: docker\n")
    secret.write_text("encryptionsalt: v1:abc\nconfig:\n  evenkeel:app-secret-X:\n    secure: v1:xyz\n")
    stack.forget_salt("plain")
    stack.forget_salt("secret")
    assert "encryptionsalt" not in plain.read_text() and "evenkeel:target" in plain.read_text()
    assert "encryptionsalt" in secret.read_text()


@pytest.mark.parametrize("wrong", ["5", "m", "5 minutes", "-5m"])
def test_a_span_needs_a_number_and_a_unit(wrong: str) -> None:
    with pytest.raises(ValueError, match="for example 30s"):
        logs.since(wrong)


def test_passwords_of_an_earlier_version_are_released_and_no_others() -> None:
    def password(name: str, *, protect: bool = True) -> dict[str, object]:
        urn = f"urn:pulumi:test::evenkeel::evenkeel:platform:Foundation$pulumi-python:dynamic:Resource::{name}"
        return {"urn": urn, "type": "pulumi-python:dynamic:Resource", "protect": protect, "outputs": {"name": name}}

    selected, said = mock.Mock(), []
    selected.name, selected.workspace.env_vars = "test", {}
    selected.export_stack.return_value.deployment = {"resources": [
        password("postgres-app"), password("postgres-rewind"), password("postgres-monitoring", protect=False)]}
    stack.release_retired(selected, stack.recorded(selected), said.append)
    (call,) = selected.workspace.pulumi_command.run.call_args_list
    assert call.args[0][:2] == ["state", "unprotect"] and call.args[0][-1].endswith("::postgres-rewind")
    assert len(said) == 1 and said[0].startswith("postgres-rewind is needed no more")


def test_a_state_that_lies_there_is_read_without_asking_pulumi(tmp_path: Path) -> None:
    folder = tmp_path / ".pulumi" / "stacks" / "evenkeel"
    folder.mkdir(parents=True)
    (folder / "test.json").write_text(json.dumps({"version": 3, "checkpoint": {"latest": {"resources": [
        {"urn": "urn::a", "type": "pulumi-python:dynamic:Resource", "protect": True, "outputs": {"name": "a"}},
        {"urn": "urn::web", "type": stack.CONTAINER, "id": "123", "inputs": {"hostname": "web-1", "cpus": "1.0"},
         "outputs": {"name": "evenkeel-test-web-1"}}]}}}))
    selected = mock.Mock()
    selected.name, selected.workspace.env_vars = "test", {"PULUMI_BACKEND_URL": f"file://{tmp_path}"}
    found = stack.recorded(selected)
    assert found.has_secrets and found.containers == {"evenkeel-test-web-1": "123"}
    selected.export_stack.assert_not_called()


def test_a_state_that_was_never_deployed_has_nothing(tmp_path: Path) -> None:
    file = tmp_path / "test.json"
    file.write_text(json.dumps({"version": 3, "checkpoint": {"stack": "organization/evenkeel/test"}}))
    assert state_file.deployment(file) == {}


def test_what_another_backend_or_a_deleted_stack_has_is_not_taken_for_a_state(tmp_path: Path) -> None:
    folder = tmp_path / ".pulumi" / "stacks" / "evenkeel"
    folder.mkdir(parents=True)
    (folder / "gone.json.bak").touch()
    assert state_file.versions("gone", f"file://{tmp_path}") and not state_file.find("gone", f"file://{tmp_path}")
    assert state_file.versions("gone", "s3://bucket") is None


def test_whether_a_stack_is_there_does_not_depend_on_others(tmp_path: Path) -> None:
    """Pulumi would read all files, and fail on one that another run has just begun to write."""
    folder = tmp_path / ".pulumi" / "stacks" / "evenkeel"
    folder.mkdir(parents=True)
    (folder / "half.json").touch()
    (folder / "shop.json.gz").touch()
    (folder / "gone.json.bak").touch()
    backend = {"PULUMI_BACKEND_URL": f"file://{tmp_path}"}
    assert {name: stack.exists(name, backend) for name in ("half", "shop", "gone", "none")} == {
        "half": True, "shop": True, "gone": False, "none": False}
