"""Postgres members whose clocks differ by twenty minutes: deaths are proved, leaders elected, writes counted as ever.

Clocks of containers can't differ, so two members run an image of the test's own in which a library shifts the time that
processes are told. What they wait for (monotonic time) passes as it does."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from components.targets.docker import engine
from operations.drills import run
from operations.drills.catalogue import BY_NAME
from operations.drills.platform import Platform
from operations.setup.images import image_tag
from operations.setup.paths import ROOT
from tests.local.test_drills import TTL_S, WHOLE_S, demanded_but_for_times
from tests.local.test_modules import typed
from tests.support.running import RunningPlatform

SKEWS_S = {"postgres-2": 600, "postgres-3": -600}
RECIPE = ROOT / "tests/support/skewed_clock"


def build(member: str) -> str:
    """The image of Postgres, with the member's wrong clock."""
    reference = f"evenkeel-test/postgres:skewed-{member}"
    engine.client().images.build(path=str(RECIPE), tag=reference, rm=True, forcerm=True, buildargs={
        "BASE": image_tag("postgres"), "SKEW_S": str(SKEWS_S[member])})
    return reference


def replace_member(platform: RunningPlatform, member: str) -> None:
    typed(platform, "ansible", "localhost", "-m", "evenkeel.platform.platform_member", "-a",
          f"stack={platform.stack} project={ROOT} members={member}")


@pytest.fixture
def skewed(platform: RunningPlatform) -> Iterator[Platform]:
    """The platform with two wrong clocks; with right ones again afterwards."""
    before = platform.settings()
    known = Platform(platform.stack, platform.outputs)
    try:
        for member in SKEWS_S:
            platform.write_settings({**before, "images": {"postgres": build(member)}}, secrets=True)
            known.wait_whole(WHOLE_S, print)
            replace_member(platform, member)
        known.wait_whole(WHOLE_S, print)
        yield known
    finally:
        platform.write_settings(before, secrets=True)
        for member in SKEWS_S:
            known.wait_whole(WHOLE_S, print)
            replace_member(platform, member)
        known.wait_whole(WHOLE_S, print)


@pytest.mark.endurance
def test_members_whose_clocks_differ_take_over_in_time_and_lose_nothing(
        skewed: Platform, platform: RunningPlatform) -> None:
    right = int(platform.inside("postgres-1", "date", "+%s"))
    for member, skew in SKEWS_S.items():
        assert abs(int(platform.inside(member, "date", "+%s")) - right - skew) < 30
    leaders = []
    for _ in SKEWS_S:
        report = run.drill(skewed, BY_NAME["node-kill"], print)
        print(f"writes went on after {report['rto_seconds']} s; writers: {report['writers']}")
        assert demanded_but_for_times(report) == []
        assert report["rto_seconds"] is not None and report["rto_seconds"] < TTL_S - 5
        assert len(report["writers"]) == 2, "one on each timeline"
        leaders += [change["leader"] for change in report["leaders"] if change["leader"]]
    assert set(leaders) & set(SKEWS_S), "a member with a wrong clock led"
