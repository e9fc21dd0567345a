"""Programs are logged, bounded and stopped with their children."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest

from operations.setup.commands import Commands, answer
from operations.setup.errors import SetupError
from operations.setup.tasks import StoppedError


def test_a_failure_says_what_why_where_and_what_next(tmp_path: Path) -> None:
    with pytest.raises(SetupError) as failure:
        Commands(tmp_path).run(["sh", "-c", "echo no room >&2; exit 3"], log="image", what="The image was not built",
                               then="make images")
    text = str(failure.value)
    assert "The image was not built: `sh` ended with status 3." in text
    assert "no room" in text
    assert f"Where: {tmp_path / 'image.log'}" in text
    assert "Next:  make images" in text


def test_only_the_failed_commands_own_lines_are_shown(tmp_path: Path) -> None:
    commands = Commands(tmp_path)
    commands.run(["echo", "from before"], log="x", what="", then="")
    with pytest.raises(SetupError) as failure:
        commands.run(["false"], log="x", what="It", then="")
    assert "from before" not in str(failure.value)


def test_a_command_that_takes_too_long_is_ended(tmp_path: Path) -> None:
    began = time.monotonic()
    with pytest.raises(SetupError, match=r"took longer than 0\.2 s"):
        Commands(tmp_path).run(["sleep", "30"], log="x", what="It", then="", timeout_s=0.2)
    assert time.monotonic() - began < 5


def test_a_killed_command_is_told_from_a_failed_one(tmp_path: Path) -> None:
    with pytest.raises(SetupError, match="`sh` was ended by SIGKILL"):
        Commands(tmp_path).run(["sh", "-c", "kill -9 $$"], log="x", what="It", then="")


def test_stop_ends_a_command_with_its_children_and_lets_no_other_start(tmp_path: Path) -> None:
    commands = Commands(tmp_path)
    lives = tmp_path / "lives"
    outcome: list[BaseException] = []

    def under_way() -> None:
        try:
            commands.run(["sh", "-c", f"(sleep 1; touch {tmp_path}/survived) & touch {lives}; wait"], log="x", what="",
                         then="")
        except BaseException as error:
            outcome.append(error)

    thread = threading.Thread(target=under_way)
    thread.start()
    while not lives.exists():
        time.sleep(0.01)
    commands.stop()
    thread.join(5)
    assert [type(error) for error in outcome] == [StoppedError]
    with pytest.raises(StoppedError):
        commands.run(["touch", tmp_path / "late"], log="x", what="", then="")
    time.sleep(1.2)
    assert not (tmp_path / "survived").exists()
    assert not (tmp_path / "late").exists()


def test_a_missing_program_is_an_answer_not_an_exception() -> None:
    assert answer(["no-such-program"])[0] == 127


def test_a_program_that_does_not_answer_is_given_up() -> None:
    assert answer(["sleep", "30"], timeout_s=0.1)[0] == 124
