"""The rest of a member's own program: what it reads, what it says to the server, what it reloads."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
from redis_member import placement, reload, resp, sight
from redis_member.settings import Member, Settings

IMAGE = Path(__file__).resolve().parents[3] / "images" / "redis"
MEMBER = Member("redis-1", 1, "redis-1", "a")
NODES = """\
e1aa 172.18.0.6:6379@16379,redis-5 slave 3df5 0 1795240148386 4 connected
3df5 172.18.0.2:6379@16379,redis-1 myself,master - 0 1795240148000 2 connected 0-5459 5460 [5461-<-89dd]
89dd :0@0,redis-2 master,noaddr - 1795240148488 1795240148386 3 disconnected 5461-10921
75c9 2001:db8::7:6379@16379,redis-3 master,fail? - 0 1795240148488 1 connected 10922-16383
"""


def test_a_table_is_read_into_plain_values() -> None:
    seen = sight.read(MEMBER, "172.18.0.2", NODES, "cluster_state:ok\r\n", "role:master\r\n")
    assert seen.id == "3df5" and seen.state_ok and not seen.master_link_up
    assert seen.me.slots == frozenset(range(5461)), "a migration in brackets is no slot of its own"
    replica, lost, suspected = seen.table["e1aa"], seen.table["89dd"], seen.table["75c9"]
    assert (replica.host, replica.ip, replica.master, replica.introduced) == ("redis-5", "172.18.0.6", "3df5", True)
    assert (lost.ip, lost.introduced) == ("", False)
    assert (suspected.ip, suspected.introduced) == ("2001:db8::7", False)
    assert seen.knows_replica("e1aa", "3df5")
    assert not seen.knows_replica("e1aa", "89dd") and not seen.knows_replica("unknown", "3df5")


@pytest.mark.parametrize("masters", [3, 4, 5, 7])
def test_shares_are_contiguous_equal_and_complete(masters: int) -> None:
    shares = [placement.share(founder, masters) for founder in range(1, masters + 1)]
    assert sum(map(len, shares)) == sight.SLOTS == len(frozenset().union(*shares))
    assert max(map(len, shares)) - min(map(len, shares)) <= 1
    assert all(len(placement.ranges(share)) == 1 for share in shares)


def test_slots_become_ranges() -> None:
    assert placement.ranges([7, 1, 2, 3, 9, 8]) == [(1, 3), (7, 9)]
    assert placement.ranges([]) == []


def test_a_command_is_encoded_by_bytes_not_characters() -> None:
    assert resp.encode(("SET", "naïv", 7)) == b"*3\r\n$3\r\nSET\r\n$5\r\nna\xc3\xafv\r\n$1\r\n7\r\n"


class RunningServer:
    """Answers CONFIG and ACL as Redis does, and notes what changed it."""

    def __init__(self) -> None:
        self.parameters = {"maxmemory": "1", "save": "", "masteruser": "platform", "masterauth": "old"}
        self.users = {"default": "user default off", "retired": "user retired on"}
        self.log: list[tuple[str | int, ...]] = []

    def call(self, *words: str | int) -> object:
        match words[:2]:
            case ("CONFIG", "GET"):
                return [text for name in words[2:] if name in self.parameters
                        for text in (name, self.parameters[str(name)])]
            case ("ACL", "LIST"):
                return list(self.users.values())
            case ("CONFIG", "SET"):
                self.parameters.update(dict(zip(map(str, words[2::2]), map(str, words[3::2]), strict=True)))
            case ("ACL", "SETUSER"):
                self.users[str(words[2])] = "user " + " ".join(map(str, words[2:]))
            case ("ACL", "DELUSER"):
                for name in words[2:]:
                    del self.users[str(name)]
        self.log.append(words)
        return "OK"


@pytest.fixture
def files(tmp_path: Path) -> Settings:
    (tmp_path / "runtime.conf").write_text('# comment\nmaxmemory 2\n\nsave ""\n')
    (tmp_path / "replication.conf").write_text("masteruser platform\nmasterauth new-secret\n")
    (tmp_path / "users.acl").write_text("user default reset off\nuser cache reset on #abc ~cache:*\n")
    return Settings("redis-1", (MEMBER,), 3, 6379, "platform", 1, True, directory=tmp_path)


def test_a_reload_says_what_changed_and_no_secret(files: Settings) -> None:
    server = RunningServer()
    said = reload.apply_parameters(server, files)  # type: ignore[arg-type]
    assert said == ["maxmemory: 1 -> 2", "masterauth changed"]
    assert server.parameters["masterauth"] == "new-secret"
    assert server.parameters["tls-cert-file"] == str(files.directory / "tls" / "cert.pem")


def test_users_change_without_acl_load(files: Settings) -> None:
    server = RunningServer()
    said = reload.apply_users(server, files.directory / "users.acl")  # type: ignore[arg-type]
    assert said == ["user default changed", "user cache added", "user retired removed"]
    assert ("ACL", "SETUSER", "cache", "reset", "on", "#abc", "~cache:*") in server.log
    assert not any("LOAD" in words for words in server.log)
    assert reload.apply_users(server, files.directory / "users.acl") == []  # type: ignore[arg-type]


def test_a_server_that_does_not_answer_is_said_in_one_line(
        files: Settings, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise ConnectionRefusedError("connection refused")

    monkeypatch.setattr(Settings, "tls", lambda self: None)
    monkeypatch.setattr(reload, "Connection", refuse)
    assert reload.run(files) == 1
    assert capsys.readouterr().err == "reload: connection refused\n"


@pytest.mark.parametrize(("answer", "code", "said"), [
    ("redis_version:7.0.15 cluster_state:ok cluster_slots_assigned:16384 role:master", 0, "master 7.0.15"),
    ("redis_version:7.0.15 cluster_state:ok cluster_slots_assigned:16384 role:slave master_link_status:up", 0,
     "replica 7.0.15"),
    ("redis_version:7.0.15 cluster_state:ok cluster_slots_assigned:16384 role:slave master_link_status:down", 1,
     "without a link"),
    ("redis_version:7.0.15 cluster_state:fail cluster_slots_assigned:0 role:master", 1, "not formed yet"),
    ("redis_version:7.0.15 cluster_state:ok cluster_slots_assigned:10922 role:master", 1, "no owner"),
    ("Could not connect to Redis", 1, "no answer: Could not connect"),
])
def test_the_health_check_judges_what_the_server_says(tmp_path: Path, answer: str, code: int, said: str) -> None:
    (tmp_path / "redis-cli").write_text(f'#!/bin/sh\ncat >/dev/null\necho "{answer}"\n')
    (tmp_path / "redis-cli").chmod(0o755)
    (tmp_path / "platform.password").write_text("secret")
    script = (IMAGE / "redis-health").read_text().replace("/etc/evenkeel/", f"{tmp_path}/")
    ended = subprocess.run(["sh", "-c", script, "redis-health", "6379"], check=False, capture_output=True, text=True,
                           env={**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}"})
    assert (ended.returncode, said in ended.stdout) == (code, True), ended.stdout + ended.stderr
    assert "secret" not in ended.stdout
