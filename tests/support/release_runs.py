"""Releases on a running platform, as somebody types them, and what became of them."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from operations.releases import trial
from operations.setup.paths import ROOT
from tests.support.releases import variables
from tests.support.running import RunningPlatform

LOAD = {"read": ["/", "/api/orders"], "write": "/api/orders", "body": '{"item":"anchor","quantity":1}',
        "websocket": "/ws"}
QUICK = {"release_rollback_window_s": 4, "release_load_rate": 30, "release_load_sockets": 6,
         "release_limits": {"samples": 20, "p95_ms": 2000.0, "times_stable": 0}}
"""Response times on a machine that is busy with tests say nothing."""
PATIENCE_S = 300
BLUE, GREEN = ("0", "0"), ("100", "100")


@dataclass(frozen=True)
class Run:
    """A finished run of a playbook."""

    status: int
    said: str


def started(platform: RunningPlatform, log: Path, book: str, *extra: str) -> subprocess.Popen[bytes]:
    """A playbook in a session of its own, as a terminal would start it."""
    with log.open("w") as output:
        return subprocess.Popen(
            ["ansible-playbook", ROOT / f"ansible/playbooks/{book}.yml", "-e", f"stack={platform.stack}", *extra],
            cwd=ROOT, env={**platform.environment, "PYTHONUNBUFFERED": "1"}, stdin=subprocess.DEVNULL, stdout=output,
            stderr=subprocess.STDOUT, start_new_session=True)


def released_and_killed(platform: RunningPlatform, folder: Path, image: str, until: Callable[[str], bool],
                        **more: Any) -> None:
    """A release whose controller dies as soon as ``until`` holds of what it has said."""
    log = folder / f"killed-{time.monotonic_ns()}.log"
    run = started(platform, log, "release", "-e", f"image={image}", *variables(folder, **{**QUICK, **more}))
    deadline = time.monotonic() + PATIENCE_S
    while not until(log.read_text()):
        assert run.poll() is None and time.monotonic() < deadline, log.read_text()
        time.sleep(0.1)
    os.killpg(run.pid, signal.SIGKILL)
    run.wait()


def played(platform: RunningPlatform, folder: Path, book: str, *extra: str) -> Run:
    log = folder / f"{book}-{time.monotonic_ns()}.log"
    run = started(platform, log, book, *extra)
    try:
        status = run.wait(PATIENCE_S)
    finally:
        if run.poll() is None:
            os.killpg(run.pid, signal.SIGTERM)
        print(log.read_text())
    return Run(status, log.read_text())


def release(platform: RunningPlatform, folder: Path, image: str, **more: Any) -> Run:
    return played(platform, folder, "release", "-e", f"image={image}", *variables(folder, **{**QUICK, **more}))


def see_no_change(platform: RunningPlatform) -> None:
    same = platform.pulumi("preview", "--expect-no-changes")
    assert same.returncode == 0, same.stdout


def receipt(platform: RunningPlatform, serial: int, what: str = "") -> dict[str, Any]:
    return dict(json.loads((trial.folder(f"{platform.stack}-{serial:04}{what}") / "receipt.json").read_text()))


def everywhere(value: tuple[str, str]) -> dict[str, tuple[str, str]]:
    return dict.fromkeys(("haproxy-1", "haproxy-2"), value)
