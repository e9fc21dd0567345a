"""The formation's plan, carried out on a cluster in memory: wherever it starts, one well-placed cluster comes out."""

from __future__ import annotations

import itertools
import random
from dataclasses import replace

import pytest
from redis_member.plan import Action, plan
from redis_member.sight import Node

from tests.support.redis_cluster import ALL_SLOTS, Cluster

FAILOVER_OF_1 = Action("redis-5", ("CLUSTER", "FAILOVER"), "redis-1 died")


def assert_well_placed(cluster: Cluster) -> None:
    """Every slot has one owner, masters are in different domains, replicas in other domains than theirs."""
    domain = {server.id: server.member.domain for server in cluster.servers.values()}
    masters = [server for server in cluster.servers.values() if server.master is None]
    assert len(masters) == cluster.settings.masters
    assert frozenset().union(*(server.slots for server in masters)) == ALL_SLOTS
    assert sum(len(server.slots) for server in masters) == len(ALL_SLOTS)
    assert len({domain[master.id] for master in masters}) == len(masters)
    for server in cluster.servers.values():
        assert set(server.knows) == set(domain), f"{server.member.name} knows {sorted(server.knows)}"
        if server.master is not None:
            assert domain[server.master] != server.member.domain, cluster.following()
    followed = {server.master for server in cluster.servers.values() if server.master}
    assert followed == {master.id for master in masters}, cluster.following()


@pytest.fixture
def formed() -> Cluster:
    cluster = Cluster()
    cluster.form()
    return cluster


def test_empty_members_become_three_masters_with_a_replica_each(formed: Cluster) -> None:
    assert_well_placed(formed)
    assert formed.following() == {"redis-1": "master", "redis-2": "master", "redis-3": "master",
                                  "redis-4": "redis-3", "redis-5": "redis-1", "redis-6": "redis-2"}


def test_a_formed_cluster_has_nothing_to_do(formed: Cluster) -> None:
    assert all(not formed.plan(name) for name in formed.servers)


def test_nothing_is_founded_while_a_member_is_missing() -> None:
    cluster = Cluster()
    cluster.servers["redis-6"].up = False
    with pytest.raises(AssertionError, match="not settled"):
        cluster.form()
    assert all(not server.slots for server in cluster.servers.values())
    found = plan(replace(cluster.settings, me="redis-1"), cluster.sights(), 60)
    assert "redis-6" in found.waiting and "16384" in found.waiting


def test_a_member_waits_for_its_own_server() -> None:
    cluster = Cluster()
    cluster.servers["redis-1"].up = False
    assert plan(replace(cluster.settings, me="redis-1"), cluster.sights(), 60).waiting == "the own server to answer"


@pytest.mark.parametrize("lost", [*(combination for size in (1, 2) for combination in
                                    itertools.combinations([f"redis-{n}" for n in range(1, 7)], size))], ids="+".join)
def test_members_that_lost_their_volumes_are_taken_in_again(formed: Cluster, lost: tuple[str, ...]) -> None:
    for name in lost:
        formed.lose_volume(name)
    formed.form()
    assert_well_placed(formed)


def test_a_lost_master_is_replaced_only_after_redis_had_its_chance(formed: Cluster) -> None:
    formed.lose_volume("redis-1")
    commands = {action.command[1] for action in formed.plan("redis-1", since_s=0.5)}
    assert commands == {"MEET"}
    takeover = next(action for action in formed.plan("redis-1", since_s=60) if "TAKEOVER" in action.command)
    assert takeover.on == "redis-5"


def test_an_id_with_slots_is_not_forgotten_while_its_replica_may_only_be_late(formed: Cluster) -> None:
    formed.lose_volume("redis-1")
    formed.servers["redis-5"].up = False
    found = plan(replace(formed.settings, me="redis-1"), formed.sights(), 60)
    assert not any("FORGET" in action.command for action in found.actions)
    assert "redis-5" in found.waiting


def test_a_former_id_known_by_hearsay_alone_is_forgotten_too(formed: Cluster) -> None:
    sights = formed.sights()
    ghost = Node("ghost", "", "", frozenset({"master", "fail", "noaddr"}), None, False, frozenset())
    redis_3 = sights["redis-3"]
    sights["redis-3"] = replace(redis_3, table={**redis_3.table, "ghost": ghost})
    [action] = plan(replace(formed.settings, me="redis-1"), sights, 60).actions
    assert (action.on, action.command) == ("redis-3", ("CLUSTER", "FORGET", "ghost"))
    del sights["redis-6"]
    assert not plan(replace(formed.settings, me="redis-1"), sights, 60).actions, "it may be redis-6"


def test_an_old_master_takes_back_what_would_put_two_masters_in_one_domain(formed: Cluster) -> None:
    formed.apply(FAILOVER_OF_1)
    assert formed.following()["redis-1"] == "redis-5"
    assert not formed.plan("redis-1", since_s=1), "clients that look for their master find the new one first"
    [action] = formed.plan("redis-1")
    assert action.command == ("CLUSTER", "FAILOVER")
    formed.form()
    assert formed.following()["redis-5"] == "redis-1"


def test_a_master_that_was_replaced_is_not_settled_before_it_knows(formed: Cluster) -> None:
    slots = formed.servers["redis-1"].slots
    formed.apply(FAILOVER_OF_1)
    late = formed.servers["redis-1"]
    late.master, late.knows[late.id] = None, slots
    found = plan(replace(formed.settings, me="redis-1"), formed.sights(), 60)
    assert found.waiting == "agreement with redis-5 on slots" and not found.actions


def test_nobody_takes_over_before_all_who_vote_know_it(formed: Cluster) -> None:
    formed.apply(FAILOVER_OF_1)
    sights = formed.sights()
    voter, mine = sights["redis-3"], sights["redis-1"].id
    sights["redis-3"] = replace(voter, table={**voter.table, mine: replace(voter.table[mine], master=None)})
    found = plan(replace(formed.settings, me="redis-1"), sights, 60)
    assert not found.actions and found.waiting == "redis-3 to know the replica of redis-5"


def test_nobody_takes_over_before_it_reaches_all_who_vote(formed: Cluster) -> None:
    """Redis asks for votes once: whom it has no link to then isn't asked, and the master's clients wait for 5 s."""
    formed.apply(FAILOVER_OF_1)
    sights = formed.sights()
    mine, voter = sights["redis-1"], sights["redis-3"].id
    sights["redis-1"] = replace(mine, table={**mine.table, voter: replace(mine.table[voter], connected=False)})
    found = plan(replace(formed.settings, me="redis-1"), sights, 60)
    assert [action.command[:2] for action in found.actions] == [("CLUSTER", "MEET")]
    assert found.waiting == "a link to redis-3"


def test_two_masters_stay_in_one_domain_when_balancing_is_off(formed: Cluster) -> None:
    formed.settings = replace(formed.settings, balance_domains=False)
    formed.apply(FAILOVER_OF_1)
    assert not formed.plan("redis-1")


def test_a_replica_in_the_domain_of_its_master_changes_places_with_another(formed: Cluster) -> None:
    ids = {name: server.id for name, server in formed.servers.items()}
    formed.servers["redis-4"].master, formed.servers["redis-5"].master = ids["redis-1"], ids["redis-3"]
    formed.form()
    assert_well_placed(formed)


@pytest.mark.parametrize("seed", range(16))
def test_an_interrupted_formation_is_completed_by_the_next(seed: int) -> None:
    """Steps of members in random order, members that vanish half way and come back, empty or not."""
    chance = random.Random(seed)
    cluster = Cluster()
    for _ in range(chance.randint(1, 25)):
        name = chance.choice(list(cluster.servers))
        server = cluster.servers[name]
        if not server.up:
            server.up = True
        elif chance.random() < 0.15:
            server.up = False
        else:
            for action in cluster.plan(name)[:chance.randint(1, 4)]:
                cluster.apply(action)
    for server in cluster.servers.values():
        server.up = True
    cluster.form()
    assert_well_placed(cluster)


@pytest.mark.parametrize(("masters", "count"), [(3, 3), (3, 9), (4, 8), (5, 10)])
def test_other_sizes_form_too(masters: int, count: int) -> None:
    cluster = Cluster(masters, count)
    cluster.form()
    followers = [name for name in cluster.following().values() if name != "master"]
    assert len(followers) == count - masters
    assert {followers.count(name) for name in set(followers)} <= {count // masters - 1}
    domain = {name: server.member.domain for name, server in cluster.servers.items()}
    assert all(name == "master" or domain[name] != domain[follower] for follower, name in cluster.following().items())
