"""What `pulumi preview` says, typed by hand, with the real engine and the real providers."""

from __future__ import annotations

import json
import socket
import subprocess
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from components.targets.docker import engine
from components.targets.docker.guard import PERMITTED_VARIABLE, REPORT, REPORT_VARIABLE
from components.targets.docker.inputs import CLUSTERED_LABEL, FINGERPRINT_LABEL
from operations.setup.images import image_tag
from operations.setup.paths import ROOT
from tests.support.running import SETTINGS, RunningPlatform


def refused(declared: RunningPlatform, settings: dict[str, Any]) -> str:
    """The output of a preview that must fail, with nothing in the state afterwards."""
    declared.write_settings({**SETTINGS, **settings})
    preview = declared.pulumi("preview")
    assert preview.returncode != 0, preview.stdout
    assert "Traceback" not in preview.stdout, preview.stdout
    exported = json.loads(declared.pulumi("stack", "export").stdout)
    assert not exported["deployment"].get("resources"), "a refused preview must touch nothing"
    return preview.stdout


def test_a_new_stack_is_all_creations(declared: RunningPlatform) -> None:
    declared.write_settings()
    preview = declared.pulumi("preview", "--json")
    assert preview.returncode == 0, preview.stdout
    steps = json.loads(preview.stdout[preview.stdout.index("{"):])["steps"]
    assert Counter(step["op"] for step in steps) == {"create": len(steps)}
    containers = [step["newState"]["inputs"]["name"] for step in steps
                  if step["newState"]["type"] == "docker:index/container:Container"]
    assert sorted(containers) == sorted(
        f"evenkeel-{declared.stack}-{workload}-{ordinal}" for workload, count in
        {"nginx": 2, "haproxy": 2, "web-blue": 2, "etcd": 3, "postgres": 3, "pgproxy": 2, "pgbouncer": 2,
         "redis": 6, "engineproxy": 2, "supervisor": 2}.items() for ordinal in range(1, count + 1))


@pytest.mark.parametrize(("settings", "said"), [
    ({"app": {"imgae": "x"}}, "did you mean `image`?"),
    ({"app": {"drain_s": "30s"}}, "a plain number, in s"),
    ({"app": {"pools": {"web": {"workers": 0}}}}, "app.pools.web.workers"),
    ({"postgres": {"etcd": {"members": 4}}}, "4 is even"),
    ({"target": "kubernetes"}, "does not deploy them yet"),
    ({"target": "dockre"}, "'docker' or 'kubernetes'"),
    ({"app": {"image": "localhost:1/nobody/knows:this"}}, "is not on this engine and its registry does not give it"),
], ids=["misspelled", "unit", "zero-workers", "even-etcd", "not-yet-deployed", "unknown-target", "no-such-image"])
def test_bad_settings_are_refused_before_anything_is_touched(
        declared: RunningPlatform, settings: dict[str, Any], said: str) -> None:
    output = refused(declared, settings)
    assert said in output and "Next: " in output, output


def test_a_port_in_use_is_refused(declared: RunningPlatform) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        output = refused(declared, {"edge": {"nginx": {"https_port": port}}})
    assert f"port {port}" in output and "another process" in output and "ss -ltnp" in output


def test_a_port_of_another_stack_is_refused_by_its_name(declared: RunningPlatform) -> None:
    holder = engine.client().containers.run(
        image_tag("base"), ["sleep", "60"], detach=True, remove=True, labels={"evenkeel.stack": "neighbour"},
        ports={"8000/tcp": ("127.0.0.1", None)}, stop_signal="SIGKILL")
    try:
        holder.reload()
        port = int(holder.ports["8000/tcp"][0]["HostPort"])
        output = refused(declared, {"edge": {"nginx": {"http_port": port}}})
    finally:
        holder.stop()
    assert "the stack 'neighbour'" in output


@pytest.fixture
def member_of_a_cluster(declared: RunningPlatform) -> Iterator[None]:
    """A container that says it is postgres-1, of other inputs than those that are wanted."""
    labels = {"evenkeel.stack": declared.stack, "evenkeel.member": "postgres-1", "evenkeel.workload": "postgres",
              CLUSTERED_LABEL: "true", FINGERPRINT_LABEL: "image=00000000"}
    container = engine.client().containers.run(image_tag("base"), ["sleep", "300"], detach=True, labels=labels,
                                               stop_signal="SIGKILL")
    try:
        yield
    finally:
        container.remove(force=True)


@pytest.mark.usefixtures("member_of_a_cluster")
def test_a_replacement_in_a_cluster_is_refused_with_the_command_to_type(declared: RunningPlatform) -> None:
    output = refused(declared, {})
    assert "postgres-1: would be replaced" in output and "nothing was changed" in output
    assert f"upgrade.yml -e stack={declared.stack}" in output


@pytest.mark.usefixtures("member_of_a_cluster")
@pytest.mark.parametrize("variable", [{REPORT_VARIABLE: REPORT}, {PERMITTED_VARIABLE: "postgres-1"}],
                         ids=["only-reported", "permitted"])
def test_a_preview_may_report_and_an_operation_may_name_members(
        declared: RunningPlatform, variable: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in variable.items():
        monkeypatch.setitem(declared.environment, name, value)
    declared.write_settings()
    preview = declared.pulumi("preview")
    assert preview.returncode == 0, preview.stdout
    assert ("upgrade.yml" in preview.stdout) is (REPORT_VARIABLE in variable)


def test_make_preview_says_first_who_is_affected(declared: RunningPlatform) -> None:
    declared.write_settings()
    typed = subprocess.run(["make", "preview", f"STACK={declared.stack}"], check=False, cwd=ROOT, text=True,
                           env=declared.environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=120)
    assert typed.returncode == 0, typed.stdout
    words, _, diff = typed.stdout.partition("Pulumi's own words:")
    assert "haproxy-1, haproxy-2: added; the members that run are not touched." in words, words
    assert "docker:index/container:Container" in diff, diff


def test_without_an_engine_the_next_command_is_said(
        declared: RunningPlatform, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(declared.environment, "DOCKER_HOST", "unix:///nonexistent/docker.sock")
    output = refused(declared, {})
    assert "engine can't be reached" in output and "`make up`" in output


def test_a_wrong_passphrase_is_said(declared: RunningPlatform, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(declared.environment, "PULUMI_CONFIG_PASSPHRASE_FILE")
    monkeypatch.setitem(declared.environment, "PULUMI_CONFIG_PASSPHRASE", "not this one")
    preview = declared.pulumi("preview")
    assert preview.returncode != 0 and "incorrect passphrase" in preview.stdout


