"""The default platform as a whole, declared on mocks: what every member must have, whatever its tier."""

from __future__ import annotations

from collections import Counter

import pytest

from components.platform import Platform
from components.workload import Zone
from tests.support.mocks import Recorder, declare

CONTAINER = "docker:index/container:Container"


@pytest.fixture(scope="module")
def declared() -> tuple[Recorder, Platform]:
    return declare({"app": {"credentials": "files"}})


def test_the_default_members(declared: tuple[Recorder, Platform]) -> None:
    counts = Counter(container.inputs["name"].rpartition("-")[0] for container in declared[0].of(CONTAINER))
    assert counts == {f"evenkeel-test-{workload}": count for workload, count in {
        "nginx": 2, "haproxy": 2, "web-blue": 2, "etcd": 3, "postgres": 3, "pgproxy": 2, "pgbouncer": 2,
        "redis": 6, "exporters": 1, "alertmanager": 2, "prometheus": 1, "engineproxy": 2, "supervisor": 2}.items()}


def test_every_container_is_confined(declared: tuple[Recorder, Platform]) -> None:
    for container in declared[0].of(CONTAINER):
        inputs = container.inputs
        assert inputs["readOnly"] is True and inputs["user"] == "10001:10001", container.name
        assert inputs["capabilities"] == {"drops": ["ALL"]}, container.name
        assert inputs["memory"] == inputs["memorySwap"] > 0 and float(inputs["cpus"]) > 0, container.name
        assert inputs["healthcheck"]["tests"][0] == "CMD", container.name


def test_only_the_edge_is_published(declared: tuple[Recorder, Platform]) -> None:
    published = {container.name: {port["ip"] for port in container.inputs["ports"]}
                 for container in declared[0].of(CONTAINER) if container.inputs.get("ports")}
    assert published == {"nginx-1": {"127.0.0.1"}, "nginx-2": {"127.0.0.1"}}


def test_segments_only_touch_where_a_request_passes(declared: tuple[Recorder, Platform]) -> None:
    zones = {workload.name: set(workload.zones) for workload in declared[1].workloads}
    assert zones["nginx"] == {Zone.EDGE} and zones["haproxy"] == {Zone.EDGE, Zone.APP}
    assert zones["web-blue"] == zones["web-green"] == {Zone.APP, Zone.DATA}
    assert zones["engineproxy"] == {Zone.CONTROL} and zones["supervisor"] == {Zone.CONTROL, Zone.DATA}
    assert zones["alertmanager"] == {Zone.WATCH}, "who reaches it may silence it"
    assert zones["prometheus"] == {Zone.EDGE, Zone.DATA, Zone.WATCH} and zones["exporters"] == {Zone.EDGE, Zone.DATA}
    assert all(zones[name] == {Zone.DATA} for name in ("etcd", "postgres", "pgproxy", "pgbouncer", "redis"))


def test_no_secret_is_in_a_containers_own_inputs(declared: tuple[Recorder, Platform]) -> None:
    for container in declared[0].of(CONTAINER):
        assert "password-of-" not in str(container.inputs) and "<key of" not in str(container.inputs), container.name


def test_public_files_hold_no_secret(declared: tuple[Recorder, Platform]) -> None:
    volumes = [resource for resource in declared[0].resources if "secretFiles" in resource.inputs]
    assert len(volumes) == len(declared[0].of(CONTAINER))
    for volume in volumes:
        assert "password-of-" not in str(volume.inputs["files"]), volume.name
        assert "<key of" not in str(volume.inputs["files"]), volume.name


def test_credentials_by_environment_go_through_the_launcher_alone() -> None:
    recorder, _ = declare({"app": {"image": "base"}})
    worker = recorder.named("web-blue-1").inputs
    assert worker["entrypoints"] == ["/bin/sh", "/etc/evenkeel/launch.sh"]
    assert not any("DATABASE_URL" in variable for variable in worker["envs"])
    secret = recorder.named("web-blue-1-config").inputs["secretFiles"]
    assert "password-of-postgres-app@pgbouncer:6432" in str(secret)


def test_data_is_on_volumes_of_stateful_members_only(declared: tuple[Recorder, Platform]) -> None:
    stateful = {workload.name for workload in declared[1].workloads if workload.stateful}
    assert {"postgres", "etcd", "redis"} <= stateful and not stateful & {"web-blue", "nginx", "pgbouncer", "pgproxy"}


def test_users_of_the_edge_get_a_password_that_is_exported_as_a_secret() -> None:
    _, platform = declare({"app": {"image": "base"}, "edge": {"basic_auth": {"users": ["anne"]}}})
    assert "edge_passwords" in platform.outputs()


def test_outputs_are_free_of_secrets(declared: tuple[Recorder, Platform]) -> None:
    outputs = declared[1].outputs()
    assert outputs["url"].startswith("https://localhost:")
    assert len(outputs["members"]) == 30
    assert "password" not in str({name: value for name, value in outputs.items() if name != "authority"})
