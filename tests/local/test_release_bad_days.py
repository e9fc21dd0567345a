"""Releases on bad days: killed at every stage, a load balancer that is gone, figures that nobody gives. The traffic
goes one of two ways then, on both load balancers: the former, or the new one.

Each begins with whatever colour serves by then, so that any of them can be left out.
"""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.support.release_runs import (
    BLUE,
    GREEN,
    everywhere,
    receipt,
    release,
    released_and_killed,
    see_no_change,
)
from tests.support.releases import NOTHING, build, patched, split_of
from tests.support.running import RunningPlatform

STAGES = ("health", "before_switch", "after_switch")
"""(While it fills: see test_releases. While it watches: the next test.)"""
HANGS_S = 20
BACK_S = 60


def other(split: dict[str, tuple[str, str]]) -> dict[str, tuple[str, str]]:
    """All requests to the colour that has none in ``split``."""
    return everywhere(BLUE if split == everywhere(GREEN) else GREEN)


@pytest.mark.endurance
def test_killed_at_every_stage_and_run_again_it_arrives_and_nothing_is_dropped(
        shop: RunningPlatform, tmp_path: Path) -> None:
    image = build("staged")
    hooks = {stage: f"[ -e {tmp_path}/{stage} ] || {{ touch {tmp_path}/{stage}; exec sleep {HANGS_S}; }}"
             for stage in STAGES}
    former = split_of(shop)
    for stage in STAGES:
        begun = tmp_path / stage
        released_and_killed(shop, tmp_path, image, lambda _said, begun=begun: begun.exists(), release_hooks=hooks)
        assert split_of(shop) == (other(former) if stage == "after_switch" else former), f"killed in {stage}"
    run = release(shop, tmp_path, image, release_hooks=hooks)
    assert run.status == 0 and "it goes on from there" in run.said, run.said
    told = receipt(shop, 1)
    assert split_of(shop) == other(former) and told["dropped"] == 0, told["failures"]
    see_no_change(shop)


@pytest.mark.endurance
def test_killed_while_it_watches_and_run_again_it_goes_on_from_there(shop: RunningPlatform, tmp_path: Path) -> None:
    image, former = build("next"), split_of(shop)
    wanted = other(former)
    words = f"{'blue' if wanted == everywhere(BLUE) else 'green'} has 100 %"
    released_and_killed(shop, tmp_path, image, lambda said: words in said)
    run = release(shop, tmp_path, image)
    assert run.status == 0 and "interrupted at its stage `switch`; it goes on from there" in run.said, run.said
    assert split_of(shop) == wanted


@contextmanager
def gone(platform: RunningPlatform, balancer: str) -> Iterator[None]:
    """Nobody brings it back meanwhile."""
    with platform.held(balancer, "a test of releases"):
        try:
            yield
        finally:
            platform.container(balancer).start()
            deadline = time.monotonic() + BACK_S
            while not platform.fit(balancer):
                assert time.monotonic() < deadline, f"{balancer} should be healthy again"
                time.sleep(0.3)


@pytest.mark.parametrize("moment", ["before the release", "before the switch"])
def test_a_load_balancer_that_is_gone_leaves_everything_as_it_was(
        shop: RunningPlatform, tmp_path: Path, moment: str) -> None:
    hooks, former = {}, split_of(shop)
    with gone(shop, "haproxy-2"):
        if moment == "before the release":
            shop.container("haproxy-2").kill()
        else:
            hooks["before_switch"] = f"docker kill evenkeel-{shop.stack}-haproxy-2"
        run = release(shop, tmp_path, build("meanwhile"), release_hooks=hooks, release_health_timeout_s=5)
        assert run.status != 0 and "not every load balancer is within reach: haproxy-2" in run.said, run.said
        assert ("serves all requests" in run.said) == (moment == "before the switch"), "nothing had begun, or went back"
    assert split_of(shop) == former
    see_no_change(shop)


@pytest.mark.endurance
def test_a_load_balancer_that_dies_after_the_switch_comes_back_with_it(shop: RunningPlatform, tmp_path: Path) -> None:
    former = split_of(shop)
    hooks = {"after_switch": f"docker kill evenkeel-{shop.stack}-haproxy-2"}
    run = release(shop, tmp_path, build("later"), release_hooks=hooks)
    # What was in flight on it may be lost, and is counted: the release stays, and says so.
    assert run.status == 0 or "is in place, and" in run.said, run.said
    deadline = time.monotonic() + BACK_S
    while not shop.fit("haproxy-2"):
        assert time.monotonic() < deadline, "the supervisors should have brought haproxy-2 back"
        time.sleep(0.3)
    assert split_of(shop) == other(former)


@pytest.mark.endurance
def test_no_figures_are_no_pass(shop: RunningPlatform, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        nobody = f"http://127.0.0.1:{taken.getsockname()[1]}"
    former = split_of(shop)
    run = release(shop, tmp_path, build("unseen"), release_strategy="canary", release_first_percent=50,
                  release_step_s=3, release_patience_s=3, release_source="prometheus", release_prometheus_url=nobody)
    assert run.status != 0 and "no data" in run.said, run.said
    assert split_of(shop) == former


def test_a_canary_that_answers_nobody_is_taken_back_at_once_however_few_were_sent_there(
        shop: RunningPlatform, tmp_path: Path) -> None:
    former, before = split_of(shop), time.monotonic()
    run = release(shop, tmp_path, patched("nothing", NOTHING), release_strategy="canary", release_first_percent=10,
                  release_step_s=120, release_patience_s=120, release_probe_paths=["/health"])
    assert run.status != 0 and ": at once: " in run.said, run.said
    assert time.monotonic() - before < 120, "neither its time nor enough answers are waited for"
    assert split_of(shop) == former
