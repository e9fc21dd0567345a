"""Lines of a real shell over a stream: their output, how they ended, and that the next one is another."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from typing import Any

import pytest
from ansible_collections.evenkeel.platform.plugins.module_utils.shell import Shell
from ansible_collections.evenkeel.platform.plugins.module_utils.streams import StreamError


class LocalShell:
    """``Stream`` over a shell of this machine."""

    member = "etcd-1"

    def __init__(self) -> None:
        self.process = subprocess.Popen(["sh"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def send(self, text: str) -> None:
        assert self.process.stdin
        self.process.stdin.write(text)
        self.process.stdin.flush()

    def read_until(self, marker: str, _timeout_s: float) -> str:
        assert self.process.stdout
        said = ""
        while not said.endswith(marker):
            said += self.process.stdout.read(1)
        return said.removesuffix(marker)

    def close(self) -> None:
        self.process.communicate(timeout=5)


@pytest.fixture
def shell() -> Iterator[Shell]:
    stream: Any = LocalShell()
    yield Shell(stream)
    stream.close()


@pytest.mark.parametrize(("line", "answer"), [
    ("echo one; echo two >&2", (0, "one\ntwo\n")),
    ("printf %s 'three\nfour = 4' | cat", (0, "three\nfour = 4")),
    ("(exit 3)", (3, "")),
    ("nonsense-of-ours 2>/dev/null", (127, "")),
    ("cat </dev/null", (0, "")),
])
def test_a_line_has_its_output_and_its_exit_code(shell: Shell, line: str, answer: tuple[int, str]) -> None:
    assert shell.ask(line) == answer
    assert shell.ask("echo next") == (0, "next\n")


def test_a_line_that_fails_is_an_error_in_its_own_words(shell: Shell) -> None:
    with pytest.raises(StreamError, match="etcd-1: no room"):
        shell.run("echo no room; (exit 1)")
    with pytest.raises(StreamError, match="etcd-1: exit code 4"):
        shell.run("(exit 4)")
    assert shell.run("echo fine") == "fine\n"
