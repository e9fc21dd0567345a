"""Budgets: what fails a drill, and what does not."""

from __future__ import annotations

from dataclasses import replace

import pytest

from components.settings.postgres import PLANS, RecoveryPlan
from operations.drills.catalogue import BY_NAME, DRILLS, Budget
from operations.drills.ledger import Outcome, Write, reconcile
from operations.drills.timeline import WriterAck
from operations.drills.verdict import Moments, checks
from operations.drills.witness import Ask, Seen

AT = Moments(began=0.0, fault=5.0, broken=5.1, undone=17.0, ended=20.0)


def seen(pause_s: float = 0.0) -> Seen:
    """A write every 0.1 s, but none for ``pause_s`` from the fault on."""
    times = [number / 10 for number in range(200)]
    return Seen(writes=[Write(f"w{at}", at - 0.01, at, Outcome.ACKNOWLEDGED) for at in times
                        if not 5.0 < at < 5.0 + pause_s])


def failed(budget: Budget, found: Seen, stored: list[str] | None = None, acks: tuple[WriterAck, ...] = (),
           elected: float | None = None) -> list[str]:
    keys = [write.key for write in found.writes] if stored is None else stored
    return [check.name for check in checks(budget, found, reconcile(found.writes, keys), replace(AT, elected=elected),
                                           acks=acks) if not check.passed]


def test_a_drill_within_its_budget_passes() -> None:
    assert failed(Budget(recovery_s=3.0, failed_writes=0, failed_reads=0), seen(2.0)) == []


def test_a_recovery_that_takes_too_long_or_never_comes_fails_it() -> None:
    assert failed(Budget(recovery_s=3.0), seen(4.0)) == ["writes go on"]
    assert failed(Budget(recovery_s=3.0), seen(40.0)) == ["writes go on"]


def test_a_lost_write_fails_every_drill_however_quick() -> None:
    found = seen()
    assert failed(Budget(), found, [write.key for write in found.writes[1:]]) == ["acknowledged writes lost"]


def test_two_writers_fail_every_drill() -> None:
    both = (WriterAck("postgres-2", 2, 6.0, 6.1), WriterAck("postgres-1", 1, 7.0, 7.1))
    assert failed(Budget(), seen(), acks=both) == ["moments with two writers"]


def test_what_was_in_flight_may_fail_and_what_came_later_may_not() -> None:
    found = seen()
    found.asks = [Ask("read", 5.0, 5.2, 0)]
    assert failed(Budget(only_in_flight=True), found) == []
    found.asks.append(Ask("read", 5.3, 5.4, 502))
    assert failed(Budget(only_in_flight=True), found) == ["requests failed that began after the fault"]
    assert failed(Budget(trouble_s=0.2), found) == ["last request that failed"]
    assert failed(Budget(trouble_s=1.0), found) == []


def test_slots_have_a_recovery_of_their_own() -> None:
    """Only those sessions fail whose slots the dead master served: the others must not hide it."""
    def sessions(last_failure: float) -> Seen:
        found = seen()
        found.asks = [Ask("session", begin, begin + 0.01, 200) for begin in (4.0, 5.5, 6.0, 7.0, 9.0, 9.5)]
        found.asks += [Ask("session", 5.2, 5.3, 503), Ask("session", last_failure - 0.6, last_failure, 503)]
        return found

    budget = Budget(recovery_s=3.0, of="slot")
    assert failed(budget, sessions(9.0), elected=7.9) == []
    assert failed(budget, sessions(6.0), elected=8.1) == ["slots go on"]
    assert failed(budget, sessions(7.9)) == [], "the master itself came back to them"
    assert failed(budget, sessions(8.4)) == ["slots go on"]
    assert failed(budget, sessions(19.0)) == ["slots go on"], "never again"
    assert failed(replace(budget, trouble_s=3.0), sessions(9.0), elected=5.2) == ["last request that failed"]


def test_a_recovery_may_be_counted_from_the_faults_end() -> None:
    found = seen(13.0)  # until 18: 1 s after the fault was undone
    assert failed(Budget(recovery_s=3.0, from_undo=True), found) == []
    assert failed(Budget(recovery_s=3.0), found) == ["writes go on"]


def test_of_an_operation_the_pause_counts_and_not_its_beginning() -> None:
    found = seen()
    found.writes = [write for write in found.writes if not 11.0 < write.ended < 12.5]
    assert failed(Budget(recovery_s=2.0), found) == []
    assert failed(Budget(recovery_s=1.0), found) == ["writes go on"]


def test_whatever_the_witness_left_out_fails_the_drill() -> None:
    found = seen()
    found.left_out = 3
    assert failed(Budget(), found) == ["requests left out by the witness"]


@pytest.mark.parametrize("plan", list(RecoveryPlan))
def test_the_recovery_plan_says_how_quickly_a_primary_is_replaced(plan: RecoveryPlan) -> None:
    timing = PLANS[plan]
    assert BY_NAME["node-kill"].budget.under(timing).recovery_s == timing.rto_s
    assert BY_NAME["partition"].budget.under(timing).recovery_s == timing.silent_rto_s
    assert BY_NAME["redis-master"].budget.under(timing).recovery_s == 3.0


def test_every_drill_has_a_name_of_its_own_and_ends() -> None:
    assert len(BY_NAME) == len(DRILLS)
    assert all(0 < drill.lasts_s <= 60 for drill in DRILLS)
