"""What members say is kept, all of it, and found again."""

from __future__ import annotations

import functools
import subprocess
import sys
import time
import uuid
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from docker.models.containers import Container
from docker.types import LogConfig

from components.monitoring_collector import COLLECTOR
from components.monitoring_logs import LOKI
from components.targets.docker import engine, inputs
from operations.monitoring import kept
from operations.setup.images import image_tag
from operations.setup.paths import ROOT
from tests.support import waiting
from tests.support.load import Load
from tests.support.running import SETTINGS, RunningPlatform, settled

pytestmark = pytest.mark.logs
wait_until = functools.partial(waiting.wait_until, step_s=0.5)
"""Each look is a command inside a member."""
LINES, ROTATED_AT = 20_000, "1m"
SPEAKER = 'i=0; while [ $i -lt {count} ]; do echo "{word} $i of many, and a few words more"; i=$((i+1)); done'


@pytest.fixture(scope="module")
def kept_logs(platform: RunningPlatform) -> Iterator[RunningPlatform]:
    """The platform with its logs kept; without, afterwards."""
    with settled(platform.stack, {**SETTINGS, "monitoring": {"logs": {"enabled": True}}}) as running:
        yield running


def loki(running: RunningPlatform) -> Container:
    return running.container(f"{LOKI}-1")


def found(running: RunningPlatform, who: str | None, begin: datetime, query: str | None = None) -> list[kept.Line]:
    return list(kept.lines(loki(running), running.stack, who, begin, query))


@contextmanager
def speaker(running: RunningPlatform, script: str, *, size: str = "10m") -> Iterator[str]:
    """A container of the stack that says something, as members do; yields the name it has in the logs."""
    member = f"speaker-{uuid.uuid4().hex[:8]}"
    labels = {"evenkeel.stack": running.stack, "evenkeel.tier": "app", "evenkeel.workload": "speaker",
              "evenkeel.member": member, "evenkeel.domain": "a"}
    container = engine.client().containers.run(
        image_tag("base"), ["sh", "-c", script], name=f"evenkeel-{running.stack}-{member}", detach=True, labels=labels,
        network_mode="none", log_config=LogConfig(type="json-file", config={**inputs.LOGS, "max-size": size}))
    try:
        yield member
    finally:
        container.remove(force=True)


def numbers(lines: list[kept.Line]) -> Counter[int]:
    return Counter(int(line.text.split()[1]) for line in lines)


def exactly(count: int) -> Counter[int]:
    return Counter(range(count))


def test_every_line_of_every_member_is_kept_under_its_name(kept_logs: RunningPlatform) -> None:
    begin = datetime.now(UTC)
    with kept_logs.client() as client:
        for _ in range(20):
            assert client.get("/api/catalogue").status_code == 200
    kept_logs.inside("redis-1", "true")
    time.sleep(2)
    end = datetime.now(UTC)

    def said_by_engine() -> Counter[tuple[str, str]]:
        return Counter((one.labels["evenkeel.member"], line) for one in kept_logs.containers() for line in
                       one.logs(since=begin.timestamp(), until=end.timestamp()).decode().splitlines())

    def missing() -> Counter[tuple[str, str]]:
        return said_by_engine() - Counter((line.member, line.text) for line in found(kept_logs, None, begin))

    wait_until(lambda: not missing(), "what the engine has is in Loki")
    assert {"nginx-1", "web-blue-1"} & {member for member, _ in said_by_engine()}


def test_a_request_is_found_from_the_edge_to_the_worker(kept_logs: RunningPlatform) -> None:
    begin = datetime.now(UTC) - timedelta(seconds=1)
    with kept_logs.client() as client:
        answer = client.get("/api/fail?status=500")
    request = answer.headers["X-Request-ID"]
    query = f'| trace_id="{request}"'
    wait_until(lambda: {line.member.rsplit("-", 1)[0] for line in found(kept_logs, None, begin, query)} >=
               {"nginx", "haproxy", "web-blue"}, "all three say something of it")
    assert all(request in line.text for line in found(kept_logs, None, begin, query))


def test_labels_have_few_values_and_hold_no_request(kept_logs: RunningPlatform) -> None:
    labels = kept.asked(loki(kept_logs), "/loki/api/v1/labels")
    assert set(labels) <= {"stack", "tier", "workload", "member", "domain", "colour", "pool"}
    assert set(kept.asked(loki(kept_logs), "/loki/api/v1/label/stack/values")) == {kept_logs.stack}


def test_a_level_is_known(kept_logs: RunningPlatform) -> None:
    begin = datetime.now(UTC) - timedelta(seconds=1)
    with speaker(kept_logs, """echo '{"level":"error","event":"out of anchors"}'; sleep 60""") as member:
        wait_until(lambda: len(found(kept_logs, member, begin, '| detected_level="error"')) == 1, "it is an error")


def test_a_line_longer_than_the_engine_takes_is_one_line(kept_logs: RunningPlatform) -> None:
    begin = datetime.now(UTC) - timedelta(seconds=1)
    script = "python3 -c 'print(\"a\" * 40_000 + \"z\"); print(\"next\")'; sleep 60"
    with speaker(kept_logs, script) as member:
        wait_until(lambda: len(found(kept_logs, member, begin)) == 2, "two lines")
        assert [len(line.text) for line in found(kept_logs, member, begin)] == [40_001, 4]


def test_nothing_is_lost_while_files_are_renamed_under_it(kept_logs: RunningPlatform) -> None:
    begin = datetime.now(UTC) - timedelta(seconds=1)
    pause = 'case $i in *000) sleep 0.5;; esac; '  # 2,000 lines a second
    script = SPEAKER.format(count=LINES, word="rotated").replace("echo", pause + "echo", 1) + "; sleep 60"
    with speaker(kept_logs, script, size=ROTATED_AT) as member:
        wait_until(lambda: len(found(kept_logs, member, begin)) >= LINES, f"{LINES} lines", 60)
        assert numbers(found(kept_logs, member, begin)) == exactly(LINES)


def test_what_a_member_said_outlives_it(kept_logs: RunningPlatform) -> None:
    begin = datetime.now(UTC) - timedelta(seconds=1)
    with speaker(kept_logs, "echo last words; sleep 60") as member:
        wait_until(lambda: len(found(kept_logs, member, begin)) == 1, "it is heard")
    said = subprocess.run([sys.executable, "-m", "operations.setup.cli", "logs", f"STACK={kept_logs.stack}",
                           f"TIER={member}", "SINCE=2m"], check=True, cwd=ROOT, env=kept_logs.environment, text=True,
                          stdout=subprocess.PIPE).stdout
    assert said.endswith("last words\n") and member in said


@pytest.mark.parametrize("gone", [LOKI, COLLECTOR])
def test_while_one_of_them_is_gone_nothing_is_lost_and_nobody_notices(kept_logs: RunningPlatform, gone: str) -> None:
    begin = datetime.now(UTC) - timedelta(seconds=1)
    with kept_logs.held(f"{gone}-1", "a test"), Load(kept_logs, kept_logs.trust()) as load:
        kept_logs.container(f"{gone}-1").kill()
        with speaker(kept_logs, SPEAKER.format(count=LINES, word="meanwhile") + "; sleep 60") as member:
            time.sleep(15)
            kept_logs.container(f"{gone}-1").start()
            wait_until(lambda: kept_logs.fit(f"{gone}-1"), "it is back", 60)
            wait_until(lambda: len(found(kept_logs, member, begin)) >= LINES, "it has caught up", 60)
            assert numbers(found(kept_logs, member, begin)) == exactly(LINES)
    assert load.acknowledged and not load.failures


def test_where_loki_is_gone_the_engine_is_asked(kept_logs: RunningPlatform) -> None:
    with kept_logs.held(f"{LOKI}-1", "a test"):
        kept_logs.container(f"{LOKI}-1").kill()
        said = subprocess.run([sys.executable, "-m", "operations.setup.cli", "logs", f"STACK={kept_logs.stack}",
                               "TIER=nginx"], check=True, cwd=ROOT, env=kept_logs.environment, text=True,
                              stdout=subprocess.PIPE).stdout
        assert "nginx-1" in said
        kept_logs.container(f"{LOKI}-1").start()
        wait_until(lambda: kept_logs.fit(f"{LOKI}-1"), "it is back", 60)


def test_a_query_that_is_none_says_so(kept_logs: RunningPlatform) -> None:
    done = subprocess.run([sys.executable, "-m", "operations.setup.cli", "logs", f"STACK={kept_logs.stack}",
                           "QUERY=| nonsense"], check=False, cwd=ROOT, env=kept_logs.environment, text=True,
                          stdout=subprocess.PIPE)
    assert done.returncode == 1
    assert "refused the question" in done.stdout and "parse error" in done.stdout


def test_neither_is_reached_by_who_does_not_watch(kept_logs: RunningPlatform) -> None:
    with httpx.Client(timeout=2) as client, pytest.raises(httpx.TransportError):
        client.get("http://127.0.0.1:3100/ready")
    code, _ = engine.run_inside(kept_logs.container("web-blue-1"), ["curl", "-m", "2", "-s", "http://loki-1:3100/ready"])
    assert code != 0


def test_who_did_what_is_found_among_the_logs(kept_logs: RunningPlatform) -> None:
    begin = datetime.now(UTC) - timedelta(seconds=1)
    subprocess.run([sys.executable, "-m", "operations.setup.cli", "hold", f"STACK={kept_logs.stack}", "MEMBER=redis-2",
                    "FOR=1s", "WHY=to be found"], check=True, cwd=ROOT, env=kept_logs.environment)
    wait_until(lambda: any("to be found" in line.text for line in found(kept_logs, "audit", begin)), "it is there")
