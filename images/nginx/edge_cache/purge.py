"""Removes answers from Nginx's cache by what they are answers to.

Nginx has no command for it. But each of its cache's files says its key, and an answer whose file is gone is simply
asked for again. A variant (Vary) has a file of its own with the same key, which computing a file's name from the key
would miss: hence the walk.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

FOLDER = Path("/var/cache/evenkeel/answers")
ENTRY = re.compile(r"^[0-9a-f]{32}$")
KEY = re.compile(rb"\nKEY: ([^:\n]*):([^:\n]*):([^\n]*)\n")
HEAD_BYTES, LONGEST_HEAD_BYTES = 2048, 64 * 1024
"""What is read of a file at first, and at most: Nginx's own head, then the key."""


@dataclass(frozen=True)
class Pattern:
    """``host`` empty: any. ``prefix``: whatever begins with ``path``; otherwise just it, query string included."""

    host: str
    path: str
    prefix: bool

    @classmethod
    def parse(cls, text: str) -> Pattern:
        """``/path``, ``host/path``, ``https://host/path?query``, each with ``*`` at its end for a prefix; ``*`` is all.
        Raises ``ValueError``."""
        prefix = text.endswith("*")
        plain = text.removesuffix("*")
        if prefix and not plain:
            return cls("", "/", True)
        if "://" in plain:
            parts = urlsplit(plain)
            host, path = parts.hostname or "", parts.path + (f"?{parts.query}" if parts.query else "")
        else:
            host, slash, path = plain.partition("/")
            host, path = host.partition(":")[0].lower(), slash + path
        if not path.startswith("/") or "*" in path or any(character.isspace() for character in text):
            raise ValueError(f"{text!r} is no /path, host/path or https://host/path (a `*` may be the last character)")
        return cls(host, path, prefix)

    def matches(self, host: str, uri: str) -> bool:
        if self.host and self.host != host:
            return False
        return uri.startswith(self.path) if self.prefix else uri == self.path


@dataclass(frozen=True)
class Result:
    """``removed``: URLs (host and path), each once, whatever the number of their files. Sizes in bytes."""

    examined: int
    files: int
    bytes: int
    removed: list[str]


def purge(folder: Path, patterns: Sequence[str], dry_run: bool = False, again_after_s: float = 0) -> Result:
    """Remove every answer that a pattern matches; ``dry_run``: only say which. ``again_after_s``: look once more that
    much later, for answers that were just being written. Raises ``ValueError`` for a pattern that is none."""
    parsed = [Pattern.parse(text) for text in patterns]
    first = _once(folder, parsed, dry_run)
    if dry_run or not again_after_s:
        return first
    time.sleep(again_after_s)
    second = _once(folder, parsed, dry_run)
    return Result(first.examined, first.files + second.files, first.bytes + second.bytes,
                  sorted({*first.removed, *second.removed}))


def _once(folder: Path, patterns: Sequence[Pattern], dry_run: bool) -> Result:
    examined = files = size = 0
    removed = set()
    for path in _entries(folder):
        key = _key(path)
        if key is None:
            continue
        examined += 1
        host, uri = key
        if any(pattern.matches(host, uri) for pattern in patterns):
            try:
                length = path.stat().st_size
                if not dry_run:
                    path.unlink()
            except FileNotFoundError:
                continue
            files += 1
            size += length
            removed.add(host + uri)
    return Result(examined, files, size, sorted(removed))


def _entries(folder: Path) -> Iterator[Path]:
    if folder.is_dir():
        # What Nginx is still writing has a longer name.
        yield from (path for path in folder.glob("*/*/*") if ENTRY.match(path.name))


def _key(path: Path) -> tuple[str, str] | None:
    """Host and URI of a file; None when it is gone or unreadable."""
    try:
        with path.open("rb") as file:
            head = file.read(HEAD_BYTES)
            found = KEY.search(head) or KEY.search(head + file.read(LONGEST_HEAD_BYTES))
    except OSError:
        return None
    return (found[2].decode(errors="replace"), found[3].decode(errors="replace")) if found else None
