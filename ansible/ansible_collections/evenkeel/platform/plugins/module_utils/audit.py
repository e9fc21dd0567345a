"""The audit log: who did what to a stack, when, and what became of it.

A file of JSON lines that is only appended to. Each line names the seal of the one before, and its own seal (SHA-256)
covers that: a line that was changed, removed or put in between shows, and so does everything after it. That the end was
cut off shows by what the platform itself keeps (``audit_store``).
"""

from __future__ import annotations

import fcntl
import getpass
import hashlib
import json
import os
import socket
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

FOLDER = ".evenkeel/audit"
"""Of a checkout."""
FIRST = "0" * 64
"""What the first line names as the seal before it."""
TAIL_BYTES = 65536
"""The last line is within so much of the end."""
LONGEST = 200
"""Of a value; what is longer is cut."""
SECRET = ("password", "passphrase", "secret", "token", "credential", "private")
PEOPLE = ("EVENKEEL_OPERATOR", "GITHUB_ACTOR", "GITLAB_USER_LOGIN", "SUDO_USER")
"""Who really acts, where the user of the machine is everybody's."""
OK, FAILED, INTERRUPTED = "ok", "failed", "interrupted"


@dataclass(frozen=True)
class Run:
    """One operation: ``began`` is the number of its first line, ``at`` the moment in seconds since 1970."""

    began: int
    at: float
    operation: str


class Log:
    """The file of one stack. ``OSError`` says that it can't be written or read."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @classmethod
    def of(cls, checkout: Path, stack: str) -> Log:
        """The log of a stack in a checkout."""
        return cls(checkout / FOLDER / f"{stack}.jsonl")

    def begin(self, stack: str, operation: str, arguments: Mapping[str, Any]) -> Run:
        """Note that an operation begins."""
        now = datetime.now(UTC)
        line = self._append({"at": _time(now), "event": "began", "who": who(), "host": socket.gethostname(),
                             "operation": operation, "stack": stack, "with": told(arguments)})
        return Run(line["number"], now.timestamp(), operation)

    def end(self, run: Run, result: str, why: str = "") -> dict[str, Any]:
        """Note what became of it; returns the line."""
        now = datetime.now(UTC)
        entry = {"at": _time(now), "event": "ended", "began": run.began, "operation": run.operation, "result": result,
                 "took_s": round(now.timestamp() - run.at, 1)}
        return self._append(entry | ({"why": why[:LONGEST]} if why else {}))

    def read(self) -> list[dict[str, Any]]:
        """All lines; one that is no JSON object as ``{"unreadable": text}``. Empty where there is no file yet."""
        return list(_lines(self.path.read_text(encoding="utf-8", errors="replace"))) if self.path.exists() else []

    def _append(self, entry: Mapping[str, Any]) -> dict[str, Any]:
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with os.fdopen(os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600), "rb+") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            size = file.seek(0, os.SEEK_END)
            file.seek(max(0, size - TAIL_BYTES))
            tail = file.read().decode(errors="replace")
            last = next((line for line in reversed(list(_lines(tail))) if "seal" in line), None)
            made = sealed({"number": last["number"] + 1 if last else 1, **entry}, str(last["seal"]) if last else FIRST)
            # Whoever died while writing left a line without an end: it stays one of its own.
            file.write((("" if not tail or tail.endswith("\n") else "\n") + json.dumps(made) + "\n").encode())
            file.flush()
            os.fsync(file.fileno())
        return made


def sealed(entry: Mapping[str, Any], previous: str) -> dict[str, Any]:
    """The entry with the seal before it and its own."""
    body = {**entry, "previous": previous}
    return {**body, "seal": seal(body)}


def seal(body: Mapping[str, Any]) -> str:
    """SHA-256 of everything but the seal itself, whatever the order of its keys."""
    plain = {key: value for key, value in body.items() if key != "seal"}
    return hashlib.sha256(json.dumps(plain, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def name(lines: Sequence[Mapping[str, Any]]) -> str:
    """A log's own name: the beginning of its first seal; "" where it is empty."""
    return str(lines[0].get("seal", ""))[:16] if lines else ""


def flaws(lines: Sequence[Mapping[str, Any]], kept: Mapping[str, Any] | None) -> list[str]:
    """What is wrong with a log, in sentences. ``kept``: number and seal of a line as the platform knows it, if it
    does."""
    found, previous, expected = [], FIRST, 1
    for place, line in enumerate(lines, 1):
        if "seal" not in line:
            found.append(f"line {place} can't be read: its writer died, or somebody changed it")
            continue
        number = line.get("number")
        if line["seal"] != seal(line):
            found.append(f"line {place} was changed: its seal belongs to another text")
        elif number != expected or line.get("previous") != previous:
            found.append(f"line {place} does not follow the one before: it is entry {number}, not {expected}")
        previous, expected = str(line["seal"]), int(number or 0) + 1
    if kept:
        known = next((line for line in lines if line.get("number") == kept["number"]), None)
        if known is None:
            found.append(f"the end is missing: the platform knows {kept['number']} entries, here are {expected - 1}")
        elif known.get("seal") != kept["seal"]:
            found.append(f"entry {kept['number']} is not the one that the platform knows: the log was rewritten")
    return found


def told(arguments: Mapping[str, Any]) -> dict[str, str]:
    """Arguments as they may be kept: what somebody typed, short, and without secrets."""
    return {key: "***" if any(word in key.lower() for word in SECRET) else str(value)[:LONGEST]
            for key, value in sorted(arguments.items()) if isinstance(value, str | int | float) and value != ""}


def who() -> str:
    """The person, as far as that is known."""
    return next((os.environ[name] for name in PEOPLE if os.environ.get(name)), None) or getpass.getuser()


def _lines(text: str) -> Iterator[dict[str, Any]]:
    for line in filter(None, text.splitlines()):
        try:
            found = json.loads(line)
        except ValueError:
            found = None
        yield found if isinstance(found, dict) else {"unreadable": line}


def _time(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds")
