"""Packages for Node.js: from the lock alone, once per lock, and only where there is a Node.js."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from operations.setup import apt, node
from operations.setup.commands import Commands


class Noted(Commands):
    """Notes what would be run, and makes the folder that npm would."""

    def __init__(self) -> None:
        super().__init__()
        self.ran: list[tuple[Path, list[str]]] = []

    def run(self, command: Any, *, cwd: Path = Path(), **_: Any) -> None:
        self.ran.append((cwd, list(command)))
        (cwd / "node_modules").mkdir(exist_ok=True)


@pytest.fixture
def example(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "shop"
    folder.mkdir()
    (folder / node.LOCK).write_text("{}")
    monkeypatch.setattr(node, "EXAMPLES", tmp_path)
    monkeypatch.setattr(shutil, "which", lambda program: f"/usr/bin/{program}")
    return folder


def test_packages_come_from_the_lock_without_running_any_of_them(example: Path) -> None:
    commands = Noted()
    node.install(example, commands, log="test", development=False)
    [(folder, command)] = commands.ran
    assert folder == example and command[:2] == ["npm", "ci"]
    assert {"--ignore-scripts", "--omit=optional", "--omit=dev"} <= set(command)


def test_they_are_installed_again_only_for_another_lock(example: Path) -> None:
    commands = Noted()
    assert node.prepare_examples(commands, print) == "of shop"
    assert node.prepare_examples(commands, print) is None
    (example / node.LOCK).write_text('{"packages": {}}')
    assert node.prepare_examples(commands, print) == "of shop"
    assert len(commands.ran) == 2


def test_without_node_an_examples_tests_do_without_them(example: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda _program: None)
    commands = Noted()
    assert node.prepare_examples(commands, print) is None and not commands.ran


def test_an_image_that_needs_them_has_npm_installed(example: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    installed: list[str] = []
    monkeypatch.setattr(shutil, "which", lambda _program: None)
    monkeypatch.setattr(apt, "install", lambda _commands, *packages, purpose: installed.extend(packages))
    node.install(example, Noted(), log="test", development=False)
    assert installed == ["npm"]
