"""A workload's files: a ConfigMap and a Secret for all its members, and the volumes that show each member its own.

Members of a StatefulSet share one pod template, so each sees the files of all in ``ALL_FILES``, and an init container
links its own into ``CONFIG_DIR``. A link, unlike a ``subPath`` mount, follows when Kubelet swaps in changed files.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pulumi

from components.targets.kubernetes import labels
from components.workload import CONFIG_DIR, ConfigFile, Effect, Member, Workload

ALL_FILES = "/etc/evenkeel-members"
MODE, EXECUTABLE_MODE, SECRET_MODE = 0o444, 0o555, 0o440
"""Files belong to root and the pod's group (``fsGroup``), through which the member reads its secrets."""


@dataclass(frozen=True)
class Entry:
    """One file of one member: ``path`` in the volume, ``key`` in its ConfigMap or Secret."""

    path: str
    key: str
    file: ConfigFile


@dataclass(frozen=True)
class Files:
    """All files of a workload. ``per_member``: members may differ, hence paths start with the member's name."""

    stack: str
    workload: Workload
    per_member: bool
    entries: tuple[Entry, ...]

    @classmethod
    def of(cls, stack: str, workload: Workload, per_member: bool) -> Files:
        if not per_member:
            return cls(stack, workload, False, tuple(_shared(workload)))
        entries = [entry for member in workload.members for entry in _own(workload, member)]
        return cls(stack, workload, True, tuple(entries))

    def manifests(self) -> list[dict[str, Any]]:
        """The ConfigMap and the Secret, each where it has something to hold."""
        found = []
        public, secret = self._data(secret=False), self._data(secret=True)
        if public:
            found.append({"apiVersion": "v1", "kind": "ConfigMap", "data": public,
                          "metadata": labels.metadata(self.stack, self.workload, self._config_name)})
        if secret:
            found.append({"apiVersion": "v1", "kind": "Secret", "type": "Opaque", "stringData": secret,
                          "metadata": labels.metadata(self.stack, self.workload, self._secret_name)})
        return found

    def volumes(self) -> list[dict[str, Any]]:
        """Of the pod."""
        sources = []
        for kind, name, secret in (("configMap", self._config_name, False), ("secret", self._secret_name, True)):
            items = [{"key": entry.key, "path": entry.path, "mode": _mode(entry.file)}
                     for entry in self.entries if entry.file.secret is secret]
            if items:
                sources.append({kind: {"name": name, "items": items}})
        if not sources:
            return []
        volumes: list[dict[str, Any]] = [{"name": "files", "projected": {"sources": sources}}]
        if self.per_member:
            volumes.append({"name": "own-files", "emptyDir": {"medium": "Memory", "sizeLimit": "1Mi"}})
        return volumes

    def mounts(self, *, linking: bool = False) -> list[dict[str, Any]]:
        """Of the member's container, or of the init container that links its files."""
        if not self.entries:
            return []
        if not self.per_member:
            return [{"name": "files", "mountPath": CONFIG_DIR, "readOnly": True}]
        return [{"name": "files", "mountPath": ALL_FILES, "readOnly": True},
                {"name": "own-files", "mountPath": CONFIG_DIR, "readOnly": not linking}]

    def restart_mark(self) -> pulumi.Input[str]:
        """Changes exactly when a file changes that a member reads only at its start."""
        contents = [entry.file.content for entry in self.entries if entry.file.effect is Effect.RESTART]
        if any(isinstance(content, pulumi.Output) for content in contents):
            return pulumi.Output.all(*contents).apply(_digest)
        return _digest([str(content) for content in contents])

    @property
    def _config_name(self) -> str:
        return f"{self.workload.name}-config"

    @property
    def _secret_name(self) -> str:
        return f"{self.workload.name}-secrets"

    def _data(self, *, secret: bool) -> Mapping[str, pulumi.Input[str]]:
        return {entry.key: entry.file.content for entry in self.entries if entry.file.secret is secret}


def _own(workload: Workload, member: Member) -> list[Entry]:
    return [Entry(f"{member.name}/{file.path}", _key(f"{member.name}/{file.path}"), file)
            for file in workload.files(member)]


def _shared(workload: Workload) -> list[Entry]:
    """The files of all members, which must be the same: nothing gives these members an identity."""
    first, *others = [{file.path: file for file in workload.files(member)}
                      for member in workload.members or [Member(workload.name, 1)]]
    for other in others:
        differing = [path for path in {*first, *other} if not _same(first.get(path), other.get(path))]
        if differing:
            raise ValueError(f"members of {workload.name} have different {', '.join(sorted(differing))}, but nothing "
                             "gives them an identity on Kubernetes: give the workload a volume or a stable address")
    return [Entry(path, _key(path), file) for path, file in first.items()]


def _same(one: ConfigFile | None, other: ConfigFile | None) -> bool:
    """As far as it can be known now: a Pulumi output's value is not."""
    if one is None or other is None:
        return False
    unknown = isinstance(one.content, pulumi.Output) or isinstance(other.content, pulumi.Output)
    return one.secret is other.secret and (unknown or one.content == other.content)


def _key(path: str) -> str:
    """Keys have no slashes: the path with ``__`` for each."""
    return path.replace("/", "__")


def _mode(file: ConfigFile) -> int:
    if file.secret:
        return SECRET_MODE
    return EXECUTABLE_MODE if file.executable else MODE


def _digest(contents: Sequence[str]) -> str:
    return hashlib.sha256("\0".join(contents).encode()).hexdigest()[:16]

