"""The collection against the real services: check, apply, apply again, check; the inventory and its secrets."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.evenkeel.platform.plugins.module_utils import redis_client

from operations.setup import status
from operations.setup.paths import ROOT
from tests.support.running import RunningPlatform


def member_with(platform: RunningPlatform, workload: str, role: str) -> str:
    """The first member in that role."""
    return next(seen.member for seen in status.of(platform.stack)
                if seen.member.startswith(f"{workload}-") and seen.role == role)


def four_times(platform: RunningPlatform, module: str, arguments: dict[str, Any]) -> list[dict[str, Any]]:
    """Tasks that see that a module says changed, changed, ok, ok."""
    task = {f"evenkeel.platform.{module}": {"stack": platform.stack, **arguments}, "diff": True}
    named = [{"name": f"{module}: {what}", **task, "check_mode": what.startswith("check"), "register": f"run_{number}"}
             for number, what in enumerate(("check", "apply", "apply again", "check again"))]
    expected = ["run_0 is changed", "run_1 is changed", "run_2 is not changed", "run_3 is not changed",
                "run_0.diff.before != run_0.diff.after"]
    shown = {"name": "Show", "ansible.builtin.debug": {"msg": f"{module} " + "{{ run_1.narration | join('; ') }}"}}
    return [*named, {"name": "Compare", "ansible.builtin.assert": {"that": expected}}, shown]


def typed(platform: RunningPlatform, program: str, *arguments: str, timeout_s: float = 120) -> str:
    """Output of a command of Ansible's that must succeed."""
    done = subprocess.run([program, *arguments, "-e", f"stack={platform.stack}"], cwd=ROOT, env=platform.environment,
                          text=True, capture_output=True, check=False, timeout=timeout_s)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def play(platform: RunningPlatform, folder: Path, tasks: list[dict[str, Any]]) -> str:
    """Run a playbook with these tasks; its output."""
    book = folder / "book.yml"
    book.write_text(yaml.safe_dump([{"name": "Try", "hosts": "localhost", "gather_facts": False, "tasks": tasks}],
                                   sort_keys=False))
    said = typed(platform, "ansible-playbook", str(book))
    print(said)
    return said


@pytest.mark.parametrize(("module", "workload", "role"), [
    ("patroni_switchover", "postgres", "primary"),
    ("redis_failover", "redis", "master"),
    ("etcd_member", "etcd", "leader"),
    ("member_drain", "postgres", "replica"),
])
def test_modules_converge_and_tell_the_truth_beforehand(
        platform: RunningPlatform, tmp_path: Path, module: str, workload: str, role: str) -> None:
    member = member_with(platform, workload, role)
    if module == "member_drain":
        tasks = [task for state in ("drained", "serving")
                 for task in four_times(platform, module, {"member": member, "state": state})]
    else:
        wanted = {"avoid": [member]} if module == "patroni_switchover" else {"member": member}
        tasks = four_times(platform, module, wanted)
    play(platform, tmp_path, tasks)


def test_a_takeover_that_is_over_may_be_asked_for_again(platform: RunningPlatform) -> None:
    platform.inside(member_with(platform, "redis", "master"), "sh", "-c", redis_client.FAILOVER)


def test_patroni_is_paused_and_acts_again_and_a_replica_is_cloned_when_it_has_to_be(
        platform: RunningPlatform, tmp_path: Path) -> None:
    replica, leader = member_with(platform, "postgres", "replica"), member_with(platform, "postgres", "primary")
    clone = {"evenkeel.platform.patroni_reinitialise": {"stack": platform.stack, "member": replica}}
    refused = {"evenkeel.platform.patroni_reinitialise": {"stack": platform.stack, "member": leader, "force": True}}
    fail_over = {"evenkeel.platform.patroni_failover": {"stack": platform.stack}}
    elsewhere = {"evenkeel.platform.patroni_failover": {"stack": platform.stack, "primary": replica}}
    forced = {"evenkeel.platform.patroni_reinitialise": {"stack": platform.stack, "member": replica, "force": True}}
    said = play(platform, tmp_path, [
        *four_times(platform, "patroni_pause", {"state": "paused"}),
        *four_times(platform, "patroni_pause", {"state": "acting"}),
        {"name": "Clone what streams", **clone, "register": "cloned", "failed_when": "cloned is changed"},
        {"name": "Clone it all the same", **forced},
        {"name": "Clone the primary", **refused, "register": "no", "failed_when": "no.msg is not defined"},
        {"name": "Fail over from nobody", **fail_over, "register": "kept", "failed_when": "kept is changed"},
        {"name": "Fail over", **elsewhere, "register": "not_so", "failed_when": "not_so.msg is not defined"},
        {"name": "Show", "ansible.builtin.debug": {"msg": "{{ no.msg }} {{ not_so.msg }}"}}])
    assert "was cloned anew and streams" in said
    assert "its data is what the others are copied from" in said and "make switchover PRIMARY=" in said


def test_one_operation_at_a_time(platform: RunningPlatform, tmp_path: Path) -> None:
    other = {"who": "ada", "host": "another-machine", "process": 7, "began": "1", "reason": "restore", "since": "noon"}
    stolen = json.dumps(other)
    play(platform, tmp_path, [
        *four_times(platform, "operation_lock", {"reason": "a test"}),
        *four_times(platform, "operation_lock", {"state": "absent"})])
    platform.inside("etcd-1", "etcdctl", "put", "/evenkeel-operations/lock", stolen)
    take = {"evenkeel.platform.operation_lock": {"stack": platform.stack}}
    said = play(platform, tmp_path, [
        {"name": "Try", **take, "register": "refused", "failed_when": "refused.msg is not defined"},
        {"name": "Show", "ansible.builtin.debug": {"msg": "{{ refused.msg }}"}},
        {"name": "Force", "evenkeel.platform.operation_lock": {"stack": platform.stack, "state": "absent",
                                                               "force": True}}])
    assert "restore, by ada on another-machine" in said and "Next: wait for its end" in said
    assert "the lock of ada on another-machine (restore) was released" in said


def plain(value: Any) -> Any:
    """A variable as `ansible-inventory` prints it: what no playbook wrote is marked as not to be templated."""
    return value.get("__ansible_unsafe", value) if isinstance(value, dict) else value


def test_the_inventory_shows_the_platform_and_no_secret(platform: RunningPlatform) -> None:
    inventory = json.loads(listed := typed(platform, "ansible-inventory", "--list"))
    assert set(inventory["platform"]["children"]) >= {"tier_edge", "tier_app", "tier_postgres", "tier_redis",
                                                      "domain_a", "stateful"}
    assert inventory["etcd"]["hosts"] == ["etcd-1", "etcd-2", "etcd-3"]
    known = inventory["_meta"]["hostvars"]["web-blue-1"]
    assert plain(known["evenkeel_container"]) == f"evenkeel-{platform.stack}-web-blue-1"
    assert plain(known["evenkeel_colour"]) == "blue"
    password = platform.inside("redis-1", "cat", "/etc/evenkeel/platform.password")
    assert password not in listed
    shown = typed(platform, "ansible", "localhost", "-m", "ansible.builtin.debug", "-a",
                  "msg={{ lookup('evenkeel.platform.secret', 'redis-platform') }}")
    assert password in shown
    assert "etcd-3" in typed(platform, "ansible", "etcd", "-m", "ansible.builtin.raw", "-a", "hostname")
