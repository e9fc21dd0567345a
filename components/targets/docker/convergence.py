"""What only all members together can do after a change of their files, such as a rolling restart."""

from __future__ import annotations

import hashlib
from typing import Any

import pulumi
from pulumi.dynamic import CreateResult, DiffResult, Resource, ResourceProvider, UpdateResult

from components.workload import Workload


class ConvergenceProvider(ResourceProvider):
    """Thin on purpose: Pulumi stores a pickle of it with every resource. Members start with what they are given."""

    serialize_as_secret_always = False

    def create(self, props: dict[str, Any]) -> CreateResult:
        return CreateResult(id_=props["workload"], outs=props)

    def diff(self, _id: str, olds: dict[str, Any], news: dict[str, Any]) -> DiffResult:
        return DiffResult(changes=olds["trigger"] != news["trigger"])

    def update(self, _id: str, _olds: dict[str, Any], news: dict[str, Any]) -> UpdateResult:
        from components.targets.docker import converging

        converging.converge(news)
        return UpdateResult(outs=news)


class Convergence(Resource):
    """Runs a workload's ``converge`` when a file of its ``converge_on`` has changed, after all have been placed."""

    def __init__(self, stack: str, workload: Workload, opts: pulumi.ResourceOptions) -> None:
        from components.targets.docker import steps

        contents = [file.content for file in workload.files(workload.members[0]) if file.path in workload.converge_on]
        inputs = {
            "stack": stack,
            "workload": workload.name,
            "trigger": pulumi.Output.all(*contents).apply(_digest),
            "steps": steps.described(workload.converge),
        }
        super().__init__(ConvergenceProvider(), f"{workload.name}-convergence", inputs, opts)


def _digest(contents: list[str]) -> str:
    return hashlib.sha256("\0".join(contents).encode()).hexdigest()[:16]
