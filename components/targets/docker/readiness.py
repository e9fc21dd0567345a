"""The end of every `pulumi up`: it returns when each member serves its purpose, or says which one does not and why."""

from __future__ import annotations

from typing import Any

import pulumi
from pulumi.dynamic import CreateResult, DiffResult, Resource, ResourceProvider, UpdateResult


class ReadinessProvider(ResourceProvider):
    """Thin on purpose: Pulumi stores a pickle of it with every resource."""

    serialize_as_secret_always = False

    def create(self, props: dict[str, Any]) -> CreateResult:
        from components.targets.docker import waiting

        waiting.until_ready(props["members"])
        return CreateResult(id_="ready", outs=props)

    def diff(self, _id: str, olds: dict[str, Any], news: dict[str, Any]) -> DiffResult:
        return DiffResult(changes=olds["members"] != news["members"])

    def update(self, _id: str, _olds: dict[str, Any], news: dict[str, Any]) -> UpdateResult:
        from components.targets.docker import waiting

        waiting.until_ready(news["members"])
        return UpdateResult(outs=news)


class Readiness(Resource):
    """Waits for members: a list of ``{member, container, id, health, startSeconds}``."""

    def __init__(self, members: list[dict[str, Any]], opts: pulumi.ResourceOptions) -> None:
        super().__init__(ReadinessProvider(), "ready", {"members": members}, opts)
