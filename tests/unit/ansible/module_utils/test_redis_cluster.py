"""A Redis Cluster as its members see it."""

from __future__ import annotations

from dataclasses import replace

from ansible_collections.evenkeel.platform.plugins.module_utils import redis_cluster
from ansible_collections.evenkeel.platform.plugins.module_utils.redis_cluster import Sight

ALL = tuple(f"redis-{number}" for number in range(1, 7))
DOMAINS = dict(zip(ALL, "abcabc", strict=True))
SLOTS = {"redis-1": "0-5460", "redis-2": "5461-10922", "redis-3": "10923-16383"}
MASTER_OF = {"redis-4": "redis-3", "redis-5": "redis-1", "redis-6": "redis-2"}


def table(me: str) -> str:
    lines = []
    for name in ALL:
        role = "master" if name in SLOTS else "slave"
        flags = f"myself,{role}" if name == me else role
        master = f"id-{MASTER_OF[name]}" if name in MASTER_OF else "-"
        lines.append(f"id-{name} 10.0.0.1:6379@16379,{name} {flags} {master} 0 0 1 connected {SLOTS.get(name, '')}")
    return "\n".join(lines)


def sights() -> dict[str, Sight]:
    return {name: redis_cluster.read(name, table(name), "cluster_state:ok", "master_link_status:up") for name in ALL}


def test_a_whole_cluster_has_no_problems() -> None:
    assert redis_cluster.problems(sights(), ALL) == []


def test_slots_are_counted_with_migrations_left_out() -> None:
    node = redis_cluster.read_nodes("id 10.0.0.1:6379@16379,redis-1 myself,master - 0 0 1 connected 0-99 200 [5->-id2]")
    assert node[0].slots == 101


def test_a_member_that_is_away_is_named_unless_it_is_tolerated() -> None:
    seen = sights()
    del seen["redis-5"]
    assert redis_cluster.problems(seen, ALL) == ["redis-5 does not answer"]
    assert redis_cluster.problems(seen, ALL, ["redis-5"]) == []


def test_a_master_without_a_replica_is_a_problem() -> None:
    seen = sights()
    seen["redis-5"] = replace(seen["redis-5"], link_up=False)
    assert redis_cluster.problems(seen, ALL) == ["redis-5 has no link to its master"]
    assert "redis-1 has no replica" in redis_cluster.problems(
        {name: sight for name, sight in seen.items() if name != "redis-5"}, ALL[:4])


def test_members_must_agree_on_slots() -> None:
    seen = sights()
    swapped = table("redis-4").replace("0-5460", "0-5400").replace("5461-10922", "5401-10922")
    seen["redis-4"] = redis_cluster.read("redis-4", swapped, "cluster_state:ok", "master_link_status:up")
    assert "members don't agree yet who owns which slots" in redis_cluster.problems(seen, ALL)


def test_the_replica_takes_over_and_without_one_nobody() -> None:
    assert redis_cluster.candidate(sights(), "redis-1", domains=DOMAINS) == ("redis-5", "")
    assert redis_cluster.candidate(sights(), "redis-1", avoid=["redis-5"]) == (
        None, "its replicas (redis-5) are to be avoided")
    seen = sights()
    seen["redis-5"] = replace(seen["redis-5"], link_up=False)
    assert redis_cluster.candidate(seen, "redis-1") == (None, "it has no replica with a link that is up")


def test_of_two_replicas_the_one_in_a_free_domain_takes_over(monkeypatch) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.setitem(MASTER_OF, "redis-4", "redis-1")  # in a, where redis-1 itself is; b has redis-2
    assert redis_cluster.candidate(sights(), "redis-1", domains=DOMAINS)[0] == "redis-4"
    assert redis_cluster.candidate(sights(), "redis-1", prefer=["redis-5"], domains=DOMAINS)[0] == "redis-5"


def test_slots_whose_move_was_begun_are_read_and_are_a_problem() -> None:
    seen = sights()
    marked = table("redis-1").replace("0-5460", "0-5460 [5->-id-redis-2] [9-<-id-redis-3]")
    seen["redis-1"] = redis_cluster.read("redis-1", marked, "cluster_state:ok", "")
    me = seen["redis-1"].me
    assert me.migrating == {5: "id-redis-2"} and me.importing == {9: "id-redis-3"}
    assert redis_cluster.problems(seen, ALL) == ["redis-1 has 2 slots whose move was begun and not ended"]
    assert redis_cluster.disagreements(seen) == redis_cluster.problems(seen, ALL)


def test_who_was_let_go_is_not_counted_among_the_members() -> None:
    seen = sights()
    seen["redis-7"] = redis_cluster.read("redis-7", "new 10.0.0.9:6379@16379,redis-7 myself,master - 0 0 0 connected",
                                         "", "")
    assert sorted(redis_cluster.within(seen)) == sorted(ALL)
    assert redis_cluster.described(seen, ["redis-1", "redis-5", "redis-7", "redis-9"]) == (
        "redis-1: master, 5461 slots\nredis-5: replica of redis-1\nredis-7: not in the cluster\n"
        "redis-9: does not answer\n")
