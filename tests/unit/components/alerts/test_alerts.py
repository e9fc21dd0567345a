"""Every alert fires where it should and is quiet where it should be: judged by the real promtool."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from components.alerts import Alert, Group, groups, service_levels
from components.platform import Platform
from components.rendering import render_text
from components.settings import Settings, SettingsError
from operations.setup.paths import ROOT
from tests.support.alert_cases import CASES, MONITORING, R1, STEP_S, Case, of
from tests.support.checkers import judged
from tests.support.mocks import declare

CONFIG: Mapping[str, Any] = {"app": {"image": "base", "pools": {"web": {"workers": 2}}}}
EVERYTHING: Mapping[str, Any] = {**CONFIG, "monitoring": {
    "logs": {"enabled": True}, "traces": {"enabled": True},
    "checks": {"checkout": {"url": "/api/orders?limit=1", "says": "nobody {{can}} buy"}}}}


@pytest.fixture(scope="module")
def platform() -> Platform:
    return declare(EVERYTHING)[1]


@pytest.fixture(scope="module")
def default(platform: Platform) -> list[Group]:
    return groups(platform.settings, platform.context.declared)


def test_every_alert_is_tested_both_ways(default: list[Group]) -> None:
    told = {(alert.name, alert.severity) for group in default for alert in group.alerts}
    assert told == CASES.keys(), "an alert without a case in tests/support/alert_cases.py, or a case without an alert"


def test_every_alert_fires_and_is_quiet_as_it_should(default: list[Group], tmp_path: Path) -> None:
    names = []
    for group in default:
        for alert in group.alerts:
            case = CASES[alert.name, alert.severity]
            for word, values, expected in (("fires", case.fires, [expectation(alert, case)]),
                                           ("quiet", case.quiet, [])):
                name = f"{alert.name}-{alert.severity}-{word}"
                names.append(f"{name}.test.json")
                write(tmp_path / name, default, alert, promtool_case(alert, values, case.at_s, expected))
    said = judged("prometheus", ["promtool", "test", "rules", *names], tmp_path)
    assert said.count("SUCCESS") == len(names) and "FAILED" not in said, said


def test_a_heartbeat_goes_on_while_figures_come_in_and_stops_when_they_do(tmp_path: Path) -> None:
    route = {"kind": "heartbeat", "url": "https://beat.example.org"}
    _, beating = declare({**CONFIG, "monitoring": {"routes": {"outside": route}}})
    known = groups(beating.settings, beating.context.declared)
    alert = next(one for group in known for one in group.alerts if one.name == "Watching")
    case = Case(50, of("up", R1, "1x30"), of("up", R1, "1x3 _x20"), "figures come in, are kept and are judged",
                MONITORING)
    for word, values, expected in (("fires", case.fires, [expectation(alert, case)]), ("quiet", case.quiet, [])):
        write(tmp_path / word, known, alert, promtool_case(alert, values, case.at_s, expected))
    said = judged("prometheus", ["promtool", "test", "rules", "fires.test.json", "quiet.test.json"], tmp_path)
    assert said.count("SUCCESS") == 2 and "FAILED" not in said, said


def test_promtool_would_notice(default: list[Group], tmp_path: Path) -> None:
    alert = next(alert for group in default for alert in group.alerts if alert.name == "NoPrimary")
    case = CASES["NoPrimary", "critical"]
    write(tmp_path / "wrong", default, alert, promtool_case(alert, case.quiet, case.at_s, [expectation(alert, case)]))
    with pytest.raises(AssertionError, match="FAILED"):
        judged("prometheus", ["promtool", "test", "rules", "wrong.test.json"], tmp_path)


def test_a_lasting_fault_is_told_within_half_a_minute(platform: Platform, default: list[Group]) -> None:
    """Asked, judged, held and grouped one after the other, each as late as it may be, for what says that somebody is
    gone."""
    own = platform.settings.monitoring
    slowest = 2 * own.prometheus.interval_s + own.alertmanager.group_wait_s
    sudden = {"MemberDown", "ServiceDown", "DomainDown", "FrontDoorClosed", "NoPrimary", "RedisSlotsUncovered",
              "EtcdWithoutLeader", "NoWorker"}
    held = {alert.name: alert.for_s for group in default for alert in group.alerts if alert.name in sudden}
    assert held.keys() == sudden and max(held.values()) + slowest <= 30


def test_every_runbook_is_there_and_is_listed(default: list[Group]) -> None:
    index = (ROOT / "docs" / "runbooks" / "README.md").read_text()
    pages = {alert.runbook for group in default for alert in group.alerts}
    for page in sorted(pages):
        assert (ROOT / page).is_file(), page
        assert f"({page.rpartition('/')[2]})" in index, f"{page} is not in the index"


def test_runbooks_link_to_where_the_checkout_can_be_read() -> None:
    _, platform = declare({**CONFIG, "monitoring": {"runbooks": "https://git.example.com/runbooks/", "alerts": {
        "CartEmpty": {"expression": "carts == 0", "says": "nobody buys", "runbook": "https://wiki.example.com/carts"}}}})
    links = {alert.name: alert.runbook for group in groups(platform.settings, platform.context.declared)
             for alert in group.alerts}
    assert links["NoPrimary"] == "https://git.example.com/runbooks/no-primary.md"
    assert links["CartEmpty"] == "https://wiki.example.com/carts"


def test_what_a_platform_does_not_have_it_is_not_told_of() -> None:
    _, platform = declare({**CONFIG, "postgres": {"members": 1}, "redis": {"replicas_per_master": 0},
                           "supervision": {"enabled": False}})
    told = {alert.name for group in groups(platform.settings, platform.context.declared) for alert in group.alerts}
    assert not told & {"QuorumNotInForce", "RedisMasterAlone", "NobodyLeads", "FencerPowerless"}


@pytest.mark.parametrize(("monitoring", "said"), [
    ({"thresholds": {"cpu_warning": 90}}, "cpu_warning is 90 and cpu_critical 85"),
    ({"thresholds": {"certificate_warning": 5}}, "critical before it is a warning"),
    ({"alerts": {"cart empty": {"expression": "x", "says": "y"}}}, "letters and digits"),
    ({"records": {"orders": "x"}}, "shop:orders:rate5m"),
    ({"records": {"evenkeel:orders:rate": "x"}}, "are how the platform's own begin|is how the platform's own begin"),
    ({"probe": {"path": "/a b"}}, "path"),
    ({"service_levels": {"latency": {"availability": {}}}}, "and not `availability`"),
    ({"service_levels": {"latency": {"reads": {"paths": ["api"]}}}}, "begins with a slash"),
    ({"service_levels": {"availability": 100}}, "less than 100"),
])
def test_settings_that_make_no_sense_are_refused(monitoring: dict[str, Any], said: str) -> None:
    with pytest.raises(SettingsError, match=said):
        Settings.load({"monitoring": monitoring}, stack="test", where="test")


@pytest.mark.parametrize(("series", "narrowed"), [
    ("shop_seconds_bucket", 'shop_seconds_bucket{le="1"}'),
    ("shop_seconds_bucket{}", 'shop_seconds_bucket{le="1"}'),
    ('{__name__=~".+_bucket",route!="/"}', '{__name__=~".+_bucket",route!="/",le="1"}'),
])
def test_a_selector_of_the_users_is_narrowed(series: str, narrowed: str) -> None:
    assert service_levels.bucket(series, 'le="1"') == narrowed


def test_a_route_class_is_judged_by_its_own_routes(tmp_path: Path) -> None:
    """Quick elsewhere, slow where it was promised; and a bucket as Go and Node.js write it."""
    _, platform = declare({**CONFIG, "monitoring": {"service_levels": {"latency": {
        "api": {"paths": ["/api"], "within_ms": 2000, "percent": 90}}}}})
    known = groups(platform.settings, platform.context.declared)
    alert = next(alert for group in known for alert in group.alerts if (alert.name, alert.severity) == ("BudgetBurning",
                                                                                                        "critical"))
    values = {f'shop_http_request_seconds_bucket{{stack="shop", route="{route}", le="{limit}"}}': f"0+{count}x200"
              for route, counts in (("/api/orders/{id}", {"2": 0, "+Inf": 20}), ("/apis", {"2": 20, "+Inf": 20}))
              for limit, count in counts.items()}
    expected = {"exp_labels": {"stack": "shop", "tier": "edge", "level": "api", "severity": "critical"},
                "exp_annotations": {"summary": "api: its error budget is spent 10.0 times as fast as it may be, the "
                                    "limit is 14.4 within 1h or 6 within 6h", "runbook": alert.runbook}}
    write(tmp_path / "api", known, alert, promtool_case(alert, values, 900, [expected]))
    assert "SUCCESS" in judged("prometheus", ["promtool", "test", "rules", "api.test.json"], tmp_path)


def expectation(alert: Alert, case: Case) -> dict[str, Any]:
    return {"exp_labels": {**case.labels, "severity": alert.severity},
            "exp_annotations": {"summary": case.says, **({"runbook": alert.runbook} if alert.runbook else {})}}


def promtool_case(alert: Alert, values: Mapping[str, str], at_s: int, expected: list[dict[str, Any]]) -> dict[str, Any]:
    return {"interval": f"{STEP_S}s", "input_series": [{"series": key, "values": text} for key, text in values.items()],
            "alert_rule_test": [{"eval_time": f"{at_s}s", "alertname": alert.name, "exp_alerts": expected}]}


def write(stem: Path, known: Sequence[Group], alert: Alert, case: Mapping[str, Any]) -> None:
    """A file of this alert alone, after all recording rules, and promtool's test of it."""
    records = Group("records", [record for group in known for record in group.records])
    rules = render_text("prometheus/rules.yml.j2", {"groups": [records, Group("alert", [], [alert])]})
    stem.with_name(f"{stem.name}.yml").write_text(rules)
    test = {"rule_files": [f"{stem.name}.yml"], "evaluation_interval": f"{STEP_S}s", "tests": [case]}
    stem.with_name(f"{stem.name}.test.json").write_text(json.dumps(test))
