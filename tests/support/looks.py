"""What the page of a running platform leads to."""

from __future__ import annotations

import time

from components.settings import Settings
from operations.dashboard import sight, unusual
from operations.monitoring import api
from operations.policies.subject import config_of

BUSY = "import time, os; [os.fork() for _ in range(5)]; end = time.time() + 100\nwhile time.time() < end: pass"
"""32 processes that keep a worker's processor busy, and end by themselves."""


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


def first(stack: str) -> tuple[str, str]:
    """Hop and sentence of what it leads to first."""
    found = unusual.findings(seen(stack), settings(stack))
    return (found[0].hop, found[0].says) if found else ("", "")
