"""Somebody who is only told "it is slow" is led to the cause: the three staged cases, from figures that are made up."""

from __future__ import annotations

from dataclasses import replace

import pytest

from operations.dashboard import unusual
from operations.dashboard.figure import Figure, Limits, Peers, Row
from operations.dashboard.unusual import Finding
from tests.support.sights import LOST_MASTER, SATURATED_WORKER, SETTINGS, SLOW_QUERY, MadeUp, member, seen


def found(made_up: MadeUp) -> list[Finding]:
    return unusual.findings(seen(made_up), SETTINGS)


def test_where_all_is_well_nothing_is_unusual() -> None:
    assert found(MadeUp()) == []


def test_a_slow_query_is_found_in_postgres_though_everybody_before_it_is_slow() -> None:
    first, *others = found(SLOW_QUERY)
    assert (first.hop, first.severity) == ("postgres", "critical")
    assert first.says == "longest transaction at work (postgres-1, app): 12.4 s, the limit is 10 s"
    assert "duration:" in first.then and first.link == "docs/runbooks/slow-answers.md"
    assert {"pool", "edge", "machine"} <= {one.hop for one in others}
    assert others[-1].symptom and "95 % of the requests" in others[-1].says


def test_a_saturated_worker_stands_out_among_its_peers() -> None:
    first, *others = found(SATURATED_WORKER)
    assert first.hop == "app" and "web-blue-2" in first.says
    assert first.says == "processor, of one core or of what it may use (web-blue-2): 99 %, of its peers 31 %"
    said = [one.says for one in others]
    slow = said.index("95 % of a worker's answers within (web-blue-2): 1.9 s, of its peers 52 ms")
    assert slow < next(number for number, one in enumerate(said) if "left open" in one)
    assert not [one for one in [first, *others] if "web-blue-1" in one.says]


def test_a_lost_master_is_named_with_what_it_was_and_who_stands_alone() -> None:
    first, *others = found(LOST_MASTER)
    assert first.says == "redis-2 (redis, domain b) is down, it was master" and first.hop == "redis"
    said = [one.says for one in others]
    assert "replicas of a master (redis-5): 0, usual is 1 or more" in said
    assert "replicas that became masters within 10 min (redis-5): 1, usual is none" in said
    assert others[-1].symptom and "5xx" in others[-1].says
    assert not [one for one in said if "does not answer" in one], "the alert about it says the same once more"


def test_one_that_ended_and_is_back_is_told() -> None:
    first, = found(MadeUp(returned=["redis-2"]))
    assert first.says == "redis-2 (redis, domain b) ended within the last 10 min and was brought back"


def test_while_an_alert_says_it_the_figure_need_not() -> None:
    full = {"memory": [(member("redis-1"), 95.0)]}
    alert = ("RedisMemoryFull", "warning", "redis", "redis-1", "redis-1 uses 95 % of its data memory")
    assert [one.alert for one in found(MadeUp(full))] == [False]
    assert [one.alert for one in found(MadeUp(full, alerts=[alert]))] == [True]


@pytest.mark.parametrize(("limits", "value", "judged"), [
    (Limits(1, 5), 1, None), (Limits(1, 5), 2, ("warning", 1)), (Limits(1, 5), 6, ("critical", 5)),
    (Limits(1), 60, ("warning", 1)), (Limits(1, below=True), 0, ("warning", 1)), (Limits(1, below=True), 1, None)])
def test_limits(limits: Limits, value: float, judged: tuple[str, float] | None) -> None:
    assert limits.judge(value) == judged


@pytest.mark.parametrize(("value", "others", "usual"), [
    (90, [10, 12], None), (150, [10, 12], 11), (150, [60, 70], None), (150, [], None)])
def test_peers(value: float, others: list[float], usual: float | None) -> None:
    assert Peers(3, 100).judge(value, others) == usual


def test_peers_are_of_the_same_workload() -> None:
    """Another pool is quicker by its nature, and a colour without visitors has nothing to do."""
    figure = Figure("x", "app", "within", "", "ms", peers=Peers(3, 100))
    rows = [Row({"member": f"{workload}-{n}", "workload": workload}, value)
            for workload, value in (("web-blue", 900), ("web-green", 1), ("media-blue", 20)) for n in (1, 2)]
    assert unusual.judged(figure, rows, "") is None
    late = Row({"member": "media-blue-3", "workload": "media-blue"}, 200)
    one = unusual.judged(figure, [*rows, late], "")
    assert one and one.says == "within (media-blue-3): 200 ms, of its peers 20 ms"


def test_all_of_whom_it_is_true_are_named_the_worst_first() -> None:
    figure = Figure("x", "redis", "replicas", "", "", limits=Limits(2, below=True))
    rows = [Row(member("redis-1"), 1), Row(member("redis-2"), 0)]
    one = unusual.judged(figure, rows, "docs/runbooks")
    assert one and one.says == "replicas (redis-2): 0, usual is 2 or more; also redis-1"


@pytest.mark.parametrize(("value", "unit", "said"), [
    (1250, "ms", "1.25 s"), (999.4, "ms", "999 ms"), (12, "", "12"), (0.0213, "MiB", "0.0213 MiB"),
    (12345.6, "1/s", "12,346 1/s")])
def test_amounts_are_written_as_people_write_them(value: float, unit: str, said: str) -> None:
    assert unusual.amount(value, unit) == said


def test_what_no_request_passes_comes_after_what_they_pass_however_bad_it_is() -> None:
    made_up = replace(LOST_MASTER, alerts=[
        *LOST_MASTER.alerts, ("AlertsNotTold", "critical", "monitoring", "", "alerts do not reach people by webhook")])
    first, *others = found(made_up)
    assert first.hop == "redis" and "alerts do not reach people by webhook" in [one.says for one in others]


def test_what_is_over_comes_after_what_lasts_however_deep_it_was() -> None:
    """Redis failed over minutes ago; a worker is a bit too busy now, and no figure of it is critical."""
    busy = {"cpu": [(member("web-blue-1"), 20), (member("web-blue-2"), 68)], "role": [(member("redis-1"), 1)]}
    first, second = found(MadeUp(busy))
    assert (first.hop, first.severity, first.over) == ("app", "warning", False)
    assert (second.hop, second.severity, second.over) == ("redis", "warning", True)
