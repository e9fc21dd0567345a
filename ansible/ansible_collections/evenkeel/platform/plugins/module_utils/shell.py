"""A shell inside a member, kept open: a line of it costs no program that is started through the engine."""

from __future__ import annotations

from ansible_collections.evenkeel.platform.plugins.module_utils.streams import Stream, StreamError

DONE = "done-with-it\n"
ANSWER_S = 5.0


class Shell:
    """Lines of shell, one after the other, each with its output and exit code."""

    def __init__(self, stream: Stream) -> None:
        self._stream = stream

    @property
    def member(self) -> str:
        return self._stream.member

    def ask(self, line: str, timeout_s: float = ANSWER_S) -> tuple[int, str]:
        """Exit code and output (both outputs together). Raises ``StreamError`` when it doesn't end in its time."""
        self.send(line)
        return self.answer(timeout_s)

    def run(self, line: str, timeout_s: float = ANSWER_S) -> str:
        """Its output. Raises ``StreamError`` with what it said when it fails."""
        self.send(line)
        return self.finished(timeout_s)

    def send(self, line: str) -> None:
        """Begin a line; ``answer`` or ``finished`` waits for its end."""
        self._stream.send(f"{{ {line}\n}} 2>&1; echo \"=$?\" {DONE}")

    def answer(self, timeout_s: float = ANSWER_S) -> tuple[int, str]:
        said, _, code = self._stream.read_until(f" {DONE}", timeout_s).rpartition("=")
        return int(code), said

    def finished(self, timeout_s: float = ANSWER_S) -> str:
        code, said = self.answer(timeout_s)
        if code != 0:
            raise StreamError(f"{self.member}: {said.strip() or f'exit code {code}'}")
        return said

    def close(self) -> None:
        self._stream.close()
