"""What the callback prints of a run: sentences, failures, a total; and nothing of what was silent."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import yaml

from operations.setup.paths import ROOT


def play(folder: Path, *tasks: dict[str, object]) -> tuple[int, list[str]]:
    """Exit status and lines of a playbook with these tasks, without the seconds."""
    book = folder / "book.yml"
    book.write_text(yaml.safe_dump([{"name": "Try", "hosts": "localhost", "gather_facts": False,
                                     "tasks": list(tasks)}], sort_keys=False))
    config = folder / "ansible.cfg"  # another than the checkout's own, in whose audit log this is not to stand
    config.write_text(f"[defaults]\ncollections_path = {ROOT / 'ansible'}\n"
                      "stdout_callback = evenkeel.platform.runbook\n")
    done = subprocess.run([Path(sys.executable).parent / "ansible-playbook", "-i", "localhost,", "-c", "local",
                           "-e", f"ansible_python_interpreter={sys.executable}", book],
                          cwd=ROOT, text=True, capture_output=True, check=False,
                          env={**os.environ, "ANSIBLE_CONFIG": str(config)})
    return done.returncode, [re.sub(r"^ +[\d.]+ s  ", "", line) for line in done.stdout.splitlines()]


def test_sentences_changes_and_a_total(tmp_path: Path) -> None:
    status, lines = play(
        tmp_path,
        {"name": "Silent", "ansible.builtin.command": "true", "changed_when": False},
        {"name": "Touch it", "ansible.builtin.command": "true"},
        {"name": "Speak", "ansible.builtin.debug": {"msg": ["one", "two"]}},
        {"name": "Skipped", "ansible.builtin.debug": {"msg": "never"}, "when": False},
        {"name": "Loop", "ansible.builtin.debug": {"msg": "item {{ item }}"}, "loop": [1, 2]})
    assert status == 0
    assert lines[:-1] == ["Try", "Touch it: changed", "one", "two", "item 1", "item 2"]
    assert re.fullmatch(r"1 tasks changed something; [\d.]+ s in all", lines[-1])


def test_a_failure_is_shown_and_counted(tmp_path: Path) -> None:
    status, lines = play(tmp_path, {"name": "Stop here", "ansible.builtin.fail": {"msg": "because.\nNext: that"}})
    assert status != 0
    assert lines[1:4] == ["FAILED: Stop here", "because.", "Next: that"]
    assert lines[-1].startswith("stopped at a failure; ")


def test_other_modules_failures_are_shown_in_full(tmp_path: Path) -> None:
    status, lines = play(tmp_path, {"name": "Break", "ansible.builtin.command": "cat /nowhere"})
    assert status != 0
    assert "No such file or directory" in "\n".join(lines)
