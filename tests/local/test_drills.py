"""Drills on the real platform: a dead primary is replaced because its death is proved; a silent one is not, and neither
loses anything. What they cost in seconds is for `make drill` and `make bench-drill`; here it only has to be told apart
from the 20 s that a leader key lives."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from typing import Any

import pytest

from components.settings.postgres import PLANS, RecoveryPlan
from components.targets.docker import engine
from operations.drills import run
from operations.drills.catalogue import BY_NAME
from operations.drills.platform import Platform
from operations.setup.paths import ROOT
from tests.support.running import RunningPlatform

TTL_S = PLANS[RecoveryPlan.FAST].ttl_s
WHOLE_S = 120


@pytest.fixture
def drilled(platform: RunningPlatform) -> Platform:
    found = Platform(platform.stack, platform.outputs)
    found.wait_whole(WHOLE_S, print)
    return found


def demanded_but_for_times(report: dict[str, Any]) -> list[str]:
    """What was demanded and not found, times apart: those are the machine's."""
    return [f"{check['name']}: {check['found']}" for check in report["checks"]
            if not check["passed"] and " go on" not in check["name"]]


def observers(platform: RunningPlatform) -> list[str]:
    """Programs of a drill that run inside members: they write, and ask the proxies 25 times a second."""
    rows = [row[-1] for one in platform.containers() if one.labels["evenkeel.tier"] == "postgres"
            for row in one.top(ps_args="-eo pid,args")["Processes"]]
    return [row[:60] for row in rows if "Runs inside a " in row or "etcdctl watch" in row]


def test_a_killed_primary_is_replaced_before_its_key_expires_and_nothing_is_lost(
        drilled: Platform, platform: RunningPlatform) -> None:
    report = run.drill(drilled, BY_NAME["node-kill"], print)
    print(f"writes went on after {report['rto_seconds']} s:",
          {phase["name"]: round(phase["ended"] - phase["began"], 2) for phase in report["phases"]})
    assert demanded_but_for_times(report) == []
    assert report["rto_seconds"] is not None and report["rto_seconds"] < TTL_S - 5
    assert [phase["name"] for phase in report["phases"]][:3] == ["detect", "prove", "elect"]
    assert len(report["writers"]) == 2, "one on each timeline"
    assert report["acknowledged"] > 0
    assert observers(platform) == [], "they end with the drill"


def test_a_cut_off_primary_is_not_taken_for_dead_and_acknowledges_nothing_beside_the_new_one(
        drilled: Platform) -> None:
    report = run.drill(drilled, replace(BY_NAME["partition"], lasts_s=32.0), print)
    print(f"writes went on after {report['rto_seconds']} s; writers: {report['writers']}")
    assert demanded_but_for_times(report) == []
    assert len(report["writers"]) == 2
    assert not [phase for phase in report["phases"] if phase["name"] == "prove"], "there was nothing to prove"
    assert report["rto_seconds"] is not None and report["rto_seconds"] > 5


def test_an_aborted_drill_leaves_no_fault_behind(drilled: Platform, platform: RunningPlatform) -> None:
    process = subprocess.Popen([sys.executable, "-m", "operations.drills", "run", "DRILL=worker-hang",
                                f"STACK={platform.stack}"], cwd=ROOT, env={**os.environ, **platform.environment})
    both: dict[str, str | list[str] | bool] = {"label": [f"evenkeel.stack={platform.stack}", "evenkeel.fault"]}

    def helpers() -> list[Any]:
        return engine.client().containers.list(filters=both)

    deadline = time.monotonic() + 60
    while not helpers() and time.monotonic() < deadline:
        time.sleep(0.1)
    assert helpers(), "the worker was frozen"
    process.send_signal(signal.SIGTERM)
    assert process.wait(60) != 0
    assert helpers() == []
    drilled.wait_whole(30, print)
