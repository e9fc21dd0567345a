"""When a drill takes the platform for whole, and whom it asks meanwhile."""

from __future__ import annotations

from collections.abc import Collection

import pytest

from operations.drills import platform
from operations.drills.errors import DrillError
from operations.drills.platform import Platform


class Healing(Platform):
    """Tells one round of problems after the other, and remembers who was asked."""

    def __init__(self, *rounds: dict[str, str]) -> None:
        super().__init__("test", {})
        self.rounds, self.asked = list(rounds), list[set[str]]()

    def problems(self, of: Collection[str] = ()) -> dict[str, str]:
        self.asked.append(set(of))
        return self.rounds.pop(0) if len(self.rounds) > 1 else self.rounds[0]


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platform, "STEP_S", 0)


def test_everybody_is_asked_when_those_who_were_hit_are_back() -> None:
    healing = Healing({"redis-1": "redis-1 is exited"}, {}, {"redis-4": "redis-4 is unhealthy"}, {}, {})
    healing.wait_whole(10, print, ["redis-1"])
    assert healing.asked == [{"redis-1"}, {"redis-1"}, set(), {"redis-4"}, set()]


def test_without_victims_everybody_is_asked_at_once() -> None:
    healing = Healing({})
    healing.wait_whole(10, print)
    assert healing.asked == [set()]


def test_what_is_missing_is_told() -> None:
    with pytest.raises(DrillError, match=r"not whole after 0 s: redis-1 is exited\nNext: make status STACK=test"):
        Healing({"redis-1": "redis-1 is exited"}).wait_whole(0, print, ["redis-1"])
