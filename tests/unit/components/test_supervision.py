"""The supervision tier: who may ask the engine for what, and where nobody needs to."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from components.generated import x509
from components.postgres import LEADER_KEY
from components.settings import Settings, SettingsError
from components.targets.docker import engine_socket
from components.workload import ENGINE_SOCKET, Zone
from operations.setup.images import image_tag
from operations.supervisor.settings import Fencing
from operations.supervisor.settings import Settings as Told
from tests.support.mocks import declare as declare_platform
from tests.support.postgres_tier import declare as declare_postgres
from tests.support.supervision_tier import declare

MEMBERS = ["web-blue-2", "redis-6", "etcd-3"]


def test_the_proxy_lets_through_this_stacks_members_by_name_and_nobody_else() -> None:
    files = declare("a", MEMBERS).contents["engineproxy-1"]
    readable, actions = files["readable.lst"].split(), files["actions.lst"].split()
    assert len(readable) == 2 + 6 + 3 + 2 + 2 and len(actions) == 2 * len(readable)
    assert "/containers/evenkeel-a-redis-6/json" in readable and "/containers/evenkeel-a-redis-7/json" not in readable
    assert files["measurable.lst"] == files["readable.lst"].replace("/json", "/stats")
    assert {"/containers/evenkeel-a-supervisor-2/start", "/containers/evenkeel-a-engineproxy-1/restart"} <= set(actions)
    assert {path.rpartition("/")[2] for path in actions} == {"start", "restart"}


def test_answers_are_narrowed_to_the_whole_name_of_the_stack() -> None:
    config = declare("a", MEMBERS).contents["engineproxy-1"]["engineproxy.cfg"]
    assert "%%22evenkeel.stack%%3Da%%22" in config
    assert ENGINE_SOCKET in config


def test_only_the_proxy_has_the_socket_and_only_supervisors_share_its_zone() -> None:
    workloads = declare("a", MEMBERS).workloads
    assert [name for name, workload in workloads.items() if workload.controls_engine] == ["engineproxy"]
    assert workloads["engineproxy"].zones == (Zone.CONTROL,)
    _, platform = declare_platform({"app": {"image": "base"}})
    assert {workload.name for workload in platform.workloads if Zone.CONTROL in workload.zones} == {
        "engineproxy", "supervisor"}
    assert [workload.name for workload in platform.workloads if workload.controls_engine] == ["engineproxy"]


def test_on_docker_the_proxy_belongs_to_the_sockets_group_and_is_confined_like_all(
        monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine_socket, "group", lambda: "998")
    recorder, _ = declare_platform({"app": {"image": "base"}})
    proxy, supervisor = recorder.named("engineproxy-1").inputs, recorder.named("supervisor-1").inputs
    assert proxy["groupAdds"] == ["998"] and proxy["user"] == "10001:10001"
    mounted = [volume for volume in proxy["volumes"] if volume["containerPath"] == ENGINE_SOCKET]
    assert len(mounted) == 1 and mounted[0]["hostPath"].endswith("docker.sock") and mounted[0]["readOnly"]
    assert "groupAdds" not in supervisor and not [volume for volume in supervisor["volumes"] if "hostPath" in volume]


def test_supervisors_go_before_what_they_watch() -> None:
    before = declare("a", MEMBERS).workloads["supervisor"].stops_before
    assert set(before) == {"web-blue", "redis", "etcd", "engineproxy"}


def test_each_supervisor_prefers_another_proxy_and_reads_its_settings(tmp_path: Path) -> None:
    contents = declare("a", MEMBERS, settle_s=2).contents
    told = []
    for ordinal in (1, 2):
        (tmp_path / "supervisor.json").write_text(contents[f"supervisor-{ordinal}"]["supervisor.json"])
        told.append(Told.load(tmp_path))
    assert [one.engines[0] for one in told] == ["engineproxy-1:2376", "engineproxy-2:2376"]
    assert [one.rank for one in told] == [0, 1] and told[0].settle_s == 2
    assert told[0].stores == ("etcd-1:2379", "etcd-2:2379", "etcd-3:2379")


def test_the_fencer_knows_who_may_hold_the_leader_key(tmp_path: Path) -> None:
    def fencing(others: list[str], **settings: bool) -> Fencing | None:
        contents = declare("a", others, **settings).contents["supervisor-1"]
        for name in ("supervisor.json", "fencing.json"):
            (tmp_path / name).write_text(contents[name])
        assert "fencing" not in json.loads(contents["supervisor.json"]), "an earlier image would refuse it"
        return Told.load(tmp_path).fencing

    known = fencing([*MEMBERS, "postgres-2"])
    assert known == Fencing("/evenkeel/postgres/leader", {
        "postgres-1": "evenkeel-a-postgres-1", "postgres-2": "evenkeel-a-postgres-2"})
    assert fencing([*MEMBERS, "postgres-1"]) is None, "nobody could take over"
    assert fencing([*MEMBERS, "postgres-3"], fencing=False) is None


def test_patroni_keeps_its_leader_where_the_fencer_looks() -> None:
    patroni = yaml.safe_load(declare_postgres().contents["postgres-1"]["patroni/patroni.yml"])
    assert f"{patroni['namespace']}{patroni['scope']}/leader" == LEADER_KEY


@pytest.mark.parametrize("members", [1, 3])
def test_as_many_proxies_as_supervisors(members: int) -> None:
    declared = declare("a", MEMBERS, members=members)
    assert {workload.count for workload in declared.workloads.values()} == {members}
    told = json.loads(declared.contents[f"supervisor-{members}"]["supervisor.json"])
    assert len(told["engines"]) == members and told["engines"][0] == f"engineproxy-{members}:2376"


def test_where_the_engine_restarts_members_by_itself_there_is_nobody() -> None:
    assert declare("a", MEMBERS, restarts_members=True).workloads == {}
    assert declare("a", MEMBERS, enabled=False).workloads == {}


def test_haproxy_accepts_the_configuration_without_a_warning(tmp_path: Path) -> None:
    files = dict(declare("a", MEMBERS).contents["engineproxy-1"])
    authority, key = x509.make_authority("Evenkeel test", 2)
    issued = x509.issue({"commonName": "engineproxy", "hosts": ["localhost"], "authority": authority,
                         "authorityKey": key}, 1)
    files |= {"tls/ca.pem": authority, "tls/bundle.pem": issued["chain"] + issued["key"]}
    for path, text in files.items():
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_text(text.replace("/etc/evenkeel", str(tmp_path)) if shutil.which("haproxy") else text)
    run = ["haproxy", "-c", "-f", f"{tmp_path}/engineproxy.cfg"]
    if not shutil.which("haproxy"):
        run = ["docker", "run", "--rm", "--network=none", "--entrypoint=", "--user=0",
               f"--volume={tmp_path}:/etc/evenkeel", image_tag("pgproxy"), "haproxy", "-c", "-f",
               "/etc/evenkeel/engineproxy.cfg"]
    done = subprocess.run(run, check=False, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60)
    assert done.returncode == 0 and "WARNING" not in done.stdout, done.stdout


@pytest.mark.parametrize(("host", "said"), [
    ("tcp://10.0.0.1:2376", "an engine on this machine"),
    ("unix:///nonexistent/docker.sock", "can't be looked at"),
])
def test_without_a_socket_here_the_setting_to_change_is_said(
        host: str, said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", host)
    with pytest.raises(SettingsError, match=said) as raised:
        engine_socket.group()
    assert "supervision.enabled false" in str(raised.value)


def test_a_socket_for_root_alone_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    socket = tmp_path / "docker.sock"
    socket.touch(0o600)
    monkeypatch.setenv("DOCKER_HOST", f"unix://{socket}")
    with pytest.raises(SettingsError, match="has mode 600: its group may not use it"):
        engine_socket.group()


def test_times_that_make_no_sense_are_refused() -> None:
    with pytest.raises(SettingsError, match=r"supervision\.lease_s"):
        Settings.load({"supervision": {"lease_s": 1}}, stack="test", where="test")
