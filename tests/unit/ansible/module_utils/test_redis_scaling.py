"""Who becomes a master, who follows whom and who goes."""

from __future__ import annotations

import pytest
from ansible_collections.evenkeel.platform.plugins.module_utils import redis_scaling
from ansible_collections.evenkeel.platform.plugins.module_utils.redis_cluster import Sight

from components.settings.redis import Redis
from tests.support.redis_sights import domains, sights, stranger

THREE = {"redis-1": "0-5460", "redis-2": "5461-10921", "redis-3": "10922-16383"}
REPLICAS = {"redis-4": "redis-3", "redis-5": "redis-1", "redis-6": "redis-2"}
GROWN = {**REPLICAS, "redis-7": "redis-2", "redis-8": "redis-3"}
FOUR = {"redis-1": "0-4095", "redis-2": "4096-8191", "redis-3": "8192-12287", "redis-8": "12288-16383"}
FOUR_REPLICAS = {"redis-4": "redis-3", "redis-5": "redis-1", "redis-6": "redis-2", "redis-7": "redis-8"}


def planned(seen: dict[str, Sight], masters: int, replicas: int = 1) -> redis_scaling.Plan:
    return redis_scaling.plan(seen, list(seen), masters, replicas, domains(12))


def test_what_is_as_it_shall_be_is_left_alone() -> None:
    assert planned(sights(THREE, REPLICAS), 3).empty and planned(sights(FOUR, FOUR_REPLICAS), 4).empty


def test_members_that_are_missing_are_made_first() -> None:
    found = planned(sights(THREE, REPLICAS), 4)
    assert found.add == ("redis-7", "redis-8") and not found.promote and not found.slots


def test_a_replica_that_can_be_spared_becomes_a_master_and_another_follows_it() -> None:
    found = planned(sights(THREE, GROWN), 4)
    assert found.promote == ("redis-8",) and found.follow == {"redis-7": "redis-8"}
    assert found.masters == ("redis-1", "redis-2", "redis-3", "redis-8") and found.slots == 4096


def test_a_master_that_an_interrupted_run_made_gets_its_replica_and_its_slots() -> None:
    replicas = {name: master for name, master in GROWN.items() if name != "redis-8"}
    found = planned(sights({**THREE, "redis-8": ""}, replicas), 4)
    assert found.promote == () and found.follow == {"redis-7": "redis-8"} and found.slots == 4096


def test_masters_that_go_give_their_slots_to_those_that_stay() -> None:
    found = planned(sights(FOUR, FOUR_REPLICAS), 3)
    assert found.masters == ("redis-1", "redis-2", "redis-3") and found.slots == 4096
    assert found.remove == ("redis-7", "redis-8") and not found.hand_over and not found.promote


def test_a_replica_that_stays_takes_over_where_masters_would_be_missing() -> None:
    masters = {"redis-1": "0-4095", "redis-7": "4096-8191", "redis-3": "8192-12287", "redis-8": "12288-16383"}
    replicas = {"redis-2": "redis-7", "redis-4": "redis-3", "redis-5": "redis-1", "redis-6": "redis-8"}
    found = planned(sights(masters, replicas), 3)
    assert found.hand_over == ("redis-7",) and found.masters == ("redis-1", "redis-2", "redis-3")
    assert found.slots == 4096


def test_of_too_many_masters_one_gives_way_that_shares_its_domain() -> None:
    masters = {"redis-1": "0-4095", "redis-2": "4096-8191", "redis-3": "8192-12287", "redis-5": "12288-16383"}
    replicas = {"redis-4": "redis-3", "redis-6": "redis-2", "redis-7": "redis-1", "redis-8": "redis-5"}
    assert planned(sights(masters, replicas), 3).masters == ("redis-1", "redis-2", "redis-3")


def test_a_member_that_is_not_in_the_cluster_is_named_unless_it_goes() -> None:
    seen = sights(THREE, {name: master for name, master in REPLICAS.items() if name != "redis-6"})
    with pytest.raises(ValueError, match="redis-6 is not in the cluster"):
        planned({**seen, "redis-6": stranger("redis-6")}, 3)
    assert planned({**sights(THREE, REPLICAS), "redis-7": stranger("redis-7")}, 3).remove == ("redis-7",)


def test_without_replicas_a_new_member_becomes_a_master_although_it_is_the_only_replica() -> None:
    found = planned(sights(THREE, {"redis-4": "redis-1"}), 4, 0)
    assert found.promote == ("redis-4",) and not found.follow and found.slots == 4096


def test_another_replica_for_each_moves_no_slot() -> None:
    more = {**REPLICAS, "redis-7": "redis-3", "redis-8": "redis-1", "redis-9": "redis-2"}
    assert planned(sights(THREE, more), 3, 2).empty


@pytest.mark.parametrize(("masters", "warned"), [(3, False), (4, True), (5, False), (6, False), (7, False)])
def test_numbers_whose_majority_one_domain_holds_are_warned_of(masters: int, warned: bool) -> None:
    assert bool(redis_scaling.warning(masters, "abc")) is warned


def test_numbers_come_from_the_command_the_yaml_or_the_defaults() -> None:
    text = "config:\n  evenkeel:redis:\n    masters: 5\n"
    assert redis_scaling.wanted(text, None, None) == (5, 1)
    assert redis_scaling.wanted(text, 4, 0) == (4, 0)
    assert redis_scaling.wanted("", None, None) == (Redis().masters, Redis().replicas_per_master)
    with pytest.raises(ValueError, match="two can outvote one"):
        redis_scaling.refuse(2, 1)
