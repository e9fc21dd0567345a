"""Modules of this collection run in Ansible's own process and answer what they would answer in one of theirs."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from operations.setup.paths import ROOT

COLLECTION = ROOT / "ansible" / "ansible_collections" / "evenkeel" / "platform"
CONFIG = f"[defaults]\ncollections_path = {ROOT / 'ansible'}\nlocalhost_warning = False\n"
TASK = {"evenkeel.platform.operation_lock": {"stack": "nobody-has", "state": "absent"}}
SAID = "the stack 'nobody-has' has no member of etcd on this engine"


def play(folder: Path, task: dict[str, object], *options: str, interpreter: str = sys.executable) -> str:
    """What Ansible prints of a play with one task, everything included."""
    (folder / "ansible.cfg").write_text(CONFIG)
    (folder / "book.yml").write_text(yaml.safe_dump([{"hosts": "localhost", "gather_facts": False, "tasks": [task]}]))
    done = subprocess.run(
        [Path(sys.executable).parent / "ansible-playbook", "-v", "-i", "localhost,", "-c", "local", "-e",
         f"ansible_python_interpreter={interpreter}", *options, folder / "book.yml"],
        cwd=folder, text=True, capture_output=True, check=False,
        env={**os.environ, "ANSIBLE_CONFIG": str(folder / "ansible.cfg")})
    return done.stdout + done.stderr


def test_every_module_takes_that_way() -> None:
    modules = {path.name for path in (COLLECTION / "plugins" / "modules").glob("*.py")} - {"__init__.py"}
    ways = {path.name: path.readlink() for path in (COLLECTION / "plugins" / "action").glob("*.py")}
    assert ways == dict.fromkeys(modules, Path("../plugin_utils/in_process.py"))
    groups = yaml.safe_load((COLLECTION / "meta" / "runtime.yml").read_text())["action_groups"]
    assert {f"{name}.py" for name in groups["all"]} == modules


@pytest.mark.parametrize("interpreter", [sys.executable, f"{sys.executable.removesuffix('python')}./python"],
                         ids=["in-process", "in-its-own"])
def test_it_answers_the_same(tmp_path: Path, interpreter: str) -> None:
    said = play(tmp_path, TASK, interpreter=interpreter)
    assert SAID in said and "failed=1" in said, said


def test_bad_arguments_are_refused_in_ansibles_words(tmp_path: Path) -> None:
    said = play(tmp_path, {"evenkeel.platform.operation_lock": {"stack": "x", "state": "maybe"}})
    assert "value of state must be one of: present, absent, got: maybe" in said, said


def test_whoever_wants_another_python_gets_it(tmp_path: Path) -> None:
    said = play(tmp_path, TASK, interpreter="/nowhere/python3")
    assert "/nowhere/python3" in said and "failed=1" in said and SAID not in said, said


def test_in_the_background_it_runs_on_its_own(tmp_path: Path) -> None:
    said = play(tmp_path, {**TASK, "async": 30, "poll": 1})
    assert SAID in said, said
