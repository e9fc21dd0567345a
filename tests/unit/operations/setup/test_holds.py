"""`make hold`: what a user may type."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from operations.setup import engine_state, holds
from operations.setup.holds import HoldError


@pytest.mark.parametrize(("text", "seconds"), [("30s", 30), ("10m", 600), ("24h", 86400)])
def test_durations(text: str, seconds: int) -> None:
    assert holds.duration_s(text) == seconds


@pytest.mark.parametrize("text", ["", "10", "m", "0s", "25h", "1.5h", "1d"])
def test_what_is_no_duration(text: str) -> None:
    with pytest.raises(HoldError, match="for example 30s, 10m, 2h"):
        holds.duration_s(text)


def test_an_unknown_name_is_refused_with_the_known_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    container = SimpleNamespace(labels={"evenkeel.member": "redis-1", "evenkeel.workload": "redis",
                                        "evenkeel.tier": "redis"})
    monkeypatch.setattr(engine_state, "containers", lambda _stack: [container])
    with pytest.raises(HoldError, match=r"'shop' has no member, .* it has all, redis, redis-1"):
        holds.hold("shop", "reddis", 60, "")


def test_without_a_supervisor_there_is_nothing_to_hold(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine_state, "containers", lambda _stack: [])
    assert holds.current("shop") == []
    with pytest.raises(HoldError, match=r"No supervisor .* runs"):
        holds.hold("shop", "all", 60, "")
