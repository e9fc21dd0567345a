"""A platform's plan from its settings alone: its tiers declared, nothing registered, no engine and no state asked."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

import pulumi

from components.platform import Platform
from components.settings import Settings
from components.stack_config import SECRETS
from components.targets.docker import inputs
from components.targets.docker.target import DockerTarget
from components.workload import ConfigFile, Workload, Zone
from operations.changes.plan import Plan, PlannedFile, PlannedMember

GROUP = "998"
ENTRY = (["entrypoint"], ["command"])
LOGS_FOLDER = "/var/lib/docker/containers"
"""What only an engine knows, and no setting changes."""


class PlanningTarget(DockerTarget):
    """Keeps what would be registered for each member; its files once their contents are known."""

    def __init__(self, stack: str, settings: Settings) -> None:
        super().__init__(stack, settings)
        self.members: dict[str, PlannedMember] = {}
        self.protected: set[str] = set()
        self.cannot_grow: set[str] = set()
        self.resized_by: dict[str, str] = {}

    def run(self, workload: Workload, parent: pulumi.Resource) -> None:  # noqa: ARG002 - nothing is registered
        if not workload.can_grow:
            self.cannot_grow.add(workload.name)
        if workload.resized_by:
            self.resized_by[workload.name] = workload.resized_by
        for member in workload.members:
            made = self._inputs(workload, member)
            made["labels"] = {label["label"]: label["value"] for label in made["labels"]
                              if label["label"] != inputs.FINGERPRINT_LABEL}
            files: dict[str, PlannedFile] = {}
            for file in workload.files(member):
                _once_known(file, files)
            self.members[member.name] = PlannedMember(
                member.name, workload.name, workload.tier, workload.clustered, made, files, workload.reload is not None)
            self.protected |= {f"{member.name}-{volume.name}" for volume in workload.volumes if volume.protected}

    def plan(self) -> Plan:
        """Everything that was declared."""
        subnets = {f"network-{Zone.EDGE.value}": str(self._subnet)}
        return Plan(self.members, frozenset(self.protected), subnets, frozenset(self.cannot_grow),
                    self.resized_by)

    def _engine_group(self) -> str:
        return GROUP

    def _logs_folder(self) -> str:
        return LOGS_FOLDER

    def _entry(self, _image: str, /) -> tuple[list[str], list[str]]:
        return ENTRY


def _once_known(file: ConfigFile, files: dict[str, PlannedFile]) -> None:
    def keep(content: Any) -> None:
        files[file.path] = PlannedFile(str(content), file.effect, file.secret)

    pulumi.Output.from_input(file.content).apply(keep)


class _Generated(pulumi.runtime.Mocks):
    """Answers for what is generated. Certificates say for whom they are, so that a plan shows when one is issued
    anew."""

    def new_resource(self, args: pulumi.runtime.MockResourceArgs) -> tuple[str | None, dict[str, Any]]:
        made: dict[str, str] = {}
        if "commonName" in args.inputs:
            hosts = f" for {args.inputs['hosts']}" if "hosts" in args.inputs else ""
            made = {part: f"<{part} of {args.name}{hosts}>\n" for part in ("certificate", "chain", "key")}
        elif args.typ.startswith("pulumi-python:dynamic") and args.inputs.get("name") == args.name:
            made = {"value": f"password-of-{args.name}"}
        return f"{args.name}-id", {**args.inputs, **made}

    def call(self, _args: pulumi.runtime.MockCallArgs) -> tuple[dict[str, Any], list[tuple[str, str]]]:
        return {}, []


def plan(config: Mapping[str, Any], stack: str = "test") -> Plan:
    """The plan of a platform with these settings; raises what the program raises, ``SettingsError`` above all."""
    made: list[PlanningTarget] = []

    def program() -> None:
        settings = Settings.load(config, stack=stack, where=f"stacks/Pulumi.{stack}.yaml")
        made.append(PlanningTarget(stack, settings))
        Platform(stack, settings, made[0])

    on_mocks(_Generated(), program, stack)
    return made[0].plan()


def platform(config: Mapping[str, Any], stack: str = "test") -> Platform:
    """The platform of these settings, with everything that its tiers declare."""
    made: list[Platform] = []

    def program() -> None:
        settings = Settings.load(config, stack=stack, where=f"stacks/Pulumi.{stack}.yaml")
        made.append(Platform(stack, settings, PlanningTarget(stack, settings)))

    on_mocks(_Generated(), program, stack)
    return made[0]


def on_mocks(mocks: pulumi.runtime.Mocks, program: Callable[[], None], stack: str) -> None:
    """Run a program of Pulumi's on mocks; returns once every registration is through."""
    # Pulumi takes the thread's event loop, and who ran `asyncio.run` before left none behind.
    asyncio.set_event_loop(asyncio.new_event_loop())
    pulumi.runtime.set_mocks(mocks, project="evenkeel", stack=stack, preview=False)
    pulumi.runtime.test(program)()  # type: ignore[no-untyped-call]


def own_secrets(names: list[str]) -> None:
    """Stand-ins for the secrets that the user gave the stack: a plan needs that they are there, not what they are."""
    keys = [f"evenkeel:{name}" for name in names if name.startswith(SECRETS)]
    pulumi.runtime.set_all_config({key: f"<{key.removeprefix('evenkeel:')}>" for key in keys}, keys)
