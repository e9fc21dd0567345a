"""Whether this machine can carry the platform, before anything is changed."""

from __future__ import annotations

import os
import platform
import shutil
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from operations.setup.errors import SetupError
from operations.setup.paths import ROOT, cache

GIB = 2**30
DISK_GIB = 10
"""Go's build cache (4 GiB), images (2 GiB), finished tools, virtual environment, data: measured, with a margin."""
MEMORY_GIB = 4
"""The platform at rest needs half of it, a linker building Pulumi the other half."""
PYTHON = (3, 11)
ARCHITECTURES = ("x86_64", "aarch64")
DOCKER_FOLDER = Path("/var/lib/docker")


@dataclass(frozen=True)
class Machine:
    """What was found. ``disks``: folder -> free bytes, of every file system that setup writes to."""

    system: str
    architecture: str
    python: tuple[int, int]
    debian: bool
    cores: int
    memory: int
    disks: dict[Path, int]

    def __str__(self) -> str:
        free = min(self.disks.values()) / GIB
        return (f"{self.system} {self.architecture}, Python {'.'.join(map(str, self.python))}, {self.cores} cores, "
                f"{self.memory / GIB:.1f} GiB memory, {free:.0f} GiB free")


def look() -> Machine:
    """Read this machine."""
    return Machine(
        system=platform.system(), architecture=platform.machine(), python=sys.version_info[:2],
        debian=Path("/etc/debian_version").exists(), cores=len(os.sched_getaffinity(0)),
        memory=os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"),
        disks={path: shutil.disk_usage(path).free for path in _existing((ROOT, cache(), DOCKER_FOLDER))})


def check(machine: Machine, *, everything_is_built: bool = False) -> None:
    """Raise ``SetupError`` that names every shortage. Where everything is built already, a tenth of the disk does."""
    problems = []
    if machine.system != "Linux" or machine.architecture not in ARCHITECTURES:
        problems.append(f"{machine.system} on {machine.architecture}: Linux on {' or '.join(ARCHITECTURES)} is needed")
    if machine.python < PYTHON:
        problems.append(f"Python {'.'.join(map(str, machine.python))}: {'.'.join(map(str, PYTHON))} or newer is needed")
    needed = DISK_GIB / 10 if everything_is_built else DISK_GIB
    problems += [f"{free / GIB:.1f} GiB free at {path}: {needed:g} GiB are needed"
                 for path, free in machine.disks.items() if free < needed * GIB]
    if machine.memory < MEMORY_GIB * GIB:
        problems.append(f"{machine.memory / GIB:.1f} GiB of memory: {MEMORY_GIB} GiB are needed")
    if problems:
        raise SetupError("This machine can't carry the platform. Nothing was changed.", why="\n".join(problems),
                         then="make room (`docker system df` and `df -h` show who uses it), then: make up"
                         if all("free at" in problem for problem in problems) else "")


def _existing(paths: Iterable[Path]) -> set[Path]:
    """Each path, or the nearest folder above it that exists."""
    return {next(folder for folder in (path, *path.parents) if folder.exists()) for path in paths}
