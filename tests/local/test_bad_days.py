"""`make up` on bad days: cut off in the middle, and with an application that never becomes healthy."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Iterator

import pytest
from docker.errors import APIError

from components.targets.docker import engine
from tests.support.running import ROOT, SETTINGS, RunningPlatform

START_S = 15


@pytest.fixture(scope="module")
def victim() -> Iterator[RunningPlatform]:
    """A stack of its own, typed as a user types it."""
    running = RunningPlatform(f"test-bad-{os.getpid()}")
    running.write_settings()
    try:
        yield running
    finally:
        running.delete()


def make_up(stack: str) -> subprocess.Popen[str]:
    return subprocess.Popen(["make", "up", f"STACK={stack}"], cwd=ROOT, text=True, stdout=subprocess.PIPE,
                            stderr=subprocess.STDOUT, start_new_session=True)


def creates_the_database(victim: RunningPlatform) -> str:
    """The container of Postgres within which `initdb` runs now. It takes a second or two: nothing else is asked."""
    for name in (f"evenkeel-{victim.stack}-postgres-{n}" for n in (1, 2, 3)):
        with contextlib.suppress(APIError):  # not made yet, or not running
            if any("initdb" in " ".join(process) for process in engine.client().api.top(name)["Processes"]):
                return name
    return ""


def test_a_run_killed_in_the_middle_is_completed_by_the_next(victim: RunningPlatform) -> None:
    """At its worst moment: with members still to be made, and with the one that creates the database while it does."""
    first = make_up(victim.stack)
    deadline = time.monotonic() + 120
    while not (at_it := creates_the_database(victim)):
        assert first.poll() is None and time.monotonic() < deadline, "the first run should have got so far"
        time.sleep(0.05)
    os.killpg(first.pid, signal.SIGKILL)
    engine.client().api.kill(at_it)
    first.wait()
    second = make_up(victim.stack)
    output, _ = second.communicate(timeout=300)
    assert second.returncode == 0, output
    with victim.client() as client:
        assert client.get("/health").status_code == 200
    changes = victim.up().summary.resource_changes or {}
    assert set(changes) == {"same"}, changes


def test_an_application_that_never_becomes_healthy_is_named_with_its_last_words(victim: RunningPlatform) -> None:
    """The colour that does not serve gets a worker that ends at once (a pooler without a config file): what served
    goes on serving."""
    app = {**SETTINGS["app"], "start_s": START_S, "colours": {"green": {"workers": 1, "image": "pgbouncer"}}}
    victim.write_settings({**SETTINGS, "app": app})
    run = make_up(victim.stack)
    output, _ = run.communicate(timeout=300)
    assert run.returncode != 0, output
    assert "web-green-1" in output and "Next: " in output and "Traceback" not in output, output
    with victim.client() as client:
        assert client.get("/health").status_code == 200
