"""A running platform changed under load: settings of every tier, replacements in turn, refusals, interruptions."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

import docker.errors
import pytest

from components.app import SETTLE_S
from components.targets.docker import engine, placing
from operations.benchmarks.bench_stack import merged
from operations.changes.parameters import NEED_RESTART
from operations.setup.deploy import SAVE_ONCE, DeployError
from operations.setup.images import image_tag
from tests.support.open_load import Report, load
from tests.support.running import ROOT, SETTINGS, RunningPlatform

QUIET_S = 2
"""Load before and after each change."""
PASSING = ("ciphertext", "modified", "sourcePosition", "stackTrace")


def put_back(platform: RunningPlatform) -> None:
    if "config" in platform.file.read_text() and platform.settings() != SETTINGS:
        platform.write_settings()
        platform.up()


@pytest.fixture(autouse=True)
def as_it_was(platform: RunningPlatform, request: pytest.FixtureRequest) -> Iterator[None]:
    """Every test leaves the platform with the settings that it found, where the next one's update does not do so."""
    yield
    if not request.node.get_closest_marker("taken_back_by_the_next"):
        put_back(platform)


@pytest.fixture(autouse=True, scope="module")
def as_it_was_at_the_end(platform: RunningPlatform) -> Iterator[None]:
    """Also where only some of these tests ran."""
    yield
    put_back(platform)


def with_settings(change: Mapping[str, Any]) -> dict[str, Any]:
    """The tests' own settings with ``change`` laid over them."""
    return merged(SETTINGS, change)


def identities(platform: RunningPlatform) -> dict[str, str]:
    return {container.labels["evenkeel.member"]: str(container.id) for container in platform.containers()}


def replaced(before: Mapping[str, str], platform: RunningPlatform) -> set[str]:
    """The members whose container is another one than before."""
    return {member for member, identity in identities(platform).items() if before.get(member, identity) != identity}


def change(platform: RunningPlatform, settings: Mapping[str, Any]) -> Report:
    """`up` with these settings, under load; what clients saw of it."""
    platform.write_settings(with_settings(settings))
    with load(platform.urls, platform.trust()) as report:
        time.sleep(QUIET_S)
        platform.up()
        time.sleep(QUIET_S)
    print(report)
    return report


def other_image(name: str) -> str:
    """The same image under another name: as good as another version to everybody but the service."""
    reference = f"evenkeel-test/{name}:other"
    engine.client().images.get(image_tag(name)).tag(reference)
    return reference


@pytest.mark.taken_back_by_the_next
def test_settings_of_every_tier_change_without_a_failed_request(platform: RunningPlatform) -> None:
    before = identities(platform)
    report = change(platform, {
        "edge": {"haproxy": {"queue": 500, "cpus": 0.9}, "headers": {"referrer_policy": "no-referrer"}},
        "app": {"pools": {"web": {"max_connections": 200, "memory_mib": 300}}},
        "postgres": {"parameters": {"work_mem": "6MB"}, "read_lag_mib": 17, "etcd": {"log_level": "error"},
                     "pgbouncer": {"pool_size": 19}, "pgproxy": {"max_connections": 900}},
        "redis": {"slow_command_ms": 30, "memory": {"data_mib": 96}},
    })
    assert report.failed == [] and report.sent > 100
    assert replaced(before, platform) == set(), "all of that changes in place"
    assert platform.container("haproxy-1").attrs["HostConfig"]["NanoCpus"] == 900_000_000
    assert platform.container("web-blue-1").attrs["HostConfig"]["Memory"] == 300 * 2**20
    assert platform.inside("postgres-1", "psql", "-h", "/run", "-U", "postgres", "-Atc", "SHOW work_mem") == "6MB"
    with platform.client() as client:
        assert client.get("/").headers["Referrer-Policy"] == "no-referrer"


def test_workers_are_replaced_in_turn_and_added_and_an_update_cut_off_meanwhile_is_completed(
        platform: RunningPlatform) -> None:
    before = identities(platform)
    environment = {**SETTINGS["app"]["environment"], "CHANGED": "1"}
    report = change(platform, {"app": {"environment": environment}})
    # The former test's settings go back by the same update: in place.
    assert report.failed == [] and replaced(before, platform) == {"web-blue-1", "web-blue-2"}
    first, second = (datetime.fromisoformat(platform.container(f"web-blue-{n}").attrs["Created"][:19]) for n in (1, 2))
    assert second - first >= timedelta(seconds=SETTLE_S), "one after the other"
    before = identities(platform)
    report = change(platform, {"app": {"environment": environment, "pools": {"web": {"workers": 3}}}})
    assert report.failed == [] and replaced(before, platform) == set()
    assert "web-blue-3" in identities(platform)
    see_an_update_cut_off_and_completed(platform)


def see_an_update_cut_off_and_completed(platform: RunningPlatform) -> None:
    """Back to the tests' own settings, killed in the middle of the replacements; the next update completes it."""
    before = identities(platform)
    platform.write_settings()
    with load(platform.urls, platform.trust()) as report:
        # As `make up` runs it: no state of the cut off run is saved.
        run = subprocess.Popen(["pulumi", "up", "--yes", "--skip-preview", "--stack", platform.stack,
                                "--non-interactive"], cwd=ROOT, env={**platform.environment, **SAVE_ONCE},
                               start_new_session=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + 60
        while not any(map(platform.fit, replaced(before, platform))):
            assert run.poll() is None and time.monotonic() < deadline, "it was not cut off in the middle"
            time.sleep(0.1)
        os.killpg(run.pid, signal.SIGKILL)
        run.wait()
        platform.up()
        time.sleep(QUIET_S)
    assert report.failed == [] and replaced(before, platform) == {"web-blue-1", "web-blue-2"}
    assert "web-blue-3" not in identities(platform)
    changes = platform.up().summary.resource_changes or {}
    assert set(changes) == {"same"}, changes


@pytest.mark.taken_back_by_the_next
def test_proxies_and_load_balancers_are_replaced_one_at_a_time(platform: RunningPlatform) -> None:
    before = identities(platform)
    report = change(platform, {"images": {name: other_image(name) for name in ("nginx", "haproxy", "pgproxy")}})
    assert report.failed == []
    # The engine's proxies are of pgproxy's image, too.
    assert replaced(before, platform) == {f"{name}-{n}" for name in ("nginx", "haproxy", "pgproxy", "engineproxy")
                                          for n in (1, 2)}


def test_a_parameter_that_needs_a_restart_pauses_writes_for_a_moment(platform: RunningPlatform) -> None:
    def everywhere() -> set[str]:
        return {platform.inside(f"postgres-{n}", "psql", "-h", "/run", "-U", "postgres", "-Atc",
                                "SHOW max_connections") for n in (1, 2, 3)}

    # How long the pause is, `make bench-change` measures: time is no test's matter.
    more = change(platform, {"postgres": {"max_connections": 220}})
    assert more.failed == [] and everywhere() == {"220"}
    less = change(platform, {})
    assert less.failed == [] and everywhere() == {"200"}, "standbys may lower it only after the primary"


def test_the_parameters_that_need_a_restart_are_known(platform: RunningPlatform) -> None:
    listed = platform.inside("postgres-1", "psql", "-h", "/run", "-U", "postgres", "-Atc",
                             "SELECT name FROM pg_settings WHERE context = 'postmaster'")
    assert set(listed.split()) - NEED_RESTART == set()


def test_members_of_a_cluster_are_not_replaced_by_an_update(platform: RunningPlatform) -> None:
    before, state = identities(platform), resources(platform)
    platform.write_settings(with_settings({"images": {"postgres": other_image("postgres")},
                                           "edge": {"haproxy": {"queue": 400}}}))
    typed = platform.pulumi("up", "--yes", "--skip-preview")
    assert typed.returncode != 0 and "upgrade.yml -e stack=" in typed.stdout, typed.stdout
    assert "postgres-1, postgres-2, postgres-3: would be replaced: image" in typed.stdout
    assert identities(platform) == before and resources(platform) == state, "refused means that nothing was touched"
    with pytest.raises(DeployError, match=r"upgrade\.yml"):
        platform.up()
    preview = make("preview", platform.stack)
    assert preview.returncode != 0 and "would be refused" in preview.stdout, preview.stdout
    assert "postgres-1, postgres-2, postgres-3: refused (image)" in preview.stdout


def test_a_named_member_may_be_replaced_and_no_other(platform: RunningPlatform) -> None:
    before = identities(platform)
    leader = platform.inside("postgres-1", "sh", "-c", "patronictl -c /etc/evenkeel/patroni list -f json")
    replica = next(member["Member"] for member in json.loads(leader) if member["Role"] != "Leader")
    platform.write_settings(with_settings({"images": {"postgres": other_image("postgres")}}))
    platform.environment["EVENKEEL_REPLACE"] = replica
    try:
        platform.up()
    finally:
        del platform.environment["EVENKEEL_REPLACE"]
    assert replaced(before, platform) == {replica}
    platform.write_settings()
    platform.environment["EVENKEEL_REPLACE"] = replica
    try:
        platform.up()
    finally:
        del platform.environment["EVENKEEL_REPLACE"]


def test_what_somebody_changed_by_hand_is_said_and_put_back(platform: RunningPlatform) -> None:
    declared = platform.container("redis-2").attrs["HostConfig"]["Memory"]
    platform.container("redis-2").update(mem_limit="300m", memswap_limit="300m")
    preview = make("preview", platform.stack)
    assert "redis-2: its memory limit was changed by hand to 300 MiB" in preview.stdout, preview.stdout
    platform.up()
    assert platform.container("redis-2").attrs["HostConfig"]["Memory"] == declared


def test_a_parameter_that_only_postgres_can_refuse_is_not_sent(platform: RunningPlatform) -> None:
    platform.write_settings(with_settings({"postgres": {"parameters": {"work_mem": "8 apples"}}}))
    with pytest.raises(DeployError, match=r'(?s)invalid value for parameter "work_mem".*previous files.*Next: '):
        platform.up()
    assert "apples" not in platform.inside("postgres-1", "patronictl", "-c", "/etc/evenkeel/patroni", "show-config")


def test_a_value_that_only_the_service_can_refuse_leaves_the_old_one(platform: RunningPlatform) -> None:
    for key in ("edge-certificate", "edge-certificate-key"):
        platform.pulumi("config", "set", "--secret", key, "this is no certificate")
    platform.write_settings(with_settings({"edge": {"tls": {"own_certificate": True}}}), secrets=True)
    with load(platform.urls, platform.trust()) as report:
        with pytest.raises(DeployError, match=r"(?s)nginx.*previous files are back.*Next: "):
            platform.up()
        time.sleep(QUIET_S)
    assert report.failed == []


def test_a_full_disk_leaves_the_old_file_and_says_so() -> None:
    name = f"evenkeel-test-full-{os.getpid()}"
    props: dict[str, Any] = {
        "volume": name, "labels": {"evenkeel.stack": "test-full"}, "helperImage": image_tag("base"), "container": name,
        "files": {"a.conf": "old"}, "secretFiles": {}, "executables": [], "effects": {}, "reload": [], "check": [],
        "health": [], "workload": "test/full"}
    client = engine.client()
    client.volumes.create(name, driver_opts={"type": "tmpfs", "device": "tmpfs", "o": "size=64k"})
    # In memory it lives only as long as somebody uses it.
    holder = client.containers.run(image_tag("base"), ["sleep", "60"], detach=True, stop_signal="SIGKILL", name=name,
                                   volumes={name: {"bind": "/place", "mode": "rw"}})
    try:
        placing.create(props)
        with pytest.raises(placing.PlacingError, match=r"(?s)a\.conf could not be written.*previous ones.*Next: "):
            placing.update(props, {**props, "files": {"a.conf": "x" * 200_000}})
        assert engine.run_inside(holder, ["sh", "-c", "cat /place/a.conf; ls -A /place"]) == (0, "olda.conf")
    finally:
        holder.remove(force=True)
        with suppress(docker.errors.NotFound):
            client.volumes.get(name).remove(force=True)


def make(command: str, stack: str) -> subprocess.CompletedProcess[str]:
    """What a user types."""
    return subprocess.run(["make", command, f"STACK={stack}"], cwd=ROOT, text=True, stdout=subprocess.PIPE, check=False,
                          stderr=subprocess.STDOUT, timeout=120)


def resources(platform: RunningPlatform) -> dict[str, Any]:
    """The state's resources by name, without what is encrypted anew at every export, without times, and without the
    place in the program that asked for each: that, and who is asked for first, is a matter of who was ready first."""
    def plain(part: Any) -> Any:
        if isinstance(part, dict):
            return {key: plain(value) for key, value in part.items() if key not in PASSING}
        return [plain(item) for item in part] if isinstance(part, list) else part
    exported = json.loads(platform.pulumi("stack", "export").stdout)["deployment"]["resources"]
    return {resource["urn"]: plain(resource) for resource in exported}
