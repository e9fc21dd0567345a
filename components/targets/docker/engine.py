"""The Docker engine's API. Imported only where it is needed: previews pay for every import."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache

import docker
import docker.errors
from docker import DockerClient
from docker.models.containers import Container

from components.targets.docker import execs


@cache
def client() -> DockerClient:
    """The engine that DOCKER_HOST names, else the local socket."""
    return docker.from_env(timeout=120)


def find(container: str) -> Container | None:
    """The container by name or id; None if there is none."""
    try:
        return client().containers.get(container)
    except docker.errors.NotFound:
        return None


def run_inside(container: Container, command: list[str]) -> tuple[int, str]:
    """Exit code and output of a command run inside a running container."""
    api = client().api
    execution = execs.create(api, str(container.id), command)
    output = b"".join(execs.output(api, execution))
    return execs.exit_code(api, execution), output.decode(errors="replace").strip()


def health_command(container: Container) -> list[str]:
    """The command of a container's health check; empty where it has none."""
    test = (container.attrs["Config"].get("Healthcheck") or {}).get("Test") or []
    return list(test[1:])


@dataclass(frozen=True)
class PlacedFile:
    """One file of an archive: path, content, octal mode, numeric owner."""

    path: str
    content: bytes
    mode: int
    owner: int


def archive(files: Iterable[PlacedFile], prefix: str = "") -> bytes:
    """A tar of ``files`` with their directories (0755, root)."""
    buffer = io.BytesIO()
    made: set[str] = set()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for file in files:
            path = prefix + file.path
            parents = path.split("/")[:-1]
            for depth in range(1, len(parents) + 1):
                directory = "/".join(parents[:depth])
                if directory not in made:
                    made.add(directory)
                    entry = tarfile.TarInfo(directory)
                    entry.type, entry.mode = tarfile.DIRTYPE, 0o755
                    tar.addfile(entry)
            entry = tarfile.TarInfo(path)
            entry.size, entry.mode, entry.uid, entry.gid = len(file.content), file.mode, file.owner, file.owner
            tar.addfile(entry, io.BytesIO(file.content))
    return buffer.getvalue()
