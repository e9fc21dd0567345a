"""One real platform on Docker for all tests of this folder: brought up by what `make up` runs, deleted afterwards."""

from __future__ import annotations

import os
import ssl
from collections.abc import Iterator

import pytest

from tests.support.running import RunningPlatform, brought_up

STACK = os.environ.get("EVENKEEL_TEST_STACK", f"test-{os.getpid()}")


@pytest.fixture(scope="session")
def platform() -> Iterator[RunningPlatform]:
    """Two workers, generous rate limits except where a test says otherwise."""
    with brought_up(STACK) as running:
        yield running


@pytest.fixture(scope="session")
def trust(platform: RunningPlatform) -> ssl.SSLContext:
    """A client's TLS settings that trust the platform's authority and nobody else."""
    return platform.trust()
