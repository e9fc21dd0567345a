"""A program that gets ready while something else is done, and is then told to go."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from types import TracebackType

from ansible_collections.evenkeel.platform.plugins.module_utils.running import RefusedError


class Prepared:
    """``with Prepared(...) as program: ...; program.go()``. It starts at once, and waits for a line on its standard
    input before it does what it is for; one that is not told to go sees the end of its input."""

    def __init__(self, arguments: Sequence[str], folder: str, python_path: str) -> None:
        """``folder``: where it runs; ``python_path``: where it finds this collection."""
        self._arguments, self._folder, self._python_path = list(arguments), folder, python_path

    def __enter__(self) -> Prepared:
        self._process = subprocess.Popen(self._arguments, cwd=self._folder, text=True, stdin=subprocess.PIPE,
                                         stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                         env={**os.environ, "PYTHONPATH": self._python_path})
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None,
                 ) -> None:
        self._process.__exit__(kind, error, trace)  # closes its input, waits for it

    def said(self) -> str:
        """The line that it says before it waits; "" when it has ended."""
        assert self._process.stdout
        return self._process.stdout.readline()

    def go(self) -> str:
        """What it says in the end. Raises ``RefusedError`` with that when it failed."""
        output, errors = self._process.communicate("go\n")
        if self._process.returncode != 0:
            raise RefusedError((output + errors).strip())
        return output
