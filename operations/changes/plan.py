"""A platform as far as a change can touch it: members with their containers' inputs and their files."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from components.targets.docker import naming
from components.targets.docker.inputs import CLUSTERED_LABEL, FINGERPRINT_LABEL
from components.workload import Effect

CONTAINER = "docker:index/container:Container"
NETWORK = "docker:index/network:Network"


@dataclass(frozen=True)
class PlannedFile:
    """One file of a member."""

    content: str
    effect: Effect
    secret: bool = False


@dataclass(frozen=True)
class PlannedMember:
    """One member. ``container`` holds its container's inputs under the Python SDK's names, labels as a mapping."""

    name: str
    workload: str
    tier: str
    clustered: bool
    container: Mapping[str, Any]
    files: Mapping[str, PlannedFile] = field(default_factory=dict)
    reloads: bool = True
    """Whether the service reads changed files without a restart."""

    @property
    def scheduled(self) -> bool:
        """Whether it only runs by the clock."""
        return naming.SCHEDULE in self.container.get("labels", ())


@dataclass(frozen=True)
class Plan:
    """Everything of one platform, by name."""

    members: Mapping[str, PlannedMember]
    protected: frozenset[str] = frozenset()
    """Resources that must not be deleted."""
    subnets: Mapping[str, str] = field(default_factory=dict)
    cannot_grow: frozenset[str] = frozenset()
    """Workloads to which a running cluster lets nobody in."""
    resized_by: Mapping[str, str] = field(default_factory=dict)
    """Workload -> the playbook that changes the number of its members."""


def from_resources(resources: Mapping[str, tuple[str, Mapping[str, Any]]], protected: frozenset[str] = frozenset(),
                   ) -> Plan:
    """A plan from resources as Pulumi knows them: name -> (type, inputs). ``protected`` are names."""
    configs = {inputs["container"]: inputs for _, inputs in resources.values() if "secretFiles" in inputs}
    members = {name: _member(name, inputs, configs.get(inputs["name"], {}))
               for name, (kind, inputs) in resources.items() if kind == CONTAINER}
    subnets = {name: config["subnet"] for name, (kind, inputs) in resources.items() if kind == NETWORK
               for config in inputs.get("ipamConfigs") or () if "subnet" in config}
    cores = {name: limit["cpus"] for _, inputs in resources.values() if set(inputs) >= {"members"}
             for name, limit in _limits(inputs["members"]).items()}
    members = {name: _with_cores(member, cores) for name, member in members.items()}
    return Plan(members, protected, subnets)


def _limits(members: Any) -> Mapping[str, Any]:
    return members if isinstance(members, Mapping) else {}


def _with_cores(member: PlannedMember, cores: Mapping[str, str]) -> PlannedMember:
    """Pulumi is told to ignore a container's own ``cpus``: the resource ``limits`` has the truth."""
    if member.name not in cores:
        return member
    return PlannedMember(member.name, member.workload, member.tier, member.clustered,
                         {**member.container, "cpus": cores[member.name]}, member.files, member.reloads)


def _member(name: str, inputs: Mapping[str, Any], config: Mapping[str, Any]) -> PlannedMember:
    container = {_snake(key): value for key, value in inputs.items() if not key.startswith("__")}
    labels = {label["label"]: label["value"] for label in container.get("labels") or ()}
    container["labels"] = {label: value for label, value in labels.items() if label != FINGERPRINT_LABEL}
    effects = config.get("effects") or {}
    files = {path: PlannedFile(str(content), Effect(effects.get(path, Effect.RELOAD)), secret)
             for key, secret in (("files", False), ("secretFiles", True))
             for path, content in (config.get(key) or {}).items()}
    return PlannedMember(name, labels.get("evenkeel.workload", name), labels.get("evenkeel.tier", ""),
                         CLUSTERED_LABEL in labels, container, files, bool(config.get("reload")))


def _snake(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])[A-Z]", lambda match: f"_{match.group().lower()}", name)
