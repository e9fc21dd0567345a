"""One at a time: before a member's container is replaced, the others serve and its clients have been led to them."""

from __future__ import annotations

from typing import Any

import pulumi
from pulumi.dynamic import CreateResult, DiffResult, Resource, ResourceProvider, UpdateResult


class TurnProvider(ResourceProvider):
    """Thin on purpose: Pulumi stores a pickle of it with every resource. A first start waits for nobody."""

    serialize_as_secret_always = False

    def create(self, props: dict[str, Any]) -> CreateResult:
        return CreateResult(id_=props["member"], outs=props)

    def diff(self, _id: str, olds: dict[str, Any], news: dict[str, Any]) -> DiffResult:
        return DiffResult(changes=olds["fingerprint"] != news["fingerprint"])

    def update(self, _id: str, _olds: dict[str, Any], news: dict[str, Any]) -> UpdateResult:
        from components.targets.docker import turns

        turns.take(news)
        return UpdateResult(outs=news)


class Turn(Resource):
    """A member's turn. Inputs: ``stack``, ``member``, ``container`` (names), ``health`` (its command), ``fingerprint``
    (of the wanted container), ``others`` (``{member, container, health, startSeconds}`` of the same workload),
    ``settleSeconds`` and ``drain`` (``{workload, command}`` in order; no workload: the member itself)."""

    def __init__(self, inputs: dict[str, Any], opts: pulumi.ResourceOptions) -> None:
        super().__init__(TurnProvider(), f"{inputs['member']}-turn", inputs, opts)
