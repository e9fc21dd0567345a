"""A member's config files, in a volume of their own (decision 1).

The engine's provider would replace a container when one of its files changes. So files live in a volume that a
resource of ours writes in place: atomically, file by file, with the service told to reload afterwards.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pulumi
from pulumi.dynamic import CreateResult, DiffResult, Resource, ResourceProvider, UpdateResult

from components.targets.docker import naming
from components.workload import ConfigFile, Member, Workload


class ConfigVolumeProvider(ResourceProvider):
    """Thin on purpose: Pulumi stores a pickle of it with every resource."""

    serialize_as_secret_always = False

    def create(self, props: dict[str, Any]) -> CreateResult:
        from components.targets.docker import placing

        placing.create(props)
        return CreateResult(id_=props["volume"], outs=props)

    def diff(self, _id: str, olds: dict[str, Any], news: dict[str, Any]) -> DiffResult:
        changed = [key for key in ("volume", "files", "secretFiles", "executables") if olds.get(key) != news.get(key)]
        return DiffResult(changes=bool(changed), replaces=["volume"] if "volume" in changed else [],
                          delete_before_replace=True)

    def update(self, _id: str, olds: dict[str, Any], news: dict[str, Any]) -> UpdateResult:
        from components.targets.docker import placing

        placing.update(olds, news)
        return UpdateResult(outs=news)

    def delete(self, id_: str, _props: dict[str, Any]) -> None:
        from components.targets.docker import placing

        placing.remove_volume(id_)


class ConfigVolume(Resource):
    """The volume with the files of one member. ``volume`` is its name."""

    volume: pulumi.Output[str]

    def __init__(self, stack: str, workload: Workload, member: Member, helper_image: str,
                 opts: pulumi.ResourceOptions) -> None:
        files = workload.files(member)
        _refuse_duplicates(member, files)
        inputs = {
            "volume": naming.volume(stack, member, "config"),
            "labels": naming.labels(stack, workload.tier, member),
            "files": {file.path: file.content for file in files if not file.secret},
            "secretFiles": {file.path: pulumi.Output.secret(file.content) for file in files if file.secret},
            "executables": sorted(file.path for file in files if file.executable),
            "effects": {file.path: file.effect.value for file in files},
            "container": naming.container(stack, member),
            "workload": f"{stack}/{workload.name}",
            "reload": list(workload.reload or ()),
            "reloadSettle": workload.reload_settle_s,
            "check": list(workload.check or ()),
            "health": list(workload.health.command) if workload.health else [],
            "helperImage": helper_image,
        }
        super().__init__(ConfigVolumeProvider(), f"{member.name}-config", inputs, opts)


def _refuse_duplicates(member: Member, files: Sequence[ConfigFile]) -> None:
    paths = [file.path for file in files]
    twice = sorted({path for path in paths if paths.count(path) > 1})
    if twice:
        raise ValueError(f"{member.name}: two files for {', '.join(twice)}")
