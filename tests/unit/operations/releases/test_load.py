"""What the playbook starts: it is ready when the playbook has counted, and does nothing for one that is gone."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest

from operations.releases import load, trial

EVENTS = ("q 1 1700000000000 12.5 200 blue read 0 0 0\n"
          "q 2 1700000000050 9.5 200 blue write 1 0 0\n")


@pytest.fixture
def ran(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A load that has ended already."""
    monkeypatch.setattr(load, "ROOT", tmp_path)
    monkeypatch.setattr(trial, "folder", lambda name: tmp_path / name)
    (tmp_path / "shop-0001").mkdir()
    (tmp_path / "shop-0001" / trial.CONSOLE).write_text(EVENTS)
    return tmp_path / "shop-0001"


def test_told_to_go_on_it_writes_the_receipt_with_what_was_counted_meanwhile(
        ran: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    class Counting(io.StringIO):
        def readline(self, _size: int | None = -1) -> str:
            (ran / "release.json").write_text(json.dumps({"name": "shop-0001", "serial": 1}))
            return "go\n"

    monkeypatch.setattr("sys.stdin", Counting())
    assert load.main(["end", "STACK=shop", "NAME=shop-0001"]) == 0
    first, told = capsys.readouterr().out.splitlines()
    assert first == "ended" and (json.loads(told)["sent"], json.loads(told)["dropped"]) == (2, 0)
    assert json.loads((ran / "receipt.json").read_text())["release"]["serial"] == 1


def test_for_a_playbook_that_is_gone_nothing_is_written(
        ran: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(""))
    assert load.main(["end", "STACK=shop", "NAME=shop-0001"]) == 1
    assert "Nobody said to go on" in capsys.readouterr().out
    assert not (ran / "receipt.json").exists()
