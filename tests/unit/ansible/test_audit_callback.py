"""Playbooks are noted in the audit log: by Ansible itself, with a playbook of one task."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import yaml
from ansible_collections.evenkeel.platform.plugins.module_utils import audit

from operations.setup.paths import ROOT

CONFIG = f"""[defaults]
collections_path = {ROOT / 'ansible'}
stdout_callback = evenkeel.platform.runbook
callbacks_enabled = evenkeel.platform.audit
"""


def play(folder: Path, task: dict[str, object], *options: str) -> subprocess.CompletedProcess[str]:
    """A run in a folder of its own, about a stack that nobody has."""
    (folder / "ansible.cfg").write_text(CONFIG)
    (folder / "book.yml").write_text(yaml.safe_dump([{"name": "Try", "hosts": "localhost", "gather_facts": False,
                                                      "tasks": [{"name": "Do it", **task}]}] * 2))
    return subprocess.run(
        [Path(sys.executable).parent / "ansible-playbook", "-i", "localhost,", "-c", "local", "-e", "stack=nobody-has",
         "-e", "image=shop:2 db_password=hunter2", *options, folder / "book.yml"],
        cwd=folder, text=True, capture_output=True, check=False,
        env={**os.environ, "ANSIBLE_CONFIG": str(folder / "ansible.cfg")})


def noted(folder: Path) -> list[dict[str, object]]:
    return audit.Log(folder / ".evenkeel" / "audit" / "nobody-has.jsonl").read()


def test_a_playbook_is_noted_once_with_its_variables_and_its_end(tmp_path: Path) -> None:
    done = play(tmp_path, {"ansible.builtin.debug": {"msg": "done"}})
    assert done.returncode == 0, done.stdout + done.stderr
    began, ended = noted(tmp_path)
    assert (began["operation"], began["stack"], began["with"]) == (
        "book.yml", "nobody-has", {"db_password": "***", "image": "shop:2"})
    assert ended["result"] == "ok" and audit.flaws(noted(tmp_path), None) == []
    assert "the platform does not keep the audit log's last line" in done.stderr


def test_a_failure_is_noted_as_one(tmp_path: Path) -> None:
    assert play(tmp_path, {"ansible.builtin.fail": {"msg": "no"}}).returncode != 0
    assert [line.get("result") for line in noted(tmp_path)] == [None, "failed"]


def test_a_rehearsal_is_not_noted(tmp_path: Path) -> None:
    assert play(tmp_path, {"ansible.builtin.debug": {"msg": "done"}}, "--check").returncode == 0
    assert noted(tmp_path) == []


def test_a_log_that_cannot_be_written_stands_in_nobodys_way(tmp_path: Path) -> None:
    (tmp_path / ".evenkeel").write_text("a file where the folder should be")
    done = play(tmp_path, {"ansible.builtin.debug": {"msg": "done"}})
    assert done.returncode == 0 and "can't be written" in done.stderr
