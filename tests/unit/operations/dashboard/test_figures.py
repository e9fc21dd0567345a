"""What the page asks: valid PromQL, of figures that the platform tells."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from components.alerts import groups
from components.rendering import render_text
from components.settings import Settings
from operations.dashboard import hops, sight
from operations.dashboard.sight import Asked
from operations.setup.paths import ROOT
from operations.supervisor.figures import OF_USAGE
from tests.support.checkers import judged
from tests.support.mocks import declare
from tests.support.sights import SETTINGS

ASKED = Asked(SETTINGS)
EXPRESSIONS = {**{figure.key: figure.expression for figure in ASKED.figures},
               **{f"{plot.key}-{curve.name}": curve.expression for plot in ASKED.plots for curve in plot.curves},
               "returns": sight.RETURNS, "roles": sight.ROLES}
NAMES = {expression: set(re.findall(r"\b(?:pg|pgbouncer|evenkeel)[_:][a-z_:0-9]+", expression))
         for expression in EXPRESSIONS.values()}


def test_prometheus_can_read_every_question(tmp_path: Path) -> None:
    rules = [{"record": f"page:figure:n{number}", "expr": expression}
             for number, expression in enumerate(EXPRESSIONS.values())]
    (tmp_path / "page.yml").write_text(json.dumps({"groups": [{"name": "page", "rules": rules}]}))
    assert f"{len(rules)} rules found" in judged("prometheus", ["promtool", "check", "rules", "page.yml"], tmp_path)


def test_what_our_own_exporters_and_rules_are_asked_for_they_tell() -> None:
    """Others' figures `tests/local/test_monitoring.py` asks the running platform for."""
    _, platform = declare({"app": {"image": "base"}})
    recorded = {record.name for group in groups(platform.settings, platform.context.declared)
                for record in group.records}
    postgres = ROOT / "templates" / "exporters" / "postgres.yml.j2"
    told = {f"{family}_{figure}" for family, rest in re.findall(r"^(pg_\w+):\n((?:  .*\n)+)", postgres.read_text(),
                                                                 re.MULTILINE)
            for figure in re.findall(r"^    - (\w+): ", rest, re.MULTILINE)}
    pgbouncer = (ROOT / "images" / "exporters" / "pgbouncer-exporter").read_text()
    told |= {f"pgbouncer_{name}" for name in re.findall(r'": \("(\w+)",', pgbouncer)}
    supervisor = (ROOT / "operations" / "supervisor" / "figures.py").read_text()
    told |= set(re.findall(r'_head\("(\w+)"', supervisor)) | recorded
    told |= {f"evenkeel_member_{name}" for name, *_ in OF_USAGE}
    asked = set().union(*NAMES.values())
    assert len(asked) > 15 and asked <= told, asked - told


def test_every_figure_has_a_place_and_a_key_of_its_own() -> None:
    keys = [figure.key for figure in ASKED.figures]
    assert len(keys) == len(set(keys))
    assert {figure.hop for figure in hops.figures(SETTINGS)} == {hop.key for hop in hops.HOPS}


def test_runbooks_and_alerts_that_figures_name_exist() -> None:
    _, platform = declare({"app": {"image": "base"}})
    alerts = {alert.name for group in groups(platform.settings, platform.context.declared) for alert in group.alerts}
    for figure in hops.figures(SETTINGS):
        assert not figure.runbook or (ROOT / "docs" / "runbooks" / f"{figure.runbook}.md").is_file(), figure.key
        assert not figure.alert or figure.alert in alerts, figure.key


def test_what_it_tells_to_type_exists() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    typed = {figure.then.split()[1] for figure in hops.figures(SETTINGS) if figure.then}
    assert typed and typed <= targets


@pytest.mark.parametrize(("cpus", "divided"), [(0.5, "/ 0.5"), (4.0, "/ 1")])
def test_a_worker_is_judged_by_its_limit_or_by_one_core(cpus: float, divided: str) -> None:
    settings = Settings.load({"app": {"pools": {"web": {"cpus": cpus}, "mail": {"port": 0}}}}, stack="s", where="t")
    cpu = next(figure for figure in hops.figures(settings) if figure.key == "cpu")
    assert f"{divided} or " in cpu.expression and "mail" not in cpu.expression


def test_limits_are_the_settings() -> None:
    settings = Settings.load({"monitoring": {"thresholds": {"lag_warning": 3, "p95_warning": 400}}}, stack="s",
                             where="t")
    limits = {figure.key: figure.limits for figure in hops.figures(settings)}
    lag, transaction = limits["lag"], limits["transaction"]
    assert lag and lag.warning == 3 and transaction and transaction.warning == 0.4


def test_rules_of_the_page_and_rules_of_alerts_can_stand_together() -> None:
    """The records that plots draw are the ones that alerts judge."""
    _, platform = declare({"app": {"image": "base"}})
    text = render_text("prometheus/rules.yml.j2", {"groups": groups(platform.settings, platform.context.declared)})
    for plot in ASKED.plots:
        assert f"record: {plot.curves[0].expression}\n" in text


MASTER, REPLICA = 'role="master"', 'role="slave"'


def redis(member: str, role: str, values: str) -> dict[str, str]:
    return {"series": f'redis_instance_info{{stack="shop", member="{member}", {role}}}', "values": values}


def taken(member: str, tier: str, cpus: int, more: str = "") -> list[dict[str, str]]:
    """A member that takes 1.6 processors."""
    labels = f'{{tier="{tier}", member="{member}", {more}}}'
    return [{"series": f"evenkeel_member_cpu_seconds_total{labels}", "values": "0+8x40"},
            {"series": f"evenkeel_member_cpu_limit_cores{labels}", "values": f"{cpus}x40"}]


COURSES = {
    "a cluster that forms begins with masters, and none has taken a place": (
        "role", [redis("redis-1", MASTER, "1x40"), redis("redis-4", MASTER, "1x3 stale"),
                 redis("redis-4", REPLICA, "_x4 1x36")], {'{member="redis-1"}': 0, '{member="redis-4"}': 0}),
    "a replica that takes a lost master's place is told": (
        "role", [redis("redis-1", MASTER, "1x10 stale"), redis("redis-4", REPLICA, "1x12 stale"),
                 redis("redis-4", MASTER, "_x14 1x26")], {'{member="redis-4"}': 1}),
    "a first primary is no change": (
        "handed-over", [{"series": 'patroni_primary{stack="shop", member="postgres-1"}', "values": "0x5 1x35"},
                        {"series": 'patroni_primary{stack="shop", member="postgres-2"}', "values": "0x40"}],
        {'{stack="shop"}': 0}),
    "another primary is one": (
        "handed-over", [{"series": 'patroni_primary{stack="shop", member="postgres-1"}', "values": "1x20 stale"},
                        {"series": 'patroni_primary{stack="shop", member="postgres-2"}', "values": "0x22 1x18"}],
        {'{stack="shop"}': 1}),
    "of a lost master it is known what it was, of the others what they are": (
        "roles", [redis("redis-1", MASTER, "1x10 stale"), redis("redis-4", REPLICA, "1x12 stale"),
                  redis("redis-4", MASTER, "_x14 1x26")],
        {'{member="redis-1", role="master"}': 1, '{member="redis-4", role="master"}': 1}),
    "without a transaction left open there is none": (
        "open", [{"series": 'pg_connections_longest_transaction_seconds{member="postgres-1", role="app", '
                            'state="active"}', "values": "7x40"}], {'{member="postgres-1", role="app"}': 0}),
    "a worker's processor is told of one core": (
        "cpu", [{"series": 'process_cpu_seconds_total{tier="app", pool="web", member="web-blue-1"}',
                 "values": "0+4.5x40"}], {'{member="web-blue-1"}': 90}),
    "a worker's processor is told of its limit where that is nearer, whoever in it takes it": (
        "cpu", [{"series": 'process_cpu_seconds_total{tier="app", pool="web", member="web-blue-1"}',
                 "values": "0+1x40"}, *taken("web-blue-1", "app", 2)], {'{member="web-blue-1"}': 80}),
    "a member's processor is told by the supervisor that leads, or led": (
        "redis-cpu", [*taken("redis-1", "redis", 2, 'instance="supervisor-1"'),
                      *taken("redis-2", "redis", 2, 'instance="supervisor-2"')],
        {'{member="redis-1"}': 80, '{member="redis-2"}': 80}),
}


def test_figures_are_computed_as_their_names_say(tmp_path: Path) -> None:
    tests = [{"interval": "5s", "input_series": told, "promql_expr_test": [
        {"expr": EXPRESSIONS[key], "eval_time": "195s",
         "exp_samples": [{"labels": labels, "value": value} for labels, value in expected.items()]}]}
        for key, told, expected in COURSES.values()]
    (tmp_path / "none.yml").write_text("groups: []\n")
    (tmp_path / "page.test.json").write_text(json.dumps({"rule_files": ["none.yml"], "evaluation_interval": "5s",
                                                         "tests": tests}))
    assert "SUCCESS" in judged("prometheus", ["promtool", "test", "rules", "page.test.json"], tmp_path)
