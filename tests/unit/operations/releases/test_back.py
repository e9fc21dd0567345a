"""`make rollback`: the traffic first, then the playbook, as one run."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from ansible_collections.evenkeel.platform.plugins.module_utils import returning
from ansible_collections.evenkeel.platform.plugins.module_utils.running import RefusedError

from operations.releases import back
from operations.setup.paths import ROOT

TOLD = {"colour": "blue", "image": "shop:1.4", "needed": False, "short": False, "switch": {"began": 1.5},
        "release": {"name": "local-0007", "why": "{{ nobody }}"}, "members": ["web-blue-1"], "narration": ["{{ x }}"]}


def test_the_playbook_is_told_what_was_done_and_nothing_that_it_could_take_for_an_expression() -> None:
    *first, told = back.command("local", False, TOLD)
    assert first[:4] == ["ansible-playbook", "-i", "localhost,", back.PLAYBOOK]
    assert first[4:] == ["-e", "stack=local", "-e", "force=false", "-e"]
    assert json.loads(told) == {"release_switched": {
        "colour": "blue", "image": "shop:1.4", "needed": False, "short": False, "switch": {"began": 1.5},
        "release": {"name": "local-0007"}}}
    assert "{{" not in told


def test_what_can_not_go_back_at_once_is_left_to_the_playbook(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: object) -> dict[str, object]:
        raise RefusedError("another operation runs")

    monkeypatch.setattr(returning, "back", refused)
    told = back.at_once("local", True)
    assert told is None and back.command("local", True, told)[-1] == "force=true"


def test_what_it_takes_is_taken_by_the_run_that_it_becomes(tmp_path: Path) -> None:
    """A process keeps its number and its beginning when it becomes another program."""
    package = tmp_path / "operations" / "releases"
    package.mkdir(parents=True)
    (package / "back.py").write_text(
        "import os\nfrom ansible_collections.evenkeel.platform.plugins.module_utils import lock\n"
        "print(lock.our_run() == os.getpid())\n")
    done = subprocess.run([sys.executable, "-m", back.__name__], check=True, capture_output=True, text=True,
                          cwd=tmp_path, env={"PYTHONPATH": f"{tmp_path}:{ROOT / 'ansible'}"})
    assert done.stdout.strip() == "True"
