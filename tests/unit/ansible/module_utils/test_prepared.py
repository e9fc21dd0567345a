"""A program gets ready beside something else, and does nothing unless it is told to go."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from ansible_collections.evenkeel.platform.plugins.module_utils.prepared import Prepared
from ansible_collections.evenkeel.platform.plugins.module_utils.running import RefusedError

READY = ("import pathlib, sys; print('ready', flush=True); told = sys.stdin.readline(); "
         "told and pathlib.Path('went').touch(); print('done')")


def prepared(folder: Path, code: str) -> Prepared:
    return Prepared([sys.executable, "-c", code], str(folder), "")


def test_it_says_that_it_is_ready_and_then_goes(tmp_path: Path) -> None:
    with prepared(tmp_path, READY) as program:
        assert program.said() == "ready\n" and not (tmp_path / "went").exists()
        assert program.go() == "done\n"
    assert (tmp_path / "went").exists()


def test_one_that_is_not_told_to_go_ends_without_having_done_it(tmp_path: Path) -> None:
    with pytest.raises(KeyError), prepared(tmp_path, READY):
        raise KeyError
    assert not (tmp_path / "went").exists()


def test_one_that_ends_before_it_is_told_says_why(tmp_path: Path) -> None:
    with prepared(tmp_path, "import sys; sys.exit('no such stack')") as program, \
            pytest.raises(RefusedError, match="no such stack"):
        program.go()
