"""Equal shares with the fewest moves; interrupted moves are ended, and never guessed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pytest
from ansible_collections.evenkeel.platform.plugins.module_utils import redis_slots
from ansible_collections.evenkeel.platform.plugins.module_utils.redis_slots import Move

from tests.support.redis_sights import sights

THREE = {"redis-1": "0-5460", "redis-2": "5461-10921", "redis-3": "10922-16383"}
REPLICAS = {"redis-4": "redis-3", "redis-5": "redis-1", "redis-6": "redis-2"}


def after(owned: Mapping[str, frozenset[int]], moves: Sequence[Move]) -> dict[str, set[int]]:
    """Who owns what when the moves are done; each slot must be where it is taken from."""
    now = {name: set(slots) for name, slots in owned.items()}
    for move in moves:
        assert now[move.source] >= set(move.slots)
        now[move.source] -= set(move.slots)
        now[move.target] |= set(move.slots)
    return now


@pytest.mark.parametrize(("before", "wanted", "moved"), [
    (THREE, ["redis-1", "redis-2", "redis-3"], 0),
    ({**THREE, "redis-7": ""}, ["redis-1", "redis-2", "redis-3", "redis-7"], 4096),
    ({**THREE, "redis-7": "", "redis-8": ""}, ["redis-1", "redis-2", "redis-3", "redis-7", "redis-8"], 6553),
    ({"redis-1": "0-4095", "redis-2": "4096-8191", "redis-3": "8192-12287", "redis-7": "12288-16383"},
     ["redis-1", "redis-2", "redis-3"], 4096),
    ({"redis-1": "0-16383", "redis-2": "", "redis-3": ""}, ["redis-1", "redis-2", "redis-3"], 10922),
])
def test_masters_get_equal_shares_by_the_fewest_moves(before: dict[str, str], wanted: list[str], moved: int) -> None:
    owned = redis_slots.owners(sights(before, {}))
    moves = redis_slots.moves(owned, wanted)
    assert sum(len(move.slots) for move in moves) == moved
    done = after(owned, moves)
    counts = [len(done[name]) for name in wanted]
    assert max(counts) - min(counts) <= 1 and set().union(*(done[name] for name in wanted)) == set(range(16384))
    assert redis_slots.moves({name: frozenset(slots) for name, slots in done.items()}, wanted) == []


def repaired(moving: dict[str, str], masters: dict[str, str] = THREE, views: dict[str, dict[str, str]] | None = None,
             gone: str = "") -> redis_slots.Repair:
    seen = sights(masters, REPLICAS, moving, views)
    seen.pop(gone, None)
    return redis_slots.repair(seen)


@pytest.mark.parametrize("moving", [
    {"redis-1": "[7->-id-redis-2]", "redis-2": "[7-<-id-redis-1]"},
    {"redis-1": "[7->-id-redis-2]"},
    {"redis-2": "[7-<-id-redis-1]"},
])
def test_a_move_is_ended_in_its_direction_whichever_end_still_knows_of_it(moving: dict[str, str]) -> None:
    assert repaired(moving) == redis_slots.Repair((Move("redis-1", "redis-2", (7,), begun=True),))


def test_a_slot_that_was_given_and_never_claimed_is_claimed() -> None:
    without = {**THREE, "redis-1": "0-6 8-5460"}
    found = repaired({"redis-2": "[7-<-id-redis-1]"}, without,
                     {"redis-1": {"redis-2": "7 5461-10921"}, "redis-3": {"redis-1": "0-5460"}})
    assert found == redis_slots.Repair((Move("redis-1", "redis-2", (7,), begun=True, given=True),))
    owned = redis_slots.ended(redis_slots.owners(sights(without, REPLICAS)), found)
    assert 7 in owned["redis-2"] and 7 not in owned["redis-1"]


def test_a_slot_whose_owner_does_not_answer_is_left_alone() -> None:
    found = repaired({"redis-2": "[7-<-id-redis-1]"}, gone="redis-1")
    assert not found.moves and found.blocked == ("slot 7 is half moved to redis-2, and nobody who answers owns it",)
    found = repaired({"redis-1": "[7->-id-redis-2]"}, gone="redis-2")
    assert not found.moves and "a member that does not answer (redis-2)" in found.blocked[0]


def test_a_mark_that_leads_nowhere_is_taken_away() -> None:
    assert repaired({"redis-1": "[7-<-id-redis-2]"}).stale == (("redis-1", 7),)
    assert repaired({"redis-1": "[7->-id-nobody]"}).stale == (("redis-1", 7),)


def test_a_move_goes_on_to_the_replica_that_took_over_from_its_target() -> None:
    masters = {"redis-1": "0-5460", "redis-6": "5461-10921", "redis-3": "10922-16383"}
    seen = sights(masters, {"redis-2": "redis-6", "redis-4": "redis-3"}, {"redis-1": "[7->-id-redis-2]"})
    assert redis_slots.repair(seen).moves == (Move("redis-1", "redis-6", (7,), begun=True),)


def test_slots_that_nobody_owns_are_counted() -> None:
    assert redis_slots.unowned(sights(THREE, REPLICAS)) == 0
    seen = sights(THREE, REPLICAS)
    del seen["redis-2"]
    assert redis_slots.unowned(seen) == 5461
