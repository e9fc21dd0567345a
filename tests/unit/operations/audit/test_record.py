"""Commands of setup in the audit log, and what `make audit` says of it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.evenkeel.platform.plugins.module_utils import audit
from ansible_collections.evenkeel.platform.plugins.module_utils.audit import Log

from operations.audit import __main__ as shown
from operations.audit import record
from operations.setup.paths import ROOT

STACK = "nobody-has"


@pytest.fixture
def log(tmp_path: Path) -> Log:
    return Log(tmp_path / "shop.jsonl")


def do(log: Log, act: Callable[[], int]) -> int:
    return record.recorded(log, STACK, "up", {"DATA": "keep"}, act)


def raises(error: BaseException) -> Callable[[], int]:
    def act() -> int:
        raise error

    return act


@pytest.mark.parametrize(("status", "result"), [(0, "ok"), (1, "failed")])
def test_a_command_is_noted_with_its_outcome(log: Log, status: int, result: str) -> None:
    assert do(log, lambda: status) == status
    found, = shown.operations(log.read())
    assert (found["operation"], found["with"], found["result"]) == ("up", {"DATA": "keep"}, result)


@pytest.mark.parametrize(("error", "result", "why"), [
    (ValueError("no memory\nNext: buy some"), "failed", "no memory"), (KeyboardInterrupt(), "interrupted", "")])
def test_what_it_raises_is_noted_and_goes_on(log: Log, error: BaseException, result: str, why: str) -> None:
    with pytest.raises(type(error)):
        do(log, raises(error))
    found, = shown.operations(log.read())
    assert (found["result"], found["why"]) == (result, why)


def test_one_that_was_killed_has_no_end(log: Log) -> None:
    log.begin(STACK, "up", {})
    do(log, lambda: 0)
    assert [one["result"] for one in shown.operations(log.read())] == [shown.OPEN, "ok"]


def test_a_log_that_cannot_be_written_stands_in_nobodys_way(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").write_text("")
    assert do(Log(tmp_path / "file" / "shop.jsonl"), lambda: 0) == 0
    assert "not noted" in capsys.readouterr().err


def show(monkeypatch: pytest.MonkeyPatch, log: Log, kept: Mapping[str, Mapping[str, Any]] | None) -> int:
    monkeypatch.setattr(record, "log_of", lambda _: Log(ROOT / log.path))
    monkeypatch.setattr(record, "kept", lambda _: kept)
    monkeypatch.setattr(shown, "ROOT", log.path.parent)
    return shown.main([f"STACK={STACK}"])


def test_a_whole_log_is_said_to_be_whole(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
                                         log: Log) -> None:
    do(log, lambda: 0)
    lines = log.read()
    assert show(monkeypatch, log, {audit.name(lines): lines[-1]}) == 0
    assert "2 entries, every seal holds; the platform's own count agrees: shop.jsonl" in capsys.readouterr().out
    assert show(monkeypatch, log, None) == 0
    assert "can't be asked" in capsys.readouterr().out


def test_one_that_was_changed_or_replaced_is_not(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
                                                 log: Log) -> None:
    do(log, lambda: 0)
    kept = {audit.name(log.read()): log.read()[-1]}
    log.path.write_text(log.path.read_text().replace('"ok"', '"failed"'))
    assert show(monkeypatch, log, kept) == 1
    assert "line 2 was changed" in capsys.readouterr().out
    log.path.unlink()
    do(log, lambda: 0)
    assert show(monkeypatch, log, kept) == 0
    assert "that is not here: another checkout's, or deleted" in " ".join(capsys.readouterr().out.split())


def test_it_is_importable_wherever_setup_is() -> None:
    """`make up` has no PYTHONPATH that names the collection."""
    done = subprocess.run([sys.executable, "-c", "import operations.setup.cli, operations.audit.__main__"], cwd=ROOT,
                          env={key: value for key, value in os.environ.items() if key != "PYTHONPATH"}, text=True,
                          capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
