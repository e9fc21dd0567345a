"""What members take of the machine. The engine's answers are Docker 20.10's own, shortened."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from operations.supervisor.engine import GoneError, Listed
from operations.supervisor.pair import Role
from operations.supervisor.usage import Measuring, Usage, read

ANSWER = {
    "cpu_stats": {"cpu_usage": {"total_usage": 2500000000}, "online_cpus": 2,
                  "throttling_data": {"periods": 9, "throttled_periods": 2, "throttled_time": 125000000}},
    "memory_stats": {"usage": 30000000, "limit": 268435456,
                     "stats": {"inactive_file": 1, "total_inactive_file": 4000000}},
}
USAGE = Usage(2.5, 0.125, 0.5, 26000000, 268435456)


def listed(member: str, status: str = "running") -> Listed:
    return Listed(f"id-{member}", f"evenkeel-x-{member}", status, True, None, {"evenkeel.member": member})


class Engine:
    """Knows ``web-1``; counts how often it was asked for limits."""

    def __init__(self) -> None:
        self.limits = 0

    def usage(self, name: str) -> dict[str, Any]:
        if name != "evenkeel-x-web-1":
            raise GoneError(name)
        return ANSWER

    def cpus(self, _name: str) -> float:
        self.limits += 1
        return 0.5


class Kept:
    """What was measured last."""

    def __init__(self, *members: Listed) -> None:
        self.members, self.usage = members, dict[str, Usage]()

    def listed(self) -> Sequence[Listed]:
        return self.members

    def measure(self, usage: Mapping[str, Usage]) -> None:
        self.usage = dict(usage)


def test_caches_are_no_memory_in_use() -> None:
    assert read(ANSWER, 0.5) == USAGE


def test_with_cgroups_2_caches_have_another_name() -> None:
    memory = {**ANSWER["memory_stats"], "stats": {"inactive_file": 4000000}}
    assert read({**ANSWER, "memory_stats": memory}, 0.5) == USAGE


def test_without_a_limit_it_may_use_all_processors() -> None:
    found = read(ANSWER, 0)
    assert found and found.cpus == 2


def test_who_ended_has_none() -> None:
    assert read({"cpu_stats": {"cpu_usage": {"total_usage": 0}}, "memory_stats": {}}, 0.5) is None


def test_who_runs_is_measured_and_limits_are_asked_for_once() -> None:
    engine, kept = Engine(), Kept(listed("web-1"), listed("web-2", "exited"), listed("gone-1"))
    measuring = Measuring(engine, lambda: Role.LEADER, kept)
    measuring.turn()
    measuring.turn()
    assert kept.usage == {"web-1": USAGE} and engine.limits == 2


def test_only_the_leader_measures() -> None:
    role, kept = Role.LEADER, Kept(listed("web-1"))
    measuring = Measuring(Engine(), lambda: role, kept)
    measuring.turn()
    role = Role.STANDBY
    measuring.turn()
    assert kept.usage == {}
