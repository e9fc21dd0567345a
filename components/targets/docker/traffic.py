"""What the load balancers keep on their own volumes of releases: the split between the colours, and the serial.

Operations own it (decision 3). The program only reads it, so that a file that belongs to an older release, or one that
would take the workers from under their visitors, is refused before anything is registered.
"""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from components.workload import DATA_DIR

if TYPE_CHECKING:
    from docker.models.containers import Container

WORKLOAD, VOLUME = "haproxy", "state"
SPLIT, RELEASE = "split.map", "release.json"


@dataclass(frozen=True)
class Traffic:
    """``serial`` and ``image`` of the newest release that was given requests; 0 and "" before the first."""

    serial: int = 0
    image: str = ""
    percent_by_workload: Mapping[str, int] = field(default_factory=dict)
    """``web-green`` -> how many of 100 requests of its pool it gets."""


def read(split: str, release: str) -> Traffic:
    """From the files' texts; what can't be read counts as never written."""
    percent: dict[str, int] = {}
    for line in split.splitlines():
        part = line.split()
        if len(part) == 2 and part[1].isdigit():
            percent |= {f"{part[0]}-blue": 100 - int(part[1]), f"{part[0]}-green": int(part[1])}
    try:
        known: Mapping[str, Any] = json.loads(release)
    except ValueError:
        known = {}
    return Traffic(int(known.get("serial", 0)), str(known.get("image", "")), percent)


def older(known: Traffic, serial: int, stack: str) -> tuple[tuple[str, ...], str, str]:
    """Whom a file of an older release concerns, why it is refused, and what to do instead."""
    return (("the application",), f"this file describes release {serial}, and release {known.serial} "
            f"({known.image or 'its image is not known'}) runs: the older one would come back",
            "take the file of the newest release (`git pull`, or commit what `make release` wrote where it ran). Where "
            f"the older one is what you want, release it: `make release IMAGE=... STACK={stack}`")


def deserted(known: Traffic, workloads: Collection[str]) -> list[str]:
    """Workloads that get requests and are not among those that a file declares, of pools that it does."""
    pools = {name.rpartition("-")[0] for name in workloads}
    return [name for name, percent in known.percent_by_workload.items()
            if percent and name not in workloads and name.rpartition("-")[0] in pools]


def nobody_left(known: Traffic, workload: str) -> tuple[tuple[str, ...], str, str]:
    """The same about such a workload."""
    percent = known.percent_by_workload[workload]
    return ((workload,), f"the load balancers send {percent} % of its pool's requests there, and the file declares no "
            "worker in it", "take the newest release's file, or give the colour workers "
            f"(app.colours.{workload.rpartition('-')[2]}.workers)")


def look(stack: str) -> Traffic | None:
    """The newest that any load balancer has: of those there are, running or not; else from their volumes, which a
    `make down` keeps. None where there are none."""
    from components.targets.docker import engine

    filters: Any = {"label": [f"evenkeel.stack={stack}", f"evenkeel.workload={WORKLOAD}"]}
    found = [_of(container) for container in engine.client().containers.list(all=True, filters=filters,
                                                                           ignore_removed=True)]
    if not found:
        names = [str(volume.name) for volume in engine.client().volumes.list(filters=filters)
                 if str(volume.name).endswith(f"-{VOLUME}")]
        for name in names:
            with _opened(name) as container:
                if container is not None:
                    found.append(_of(container))
    return max(found, key=lambda one: one.serial) if found else None


def _of(container: Container) -> Traffic:
    return read(_text(container, SPLIT), _text(container, RELEASE))


def _text(container: Container, name: str) -> str:
    import docker.errors

    try:
        stream, _ = container.get_archive(f"{DATA_DIR}/{name}")
    except docker.errors.APIError:  # not written yet
        return ""
    with tarfile.open(fileobj=io.BytesIO(b"".join(stream))) as tar:
        member = tar.extractfile(name)
        return member.read().decode(errors="replace") if member else ""


@contextmanager
def _opened(volume: str) -> Iterator[Container | None]:
    """A container that is made for the volume and never started; None where no image of ours is here to make it of."""
    from components.targets.docker import engine

    images = engine.client().images.list(filters={"reference": "evenkeel/base"})
    if not images:
        yield None
        return
    container = engine.client().containers.create(str(images[0].id), ["true"],
                                                  volumes={volume: {"bind": DATA_DIR, "mode": "ro"}})
    try:
        yield container
    finally:
        container.remove()
