"""What comes over a stream: the engine's frames, taken apart; waits that end."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator

import pytest
from ansible_collections.evenkeel.platform.plugins.module_utils import balancers, drain, poolers, pulumi, running
from ansible_collections.evenkeel.platform.plugins.module_utils.streams import HEADER, Stream, StreamError


@pytest.fixture
def pair() -> Iterator[tuple[Stream, socket.socket]]:
    ours, theirs = socket.socketpair()
    yield Stream("postgres-1", ours), theirs
    ours.close()
    theirs.close()


def frame(text: str, kind: int = 1) -> bytes:
    return HEADER.pack(kind, len(text.encode())) + text.encode()


def test_an_answer_may_come_in_pieces_and_two_at_once(pair: tuple[Stream, socket.socket]) -> None:
    stream, other = pair
    data = frame("one\ntw") + frame("o\n")
    for place in range(len(data)):
        other.sendall(data[place:place + 1])
    assert stream.read_until("\n", 1) == "one"
    assert stream.read_until("\n", 1) == "two"


def test_a_question_reaches_the_program(pair: tuple[Stream, socket.socket]) -> None:
    stream, other = pair
    stream.send("show info\n")
    assert other.recv(100) == b"show info\n"


def test_silence_and_an_early_end_are_errors_that_name_the_member(pair: tuple[Stream, socket.socket]) -> None:
    stream, other = pair
    with pytest.raises(StreamError, match=r"postgres-1 did not answer within 0\.05 s"):
        stream.read_until("\n", 0.05)
    other.sendall(frame("psql: could not connect", 2))
    other.shutdown(socket.SHUT_WR)
    with pytest.raises(StreamError, match="the program ended; it said: psql: could not connect"):
        stream.read_until("\n", 1)


def test_a_pause_ends_by_itself_when_its_stream_does() -> None:
    """The last command of the script that holds the console resumes, whatever ended the one before."""
    before, _, after = poolers.CONSOLE_SCRIPT.rpartition(";")
    assert before.startswith("timeout ") and "-c RESUME" in after


def test_waiting_says_what_was_missing() -> None:
    answers = iter(["two", "one", ""])
    assert running.wait_for(lambda: next(answers), 5, "it", 0) < 5
    with pytest.raises(running.RefusedError, match="it: not within 0 s: always this"):
        running.wait_for(lambda: "always this", 0, "it", 0)


SERVERS = """1
# be_id be_name srv_id srv_name srv_addr srv_op_state srv_admin_state
5 replicas 1 postgres-1 10.0.0.1 0 0 1 1
5 replicas 2 postgres-2 10.0.0.2 2 8 1 1
6 web_blue_write 1 slot-1 10.0.0.3 2 0 1 1
6 web_blue_write 2 slot-2 - 2 32 1 1
6 web_blue_write 3 slot-3 10.0.0.4 0 0 1 1
"""


def test_a_choice_may_come_late_but_not_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(running, "POLL_S", 0)
    answers = iter([(None, "no link"), ("redis-5", "")])
    assert running.chosen_in_time(lambda: next(answers), 5) == ("redis-5", "")
    assert running.chosen_in_time(lambda: (None, "no link"), 0) == (None, "no link")


def test_servers_that_are_drained() -> None:
    assert drain.administrative_state(SERVERS, "postgres-2") == drain.DRAINED
    assert drain.administrative_state(SERVERS, "postgres-1") == 0
    assert drain.administrative_state(SERVERS, "postgres-9") is None


def test_workers_that_a_balancer_reaches() -> None:
    assert balancers.reached(SERVERS)["web_blue_write"] == 1


def test_of_a_failed_run_the_diagnostics_are_shown() -> None:
    text = "Updating (x):\n 12 lines of table\nDiagnostics:\n  docker: no such image\n\nResources:\n    1 changed"
    assert pulumi.said(text, "") == "docker: no such image"
    diagnostics = [{"severity": "error", "message": "refused\n"}, {"severity": "info", "message": "x"}]
    assert pulumi.said(json.dumps({"steps": [], "diagnostics": diagnostics}), "") == "refused"
    assert pulumi.said("", "error: no stack") == "error: no stack"


def test_passwords_are_found_by_name() -> None:
    secret = {"4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270", "plaintext": '"s3cret"'}
    kind, urn = "pulumi-python:dynamic:Resource", "urn:pulumi:s::evenkeel::x::"
    resources = [{"urn": urn + "redis-cache", "type": kind, "outputs": {"name": "redis-cache", "value": secret}},
                 {"urn": urn + "redis-1-config", "type": kind, "outputs": {"volume": "v"}},
                 {"urn": urn + "redis", "type": "evenkeel:tier:Redis"}]
    assert pulumi.passwords_in(json.dumps({"deployment": {"resources": resources}})) == {"redis-cache": "s3cret"}


def test_pulumi_needs_its_environment(tmp_path, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(pulumi.PulumiError, match="no Evenkeel project"):
        pulumi.Pulumi(str(tmp_path), "s")
    (tmp_path / "Pulumi.yaml").touch()
    monkeypatch.delenv("PULUMI_BACKEND_URL", raising=False)
    with pytest.raises(pulumi.PulumiError, match="make -s env"):
        pulumi.Pulumi(str(tmp_path), "s")


def test_only_volumes_of_members_that_go_lose_their_protection() -> None:
    urn = "urn:pulumi:t::evenkeel::evenkeel:tier:Redis$pulumi-python:dynamic:Resource::"
    volumes = [{"urn": f"{urn}{name}-data", "protect": True, "outputs": {"volume": f"evenkeel-t-{name}-data"}}
               for name in ("redis-1", "redis-7", "redis-77")]
    others = [{"urn": f"{urn}redis-7-secret", "protect": True, "outputs": {"value": "x"}},
              {"urn": f"{urn}redis-7", "outputs": {"name": "evenkeel-t-redis-7"}}]
    export = json.dumps({"deployment": {"resources": [*volumes, *others]}})
    assert pulumi.protected_in(export, ["redis-7"]) == [f"{urn}redis-7-data"]
