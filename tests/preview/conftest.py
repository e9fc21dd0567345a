"""A stack that only the real engine's preview ever sees."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from operations.setup import stack
from tests.support.running import RunningPlatform


@pytest.fixture(scope="session")
def declared() -> Iterator[RunningPlatform]:
    """An empty stack with a file of its own; tests write its settings and run `pulumi preview`."""
    running = RunningPlatform(f"test-preview-{os.getpid()}")
    running.write_settings()
    stack.select(running.stack, running.environment)
    try:
        yield running
    finally:
        running.delete()
