"""The decisions of images/postgres' two scripts, imported as they are; what they do to a server: tests/local."""

from __future__ import annotations

import base64
import contextlib
import hmac
import os
import socket
import subprocess
import sys
import threading
import types
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader
from pathlib import Path
from typing import Any

import pytest

from components.generated import x509

FOLDER = Path(__file__).resolve().parents[3] / "images" / "postgres"


def script(name: str, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The script as a module; the database driver is in the image only, and no decision needs it."""
    driver = types.ModuleType("psycopg2")
    driver.sql = types.ModuleType("psycopg2.sql")  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "psycopg2", driver)
    spec = spec_from_loader(name, SourceFileLoader(name, str(FOLDER / name)))
    assert spec and spec.loader
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_a_verifier_is_the_one_of_the_standard(monkeypatch: pytest.MonkeyPatch) -> None:
    """The exchange of RFC 7677, section 3: its server's signature follows from our server key."""
    made = script("postgres-roles", monkeypatch).verifier("pencil", base64.b64decode("W22ZaJ0SNY7soEsUEjb6gQ=="))
    nonce = "rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0"
    exchange = (f"n=user,r=rOprNGfwEbeRWgbNEkqO,r={nonce},s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096,c=biws,r={nonce}")
    server_key = base64.b64decode(made.rpartition(":")[2])
    signature = base64.b64encode(hmac.digest(server_key, exchange.encode(), "sha256")).decode()
    assert made.startswith("SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==$")
    assert signature == "6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="


def test_a_verifier_that_fits_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    roles = script("postgres-roles", monkeypatch)
    existing = roles.verifier("right", b"any salt", iterations=5000)
    assert roles.fits("right", existing)
    assert not roles.fits("wrong", existing)
    assert not roles.fits("right", None)
    assert not roles.fits("right", "md5" + "0" * 32)


@pytest.mark.parametrize(("wanted", "current", "patch"), [
    ({"ttl": 20}, {"ttl": 20}, {}),
    ({"ttl": 20}, {"ttl": 30}, {"ttl": 20}),
    ({"ttl": 20}, {"ttl": 20, "pause": True, "standby_cluster": {"host": "x"}}, {}),
    ({"postgresql": {"parameters": {"a": 1}}}, {}, {"postgresql": {"parameters": {"a": 1}}}),
    ({"postgresql": {"parameters": {"a": 1}}}, {"postgresql": {"parameters": {"a": 1, "gone": 2}, "use_slots": True}},
     {"postgresql": {"parameters": {"gone": None}}}),
    ({"synchronous_mode": False}, {"synchronous_mode": "quorum"}, {"synchronous_mode": False}),
], ids=["same", "changed", "operations", "new", "removed", "off"])
def test_only_the_difference_is_sent(wanted: dict, current: dict, patch: dict,
                                     monkeypatch: pytest.MonkeyPatch) -> None:
    assert script("postgres-settings", monkeypatch).difference(wanted, current) == patch


def members(*more: dict[str, Any]) -> list[dict[str, Any]]:
    """A leader and replicas that stream, none pending; ``more`` is laid over them in this order."""
    plain = [{"name": f"postgres-{n}", "role": "leader" if n == 1 else "quorum_standby",
              "state": "running" if n == 1 else "streaming", "lag": 0} for n in (1, 2, 3)]
    return [{**member, **(more[index] if index < len(more) else {})} for index, member in enumerate(plain)]


PENDING = {"pending_restart": True}


def test_replicas_and_the_primary_are_restarted_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    made = script("postgres-restart", monkeypatch)
    all_pending = members(PENDING, PENDING, PENDING)
    assert made.pending(all_pending, leader=False) == ["postgres-2", "postgres-3"]
    assert made.pending(all_pending, leader=True) == ["postgres-1"]
    assert made.pending(members(), leader=True) == made.pending(members(), leader=False) == []


@pytest.mark.parametrize(("second", "third", "chosen"), [
    ({}, {}, ["postgres-2", "postgres-3"]), (PENDING, {}, ["postgres-3"]), ({"state": "starting"}, {}, ["postgres-3"]),
    ({"role": "replica"}, {}, ["postgres-3"]), ({"lag": "unknown"}, {}, ["postgres-3"]),
    ({"lag": 4096}, {}, ["postgres-2", "postgres-3"]), (PENDING, PENDING, [])])
def test_only_a_replica_with_everything_takes_over(
        second: dict[str, Any], third: dict[str, Any], chosen: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    assert script("postgres-restart", monkeypatch).candidates(members(PENDING, second, third)) == chosen


@pytest.mark.parametrize(("second", "third", "joined"), [
    ({}, {}, True), ({"role": "replica"}, {}, False), ({"lag": "unknown"}, {}, False),
    ({"state": "starting"}, {}, True), (PENDING, PENDING, True), ({"role": "replica"}, {"role": "replica"}, True)])
def test_the_primary_waits_for_restarted_replicas_to_count(
        second: dict[str, Any], third: dict[str, Any], joined: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Else the quorum after the switchover would be the former primary alone. Without a quorum nobody ever counts."""
    assert script("postgres-restart", monkeypatch).joined(members(PENDING, second, third)) is joined


class FakeCluster:
    """Shows one list of members after the other, the last one for ever; notes who is restarted."""

    def __init__(self, *views: list[dict[str, Any]]) -> None:
        self._views = list(views)
        self.restarted: list[str] = []

    def members(self) -> list[dict[str, Any]]:
        return self._views.pop(0) if len(self._views) > 1 else self._views[0]

    noticed = members

    def of(self, name: str) -> Any:
        return types.SimpleNamespace(ask=lambda *_, **__: self.restarted.append(name))


def test_a_former_primary_that_comes_back_with_the_parameters_is_not_restarted_again(
        monkeypatch: pytest.MonkeyPatch) -> None:
    """Patroni would refuse it while it starts (503)."""
    made = script("postgres-restart", monkeypatch)
    cluster = FakeCluster(members({}, {**PENDING, "state": "starting"}), members({}, PENDING), members())
    made.replicas(cluster, lambda _: None)
    assert cluster.restarted == []
    waiting = FakeCluster(members({}, {**PENDING, "state": "starting"}), members({}, PENDING))
    made.replicas(waiting, lambda _: None)
    assert waiting.restarted == ["postgres-2"], "it streams, and still has the old ones"


class FakeConsole:
    """A PgBouncer's console; ``refusing`` commands fail with what PgBouncer says."""

    def __init__(self, ran: list[str], name: str, refusing: dict[str, str]) -> None:
        self._ran, self._name, self._refusing = ran, name, refusing

    def cursor(self) -> FakeConsole:
        return self

    def __enter__(self) -> FakeConsole:
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing to close."""

    def execute(self, command: str) -> None:
        self._ran.append(f"{self._name} {command}")
        if said := self._refusing.get(command.partition(" ")[0]):
            raise sys.modules["psycopg2"].Error(said)


def poolers(made: Any, ran: list[str], **refusing: str) -> Any:
    fake = made.Poolers.__new__(made.Poolers)
    fake._database = "app"
    fake._holding = [FakeConsole(ran, f"{n}", refusing) for n in (1, 2)]
    fake._releasing = fake._holding
    return fake


@pytest.fixture
def restarting(monkeypatch: pytest.MonkeyPatch) -> Any:
    made = script("postgres-restart", monkeypatch)
    made.psycopg2.Error = type("Error", (Exception,), {})
    return made


def test_clients_are_held_as_long_as_the_primary_changes(restarting: Any) -> None:
    ran: list[str] = []
    with poolers(restarting, ran).held():
        ran.append("change")
    assert sorted(ran[:2]) == ["1 PAUSE app", "2 PAUSE app"] and ran[2] == "change"
    assert sorted(ran[3:]) == ["1 RESUME app", "2 RESUME app"]


def test_where_a_statement_takes_too_long_nothing_changes_and_all_are_let_go(restarting: Any) -> None:
    ran: list[str] = []
    with (pytest.raises(restarting.RestartError, match="still under way"),
          poolers(restarting, ran, PAUSE="server closed the connection").held()):
        ran.append("change")
    assert "change" not in ran and sorted(ran[-2:]) == ["1 RESUME app", "2 RESUME app"]


def test_clients_are_let_go_when_the_change_fails(restarting: Any) -> None:
    ran: list[str] = []
    with pytest.raises(OSError, match="gone"), poolers(restarting, ran).held():
        raise OSError("gone")
    assert sorted(ran[-2:]) == ["1 RESUME app", "2 RESUME app"]


@pytest.mark.parametrize(("answers", "lead"), [
    ([b"S"], True), ([b"S", b"S"], True), ([b"S", b""], False), ([b"N"], False)])
def test_clients_go_on_when_every_proxy_leads_to_a_primary(
        answers: list[bytes], lead: bool, restarting: Any) -> None:
    """A proxy hangs up while it sees none, or two. One that nobody reaches is nobody's way."""
    with contextlib.ExitStack() as stack:
        servers = [stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in answers]
        for server, answer in zip(servers, answers, strict=True):
            threading.Thread(target=answer_once, args=(server, answer), daemon=True).start()
        routes = restarting.Routes([], 0)
        routes._addresses = [server.getsockname() for server in servers]
        assert routes.lead() is lead
    assert routes.lead(), "the servers are closed"


def answer_once(server: socket.socket, answer: bytes) -> None:
    connection, _ = server.accept()
    with connection:
        assert connection.recv(8) == bytes.fromhex("0000000804d2162f")
        connection.sendall(answer)


def test_poolers_that_a_former_run_left_holding_are_no_obstacle(restarting: Any) -> None:
    with poolers(restarting, [], PAUSE="database already paused").held():
        pass


def test_patroni_is_told_again_until_it_shows_the_new_certificate(
        monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """It forgets its certificate where a password changed at the same time."""
    settings = script("postgres-settings", monkeypatch)
    authority, key = x509.make_authority("Evenkeel test", 2)
    wanted = {"commonName": "postgres", "hosts": ["localhost"], "authority": authority, "authorityKey": key}
    old, new = x509.issue(wanted, 1)["chain"], x509.issue(wanted, 1)["chain"]
    (tmp_path / "cert.pem").write_text(new)
    leaf = "-----END CERTIFICATE-----\n"
    signals: list[int] = []
    monkeypatch.setattr(settings, "CERTIFICATE", tmp_path / "cert.pem")
    monkeypatch.setattr(settings, "SIGNAL_AGAIN_S", 0)
    monkeypatch.setattr(settings.os, "kill", lambda pid, number: signals.append(pid))
    monkeypatch.setattr(settings.ssl, "get_server_certificate",
                        lambda *_, **__: (old if len(signals) < 2 else new).split(leaf)[0] + leaf)
    reload = settings.Reload(8008)
    with pytest.raises(settings.NotYetError):
        reload.require()
    assert signals == [1, 1]
    reload.require()
    assert signals == [1, 1], "it shows the new one: no further signal"


MAKES_HALF = """#!/bin/bash
for argument; do
    case $argument in --pgdata=*) directory=${argument#--pgdata=} ;; esac
done
directory=${directory:-$argument}
mkdir "$directory" && touch "$directory/PG_VERSION"
if [ -e killed ]; then kill -9 $PPID; exit 1; fi
touch "$directory/global"
"""


@pytest.mark.parametrize(("program", "arguments"), [
    ("initdb", ["--encoding=UTF8", "{}"]), ("pg_basebackup", ["--pgdata={}", "-X", "stream", "--dbname=host=x"]),
])
def test_a_data_directory_appears_when_it_is_complete(program: str, arguments: list[str], tmp_path: Path) -> None:
    """Killed in the middle, then again (Patroni leaves an empty directory at times), then over data."""
    programs = tmp_path / "bin"
    programs.mkdir()
    (programs / program).write_text(MAKES_HALF)
    (programs / program).chmod(0o755)
    (programs / f"{program}-whole").symlink_to(FOLDER / "postgres-whole")
    data, half = tmp_path / "data", tmp_path / "data.incomplete"

    def run() -> int:
        command = [programs / f"{program}-whole", *(argument.format(data) for argument in arguments)]
        return subprocess.run(command, cwd=tmp_path, check=False, capture_output=True,
                              env={"PATH": f"{programs}:{os.environ['PATH']}"}).returncode

    (tmp_path / "killed").touch()
    assert run() != 0 and not data.exists() and half.exists()
    (tmp_path / "killed").unlink()
    data.mkdir()
    assert run() == 0 and (data / "global").exists() and not half.exists()
    assert run() != 0 and (data / "global").exists(), "what is there is not written over"
