"""The Postgres tier declared by itself, with the contents of its files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pulumi

from components.certificates import Certificates
from components.postgres import Postgres
from components.secrets import Secrets
from components.settings import Settings
from components.tier import Context
from components.workload import Workload
from operations.changes.declared import on_mocks
from tests.support.redis_tier import Generating, Target


@dataclass(frozen=True)
class Declared:
    """Workloads by name; contents of files by member and path; which of the paths are secret."""

    workloads: Mapping[str, Workload]
    contents: Mapping[str, Mapping[str, str]]
    secret_paths: frozenset[str]

    def write(self, member: str, folder: Path) -> Path:
        """Lay one member's files out as its config volume, readable by the platform's user. Returns ``folder``."""
        for path, content in self.contents[member].items():
            place = folder / path
            place.parent.mkdir(parents=True, exist_ok=True)
            place.parent.chmod(0o755)
            place.write_text(content)
        folder.chmod(0o755)
        return folder


def declare(**postgres: Any) -> Declared:
    """Run the tier on mocks, with these settings."""
    target = Target()
    contents: dict[str, dict[str, str]] = {}
    secret_paths: set[str] = set()

    def program() -> None:
        settings = Settings.load({"postgres": postgres}, stack="test", where="test")
        Postgres(Context("test", settings, target, Secrets(), Certificates("test"))).run()
        for workload in target.workloads:
            for member in workload.members:
                of_member = contents.setdefault(member.name, {})
                for file in workload.files(member):
                    secret_paths.update({file.path} if file.secret else ())
                    pulumi.Output.from_input(file.content).apply(
                        lambda text, into=of_member, path=file.path: into.update({path: text}))

    on_mocks(Generating(), program, "test")
    return Declared({workload.name: workload for workload in target.workloads}, contents, frozenset(secret_paths))
