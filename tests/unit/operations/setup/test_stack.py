"""What an interrupted run leaves is recognised, and only that."""

from __future__ import annotations

import json
import os
import socket
from pathlib import Path
from unittest import mock

import pytest

from operations.setup import logs, stack


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
    selected = lock(tmp_path, gone_pid(), socket.gethostname())
    said = stack.release_stale_lock(selected, f"file://{tmp_path}")
    assert said and "interrupted run" in said
    selected.cancel.assert_called_once()


@pytest.mark.parametrize(("pid", "host"), [(os.getpid(), socket.gethostname()), (1, "another-machine")])
def test_other_locks_are_left_alone(tmp_path: Path, pid: int, host: str) -> None:
    selected = lock(tmp_path, pid, host)
    assert stack.release_stale_lock(selected, f"file://{tmp_path}") is None
    selected.cancel.assert_not_called()


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
