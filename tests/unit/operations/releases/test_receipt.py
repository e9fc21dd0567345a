"""What a receipt counts as dropped, wrong and retried, and when counts agree."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from operations.releases import receipt
from operations.releases.trial import Events, parsed

LINES = """o 900
q 1 1000 10 200 blue read 1 0 0
q 2 2000 12 201 blue write 0 0 0
q 3 3005 30 200 green new 1 1 0
c 3500 1012
q 4 4500 8 200 green read 0 0 0
o 3600
c 9000 1006
"""
SWITCH = {"what": "switch", "colour": "green", "percent": 100, "began": 3.0, "typed": 0.5, "acknowledged_ms": 1.5,
          "last_old_ms": 2.25}
RELEASE = {"name": "shop-0004", "serial": 4, "stack": "shop", "image": "shop:2", "old_image": "shop:1",
           "colour": "green", "old_colour": "blue", "strategy": "blue-green", "state": "done", "why": "",
           "marks": [SWITCH]}
COUNTED = {"retries": 0, "redispatches": 0}
BEFORE: dict[str, Any] = {"processes": {"haproxy-1": [9, 1.0]}, "frontend": {"haproxy-1": {"requests": 100}},
                          "colours": {"haproxy-1": {"blue": COUNTED, "green": COUNTED}}}
AFTER: dict[str, Any] = {**copy.deepcopy(BEFORE), "frontend": {"haproxy-1": {"requests": 106}},
                         "edges": {"requests": 4, "tried_again": 0, "numbers": [1, 2, 3, 4]}}


def events(more: str = "") -> Events:
    return parsed(LINES + more, ended=8.0)


def told(more: str = "", **after: Any) -> dict[str, Any]:
    return receipt.made(RELEASE, events(more), BEFORE, {**AFTER, **after})


def test_all_is_counted_and_the_counts_agree() -> None:
    made = told()
    assert (made["sent"], made["answered"], made["dropped"], made["wrong"]) == (4, 4, 0, 0)
    assert made["by_kind"] == {"read": 2, "write": 1, "new": 1}
    assert (made["switch_ms"], made["rollback_ms"], made["new_connections"]) == (2.25, None, 2)
    assert made["reconciled"] is True
    assert made["switches"][0]["first_on_new_ms"] == 35 and made["switches"][0]["typed_to_command_ms"] == 2500


def test_what_the_load_itself_closed_at_its_end_was_not_cut() -> None:
    assert told()["websockets"] == {"opened": 2, "told_to_reconnect": 1, "closed": 0, "cut": 0}
    assert receipt.made(RELEASE, parsed(LINES, ended=10.0), BEFORE, AFTER)["websockets"]["cut"] == 1


@pytest.mark.parametrize(("status", "dropped", "wrong"), [(0, 1, 0), (502, 1, 0), (503, 1, 0), (504, 1, 0),
                                                         (500, 0, 1), (404, 0, 1), (429, 0, 1), (304, 0, 0)])
def test_no_answer_is_dropped_and_another_answer_is_wrong(status: int, dropped: int, wrong: int) -> None:
    made = told(f"q 5 4600 5 {status} green read 0 0 0 why\n")
    assert (made["dropped"], made["wrong"]) == (dropped, wrong)
    assert len(made["failures"]) == dropped + wrong


def test_a_client_that_was_answered_more_often_than_an_edge_knows_disagrees() -> None:
    assert told(edges={"requests": 3, "tried_again": 0, "numbers": [1, 2, 3]})["reconciled"] is False
    assert told(frontend={"haproxy-1": {"requests": 103}})["reconciled"] is False


def test_an_attempt_that_no_load_balancer_took_is_missed_by_nobody() -> None:
    twice = {"requests": 4, "tried_again": 4, "numbers": [1, 2, 3, 4]}
    assert told(edges=twice)["reconciled"] is True


def test_a_load_balancer_that_counted_anew_makes_no_agreement() -> None:
    made = told(processes={"haproxy-1": [10, 5.0]})
    assert made["reconciled"] is None and "haproxy-1 counted from 0 again" in made["reconciliation"]


def test_what_the_load_broke_off_at_its_end_is_neither_sent_nor_dropped() -> None:
    late = "q 5 7950 90 0 - read 0 0 0 context canceled\n"
    made = told(late, edges={"requests": 6, "tried_again": 0, "numbers": [1, 2, 3, 4, 5, 6]})
    assert (made["sent"], made["dropped"], made["broken_off_at_the_end"], made["reconciled"]) == (4, 0, 1, True)
    early = "q 5 4950 90 0 - read 0 0 0 context canceled\n"
    assert told(early)["dropped"] == 1


@pytest.mark.parametrize(("before", "after"), [({}, {}), ({}, AFTER), (BEFORE, {})])
def test_what_a_run_that_died_did_not_count_makes_no_agreement(before: dict[str, Any], after: dict[str, Any]) -> None:
    made = receipt.made(RELEASE, events(), before, after)
    assert made["reconciled"] is None and made["sent"] == 4


def test_retries_are_counted_apart() -> None:
    again = {"haproxy-1": {"blue": {"retries": 2, "redispatches": 1}, "green": COUNTED}}
    made = told(colours=again, edges={"requests": 4, "tried_again": 2, "numbers": [1, 2, 3, 4]})
    assert made["retried_at_the_edge"] == {"by_nginx": 2, "by_haproxy": 2, "on_another_worker": 1}
    assert made["reconciled"] is True


def test_latency_is_told_before_during_and_after() -> None:
    latency = told()["latency_ms"]
    assert {phase: one["requests"] for phase, one in latency.items()} == {"before": 2, "during": 1, "after": 1}


def test_the_page_says_what_the_data_says() -> None:
    page = receipt.markdown(told())
    assert page.startswith("# Release 4 of shop:2\n")
    for row in ("| sent | 4 |", "| dropped | 0 |", "| switch, ms | 2.25 |", "| WebSockets cut | 0 |"):
        assert row in page
    assert "rolled back" not in page and "Reconciled: True" in page
