"""What the page of a running platform leads to."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from docker.models.containers import Container

from components.settings import Settings
from operations.dashboard import sight, unusual
from operations.monitoring import api
from operations.policies.subject import config_of

BUSY_S = 100
BUSY = f"import time, os; [os.fork() for _ in range(5)]; end = time.time() + {BUSY_S}\nwhile time.time() < end: pass"
CALM = f"""
import contextlib, os, pathlib
for process in pathlib.Path("/proc").glob("[0-9]*"):
    with contextlib.suppress(OSError):  # it ended just now
        if "+ {BUSY_S}" in (process / "cmdline").read_text() and int(process.name) != os.getpid():
            os.kill(int(process.name), 9)
"""


@contextmanager
def busy(container: Container) -> Iterator[None]:
    """32 processes keep its processor busy; they would end by themselves, too."""
    container.exec_run(["python3", "-c", BUSY], detach=True)
    try:
        yield
    finally:
        code, said = container.exec_run(["python3", "-c", CALM])
        assert code == 0, said


def settings(stack: str) -> Settings:
    return Settings.load(config_of(stack), stack=stack, where="test")


def seen(stack: str) -> sight.Sight:
    with api.Line(stack) as line:
        return sight.Asked(settings(stack)).see(line, stack, time.time())


def silent(stack: str) -> list[str]:
    """Figures and curves without an answer."""
    now = seen(stack)
    assert not now.refused
    return [*(key for key, rows in now.figures.items() if not rows),
            *(f"{key} {line.name}" for key, lines in now.lines.items() for line in lines if not line.points)]


def found(stack: str) -> list[tuple[str, str]]:
    """Hop and sentence of all that it leads to, the likeliest first."""
    return [(one.hop, one.says) for one in unusual.findings(seen(stack), settings(stack))]
