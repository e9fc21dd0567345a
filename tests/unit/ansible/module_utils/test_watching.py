"""A watch of a colour: it ends by time, by samples, at once, or when somebody asks; and never passes without data."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from ansible_collections.evenkeel.platform.plugins.module_utils import analysis, prometheus, verdict, watching
from ansible_collections.evenkeel.platform.plugins.module_utils.streams import Member
from ansible_collections.evenkeel.platform.plugins.module_utils.verdict import Limits, Measure
from ansible_collections.evenkeel.platform.plugins.modules import release_watch

ASKED = {"colour": "green", "seconds": 0.05, "until_samples": 0, "patience_s": 0.05, "source": "balancers",
         "counted": {}}
WELL = Measure(100, 100, 0, 20.0)


class Source(analysis.Source):
    """Says the same at every look."""

    def __init__(self, each: Measure, whole: Measure) -> None:
        self._each, self._whole = each, whole

    def begin(self, _counted: Mapping[str, Any]) -> None:
        return

    def look(self) -> dict[str, Measure]:
        return {"green": self._each, "blue": Measure()}

    def whole(self) -> dict[str, Measure]:
        return {"green": self._whole, "blue": Measure()}


class Store:
    """What somebody asks, look by look."""

    def __init__(self, *verbs: str) -> None:
        self._verbs: Iterator[str] = iter(verbs)
        self.taken: list[str] = []

    def asked(self) -> str:
        return next(self._verbs, "")

    def ask(self, verb: str) -> None:
        self.taken.append(verb)

    def current(self) -> None:
        return None


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watching, "STEP_S", 0.01)


def watch(by: analysis.Source, *verbs: str, **asked: Any) -> tuple[str, str]:
    store: Any = Store(*verbs)
    return watching.Watching({**ASKED, **asked}, Limits(), by, store).run()


def test_it_passes_when_its_time_is_over() -> None:
    outcome, why = watch(Source(WELL, WELL))
    assert outcome == verdict.PASS and "p95 20 ms <= 200 ms" in why


def test_enough_samples_end_it_before_its_time() -> None:
    assert watch(Source(WELL, WELL), seconds=3600, until_samples=100)[0] == verdict.PASS


def test_nothing_known_is_no_pass() -> None:
    assert watch(Source(Measure(), Measure()))[0] == verdict.NO_DATA


def test_a_prometheus_that_is_down_is_no_pass_and_is_named() -> None:
    outcome, why = watch(analysis.Prometheus("http://127.0.0.1:9"), source="prometheus")
    assert outcome == verdict.NO_DATA and "http://127.0.0.1:9 can't be asked" in why


def test_the_instant_limit_ends_it_at_once() -> None:
    outcome, why = watch(Source(Measure(40, 10, 30), WELL), seconds=3600)
    assert outcome == verdict.FAIL and why.startswith("at once: errors 75.0 % > 10 %")


def test_what_a_look_takes_is_part_of_the_time(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [0.0]
    monkeypatch.setattr(watching.time, "monotonic", lambda: clock[0])
    monkeypatch.setattr(watching.time, "sleep", lambda seconds: clock.__setitem__(0, clock[0] + seconds))

    class Slow(Source):
        def look(self) -> dict[str, Measure]:
            clock[0] += 0.6
            return super().look()

    monkeypatch.setattr(watching, "STEP_S", 1.0)
    assert watch(Slow(WELL, WELL), seconds=10)[0] == verdict.PASS
    assert clock[0] < 11.2, "at most a step and a look beyond"


def test_its_time_runs_from_the_switch_on(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [1000.0]
    monkeypatch.setattr(watching.time, "time", lambda: clock[0])
    monkeypatch.setattr(watching.time, "monotonic", lambda: clock[0])
    monkeypatch.setattr(watching.time, "sleep", lambda seconds: clock.__setitem__(0, clock[0] + seconds))
    assert watch(Source(WELL, WELL), seconds=10, counted={"at": 997.0})[0] == verdict.PASS
    assert clock[0] == pytest.approx(1007.0, abs=0.1)


@pytest.mark.parametrize("verb", ["promote", "abort"])
def test_somebody_decides(verb: str) -> None:
    assert watch(Source(WELL, WELL), "", verb, seconds=3600)[0] == verb


def test_a_pause_stops_the_time_and_not_the_instant_limit() -> None:
    paused = ["pause"] * 30
    assert watch(Source(WELL, WELL), *paused, "promote")[0] == "promote", "its time was over long before"
    assert watch(Source(Measure(40, 10, 30), WELL), *paused)[0] == verdict.FAIL


class Own:
    """A stack with a Prometheus of its own, or one that is down."""

    stack = "shop"

    def __init__(self, *addresses: str) -> None:
        self._addresses = addresses

    def of(self, workload: str) -> list[Member]:
        return [Member(f"{workload}-1", workload, "monitoring", "a", "c", "i", "image", True)]

    def addresses(self, _member: Member) -> tuple[str, ...]:
        return self._addresses


def test_without_an_address_the_stacks_own_prometheus_is_asked() -> None:
    assert release_watch._asked_at(Own("172.20.0.3"), "", "") == ("http://172.20.0.3:9090", prometheus.WORKERS_P95)
    assert release_watch._asked_at(Own("172.20.0.3"), "", "own") == ("http://172.20.0.3:9090", "own")
    assert release_watch._asked_at(Own(), "http://other:9090", "") == ("http://other:9090", "")
    with pytest.raises(prometheus.PrometheusError, match="does not run"):
        release_watch._asked_at(Own(), "", "")


def test_the_workers_percentile_is_one_colours() -> None:
    query = prometheus.queries("green", 30, prometheus.WORKERS_P95)["p95_ms"]
    assert 'colour="green"}[30s]' in query and "{colour}" not in query and "{window}" not in query
