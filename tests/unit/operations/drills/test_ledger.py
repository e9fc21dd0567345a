"""The ledger: every write is one thing, and what was acknowledged must be there."""

from __future__ import annotations

import pytest

from operations.drills.ledger import Outcome, Write, classify, reconcile


def write(key: str, outcome: Outcome) -> Write:
    return Write(key, 0.0, 0.1, outcome)


@pytest.mark.parametrize(("status", "said", "outcome"), [
    (201, {"status": "created"}, Outcome.ACKNOWLEDGED),
    (200, {"status": "repeated"}, Outcome.ACKNOWLEDGED),
    (503, {"status": "failed"}, Outcome.FAILED),
    (503, {"status": "unknown"}, Outcome.UNKNOWN),
    (503, {"error": "no worker is free or reachable, try again"}, Outcome.FAILED),
    (503, {"error": "Reading works, saving has to wait", "level": "read-only"}, Outcome.FAILED),
    (503, {}, Outcome.UNKNOWN),
    (429, {}, Outcome.FAILED),
    (502, {}, Outcome.UNKNOWN),
    (504, {}, Outcome.UNKNOWN),
    (500, {}, Outcome.UNKNOWN),
])
def test_an_answer_means_one_thing(status: int, said: dict[str, str], outcome: Outcome) -> None:
    assert classify(status, said) is outcome


def test_what_was_acknowledged_and_is_absent_is_lost() -> None:
    found = reconcile([write("a", Outcome.ACKNOWLEDGED), write("b", Outcome.ACKNOWLEDGED)], ["b"])
    assert found.lost == ("a",) and not found.holds


def test_unknown_writes_are_resolved_and_may_be_either() -> None:
    found = reconcile([write(key, Outcome.UNKNOWN) for key in "abc"], ["b"])
    assert (found.unknown, found.unknown_present, found.unknown_absent) == (3, 1, 2) and found.holds


def test_what_is_said_to_have_failed_must_not_be_there() -> None:
    found = reconcile([write("a", Outcome.FAILED), write("b", Outcome.FAILED)], ["a"])
    assert found.contradicted == ("a",) and not found.holds


def test_duplicates_are_counted_in_the_database_and_in_the_ledger() -> None:
    twice = [write("a", Outcome.ACKNOWLEDGED)] * 2
    assert reconcile(twice, ["a"]).miscounted == ("a",)
    assert reconcile(twice[:1], ["a", "a"]).duplicates == ("a",)


def test_rows_of_others_are_nobodys_business() -> None:
    assert reconcile([write("a", Outcome.ACKNOWLEDGED)], ["a", "x", "x"]).holds
