"""Programs that setup starts: logged, bounded in time, and stopped together when the run is."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path

from operations.setup.errors import SetupError
from operations.setup.paths import LOGS, ROOT
from operations.setup.tasks import StoppedError

LAST_LINES = 15
GRACE_S = 5.0


class Commands:
    """Starts programs for tasks of one run. ``stop`` ends all of them and lets no other start."""

    def __init__(self, logs: Path = LOGS) -> None:
        self._logs = logs
        self._lock = threading.Lock()
        self._running: set[subprocess.Popen[bytes]] = set()
        self._stopped = False

    def run(self, command: Sequence[str | Path], *, log: str, what: str, then: str, cwd: Path = ROOT,
            environment: Mapping[str, str] | None = None, timeout_s: float | None = None) -> None:
        """Run ``command`` to its end; its output goes to ``build/log/<log>.log``.

        Raises ``SetupError`` with ``what`` failed, the last lines of the log and the command to type ``then``;
        ``StoppedError`` when the run was stopped meanwhile.
        """
        self._logs.mkdir(parents=True, exist_ok=True)
        path = self._logs / f"{log}.log"
        with path.open("ab") as output:
            output.write(f"$ {' '.join(map(str, command))}\n".encode())
            output.flush()
            begin = output.tell()
            code = self._wait(self._start(command, cwd, environment, output), timeout_s)
        if code != 0:
            with path.open("rb") as written:
                written.seek(begin)
                last = written.read().decode(errors="replace").splitlines()[-LAST_LINES:]
            raise SetupError(f"{what}: `{command[0]}` {_end(code, timeout_s)}.", why="\n".join(last),
                             where=str(path), then=then)

    def stop(self) -> None:
        """End every program that is running, and its children."""
        with self._lock:
            self._stopped = True
            running = list(self._running)
        for process in running:
            _signal(process, signal.SIGTERM)
        for process in running:
            try:
                process.wait(GRACE_S)
            except subprocess.TimeoutExpired:
                _signal(process, signal.SIGKILL)

    def _start(self, command: Sequence[str | Path], cwd: Path, environment: Mapping[str, str] | None,
               output: object) -> subprocess.Popen[bytes]:
        with self._lock:
            if self._stopped:
                raise StoppedError
            # A session of its own: Ctrl-C reaches us only, and we end it with its children.
            process: subprocess.Popen[bytes] = subprocess.Popen(
                list(map(str, command)), cwd=cwd, env=dict(environment) if environment is not None else None,
                stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT,  # type: ignore[call-overload]
                start_new_session=True)
            self._running.add(process)
            return process

    def _wait(self, process: subprocess.Popen[bytes], timeout_s: float | None) -> int | None:
        """The exit status; None when the time was up."""
        code: int | None
        try:
            code = process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            _signal(process, signal.SIGKILL)
            process.wait()
            code = None
        with self._lock:
            self._running.discard(process)
            if self._stopped:
                raise StoppedError
        return code


def answer(command: Sequence[str | Path], *, timeout_s: float = 20, environment: Mapping[str, str] | None = None,
           cwd: Path = ROOT) -> tuple[int, str]:
    """Exit status and output of a short question; 127 when the program is missing, 124 when it does not answer."""
    try:
        done = subprocess.run(list(map(str, command)), check=False, cwd=cwd, timeout=timeout_s, text=True,
                              env=dict(environment) if environment is not None else None, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    except FileNotFoundError:
        return 127, f"{command[0]} is not there"
    except subprocess.TimeoutExpired:
        return 124, f"{command[0]} did not answer within {timeout_s:.0f} s"
    return done.returncode, done.stdout.strip()


def _end(code: int | None, timeout_s: float | None) -> str:
    if code is None:
        return f"took longer than {timeout_s:g} s"
    return f"was ended by {signal.Signals(-code).name}" if code < 0 else f"ended with status {code}"


def _signal(process: subprocess.Popen[bytes], number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, number)
