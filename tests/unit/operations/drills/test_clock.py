"""A member's time as ours."""

from __future__ import annotations

import pytest

from operations.drills.clock import Clock


@pytest.mark.parametrize("skew", [0.0, 600.0, -600.0])
def test_the_look_that_arrived_soonest_counts(skew: float) -> None:
    clock = Clock()
    for told, delay in ((100.0, 0.3), (101.0, 0.002), (102.0, 0.05)):
        clock.heard(told + skew, told + delay)
    assert clock.ours(200.0 + skew) == pytest.approx(200.002)


def test_a_clock_that_nobody_heard_of_is_taken_for_ours() -> None:
    assert Clock().ours(5.0) == 5.0
