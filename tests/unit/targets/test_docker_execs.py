"""Programs inside containers: nothing that they say is lost, and their exit code is the engine's."""

from __future__ import annotations

import threading

import pytest
from ansible_collections.evenkeel.platform.plugins.module_utils import streams
from docker import APIClient

from components.targets.docker import execs
from tests.support.exec_engine import exec_engine, framed

SAID = framed(1, b"one ") + framed(2, b"two ") + framed(1, b"three")


def test_what_arrives_together_with_the_headers_is_not_lost() -> None:
    with exec_engine(SAID, code=3, unknown_for=2) as address:
        api = APIClient(address, version="1.41")
        execution = execs.create(api, "member", ["say"])
        assert b"".join(execs.output(api, execution)) == b"one two three"
        assert execs.exit_code(api, execution) == 3


def test_output_comes_while_the_program_goes_on() -> None:
    ends = threading.Event()
    with exec_engine(SAID, ends=ends) as address:
        api = APIClient(address, version="1.41")
        said = execs.output(api, execs.create(api, "member", ["say"]))
        assert [next(said) for _ in range(3)] == [b"one ", b"two ", b"three"]
        assert not ends.is_set()
        ends.set()
        assert list(said) == []


def test_modules_lose_nothing_either(monkeypatch: pytest.MonkeyPatch) -> None:
    member = streams.Member("web-1", "web", "app", "a", "c", "identity", True)
    with exec_engine(SAID, code=3, unknown_for=2) as address:
        monkeypatch.setattr(streams.docker, "from_env", lambda **_: streams.docker.DockerClient(address, "1.41"))
        assert streams.DockerStreams("test").ask(member, "say") == (3, "one two three")


@pytest.mark.parametrize("size", [1, 3, 9, 100])
def test_frames_are_found_however_they_are_cut(size: int) -> None:
    pieces = [SAID[at:at + size] for at in range(0, len(SAID), size)]
    assert b"".join(execs.unframed(pieces)) == b"one two three"
