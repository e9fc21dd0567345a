"""CPU limits, changed while a member runs: the engine can, its provider would replace the container."""

from __future__ import annotations

from typing import Any

import pulumi
from pulumi.dynamic import CreateResult, DiffResult, Resource, ResourceProvider, UpdateResult


class LimitsProvider(ResourceProvider):
    """Thin on purpose: Pulumi stores a pickle of it with every resource. A container is born with its limits."""

    serialize_as_secret_always = False

    def create(self, props: dict[str, Any]) -> CreateResult:
        return CreateResult(id_="limits", outs=props)

    def diff(self, _id: str, olds: dict[str, Any], news: dict[str, Any]) -> DiffResult:
        return DiffResult(changes=olds["members"] != news["members"])

    def update(self, _id: str, olds: dict[str, Any], news: dict[str, Any]) -> UpdateResult:
        from components.targets.docker import cores

        cores.limit({name: wanted for name, wanted in news["members"].items() if olds["members"].get(name) != wanted})
        return UpdateResult(outs=news)


class Limits(Resource):
    """CPU limits of all members: member -> ``{id, cpus}``."""

    def __init__(self, members: dict[str, Any], opts: pulumi.ResourceOptions) -> None:
        super().__init__(LimitsProvider(), "limits", {"members": members}, opts)
