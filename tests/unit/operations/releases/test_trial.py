"""The load ends with the run that it belongs to, and its events are read even where the last line was cut off."""

from __future__ import annotations

import json
import os
import signal
import stat
import subprocess
import sys
import time
from dataclasses import asdict
from pathlib import Path

import pytest

from operations.releases import receipt, trial
from operations.setup.paths import ROOT

PATIENCE_S = 20
PLAN = trial.Plan(urls=["https://localhost:1"], rate=1, run="shop-0001", read=["/"])


def kept(folder: Path, owner: int) -> subprocess.Popen[bytes]:
    """The keeper of a load generator that runs until it is told to end."""
    program = folder / "k6"
    program.write_text(f"#!/bin/sh\ntrap 'exit 0' INT\ntouch {folder}/begun\nwhile :; do sleep 0.1; done\n")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    (folder / trial.PLAN).write_text(json.dumps({**asdict(PLAN), "owner": owner}))
    code = ("import sys; from pathlib import Path; from operations.releases import trial; "
            "trial.toolchain.k6 = lambda: Path(sys.argv[1]) / 'k6'; trial.keep(Path(sys.argv[1]))")
    return subprocess.Popen([sys.executable, "-c", code, str(folder)], cwd=ROOT)


@pytest.fixture
def owner() -> subprocess.Popen[bytes]:
    return subprocess.Popen(["sleep", "60"])


def test_it_ends_when_its_run_is_gone(tmp_path: Path, owner: subprocess.Popen[bytes]) -> None:
    keeper = kept(tmp_path, owner.pid)
    time.sleep(0.5)
    assert keeper.poll() is None
    owner.kill()
    owner.wait()
    assert keeper.wait(PATIENCE_S) == 0
    assert float((tmp_path / trial.ENDED).read_text()) <= time.time()


def test_it_ends_when_it_is_told_to(tmp_path: Path) -> None:
    keeper = kept(tmp_path, os.getpid())
    deadline = time.monotonic() + PATIENCE_S
    while not (tmp_path / "begun").exists():
        assert time.monotonic() < deadline
        time.sleep(0.05)
    keeper.send_signal(signal.SIGTERM)
    assert keeper.wait(PATIENCE_S) == 0
    assert (tmp_path / trial.ENDED).exists()


def test_a_line_that_was_cut_off_is_left_out() -> None:
    events = trial.parsed("q 1 1000 10 200 blue read 1 0 0 \nq 2 1100 10 50", ended=9.0)
    assert [request.number for request in events.requests] == [1]


def test_a_websocket_that_was_closed_is_no_error_beside() -> None:
    events = trial.parsed("e 1000 websocket: close 1012\nc 1000 1012\ne 2000 dial: refused\n"
                          "e 3000 websocket: close 1006 (abnormal closure): unexpected EOF\nc 3000 1006\n", ended=9.0)
    assert [(event.what, event.code) for event in events.sockets] == [("close", 1012), ("error", 0), ("close", 1006)]
    assert receipt.sockets(events) == {"opened": 0, "told_to_reconnect": 1, "closed": 0, "cut": 2}


def test_the_first_answer_is_seen_behind_any_number_of_websockets(tmp_path: Path) -> None:
    (tmp_path / trial.CONSOLE).write_text("o 1000\n" * 200)
    assert not trial._answered(tmp_path)
    with (tmp_path / trial.CONSOLE).open("a") as console:
        console.write("q 0 1000 10 200 blue read 1 0 0 \n")
    assert trial._answered(tmp_path)


def test_no_load_goes_on_for_longer_than_an_hour() -> None:
    assert trial.Plan(**{**asdict(PLAN), "seconds": 999999}).variables()["DURATION"] == "3600s"
