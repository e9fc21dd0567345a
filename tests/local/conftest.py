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
LANES = {
    "releases": ("test_release_bad_days", "test_releases", "test_upgrade"),
    "changes": ("test_bad_days", "test_changes", "test_molecule", "test_own_application", "test_previews",
                "test_redis_scale", "test_rotation"),
}
"""Files that hold with another platform beside theirs: two lanes, each with its own. What they assert (nothing dropped,
nothing lost) must hold on a busy machine; files that measure times run before, alone."""


def pytest_itemcollected(item: pytest.Item) -> None:
    """The mark `beside`, and the lane for pytest-xdist (`make test-local`)."""
    lane = next((lane for lane, files in LANES.items() if item.path.stem in files), None)
    if lane:
        item.add_marker(pytest.mark.beside)
        item.add_marker(pytest.mark.xdist_group(lane))


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
