"""What somebody changed on a member's container behind Pulumi's back, in words, and how it is put back."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from docker.models.containers import Container

from components.targets.docker import cores, naming

MIB = 2**20


@dataclass(frozen=True)
class Difference:
    """One thing that is not as declared. ``found`` and ``declared`` are for people."""

    what: str
    found: str
    declared: str
    value: Any

    def sentence(self, member: str) -> str:
        """``member: what ...``."""
        return f"{member}: its {self.what} was changed by hand to {self.found}; declared is {self.declared}"

    def put_back(self, container: Container) -> None:
        """Make the engine agree with the declaration, while the member runs."""
        if self.what == "CPU limit":
            cores.limit({"": {"id": container.id, "cpus": self.value}})
        elif self.what == "memory limit":
            container.update(mem_limit=self.value * MIB, memswap_limit=self.value * MIB)
        else:
            container.update(restart_policy={"Name": self.value})


def differences(attrs: Mapping[str, Any], declared: Mapping[str, Any]) -> Iterator[Difference]:
    """Compare an inspected container with its declared inputs (as Pulumi's state has them)."""
    host = attrs["HostConfig"]
    if "memory" in declared and host["Memory"] != (wanted := int(declared["memory"])) * MIB:
        yield Difference("memory limit", f"{host['Memory'] // MIB} MiB", f"{wanted} MiB", wanted)
    if "cpus" in declared and host["NanoCpus"] != round(float(declared["cpus"]) * cores.NANO):
        yield Difference("CPU limit", f"{host['NanoCpus'] / cores.NANO:g}", str(declared["cpus"]), declared["cpus"])
    policy = host["RestartPolicy"]["Name"] or "no"
    if "restart" in declared and policy != declared["restart"]:
        yield Difference("restart policy", policy, str(declared["restart"]), declared["restart"])


def seen(attrs: Mapping[str, Any] | None, identity: str, declared: Mapping[str, Any], member: str) -> Iterator[str]:
    """Everything about one member that is not as Pulumi left it, in sentences. ``attrs`` None: there is no container;
    ``identity`` is the id that Pulumi knows."""
    if attrs is None:
        yield f"{member}: its container is gone; `make up` makes it again"
        return
    if attrs["Id"] != identity:
        yield f"{member}: its container was made anew by hand; `make up` makes it again as it is declared"
        return
    state = attrs["State"]
    between_runs = naming.SCHEDULE in attrs.get("Config", {}).get("Labels", {}) and not state["Paused"]
    if not between_runs and (not state["Running"] or state["Paused"]):
        yield f"{member}: it is {state['Status']}; `make up` lets it run again"
    for change in differences(attrs, declared):
        yield f"{change.sentence(member)}; `make up` puts it back"
