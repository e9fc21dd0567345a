"""A member's data: made once, adopted when it is there already, removed only when nothing protects it any more."""

from __future__ import annotations

from typing import Any

import pulumi
from pulumi.dynamic import CreateResult, DiffResult, Resource, ResourceProvider

from components.targets.docker import naming
from components.targets.docker.inputs import PROTECTED_LABEL
from components.workload import Member, Volume, Workload


class DataVolumeProvider(ResourceProvider):
    """Thin on purpose: Pulumi stores a pickle of it with every resource."""

    serialize_as_secret_always = False

    def create(self, props: dict[str, Any]) -> CreateResult:
        from components.targets.docker import engine

        engine.client().volumes.create(props["volume"], labels=props["labels"])
        return CreateResult(id_=props["volume"], outs=props)

    def diff(self, _id: str, olds: dict[str, Any], news: dict[str, Any]) -> DiffResult:
        renamed = olds["volume"] != news["volume"]
        return DiffResult(changes=renamed, replaces=["volume"] if renamed else [])

    def delete(self, id_: str, _props: dict[str, Any]) -> None:
        from components.targets.docker import placing

        placing.remove_volume(id_)


class DataVolume(Resource):
    """One volume of one member. Data volumes are protected: `make down` keeps them (decision 8)."""

    volume: pulumi.Output[str]

    def __init__(self, stack: str, workload: Workload, member: Member, volume: Volume,
                 opts: pulumi.ResourceOptions) -> None:
        labels = naming.labels(stack, workload.tier, member)
        if volume.protected:
            labels[PROTECTED_LABEL] = "true"
        # The size is for estimates of cost: this engine's volumes have none.
        inputs = {"volume": naming.volume(stack, member, volume.name), "labels": labels, "sizeGib": volume.size_gib}
        options = pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(protect=volume.protected))
        super().__init__(DataVolumeProvider(), f"{member.name}-{volume.name}", inputs, options)
