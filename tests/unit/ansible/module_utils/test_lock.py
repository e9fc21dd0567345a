"""One operation at a time, and what becomes of a lock whose holder is gone."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from ansible_collections.evenkeel.platform.plugins.module_utils import lock

from operations.setup.paths import ROOT

CLOCK_S = 0.1
"""The kernel tells a process's begin in hundredths of a second."""


def test_a_run_knows_its_own_lock_again() -> None:
    mine = lock.holder("upgrade", os.getpid())
    assert lock.same_run(mine, lock.holder("something else", os.getpid()))
    assert not lock.same_run(mine, {**mine, "process": 1})
    assert not lock.same_run(mine, {**mine, "host": "elsewhere"})


def test_only_a_process_of_this_machine_is_ever_known_to_be_gone() -> None:
    with subprocess.Popen(["sleep", "60"]) as process:
        held = {**lock.holder("upgrade", process.pid)}
        assert not lock.stale(held, held["host"], lock.began(process.pid))
        process.kill()
    assert lock.stale(held, held["host"], lock.began(process.pid))
    assert not lock.stale(held, "elsewhere", "")
    assert not lock.stale({**held, "process": None}, held["host"], "")


def test_a_process_number_that_was_given_anew_is_another_process() -> None:
    held = {**lock.holder("upgrade", os.getpid()), "began": "1"}
    assert lock.stale(held, held["host"], lock.began(os.getpid()))


def test_a_refusal_says_who_why_since_when_and_what_to_type() -> None:
    said = lock.explain({"reason": "upgrade.yml", "who": "ada", "host": "deck", "process": 7, "since": "noon"}, "shop")
    for part in ("upgrade.yml", "ada", "deck", "process 7", "since noon", "Next: "):
        assert part in said
    assert "stack=shop state=absent force=true" in said


@pytest.mark.parametrize("recipe", ["ansible-playbook", "true && ansible-playbook"])
def test_a_command_was_typed_when_its_own_make_began_and_not_one_further_up(tmp_path: Path, recipe: str) -> None:
    """A test suite or a benchmark is run by make itself."""
    program = tmp_path / "ansible-playbook"
    program.write_text(f"#!{sys.executable}\nimport sys\nsys.path.insert(0, {str(ROOT / 'ansible')!r})\n"
                       "from ansible_collections.evenkeel.platform.plugins.module_utils import lock\n"
                       "print(lock.typed())\n")
    program.chmod(0o755)
    (tmp_path / "Makefile").write_text(f"outer:\n\t@sleep 0.5; date +%s.%N; $(MAKE) -s inner\ninner:\n\t@{recipe}\n")
    done = subprocess.run(["make", "-s", "outer"], cwd=tmp_path, text=True, capture_output=True, check=True,
                          env={**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}"})
    before, typed = (float(line) for line in done.stdout.split())
    assert typed > before - CLOCK_S
