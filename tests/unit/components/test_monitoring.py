"""The monitoring tier: whom it asks, how, and with which rights; the services' own checkers judge its files."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from components.monitoring_exporters import WORKLOAD as EXPORTERS
from components.monitoring_exporters import Command
from components.rendering import render_text
from components.settings import Settings, SettingsError
from components.workload import CONFIG_DIR
from operations.changes.declared import own_secrets
from operations.changes.plan import Plan
from tests.support.checkers import judged
from tests.support.manifests import render
from tests.support.mocks import declare
from tests.support.planned import plan

CONFIG: Mapping[str, Any] = {"app": {
    "image": "orders", "metrics_path": "/metrics", "credentials": "files",
    "pools": {"web": {"workers": 2}, "worker": {"port": 0, "workers": 1},
              "websocket": {"paths": ["/ws"], "workers": 1, "metrics_path": ""}},
    "jobs": {"report": {"schedule": "0 3 * * *", "command": ["report"]}}}}
OWN = {"monitoring": {"alerts": {"CartEmpty": {"expression": "shop_carts == 0", "says": 'nobody "buys": {{ $value }}'}},
                      "records": {"shop:orders:rate5m": "sum(rate(shop_orders_total[5m]))"}}}


@pytest.fixture(scope="module")
def default() -> Plan:
    return plan({**CONFIG, **OWN})


def content(known: Plan, member: str, path: str) -> str:
    return known.members[member].files[path].content


def scraped(known: Plan) -> dict[str, dict[str, Any]]:
    jobs = yaml.safe_load(content(known, "prometheus-1", "prometheus.yml"))["scrape_configs"]
    return {job["job_name"]: job for job in jobs}


def told(known: Plan) -> dict[str, list[dict[str, str]]]:
    """Labels of every target, by job."""
    return {name: [group["labels"] for group in job["static_configs"]] for name, job in scraped(known).items()}


# -- whom -------------------------------------------------------------------------------------------------------------


def test_every_member_is_asked_but_those_that_tell_nothing(default: Plan) -> None:
    asked = {labels["member"] for targets in told(default).values() for labels in targets}
    silent = {"engineproxy-1", "engineproxy-2", "worker-blue-1", "websocket-blue-1", "job-report-1"}
    assert asked == default.members.keys() - silent


def test_figures_say_whose_they_are(default: Plan) -> None:
    for targets in told(default).values():
        for labels in targets:
            member = default.members[labels["member"]]
            assert (labels["stack"], labels["tier"], labels["workload"]) == ("test", member.tier, member.workload)
            assert labels["domain"] == member.container["labels"]["evenkeel.domain"]
    assert {labels["colour"] for labels in told(default)["web-blue"]} == {"blue"}


def test_more_members_are_asked_by_themselves() -> None:
    more = told(plan({**CONFIG, "redis": {"masters": 4}, "edge": {"haproxy": {"members": 3}}}))
    assert len(more["redis-redis"]) == 8 and len(more["haproxy"]) == 3


def test_a_name_answers_once_however_many_ways_it_is_asked(default: Plan) -> None:
    """Two targets with the same labels would be one to Prometheus."""
    seen = [tuple(sorted(labels.items())) for targets in told(default).values() for labels in targets]
    assert len(seen) == len(set(seen))


# -- how --------------------------------------------------------------------------------------------------------------


def test_who_speaks_tls_is_verified_and_shown_a_certificate(default: Plan) -> None:
    secured = {name: job["tls_config"] for name, job in scraped(default).items() if job.get("scheme") == "https"}
    assert secured.keys() == {"etcd", "postgres", "supervisor"}
    tls = f"{CONFIG_DIR}/tls"
    assert all(one == {"ca_file": f"{tls}/ca.pem", "cert_file": f"{tls}/cert.pem", "key_file": f"{tls}/key.pem"}
               for one in secured.values())
    text = "".join(file.content for member in ("prometheus-1", "exporters-1")
                   for file in default.members[member].files.values())
    assert "insecure_skip_verify: true" not in text and "skip-tls-verification" not in text
    assert text.count("sslmode=verify-full") == 3


def test_what_hardly_changes_is_asked_seldom(default: Plan) -> None:
    assert {name: job["scrape_interval"] for name, job in scraped(default).items() if "scrape_interval" in job} == {
        "redis-certificate": "60s"}


def test_figures_of_supervisors_are_about_the_members_that_they_name(default: Plan) -> None:
    assert [name for name, job in scraped(default).items() if job.get("honor_labels")] == ["supervisor"]


def test_no_secret_is_in_a_command_an_environment_or_a_label(default: Plan) -> None:
    for member in ("prometheus-1", "alertmanager-1", "alertmanager-2", "exporters-1"):
        assert "password-of-" not in str(default.members[member].container), member
        for path, file in default.members[member].files.items():
            assert "password-of-" not in file.content or file.secret, f"{member}: {path}"
    passwords = json.loads(content(default, "exporters-1", "redis-passwords.json"))
    assert passwords == {f"rediss://redis-{n}:6379": "password-of-redis-monitor" for n in range(1, 7)}


def test_the_front_door_is_asked_as_the_site_where_the_certificate_is_the_sites() -> None:
    own_secrets(["edge-certificate", "edge-certificate-key"])
    own = plan({**CONFIG, "edge": {"tls": {"own_certificate": True, "hostnames": ["shop.example.org"]}}})
    tls = yaml.safe_load(content(own, "exporters-1", "blackbox.yml"))["modules"]["front_door"]["http"]["tls_config"]
    assert tls == {"server_name": "shop.example.org", "insecure_skip_verify": False}


def test_an_exporter_runs_for_every_question_that_is_asked(default: Plan) -> None:
    script = content(default, "exporters-1", "exporters.sh")
    listening = {int(port) for port in re.findall(r"listen-address=:(\d+)", script)} | {
        int(shlex.split(line)[1]) for line in script.splitlines() if line.startswith("pgbouncer-exporter")}
    asked = {int(target.rpartition(":")[2]) for job in scraped(default).values() for group in job["static_configs"]
             for target in group["targets"] if target.startswith(EXPORTERS)}
    assert asked == listening


@pytest.mark.parametrize(("dying", "said"), [("false", "two of a kind ended with 1"), ("sh -c 'exit 3'", "with 3")])
def test_an_exporter_that_ends_ends_the_container(dying: str, said: str, tmp_path: Path) -> None:
    script = tmp_path / "exporters.sh"
    script.write_text(render_text("exporters/exporters.sh.j2", {"commands": [
        Command("one", ("sleep", "1")), Command("two of a kind", tuple(shlex.split(dying)))]}))
    done = subprocess.run(["bash", str(script)], check=False, capture_output=True, text=True, timeout=4)
    assert done.returncode == 1 and said in done.stderr


def test_it_can_be_switched_off_by_a_setting_alone(default: Plan) -> None:
    """What is protected, a volume or a password, would have to be released by hand first."""
    off = plan({**CONFIG, "monitoring": {"enabled": False}})
    assert not [member for member in off.members.values() if member.tier == "monitoring"]
    assert not [name for name in default.protected if name.startswith(("prometheus", "alertmanager", "exporters"))]
    on, without = (passwords({**CONFIG, "monitoring": {"enabled": enabled}}) for enabled in (True, False))
    assert "redis-monitor" in on and on == without


def passwords(config: Mapping[str, Any]) -> set[str]:
    recorder, _ = declare(config)
    return {one.name for one in recorder.of("pulumi-python:dynamic") if one.inputs.get("name") == one.name}


# -- the services' own checkers ---------------------------------------------------------------------------------------


def laid_out(known: Plan, member: str, folder: Path) -> Path:
    """A member's files below ``folder``, mentioning each other there."""
    for path, file in known.members[member].files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(file.content.replace(f"{CONFIG_DIR}/", ""))
    return folder


def test_promtool_accepts_configuration_and_rules(default: Plan, tmp_path: Path) -> None:
    said = judged("prometheus", ["promtool", "check", "config", "prometheus.yml"],
                  laid_out(default, "prometheus-1", tmp_path))
    assert said.count("SUCCESS") == 3 and "rules found" in said


def test_promtool_refuses_a_wrong_rule_of_the_users(tmp_path: Path) -> None:
    wrong = plan({**CONFIG, "monitoring": {"alerts": {"Wrong": {"expression": "rate(", "says": "x"}}}})
    with pytest.raises(AssertionError, match="Wrong"):
        judged("prometheus", ["promtool", "check", "config", "prometheus.yml"],
               laid_out(wrong, "prometheus-1", tmp_path))


def test_amtool_accepts_the_alert_managers_configuration(default: Plan, tmp_path: Path) -> None:
    assert "SUCCESS" in judged("alertmanager", ["amtool", "check-config", "alertmanager.yml"],
                               laid_out(default, "alertmanager-1", tmp_path))


def test_blackbox_accepts_its_modules(default: Plan, tmp_path: Path) -> None:
    judged("exporters", ["prometheus-blackbox-exporter", "--config.file=blackbox.yml", "--config.check"],
           laid_out(default, "exporters-1", tmp_path))


# -- the ways to people -----------------------------------------------------------------------------------------------


ROUTES = {
    "pager": {"kind": "pagerduty", "severities": ["critical"]},
    "chat": {"kind": "slack", "channel": "#shop"},
    "mail": {"kind": "email", "to": ["a@example.org", "b@example.org"], "sender": "shop@example.org",
             "server": "mail.example.org:587", "user": "shop"},
    "hook": {"kind": "webhook", "url": "https://hook.example.org/x?a=1", "token": True},
    "open-hook": {"kind": "webhook", "url": "http://hook.example.org"},
    "outside": {"kind": "heartbeat", "url": "https://beat.example.org/x", "every_s": 120},
}


@pytest.fixture(scope="module")
def routed() -> Plan:
    own_secrets([f"alert-{name}" for name in ("pager", "chat", "mail", "hook")])
    return plan({**CONFIG, "monitoring": {"routes": ROUTES}})


def test_amtool_accepts_every_kind_of_route(routed: Plan, tmp_path: Path) -> None:
    said = judged("alertmanager", ["amtool", "check-config", "alertmanager.yml"],
                  laid_out(routed, "alertmanager-1", tmp_path))
    assert "7 receivers" in said and "1 templates" in said


def test_secrets_of_routes_are_files_of_their_own(routed: Plan) -> None:
    files = routed.members["alertmanager-2"].files
    assert {path: file.content for path, file in files.items() if file.secret} == {
        f"secrets/{name}": f"<alert-{name}>" for name in ("pager", "chat", "mail", "hook")}
    assert "<alert-" not in files["alertmanager.yml"].content


@pytest.mark.parametrize(("labels", "receivers"), [
    (["severity=critical", "alertname=NoPrimary"], "pager,chat,mail,hook,open-hook"),
    (["severity=warning", "alertname=MemberDown"], "chat,mail,hook,open-hook"),
    (["severity=info", "alertname=RestartPending"], "nobody"),
    (["severity=critical", "test_route=chat"], "chat"),
    (["severity=none", "alertname=Watching"], "outside"),
])
def test_amtool_leads_alerts_where_they_belong(labels: list[str], receivers: str, routed: Plan, tmp_path: Path) -> None:
    said = judged("alertmanager", ["amtool", "config", "routes", "test", "--config.file=alertmanager.yml", *labels],
                  laid_out(routed, "alertmanager-1", tmp_path))
    assert receivers in said.splitlines()


@pytest.mark.parametrize(("route", "said"), [
    ({"kind": "email", "to": ["a@example.org"], "sender": "b@example.org"}, "email needs `server`"),
    ({"kind": "webhook"}, "webhook needs `url`"),
    ({"kind": "slack", "url": "https://hooks.slack.com/services/x"}, "`url` means nothing to slack"),
    ({"kind": "email", "to": ["a"], "sender": "b@example.org", "server": "x:25"}, "no address of a mailbox"),
    ({"kind": "email", "to": ["a@b"], "sender": "b@example.org", "server": "x"}, "a name and a port"),
    ({"kind": "webhook", "url": "hook.example.org"}, "url"),
    ({"kind": "webhook", "url": "https://hook.example.org", "every_s": 30}, "`every_s` means nothing to webhook"),
    ({"kind": "heartbeat", "url": "https://a.example.org", "severities": ["info"]}, "`severities` means nothing to"),
    ({"kind": "fax"}, "kind"),
])
def test_routes_that_lead_nowhere_are_refused(route: dict[str, Any], said: str) -> None:
    with pytest.raises(SettingsError, match=re.escape(said)):
        Settings.load({"monitoring": {"routes": {"one": route}}}, stack="test", where="test")


# -- Kubernetes -------------------------------------------------------------------------------------------------------


def test_on_kubernetes_who_has_no_name_is_found_by_dns() -> None:
    rendered = render(CONFIG)
    config = next(one for one in rendered if one["kind"] == "ConfigMap"
                  and one["metadata"]["name"] == "prometheus-config")["data"]
    jobs = {job["job_name"]: job for job in yaml.safe_load(config["prometheus-1__prometheus.yml"])["scrape_configs"]}
    found = jobs["web-blue"]["dns_sd_configs"]
    assert found[0]["names"] == ["web-blue.evenkeel-test.svc.cluster.local"] and found[0]["port"] == 8000
    assert {one["target_label"] for one in jobs["web-blue"]["relabel_configs"]} == {
        "stack", "tier", "workload", "colour", "pool"}
    assert jobs["redis-redis"]["static_configs"][0]["labels"]["member"] == "redis-1"
    assert "supervisor" not in jobs


# -- checks of one's own ----------------------------------------------------------------------------------------------

CHECKS: Mapping[str, Any] = {"monitoring": {"checks": {
    "orders": {"url": "/api/orders?limit=1", "contains": '"orders"', "interval_s": 20},
    "partner": {"url": "http://partner.example.com/health", "statuses": [200, 204], "tier": "edge"}}}}


def test_a_check_asks_through_every_edge_or_elsewhere() -> None:
    known = plan(CHECKS)
    jobs, modules = scraped(known), yaml.safe_load(content(known, "exporters-1", "blackbox.yml"))["modules"]
    assert jobs["check-orders"]["scrape_interval"] == "20s"
    asked = [group["labels"] for group in jobs["check-orders"]["static_configs"]]
    assert [labels["__param_target"] for labels in asked] == [
        f"https://nginx-{n}:8443/api/orders?limit=1" for n in (1, 2)]
    assert {labels["check"] for labels in asked} == {"orders"} and {labels["tier"] for labels in asked} == {"app"}
    elsewhere, = [group["labels"] for group in jobs["check-partner"]["static_configs"]]
    assert elsewhere["__param_target"] == "http://partner.example.com/health" and "member" not in elsewhere
    assert modules["check_orders"]["http"]["fail_if_body_not_matches_regexp"] == ['"orders"']
    assert modules["check_orders"]["http"]["tls_config"] == modules["front_door"]["http"]["tls_config"]
    assert "tls_config" not in modules["check_partner"]["http"]
    assert modules["check_partner"]["http"]["valid_status_codes"] == [200, 204]


def test_the_exporter_takes_its_checks(tmp_path: Path) -> None:
    (tmp_path / "blackbox.yml").write_text(content(plan(CHECKS), "exporters-1", "blackbox.yml"))
    judged("exporters", ["prometheus-blackbox-exporter", "--config.check", "--config.file=blackbox.yml"], tmp_path)


@pytest.mark.parametrize(("check", "words"), [
    ({"url": "api/orders"}, "a path, `/api/orders`, or an address"),
    ({"url": "https://me:secret@example.com/"}, "a label that everybody reads"),
    ({"url": "/", "contains": "("}, "no regular expression"),
    ({"url": "/", "statuses": [20]}, "20 is no HTTP status"),
    ({"url": "/", "tier": "shop"}, "one of edge, app"),
])
def test_a_wrong_check_is_refused(check: Mapping[str, Any], words: str) -> None:
    with pytest.raises(SettingsError, match=re.escape(words)):
        Settings.load({"monitoring": {"checks": {"mine": check}}}, stack="shop", where="test")
