"""One member into the cluster in a role, and out of it without losing slots."""

from __future__ import annotations

import pytest
from ansible_collections.evenkeel.platform.plugins.module_utils import redis_membership
from ansible_collections.evenkeel.platform.plugins.module_utils.redis_membership import Kind

from tests.support.redis_sights import sights, stranger

FOUR = {"redis-1": "0-4095", "redis-2": "4096-8191", "redis-3": "8192-12287", "redis-7": "12288-16383"}
REPLICAS = {"redis-4": "redis-3", "redis-5": "redis-1", "redis-6": "redis-2", "redis-8": "redis-2"}
SEEN = sights(FOUR, REPLICAS)


def test_a_replica_becomes_a_master_where_its_master_has_another_one() -> None:
    assert redis_membership.master(SEEN, "redis-8").kind is Kind.PROMOTE
    assert redis_membership.master(SEEN, "redis-1").kind is Kind.NOTHING
    with pytest.raises(ValueError, match=r"the only replica of redis-1.*Next"):
        redis_membership.master(SEEN, "redis-5")
    assert redis_membership.master(SEEN, "redis-5", force=True).kind is Kind.PROMOTE


def test_a_replica_follows_whom_it_shall() -> None:
    assert redis_membership.replica(SEEN, "redis-8").kind is Kind.NOTHING
    assert redis_membership.replica(SEEN, "redis-8", "redis-2").kind is Kind.NOTHING
    step = redis_membership.replica(SEEN, "redis-8", "redis-7")
    assert step.kind is Kind.FOLLOW and step.master == "redis-7"
    with pytest.raises(ValueError, match="redis-5 is no master"):
        redis_membership.replica(SEEN, "redis-8", "redis-5")
    with pytest.raises(ValueError, match=r"owns 4096 slots.*redis_failover"):
        redis_membership.replica(SEEN, "redis-1")


def test_a_stranger_is_let_in() -> None:
    seen = {**SEEN, "redis-9": stranger("redis-9")}
    assert redis_membership.replica(seen, "redis-9").kind is Kind.FORM
    with pytest.raises(ValueError, match="redis-10 does not answer"):
        redis_membership.replica(seen, "redis-10")


def test_a_master_gives_its_slots_away_before_it_goes() -> None:
    step = redis_membership.absent(SEEN, "redis-7")
    assert step.kind is Kind.LEAVE and {move.source for move in step.moves} == {"redis-7"}
    assert sum(len(move.slots) for move in step.moves) == 4096
    assert redis_membership.absent(SEEN, "redis-8").moves == ()
    assert redis_membership.absent({**SEEN, "redis-9": stranger("redis-9")}, "redis-9").kind is Kind.NOTHING


def test_too_few_masters_and_slots_that_would_be_lost_are_refused() -> None:
    three = sights({"redis-1": "0-5460", "redis-2": "5461-10921", "redis-3": "10922-16383"}, {})
    with pytest.raises(ValueError, match=r"without redis-3 there would be 2 masters.*Next"):
        redis_membership.absent(three, "redis-3")
    without = {name: sight for name, sight in SEEN.items() if name != "redis-7"}
    with pytest.raises(ValueError, match=r"does not answer and owns 4096 slots.*Next: `make up STACK=\{stack\}`"):
        redis_membership.absent(without, "redis-7")
