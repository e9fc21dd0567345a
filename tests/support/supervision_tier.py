"""The supervision tier declared by itself, beside members of somebody else's tier."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pulumi

from components.certificates import Certificates
from components.secrets import Secrets
from components.settings import Settings
from components.supervision import Supervision
from components.targets.docker import naming
from components.tier import Context
from components.workload import Member, Resources, Workload, Zone
from operations.changes.declared import on_mocks
from tests.support.redis_tier import Generating, Target


class Names:
    """As Docker names them."""

    resolver = "127.0.0.11:53"

    def __init__(self, stack: str) -> None:
        self._stack = stack

    def member(self, workload: str, ordinal: int) -> str:
        return f"{workload}-{ordinal}"

    def container(self, workload: str, ordinal: int) -> str:
        return naming.container(self._stack, Member(workload, ordinal))

    def tells_apart(self, workload: Workload) -> bool:
        return True

    def service(self, workload: str) -> str:
        return workload

    def stable_address(self, workload: str, ordinal: int) -> str:
        return self.member(workload, ordinal)


@dataclass(frozen=True)
class Declared:
    """Workloads by name, and the contents of every member's files."""

    workloads: Mapping[str, Workload] = field(default_factory=dict)
    contents: Mapping[str, Mapping[str, str]] = field(default_factory=dict)


def declare(stack: str, others: Sequence[str], /, *, restarts_members: bool = False, **supervision: Any) -> Declared:
    """Run the tier on mocks. ``others``: each other workload's last member (``web-blue-2``: two)."""
    workloads: dict[str, Workload] = {}
    contents: dict[str, dict[str, str]] = {}

    def program() -> None:
        settings = Settings.load({"supervision": supervision}, stack=stack, where="test")
        target = Target(names=Names(stack), restarts_members=restarts_members)
        context = Context(stack, settings, target, Secrets(), Certificates(stack))
        for name, _, count in (member.rpartition("-") for member in others):
            context.declared.append(Workload(name=name, tier="test", image="base", count=int(count), zones=(Zone.DATA,),
                                             resources=Resources(64, 0.1)))
        Supervision(context).run()
        for workload in target.workloads:
            workloads[workload.name] = workload
            for member in workload.members:
                contents[member.name] = {}
                for file in workload.files(member):
                    pulumi.Output.from_input(file.content).apply(
                        lambda text, name=member.name, path=file.path: contents[name].update({path: text}))

    on_mocks(Generating(), program, stack)
    return Declared(workloads, contents)
