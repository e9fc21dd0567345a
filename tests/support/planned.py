"""A platform's plan from its settings alone: the tiers declared on recording mocks, nothing registered for members."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from unittest import mock

import pulumi

from components.platform import Platform
from components.settings import Settings
from components.targets.docker import engine_socket, images
from components.targets.docker.target import DockerTarget
from components.workload import ConfigFile, Workload
from operations.changes.plan import Plan, PlannedFile, PlannedMember
from tests.support.mocks import Recorder, on_mocks


class Issuing(Recorder):
    """Certificates say for whom they are, so that a plan shows when one is issued anew."""

    def new_resource(self, args: pulumi.runtime.MockResourceArgs) -> tuple[str | None, dict[str, Any]]:
        identity, outputs = super().new_resource(args)
        if "hosts" in args.inputs:
            outputs |= {part: f"<{part} of {args.name} for {args.inputs['hosts']}>" for part in ("chain", "key")}
        return identity, outputs


class PlanningTarget(DockerTarget):
    """Keeps what would be registered for each member; its files once their contents are known."""

    def __init__(self, stack: str, settings: Settings) -> None:
        super().__init__(stack, settings)
        self.members: dict[str, PlannedMember] = {}
        self.protected: set[str] = set()
        self.cannot_grow: set[str] = set()

    def run(self, workload: Workload, parent: pulumi.Resource) -> None:
        if not workload.can_grow:
            self.cannot_grow.add(workload.name)
        for member in workload.members:
            made = self._inputs(workload, member)
            made["labels"] = {label["label"]: label["value"] for label in made["labels"]
                              if label["label"] != "evenkeel.inputs"}
            files: dict[str, PlannedFile] = {}
            for file in workload.files(member):
                pulumi.Output.from_input(file.content).apply(
                    lambda content, file=file, files=files: files.update({file.path: _planned(file, content)}))
            self.members[member.name] = PlannedMember(
                member.name, workload.name, workload.tier, workload.clustered, made, files, workload.reload is not None)
            self.protected |= {f"{member.name}-{volume.name}" for volume in workload.volumes if volume.protected}


def _planned(file: ConfigFile, content: Any) -> PlannedFile:
    return PlannedFile(str(content), file.effect, file.secret)


def plan(config: Mapping[str, Any], stack: str = "test") -> Plan:
    """The plan of a platform with these settings; raises what the program raises."""
    recorder = Issuing()
    targets: list[PlanningTarget] = []

    def program() -> None:
        settings = Settings.load(config, stack=stack, where=f"stacks/Pulumi.{stack}.yaml")
        targets.append(PlanningTarget(stack, settings))
        Platform(stack, settings, targets[0])

    # What only an engine knows, and no setting changes.
    with mock.patch.object(engine_socket, "group", lambda: "998"), \
         mock.patch.object(images, "entry", lambda _image: (["entrypoint"], ["command"])):
        on_mocks(recorder, program, stack)
    made = targets[0]
    subnets = {network.name: network.inputs["ipamConfigs"][0]["subnet"] for network in recorder.of("network:Network")
               if network.inputs.get("ipamConfigs")}
    return Plan(made.members, frozenset(made.protected), subnets, frozenset(made.cannot_grow))
