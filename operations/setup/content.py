"""Names for what files contain: the same content has the same digest on every machine."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Iterator
from pathlib import Path

LEFT_OUT = frozenset({"wheels", "node_modules", "tests", "__pycache__", ".mypy_cache", ".pytest_cache", ".ruff_cache"})
"""Folders that are no part of an image or a tool: caches, what the host adds before a build, tests."""
DIGITS = 12


def files(folder: Path) -> Iterator[Path]:
    """Every file below ``folder`` that counts, sorted by its path."""
    for path, folders, names in os.walk(folder):
        folders[:] = sorted(set(folders) - LEFT_OUT)
        for name in sorted(names):
            if not name.endswith(".pyc"):
                yield Path(path) / name


def digest(folder: Path, also: Iterable[str] = ()) -> str:
    """Twelve hexadecimal digits over names, executable bits and contents below ``folder``, and over ``also``."""
    total = hashlib.sha256()
    for text in also:
        total.update(f"also {text}\n".encode())
    for path in files(folder):
        mode = "x" if path.stat().st_mode & 0o100 else "-"
        inside = hashlib.sha256(path.read_bytes()).hexdigest()
        total.update(f"{mode} {path.relative_to(folder).as_posix()} {inside}\n".encode())
    return total.hexdigest()[:DIGITS]
