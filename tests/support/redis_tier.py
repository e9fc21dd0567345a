"""The Redis tier declared by itself, with the contents of its files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pulumi

from components.certificates import Certificates
from components.generated import x509
from components.names import Names
from components.redis import Redis
from components.secrets import Secrets
from components.settings import Settings
from components.tier import Context
from components.workload import ConfigFile, Workload
from operations.changes.declared import on_mocks
from tests.support.mocks import Recorder


class EngineNames:
    """Names of an engine that are no member names, so that a name spelled out in a template shows."""

    resolver = "10.0.0.53:53"

    def member(self, workload: str, ordinal: int) -> str:
        return f"{workload}-{ordinal}.members.example"

    def container(self, workload: str, ordinal: int) -> str:
        return f"stack-{workload}-{ordinal}"

    def tells_apart(self, workload: Workload) -> bool:
        return True

    def service(self, workload: str) -> str:
        return f"{workload}.example"

    def stable_address(self, workload: str, ordinal: int) -> str:
        return self.member(workload, ordinal)


@dataclass
class Target:
    """Notes what it is asked to run."""

    names: Names = field(default_factory=EngineNames)
    restarts_members: bool = False
    workloads: list[Workload] = field(default_factory=list)

    def begin_watching(self) -> None:
        pass

    def run(self, workload: Workload, parent: pulumi.Resource) -> None:
        self.workloads.append(workload)


class Generating(Recorder):
    """Answers with passwords by name and with a real certificate."""

    def __init__(self) -> None:
        super().__init__()
        authority, key = x509.make_authority("Evenkeel test", 2)
        issued = x509.issue({"commonName": "redis", "hosts": ["localhost"], "authority": authority,
                             "authorityKey": key}, 1)
        self._made = {"certificate": authority, "chain": issued["chain"], "key": issued["key"]}

    def new_resource(self, args: pulumi.runtime.MockResourceArgs) -> tuple[str | None, dict[str, Any]]:
        resource_id, outputs = super().new_resource(args)
        return resource_id, {**outputs, **self._made, "value": f"pass-{args.name}"}


@dataclass(frozen=True)
class Declared:
    """The tier's one workload, its files by member and path, and their contents."""

    workload: Workload
    files: Mapping[str, Mapping[str, ConfigFile]]
    contents: Mapping[str, Mapping[str, str]]


def declare(**redis: Any) -> Declared:
    """Run the tier on mocks, with these settings."""
    target = Target()
    files: dict[str, dict[str, ConfigFile]] = {}
    contents: dict[str, dict[str, str]] = {}

    def program() -> None:
        settings = Settings.load({"redis": redis}, stack="test", where="test")
        Redis(Context("test", settings, target, Secrets(), Certificates("test"))).run()
        for member in target.workloads[0].members:
            files[member.name] = {file.path: file for file in target.workloads[0].files(member)}
            contents[member.name] = {}
            for path, file in files[member.name].items():
                pulumi.Output.from_input(file.content).apply(
                    lambda text, name=member.name, path=path: contents[name].update({path: text}))

    on_mocks(Generating(), program, "test")
    return Declared(target.workloads[0], files, contents)
