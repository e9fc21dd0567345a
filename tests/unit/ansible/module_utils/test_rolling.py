"""How workers move from one colour to the other, and what there is of both meanwhile."""

from __future__ import annotations

import itertools

import pytest
from ansible_collections.evenkeel.platform.plugins.module_utils import rolling
from ansible_collections.evenkeel.platform.plugins.module_utils.rolling import Batch, Moving


def test_two_workers_move_one_by_one() -> None:
    found = rolling.batches({"web": 2}, Moving())
    assert found == [Batch({"web": 1}, {"web": 2}, 50), Batch({"web": 2}, {"web": 1}, 100)]


def test_smaller_pools_follow_the_largest_and_none_is_without_workers() -> None:
    found = rolling.batches({"web": 4, "api": 2}, Moving())
    assert [(batch.new["api"], batch.old["api"]) for batch in found] == [(1, 2), (1, 2), (2, 1), (2, 1)]
    assert [batch.percent for batch in found] == [25, 50, 75, 100]


def test_without_surge_an_old_worker_goes_first() -> None:
    found = rolling.batches({"web": 2}, Moving(batch=1, surge=0, unavailable=1))
    assert found == [Batch({"web": 1}, {"web": 1}, 100), Batch({"web": 2}, {"web": 0}, 100)]


@pytest.mark.parametrize(("workers", "batch", "surge", "unavailable"), [
    each for each in itertools.product((1, 2, 3, 5, 8), (1, 2, 9), (0, 1, 3), (0, 1, 2)) if each[2] + each[3]])
def test_never_more_and_never_fewer_than_allowed(workers: int, batch: int, surge: int, unavailable: int) -> None:
    moving = Moving(batch, surge, unavailable)
    found = rolling.batches({"web": workers}, moving)
    ready = ready_share = 0
    for one in found:
        new, old = one.new["web"], one.old["web"]
        assert new + old <= workers + max(surge, workers == 1), "one that is alone needs another one beside it"
        assert ready + old >= workers - unavailable, "while the new ones of this batch start, only these serve"
        assert old > 0 or ready_share == 100, "who has requests has workers"
        assert new > ready
        ready, ready_share = new, one.percent
    assert (ready, ready_share) == (workers, 100)


@pytest.mark.parametrize(("old", "new", "percent"), [
    ({"web": 4}, {"web": 1}, 100), ({"web": 1}, {"web": 3}, 25), ({"web": 2}, {"web": 3}, 50), ({}, {"web": 4}, 0),
    ({"web": 2}, {"web": 2}, 100), ({}, {}, 0), ({"web": 4, "api": 1}, {"web": 1, "api": 2}, 50)])
def test_on_the_way_back_former_workers_take_at_once_what_they_can(
        old: dict[str, int], new: dict[str, int], percent: int) -> None:
    assert rolling.bearable(old, new, {"web": 4, "api": 2} if "api" in old else {"web": 4}) == percent


@pytest.mark.parametrize(("moving", "why"), [
    (Moving(batch=0), "batch: 0"), (Moving(surge=0), "nothing could move"),
    (Moving(surge=-1, unavailable=3), "below 0")])
def test_what_could_not_move_is_refused(moving: Moving, why: str) -> None:
    assert why in rolling.problem(moving)
    assert rolling.problem(Moving()) == ""
