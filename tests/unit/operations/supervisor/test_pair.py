"""Who of the pair acts: with etcd by its lease, without it by rank."""

from __future__ import annotations

import contextlib

import pytest

from operations.supervisor.holds import Hold, on
from operations.supervisor.pair import PREFIX, Pair, Role, View, delay_s
from tests.unit.operations.supervisor.test_verdict import container

LEASE_S = 4


class Store:
    """etcd as the pair uses it, in memory: leases end by ``expire``."""

    def __init__(self) -> None:
        self.keys: dict[str, tuple[str, str | None]] = {}
        self.leases: set[str] = set()
        self.granted = 0
        self.answers = True

    def _check(self) -> None:
        if not self.answers:
            raise TimeoutError("no quorum")

    def grant(self, ttl_s: int) -> str:
        self._check()
        self.granted += 1
        self.leases.add(str(self.granted))
        return str(self.granted)

    def keep_alive(self, lease: str) -> bool:
        self._check()
        return lease in self.leases

    def revoke(self, lease: str) -> None:
        self._check()
        self.leases.discard(lease)
        self.keys = {key: kept for key, kept in self.keys.items() if kept[1] != lease}

    expire = revoke

    def claim(self, key: str, value: str, lease: str) -> bool:
        self._check()
        if key in self.keys:
            return False
        self.keys[key] = (value, lease)
        return True

    def put(self, key: str, value: str, lease: str | None = None) -> None:
        self._check()
        self.keys[key] = (value, lease)

    def below(self, prefix: str) -> dict[str, str]:
        self._check()
        return {key.removeprefix(prefix): value for key, (value, _) in self.keys.items() if key.startswith(prefix)}


class Two:
    """A pair over one store; ``blind`` are those who don't see the engine."""

    def __init__(self) -> None:
        self.store = Store()
        self.blind: set[str] = set()
        self.pairs = {name: self.make(name) for name in ("supervisor-1", "supervisor-2")}

    def make(self, name: str) -> Pair:
        return Pair(name, LEASE_S, self.store, lambda: name not in self.blind)  # type: ignore[arg-type]

    def rounds(self, count: int = 2) -> list[Role]:
        for _ in range(count):
            for pair in self.pairs.values():
                with contextlib.suppress(OSError):
                    pair.round()
        return [pair.role() for pair in self.pairs.values()]


@pytest.fixture
def two() -> Two:
    return Two()


def test_exactly_one_leads(two: Two) -> None:
    assert two.rounds() == [Role.LEADER, Role.STANDBY]
    assert two.store.granted == 1, "the lease is kept, not renewed by another"


def test_the_other_leads_when_the_lease_ends(two: Two) -> None:
    two.rounds()
    gone = two.pairs.pop("supervisor-1")
    two.store.expire("1")
    assert two.rounds() == [Role.LEADER]
    gone.round()
    assert gone.role() is Role.STANDBY


def test_who_does_not_see_the_engine_gives_up_the_lead(two: Two) -> None:
    two.rounds()
    two.blind.add("supervisor-1")
    assert two.rounds() == [Role.STANDBY, Role.LEADER]


def test_a_restarted_leader_waits_for_the_end_of_its_old_lease(two: Two) -> None:
    two.rounds()
    two.pairs = {"supervisor-1": two.make("supervisor-1")}
    assert two.rounds() == [Role.STANDBY]
    two.store.expire("1")
    assert two.rounds() == [Role.LEADER]


def test_without_etcd_everybody_acts_the_higher_rank_later(two: Two) -> None:
    two.rounds()
    two.store.answers = False
    two.rounds()
    view = two.pairs["supervisor-2"].view
    assert view.role("supervisor-2", view.at + LEASE_S, LEASE_S) is Role.STANDBY
    assert view.role("supervisor-2", view.at + LEASE_S + 0.1, LEASE_S) is Role.ALONE
    assert [delay_s(Role.ALONE, rank) for rank in (0, 1)] == [0.0, 3.0]
    assert (delay_s(Role.LEADER, 1), delay_s(Role.STANDBY, 0)) == (0.0, None)


def test_before_the_first_answer_nobody_is_known() -> None:
    assert View().role("supervisor-1", 0.0, LEASE_S) is Role.ALONE


def test_what_one_saw_stopped_both_know(two: Two) -> None:
    two.store.answers = False
    two.pairs["supervisor-1"].note_stop("evenkeel-test-redis-1", "c1 1000.000")
    two.rounds()
    two.store.answers = True
    two.rounds()
    assert two.pairs["supervisor-2"].view.stops == {"evenkeel-test-redis-1": "c1 1000.000"}


def test_holds_reach_both(two: Two) -> None:
    two.store.put(f"{PREFIX}hold/redis", Hold(2000.0, "a test").text())
    two.rounds()
    assert two.pairs["supervisor-2"].view.holds == {"redis": Hold(2000.0, "a test")}


@pytest.mark.parametrize("name", ["web-blue-1", "web-blue", "app", "all"])
def test_a_hold_covers_member_workload_tier_or_all(name: str) -> None:
    held = on(container(), {name: Hold(2000.0, "a test"), "redis": Hold(3000.0, "another")}, 1999.0)
    assert held == (name, Hold(2000.0, "a test"))
    assert on(container(), {name: Hold(2000.0, "a test")}, 2000.0) is None, "its time has come, etcd or not"
