"""One real platform on Docker for all tests of this folder: brought up by what `make up` runs, deleted afterwards."""

from __future__ import annotations

import os
import ssl
from collections.abc import Iterator

import pytest

from operations.setup import preparation
from operations.setup.paths import ROOT
from operations.setup.progress import Progress
from tests.support.release_runs import LOAD
from tests.support.releases import as_before
from tests.support.running import SETTINGS, RunningPlatform, brought_up

STACK = os.environ.get("EVENKEEL_TEST_STACK", f"test-{os.getpid()}")
ENDURANCE, LOGS = "EVENKEEL_TEST_ENDURANCE", "EVENKEEL_TEST_LOGS"


def pytest_runtest_setup(item: pytest.Item) -> None:
    if item.get_closest_marker("endurance") and ENDURANCE not in os.environ:
        pytest.skip("minutes each, every night and before a release: `make test-endurance`")
    if item.get_closest_marker("logs") and LOGS not in os.environ:
        pytest.skip("their programs take ten minutes to build: `make test-logs`")


@pytest.fixture(scope="session")
def platform() -> Iterator[RunningPlatform]:
    """Two workers, generous rate limits except where a test says otherwise."""
    with brought_up(STACK) as running:
        yield running


@pytest.fixture(scope="module")
def shop(platform: RunningPlatform) -> Iterator[RunningPlatform]:
    """The platform with requests to send; as it was before, afterwards."""
    preparation.prepare_load(Progress())
    platform.write_settings({**SETTINGS, "app": {**SETTINGS["app"], "load": LOAD}})
    yield platform
    as_before(platform, SETTINGS)
    for folder in (ROOT / "build" / "releases").glob(f"{platform.stack}-*"):
        for file in folder.iterdir():
            file.unlink()
        folder.rmdir()


@pytest.fixture(scope="session")
def trust(platform: RunningPlatform) -> ssl.SSLContext:
    """A client's TLS settings that trust the platform's authority and nobody else."""
    return platform.trust()
