"""Pass, fail or no data, with values and thresholds; and no data is never a pass."""

from __future__ import annotations

import pytest
from ansible_collections.evenkeel.platform.plugins.module_utils import prometheus, verdict
from ansible_collections.evenkeel.platform.plugins.module_utils.verdict import (
    FAIL,
    NO_DATA,
    PASS,
    Limits,
    Measure,
    instant,
    judge,
)

LIMITS = Limits()
WELL = Measure(1000, 1000, 0, 40.0)
NOBODY = Measure()


def test_a_colour_within_its_limits_passes_and_says_by_how_much() -> None:
    said = judge(Measure(200, 199, 1, 75.0), WELL, LIMITS)
    assert said.outcome == PASS
    assert said.reasons == ("requests 200", "errors 0.50 % <= 1 %", "success 99.50 % >= 99 %", "p95 75 ms <= 200 ms")


@pytest.mark.parametrize(("measure", "reason"), [
    (Measure(200, 190, 10, 40.0), "errors 5.00 % > 1 %"),
    (Measure(200, 190, 0, 40.0), "success 95.00 % < 99 %"),
    (Measure(200, 200, 0, 480.0), "p95 480 ms > 200 ms"),
    (Measure(200, 200, 0, 190.0), "p95 190 ms > 2 times the stable side's 40 ms"),
])
def test_each_limit_fails_with_value_and_threshold(measure: Measure, reason: str) -> None:
    said = judge(measure, WELL, LIMITS)
    assert (said.outcome, said.reasons) == (FAIL, (reason,))


@pytest.mark.parametrize("measure", [NOBODY, Measure(49, 49, 0, 10.0), Measure(500, 500, 0, None)])
def test_too_little_or_an_unknown_percentile_is_no_data(measure: Measure) -> None:
    assert judge(measure, NOBODY, LIMITS).outcome == NO_DATA


def test_few_requests_fail_when_so_many_did_that_the_others_can_t_make_up_for_it() -> None:
    assert str(judge(Measure(3, 1, 2, 10.0), WELL, LIMITS)) == (
        "fail: 2 of 3 failed: more than 1 % of 50, if all others succeed")
    assert str(judge(Measure(3, 3, 0, 10.0), WELL, LIMITS)) == "no data: requests 3 < 50"


def test_few_requests_that_fail_as_the_stable_side_does_are_no_data() -> None:
    said = judge(Measure(3, 1, 2, 10.0), Measure(500, 150, 350, 10.0), LIMITS)
    assert said.outcome == NO_DATA and "the stable side does no better" in str(said)


def test_a_failure_that_both_sides_share_says_nothing_of_the_release() -> None:
    said = judge(Measure(200, 180, 20, 40.0), Measure(900, 800, 100, 40.0), LIMITS)
    assert said.outcome == NO_DATA and "the stable side does no better" in said.reasons[0]


def test_a_stable_side_with_few_requests_excuses_nothing() -> None:
    assert judge(Measure(200, 180, 20, 40.0), Measure(3, 0, 3, 40.0), LIMITS).outcome == FAIL


def test_the_instant_limit_wants_enough_requests() -> None:
    assert instant(Measure(40, 20, 20), LIMITS) == "errors 50.0 % > 10 % of the last 40"
    assert instant(Measure(10, 8, 2), LIMITS) == instant(Measure(100, 95, 5), LIMITS) == ""


def test_the_instant_limit_of_few_requests_is_what_it_would_let_fail_of_enough() -> None:
    assert instant(Measure(4, 1, 3), LIMITS) == "3 of 4 failed: more than 10 % of 20, if all others succeed"


def test_the_percentile_is_one_of_the_values() -> None:
    assert verdict.p95([float(n) for n in range(1, 101)]) == 95.0
    assert verdict.p95([7.0]) == 7.0 and verdict.p95([]) is None


@pytest.mark.parametrize("told", [
    {"data": {"resultType": "vector", "result": []}}, {"data": {"resultType": "vector", "result": [
        {"value": [0, "NaN"]}]}}, {"status": "error"}])
def test_an_empty_answer_of_prometheus_is_none_and_not_zero(told: dict[str, object]) -> None:
    assert prometheus.total(told) is None


def test_values_of_several_series_are_summed() -> None:
    series = [{"value": [0, "3"]}, {"value": [0, "4.5"]}]
    assert prometheus.total({"data": {"resultType": "vector", "result": series}}) == 7.5
    assert prometheus.total({"data": {"resultType": "scalar", "result": [0, "2"]}}) == 2.0
