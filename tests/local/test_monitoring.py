"""The real monitoring tier: every member is asked, a fault reaches a receiver, a wrong rule does not get in."""

from __future__ import annotations

import functools
import json
import os
import re
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from components.targets.docker import engine
from operations.dashboard import grafana, server
from operations.drills.faults import Full
from operations.drills.platform import Platform as Drilled
from operations.monitoring import __main__ as commands
from operations.monitoring import api, health
from operations.setup.deploy import DeployError
from operations.setup.errors import SetupError
from operations.setup.images import image_tag
from operations.setup.paths import ROOT
from tests.support import looks, waiting
from tests.support.load import Load
from tests.support.running import SETTINGS, RunningPlatform, settled

wait_until = functools.partial(waiting.wait_until, step_s=0.5)
"""Each look is a command inside a member."""
STACK = os.environ.get("EVENKEEL_TEST_STACK", f"test-{os.getpid()}")
HOOK, PORT = "alertmanager-2", 9999
MESSAGES, BEATS = "/tmp/messages", "/tmp/beats"
RECEIVER = textwrap.dedent(f"""
    from http.server import BaseHTTPRequestHandler, HTTPServer
    class Hook(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            with open("{BEATS}" if self.path == "/beat" else "{MESSAGES}", "ab") as messages:
                messages.write(body + b"\\n")
            self.send_response(200)
            self.end_headers()
    HTTPServer(("", {PORT}), Hook).serve_forever()
""")
KILL = textwrap.dedent("""
    import os, pathlib, sys
    for process in pathlib.Path("/proc").glob("[0-9]*"):
        if sys.argv[1] in (process / "cmdline").read_text() and int(process.name) != os.getpid():
            os.kill(int(process.name), 15)
""")
BEAT_S = 15
AGAIN = f"again-{os.getpid()}"
"""Of this run alone: the audit log, which outlives a stack, knows of earlier ones."""
MONITORING: dict[str, Any] = {
    "alertmanager": {"group_interval_s": 5},
    "routes": {
        "hook": {"kind": "webhook", "url": f"http://{HOOK}:{PORT}/", "severities": ["info", "warning", "critical"]},
        "closed": {"kind": "webhook", "url": f"http://{HOOK}:1/", "severities": ["info"]},
        "outside": {"kind": "heartbeat", "url": f"http://{HOOK}:{PORT}/beat", "every_s": BEAT_S}}}
EXPORTERS = ("pg_up", "redis_up", "nginx_up", "pgbouncer_up", "probe_success")
BUSY = {"CpuBusy", "MemoryFull", "DiskFull", "SlowAnswers"}
"""The machine's and its tests' affair."""
TOLD_S, OVER_S, QUIET_S, FOUND_S = 30, 45, 11, 120


@pytest.fixture(scope="module")
def watched(platform: RunningPlatform) -> Iterator[RunningPlatform]:
    """The platform with somebody who watches it; without, afterwards."""
    app = {**SETTINGS["app"], "metrics_path": "/metrics"}
    with settled(platform.stack, {**SETTINGS, "app": app, "monitoring": MONITORING}) as running:
        receive(running)
        everybody = {one["member"]: "1" for one in running.outputs["members"]}
        wait_until(lambda: all(map(asked, EXPORTERS)) and members_up() == everybody, "all are asked and answer", 60)
        yield running


def receive(running: RunningPlatform) -> None:
    running.container(HOOK).exec_run(["python3", "-c", RECEIVER], detach=True)


def asked(expression: str) -> list[dict[str, Any]]:
    return api.query(STACK, expression)


def members_up() -> dict[str, str]:
    return {row["metric"]["member"]: row["value"][1] for row in asked("evenkeel:member_up")}


def firing() -> set[str]:
    return {one["labels"]["alertname"] for one in api.alerts(STACK) if one["state"] == "firing"}


def judged() -> dict[str, str]:
    """What became of each rule when it was judged last; `unknown` where it was not yet."""
    known = json.loads(api.ask(api.prometheus(STACK), 9090, "/api/v1/rules"))["data"]["groups"]
    return {rule["name"]: rule["health"] for group in known for rule in group["rules"]}


def answers(watched: RunningPlatform) -> bool:
    """Whether Prometheus has read what it knew and asks on."""
    try:
        return len(asked("up")) > len(watched.outputs["members"])
    except SetupError:
        return False


def told(watched: RunningPlatform) -> list[tuple[str, str, str]]:
    """(alert, member, status) of all that the receiver was told, in order."""
    code, output = watched.container(HOOK).exec_run(["cat", MESSAGES])
    messages = [json.loads(line) for line in output.decode().splitlines() if line] if code == 0 else []
    return [(alert["labels"]["alertname"], alert["labels"].get("member", ""), alert["status"])
            for message in messages for alert in message["alerts"]]


def refused(watched: RunningPlatform, since: datetime) -> int:
    """How often the receiver could not be told. Of every message an alert manager logs the first attempt that fails."""
    logs = "".join(watched.container(f"alertmanager-{n}").logs(since=since).decode() for n in (1, 2))
    return len(re.findall(r" receiver=hook .*attempt failed", logs))


def told_all(watched: RunningPlatform) -> list[tuple[str, str, str]]:
    """``told``, when nothing about members is under way any more: either alert manager may tell what both know."""
    def of_members() -> list[tuple[str, str, str]]:
        return [one for one in told(watched) if one[0] == "MemberDown"]

    known, since = of_members(), time.monotonic()
    deadline = since + OVER_S
    while time.monotonic() - since < QUIET_S:
        assert time.monotonic() < deadline, f"messages keep coming: {known[-5:]}"
        time.sleep(0.5)
        if asked('ALERTS{alertname="MemberDown"}') or of_members() != known:
            known, since = of_members(), time.monotonic()
    return told(watched)


def test_every_member_is_asked_and_answers(watched: RunningPlatform) -> None:
    assert members_up() == {one["member"]: "1" for one in watched.outputs["members"]}
    assert not asked("up == 0") and firing() <= BUSY
    for exporter in EXPORTERS:
        assert {row["value"][1] for row in asked(exporter)} == {"1"}, exporter


def test_what_runbooks_tell_to_ask_can_be_asked(watched: RunningPlatform) -> None:
    pages = "".join(page.read_text() for page in (ROOT / "docs" / "runbooks").glob("*.md"))
    questions = {first or second for first, second in re.findall(r"make ask QUERY=(?:'([^']*)'|(\S+))", pages)}
    assert len(questions) > 10
    known = {row["metric"]["__name__"] for row in asked('group by (__name__) ({__name__!=""})')}
    for question in questions:
        asked(question)
        assert set(re.findall(r"\b(?:haproxy|node|pg|pgbouncer|redis)_\w+", question)) <= known, question


def test_a_master_of_redis_and_a_worker_that_stop_are_told_and_a_receiver_that_was_down_is_told_that_they_are_back(
        watched: RunningPlatform) -> None:
    master = asked('redis_instance_info{role="master"}')[0]["metric"]["member"]
    stopped, before = {master, "web-blue-2"}, len(told_all(watched))
    for member in stopped:
        watched.container(member).stop(timeout=10)
    fire, end = ({("MemberDown", member, status) for member in stopped} for status in ("firing", "resolved"))
    took = wait_until(lambda: fire <= set(told(watched)[before:]), "the receiver is told of both", TOLD_S)
    assert not asked('ALERTS{alertname="ServiceDown"}'), "their partners serve"
    print(f"told {took:.1f} s after they were stopped")
    since = datetime.now(UTC).replace(tzinfo=None)
    assert watched.container(HOOK).exec_run(["python3", "-c", KILL, "serve_forever"])[0] == 0
    for member in stopped:
        watched.container(member).start()
    wait_until(lambda: not asked('ALERTS{alertname="MemberDown"}') and refused(watched, since) > len(stopped),
               "it is over, and tried to be told", OVER_S)
    assert not end & set(told(watched)[before:])
    receive(watched)
    took = wait_until(lambda: end <= set(told(watched)[before:]), "the receiver is told that it is over", TOLD_S)
    print(f"told {took:.1f} s after the receiver was back")


def test_an_exporter_that_dies_is_started_anew(watched: RunningPlatform) -> None:
    def began() -> str:
        return str(watched.container("exporters-1").attrs["State"]["StartedAt"])

    before = began()
    watched.container("exporters-1").exec_run(["python3", "-c", KILL, "prometheus-redis-exporter"])
    wait_until(lambda: began() != before and asked("redis_up") and not asked("redis_up == 0"), "they run again", 30)
    assert "the exporter redis ended with" in watched.container("exporters-1").logs().decode()


def test_a_wrong_rule_is_refused_and_the_former_ones_go_on(watched: RunningPlatform) -> None:
    good = watched.settings()
    wrong = {"alerts": {"Wrong": {"expression": "rate(", "says": "x"}}}
    watched.write_settings({**good, "monitoring": {**MONITORING, **wrong}})
    with pytest.raises(DeployError, match=r"(?s)promtool refuses.*Wrong.*Next: "):
        watched.up()
    assert "Wrong" not in watched.inside("prometheus-1", "cat", "/etc/evenkeel/rules.yml")
    assert asked("evenkeel:member_up")
    watched.write_settings(good)


def test_after_a_restart_of_prometheus_every_rule_is_judged_and_nothing_fires(watched: RunningPlatform) -> None:
    before = len(told_all(watched))
    watched.container("prometheus-1").restart(timeout=10)
    wait_until(lambda: answers(watched), "it asks again", 60)
    wait_until(lambda: "unknown" not in judged().values(), "each was judged once, those on levels after a minute", 75)
    assert {name: health for name, health in judged().items() if health != "ok"} == {}
    assert firing() <= BUSY
    assert [one for one in told(watched)[before:] if one[2] == "firing" and one[0] not in BUSY] == []


def beats(watched: RunningPlatform) -> int:
    """How many the service elsewhere was told of."""
    code, output = watched.container(HOOK).exec_run(["cat", BEATS])
    return len(output.decode().splitlines()) if code == 0 else 0


@pytest.mark.endurance
def test_a_prometheus_whose_disk_is_full_says_so_and_its_heartbeat_stays_away(watched: RunningPlatform) -> None:
    wait_until(lambda: beats(watched) >= 2, "two heartbeats", 2 * BEAT_S + QUIET_S)
    before = len(told(watched))
    fault = Full(["prometheus-1"], 180)
    drilled = Drilled(watched.stack, watched.outputs)
    fault.apply(drilled)
    try:
        took = wait_until(lambda: ("FiguresNotKept", "", "firing") in told(watched)[before:], "it is told", 60)
        print(f"told after {took:.1f} s")
        assert health.line(STACK).startswith("health is not known: Prometheus has kept no figure for 15 s")
        time.sleep(QUIET_S)  # the last one may be on its way
        last = beats(watched)
        time.sleep(2 * BEAT_S)
        assert beats(watched) == last, "who waits elsewhere is told that it stays away"
        assert watched.fit("prometheus-1"), "it lives"
    finally:
        fault.undo(drilled)
    wait_until(lambda: ("FiguresNotKept", "", "resolved") in told(watched)[before:] and beats(watched) > last,
               "it keeps figures again, and says so", OVER_S)


def test_what_was_promised_is_reported(watched: RunningPlatform, capsys: pytest.CaptureFixture[str]) -> None:
    """By then the probes alone have asked often enough."""
    def reported() -> bool:
        commands.main(["slo-report", f"STACK={STACK}"])
        said = capsys.readouterr().out
        return "availability" in said and "answers" in said and "No figures of" not in said

    wait_until(reported, "both levels have figures", 90)


def test_every_route_is_tried_and_each_says_whether_it_arrived(
        watched: RunningPlatform, capsys: pytest.CaptureFixture[str]) -> None:
    assert commands.main(["alert-test", f"STACK={STACK}"]) == 1
    said = capsys.readouterr().out
    assert "hook: arrived" in said and "closed: did not arrive" in said and "refused" in said
    assert "outside: arrived" in said
    assert [status for name, _, status in told(watched) if name == "AlertTest"] == ["firing", "resolved"]


def visited(watched: RunningPlatform) -> Load:
    return Load(watched, watched.trust(), threads=6)


def test_every_figure_and_plot_of_the_page_is_told(watched: RunningPlatform) -> None:
    with visited(watched):
        end = time.monotonic() + FOUND_S
        while (missing := looks.silent(STACK)) and time.monotonic() < end:
            time.sleep(2)
        assert missing == []
        members = {one.name: one for one in looks.seen(STACK).members}
    assert members.keys() == {one["member"] for one in watched.outputs["members"]}
    assert [one.role for one in members.values()].count("primary") == 1
    assert [one.role for one in members.values()].count("master") == 3
    assert {row["metric"]["member"] for row in asked("evenkeel_member_returns_total")} == members.keys()


def test_every_panel_of_every_dashboard_has_something_to_show(watched: RunningPlatform) -> None:
    made = grafana.dashboards(looks.settings(STACK))
    with visited(watched):
        end = time.monotonic() + FOUND_S
        while (missing := {(name, one) for name, board in made.items() for one in grafana.expressions(board)
                           if not asked(one)}) and time.monotonic() < end:
            time.sleep(2)
    assert missing == set()


def test_the_page_is_there_within_a_second(watched: RunningPlatform) -> None:
    begin = time.monotonic()
    told = server.Source(STACK, looks.settings(STACK), served=True).told()
    took = time.monotonic() - begin
    print(f"the page took {took * 1000:.0f} ms")
    assert not told["stale"] and took <= 1


def test_the_score_is_told_with_its_tiers(watched: RunningPlatform) -> None:
    assert health.line(STACK).startswith("health ")
    tiers = {row["metric"]["tier"]: float(row["value"][1]) for row in asked("evenkeel:tier_health")}
    assert tiers.keys() == {*(one["tier"] for one in watched.outputs["members"]), "machine"}
    assert all(0 <= value <= 100 for value in tiers.values()) and tiers["redis"] == tiers["postgres"] == 100


# Each within two minutes, whatever happened before: what is over comes after what lasts.


def leads_to(hop: str, member: str = "") -> bool:
    """Whether the page says first that a hop, and of it a member, is the likeliest cause; prints what it says."""
    (first, says), *others = looks.found(STACK) or [("", "")]
    print(f"{time.strftime('%T')} {first}: {says} (then: {'; '.join(said for _, said in others[:3])})")
    return first == hop and member in says


def test_told_that_it_is_slow_the_page_leads_to_a_saturated_worker(watched: RunningPlatform) -> None:
    with visited(watched), looks.busy(watched.container("web-blue-2")):
        took = wait_until(lambda: leads_to("app", "web-blue-2"), "the page leads to the worker", looks.BUSY_S)
        print(f"found after {took:.1f} s: {looks.found(STACK)[0][1]}")


def test_told_that_it_is_slow_the_page_leads_to_a_lost_master(watched: RunningPlatform) -> None:
    master = asked('redis_instance_info{role="master"}')[0]["metric"]["member"]
    with visited(watched):
        watched.container(master).stop(timeout=10)
        took = wait_until(lambda: leads_to("redis", f"{master} "), "the page leads to the master", FOUND_S)
        said = looks.found(STACK)[0][1]
    watched.container(master).start()
    print(f"found after {took:.1f} s: {said}")
    assert said.endswith("is down, it was master")
    wait_until(lambda: not asked("evenkeel:member_up == 0"), "it is back", OVER_S)


def test_told_that_it_is_slow_the_page_leads_to_a_slow_query(watched: RunningPlatform) -> None:
    primary = asked("patroni_primary == 1")[0]["metric"]["member"]
    with visited(watched):
        watched.container(primary).exec_run(
            ["psql", "-h", "/run", "-U", "postgres", "-d", looks.settings(STACK).postgres.database, "-c",
             "BEGIN; LOCK TABLE orders IN ACCESS EXCLUSIVE MODE; SELECT pg_sleep(25); COMMIT"], detach=True)
        took = wait_until(lambda: leads_to("postgres"), "the page leads to Postgres", 25)
        print(f"found after {took:.1f} s: {looks.found(STACK)[0][1]}")


@pytest.fixture(scope="module")
def checked(watched: RunningPlatform) -> RunningPlatform:
    """With checks of its own, for the tests that follow."""
    checks = {"orders": {"url": "/api/orders?limit=1", "contains": '"orders"', "interval_s": 5},
              "wrong": {"url": "/api/orders?limit=1", "statuses": [204], "interval_s": 5, "for_s": 5}}
    hooks = {AGAIN: {"alert": "CheckFailing", "playbook": f"build/healing-{STACK}.yml", "after_s": 0,
                       "labels": {"check": "wrong"}}}
    watched.write_settings({**watched.settings(), "monitoring": {**MONITORING, "checks": checks, "healing": hooks}})
    watched.up()
    return watched


def test_a_check_of_ones_own_fails_where_its_answer_is_wrong(checked: RunningPlatform) -> None:
    def found() -> dict[str, str]:
        return {row["metric"]["check"]: row["value"][1] for row in asked('max by (check) (probe_success{check!=""})')}

    wait_until(lambda: found() == {"orders": "1", "wrong": "0"}, "both are asked", 30)
    wait_until(lambda: asked('ALERTS{alertname="CheckFailing", alertstate="firing", check="wrong"}'), "it is told", 30)
    assert not asked('ALERTS{alertname="CheckFailing", alertstate="firing", check="orders"}')


def test_a_playbook_answers_an_alert_once(checked: RunningPlatform, tmp_path: Path) -> None:
    """With ONCE, twice: the second knows of the first."""
    book = ROOT / "build" / f"healing-{STACK}.yml"
    book.parent.mkdir(exist_ok=True)
    book.write_text(textwrap.dedent(f"""
        - name: Tell what was heard
          hosts: localhost
          gather_facts: false
          tasks:
            - name: Write it down
              ansible.builtin.lineinfile:
                path: {tmp_path}/heard
                line: "{{{{ healing }}}} {{{{ stack }}}} {{{{ alert.name }}}} {{{{ alert.labels.check }}}}"
                create: true
                mode: "0600"
    """))
    try:
        for _ in range(2):
            said = subprocess.run([sys.executable, "-m", "operations.healing", f"STACK={STACK}", "ONCE=yes"],
                                  check=True, cwd=ROOT, env={**checked.environment, "PYTHONPATH": "ansible"},
                                  text=True, stdout=subprocess.PIPE).stdout
    finally:
        book.unlink()
    assert (tmp_path / "heard").read_text() == f"{AGAIN} {STACK} CheckFailing wrong\n"
    assert "600 s are to be between two runs" in said


JUMP_S = 3600
OFF_BY = "/tmp/clock-off-by-s"


@pytest.fixture
def with_a_clock_that_jumps(watched: RunningPlatform) -> Iterator[RunningPlatform]:
    """Prometheus' clock is what a file says; as everybody's again afterwards."""
    before, reference = watched.settings(), "evenkeel-test/prometheus:jumping-clock"
    engine.client().images.build(path=str(ROOT / "tests/support/jumping_clock"), tag=reference, rm=True, forcerm=True,
                                 buildargs={"BASE": image_tag("prometheus"), "PROGRAM": "/usr/bin/prometheus"})
    try:
        watched.write_settings({**before, "images": {"prometheus": reference}})
        watched.up()
        wait_until(lambda: answers(watched), "it asks", 60)
        yield watched
    finally:
        watched.write_settings(before)
        watched.up()


def fresh() -> bool:
    """Whether what everybody said is of the last three rounds."""
    rows = asked("max(time() - timestamp(up{exporter=\"\"}))")
    return bool(rows) and 0 <= float(rows[0]["value"][1]) < 15


@pytest.mark.endurance
def test_a_clock_that_jumps_blinds_nobody_and_tells_nothing_wrong(with_a_clock_that_jumps: RunningPlatform) -> None:
    watched = with_a_clock_that_jumps
    wait_until(fresh, "figures come in", 30)
    # Of these two clocks only one jumps here; a machine has one.
    compared = {alert["name"] for group in json.loads(api.ask(api.prometheus(STACK), 9090, "/api/v1/rules"))["data"][
        "groups"] for alert in group["rules"] if alert["type"] == "alerting" and "time()" in alert["query"]}
    before = len(told_all(watched))
    for off_by in (JUMP_S, 0):
        watched.inside("prometheus-1", "sh", "-c", f"echo {off_by} >{OFF_BY}")
        clock = time.time() + off_by
        wait_until(lambda clock=clock: abs(float(asked("time()")[0]["value"][1]) - clock) < 60, "its clock jumped", 10)
        wait_until(fresh, "figures are kept, and are new", 30)
        time.sleep(20)
        assert fresh(), "and go on"
    watched.container("prometheus-1").restart(timeout=10)
    wait_until(lambda: answers(watched) and fresh(), "it goes on after a restart, too", 60)
    time.sleep(20)
    fired = {one[0] for one in told(watched)[before:] if one[2] == "firing"}
    assert not fired - BUSY - compared, fired
