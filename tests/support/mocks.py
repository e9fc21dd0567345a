"""The whole platform declared without an engine: what would be registered, and with which inputs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pulumi

from components.platform import Platform
from components.settings import Settings
from components.targets.docker.target import DockerTarget
from operations.changes.declared import on_mocks


@dataclass(frozen=True)
class Registered:
    """One resource as the program registered it."""

    kind: str
    name: str
    inputs: Mapping[str, Any]


@dataclass
class Recorder(pulumi.runtime.Mocks):
    """Keeps every registration; answers with inputs as outputs, and made-up values for what is generated."""

    resources: list[Registered] = field(default_factory=list)

    def new_resource(self, args: pulumi.runtime.MockResourceArgs) -> tuple[str | None, dict[str, Any]]:
        self.resources.append(Registered(args.typ, args.name, dict(args.inputs)))
        return f"{args.name}-id", {**args.inputs, **_generated(args)}

    def call(self, args: pulumi.runtime.MockCallArgs) -> tuple[dict[str, Any], list[tuple[str, str]]]:
        return {}, []

    def of(self, kind: str) -> list[Registered]:
        """Resources whose type contains ``kind``."""
        return [resource for resource in self.resources if kind in resource.kind]

    def named(self, name: str) -> Registered:
        """The one resource of that name that is no component."""
        found = [resource for resource in self.resources if resource.name == name and "evenkeel:" not in resource.kind]
        assert len(found) == 1, f"{name}: {len(found)} resources"
        return found[0]


def _generated(args: pulumi.runtime.MockResourceArgs) -> dict[str, str]:
    """What the providers of secrets and certificates would answer."""
    if "commonName" in args.inputs:
        return {part: f"<{part} of {args.name}>\n" for part in ("certificate", "chain", "key")}
    is_password = args.typ.startswith("pulumi-python:dynamic") and args.inputs.get("name") == args.name
    return {"value": f"password-of-{args.name}"} if is_password else {}


def declare(config: Mapping[str, Any], stack: str = "test") -> tuple[Recorder, Platform]:
    """Run the program on mocks; returns once every registration is through."""
    recorder = Recorder()
    made: list[Platform] = []

    def program() -> None:
        settings = Settings.load(config, stack=stack, where=f"stacks/Pulumi.{stack}.yaml")
        target = DockerTarget(stack, settings)
        made.append(Platform(stack, settings, target))
        target.finish()

    on_mocks(recorder, program, stack)
    return recorder, made[0]
