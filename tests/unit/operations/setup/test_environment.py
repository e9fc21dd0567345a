"""The virtual environment is made again when its lock changes, and only then."""

from __future__ import annotations

from pathlib import Path

import pytest

from operations.setup import environment
from operations.setup.commands import Commands


class Recorded(Commands):
    """Writes commands down instead of running them."""

    def __init__(self) -> None:
        self.programs: list[str] = []
        self.installs: list[list[str]] = []

    def run(self, command: object, **_: object) -> None:  # type: ignore[override]
        parts = [str(part) for part in command]  # type: ignore[attr-defined]
        if "venv" in parts:
            environment.PYTHON.parent.mkdir(parents=True)
            environment.PYTHON.touch()
            self.programs.append("venv")
        else:
            self.programs.append(Path(parts[-1]).name)
            self.installs.append(parts)


@pytest.fixture
def commands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Recorded:
    """A checkout with two locks and no environment."""
    for lock in ("requirements.txt", "requirements-ansible.txt", "requirements-dev.txt"):
        (tmp_path / lock).write_text("a==1\n")
    monkeypatch.setattr(environment, "ROOT", tmp_path)
    monkeypatch.setattr(environment, "VENV", tmp_path / ".venv")
    monkeypatch.setattr(environment, "PYTHON", tmp_path / ".venv/bin/python")
    monkeypatch.setattr(environment, "STAMP", tmp_path / ".venv/locks.json")
    return Recorded()


def ensure(commands: Recorded, *, development: bool = False) -> list[str]:
    """What was run."""
    commands.programs = []
    environment.ensure(commands, lambda _: None, development=development)
    return commands.programs


def test_it_is_made_once(commands: Recorded) -> None:
    assert ensure(commands) == ["venv", "requirements.txt"]
    assert ensure(commands) == []
    assert environment.plan() == "up to date"


def test_ansible_comes_with_its_first_use(commands: Recorded) -> None:
    ensure(commands)
    commands.programs = []
    environment.ensure(commands, lambda _: None, ansible=True)
    assert commands.programs == ["requirements-ansible.txt"]
    assert environment.plan(ansible=True) == "up to date"


def test_tests_add_their_lock_to_what_is_there(commands: Recorded) -> None:
    ensure(commands)
    assert ensure(commands, development=True) == ["requirements-dev.txt"]
    assert ensure(commands) == []


def test_a_changed_lock_makes_it_again(commands: Recorded) -> None:
    ensure(commands, development=True)
    (environment.ROOT / "requirements.txt").write_text("a==2\n")
    assert environment.plan() == "will be filled from requirements.txt"
    assert ensure(commands, development=True) == ["venv", "requirements.txt", "requirements-dev.txt"]


def test_an_interrupted_one_is_made_again(commands: Recorded) -> None:
    ensure(commands)
    environment.STAMP.unlink()
    assert ensure(commands) == ["venv", "requirements.txt"]


@pytest.mark.parametrize("cut_off", ["requirements.txt", "requirements-dev.txt"])
def test_one_whose_installation_was_cut_off_is_made_again(commands: Recorded, cut_off: str,
                                                          monkeypatch: pytest.MonkeyPatch) -> None:
    def cut(command: list[object], **_: object) -> None:
        if str(command[-1]).endswith(cut_off):
            raise KeyboardInterrupt
        Recorded.run(commands, command)

    with monkeypatch.context() as patched:
        patched.setattr(commands, "run", cut)
        with pytest.raises(KeyboardInterrupt):
            ensure(commands, development=True)
    assert ensure(commands, development=True) == ["venv", "requirements.txt", "requirements-dev.txt"]


def test_packages_come_with_hashes_or_not_at_all(commands: Recorded) -> None:
    ensure(commands, development=True)
    assert len(commands.installs) == 2
    assert all("--require-hashes" in install for install in commands.installs)
