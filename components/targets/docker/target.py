"""Turns a workload into containers with their volumes, files and networks.

No start waits for what a member needs: every service does that by itself, and ``Readiness`` at the end waits for all.
What the engine makes first is a matter of ``Stages``. Replacements come one member of a workload after the other, each
in its ``Turn``; and those of clustered members are no plain update's business (``Guard``).
"""

from __future__ import annotations

import ipaddress
from typing import Any

import pulumi
import pulumi_docker as docker

from components.settings import Settings
from components.targets.docker import engine, engine_socket, guard, images, inputs, naming, steps
from components.targets.docker.config_volume import ConfigVolume
from components.targets.docker.convergence import Convergence
from components.targets.docker.data_volume import DataVolume
from components.targets.docker.guard import Fate, Guard, Present
from components.targets.docker.limits import Limits
from components.targets.docker.naming import DockerNames
from components.targets.docker.readiness import Readiness
from components.targets.docker.stages import Stages
from components.targets.docker.turn import Turn
from components.workload import CONFIG_DIR, ENGINE_SOCKET, LOGS_DIR, Member, Port, Workload, Zone


class DockerTarget:
    """One stack on this machine's engine. ``present`` is what the engine has of it already."""

    restarts_members = False
    """It brings back what crashed, but never what `docker kill` ended, and knows no schedules."""
    shows_logs = True

    def __init__(self, stack: str, settings: Settings, present: Present | None = None) -> None:
        self._stack = stack
        self._settings = settings
        self._subnet = ipaddress.IPv4Network(settings.network.edge_subnet or naming.edge_subnet(stack))
        self.names = DockerNames(stack, self._subnet)
        self.guard = Guard(stack, present or Present(), guard.permitted())
        self.guard.declare_release(settings.app.release)
        self._networks: dict[Zone, docker.Network] = {}
        watch = (Zone.WATCH,) if settings.monitoring.enabled else ()
        for zone in (Zone.DATA, Zone.APP, Zone.EDGE, Zone.CONTROL, *watch):
            self._networks[zone] = self._network(zone)
        self._waited_for: list[dict[str, Any]] = []
        self._limits: dict[str, Any] = {}
        self._containers: dict[str, list[docker.Container]] = {}
        self._stages = Stages(first=present is not None and not present.members)
        self._begun = 0
        """How many members were waited for when the second stage began."""

    def begin_watching(self) -> None:
        self._stages.begin(self._everything(), self._waited_for[self._begun:])

    def run(self, workload: Workload, parent: pulumi.Resource) -> None:
        """Register every member of ``workload``. At a first start, those of the first workloads that keep something
        come before all others."""
        if self._containers and not workload.stateful and not self._stages.begun:
            self._stages.begin(self._everything())
            self._begun = len(self._waited_for)
        # What is created after another is destroyed before it. Creation takes moments; nobody waits for health here.
        outlasting = [container for name in workload.stops_before for container in self._containers[name]]
        made = {member: self._inputs(workload, member) for member in workload.members}
        fates = {member: self.guard.declare(workload, member, made[member]["image"], inputs.fingerprint(made[member]))
                 for member in workload.members}
        before: list[docker.Container] = []
        registered: dict[Member, docker.Container] = {}
        for member in self._in_order(workload):
            # Only replacements are put in a row: at a first start, and when all stop, nobody waits for anybody.
            after = before if fates[member] is Fate.REPLACED else []
            options = pulumi.ResourceOptions(parent=parent, depends_on=[*outlasting, *after])
            container = self._member(workload, member, made[member], fates[member], options)
            registered[member] = container
            if fates[member] is Fate.REPLACED:
                before = [container]
        self._containers[workload.name] = list(registered.values())
        if workload.converge:
            # After the containers: each of them comes after its files.
            Convergence(self._stack, workload, pulumi.ResourceOptions(parent=parent, depends_on=[*registered.values()]))
        for member, container in registered.items():
            if not workload.schedule:  # A run ends by itself, and most of the time it is not there.
                self._waited_for.append({**self._described(workload, member), "id": container.id})
            self._limits[member.name] = {"id": container.id, "cpus": made[member]["cpus"]}

    def _in_order(self, workload: Workload) -> list[Member]:
        """Members in the order of their replacement: one that wants a port which a later one holds comes after it."""
        for member in workload.members:
            wanted = set(_published(workload.ports, member).values())
            if any(running and other.ordinal > member.ordinal and wanted & running.ports
                   for other in workload.members for running in [self.guard.running(other)]):
                return workload.members[::-1]
        return workload.members

    def _described(self, workload: Workload, member: Member) -> dict[str, Any]:
        """A member for those who wait for it."""
        return {
            "member": member.name,
            "container": naming.container(self._stack, member),
            "health": list(workload.health.command) if workload.health else [],
            "startSeconds": workload.health.start_s if workload.health else 30,
        }

    def _image(self, name: str) -> str:
        return images.reference(name, self._settings.images)

    def finish(self, parent: pulumi.Resource | None = None) -> Readiness:
        """Register the wait for everything that was run."""
        everything = self._everything()
        Limits(self._limits, pulumi.ResourceOptions(parent=parent, depends_on=everything))
        return Readiness(self._waited_for, pulumi.ResourceOptions(parent=parent, depends_on=everything))

    def _everything(self) -> list[docker.Container]:
        return [container for containers in self._containers.values() for container in containers]

    def _network(self, zone: Zone) -> docker.Network:
        ipam: list[docker.NetworkIpamConfigArgs] = []
        if zone is Zone.EDGE:
            subnet = self._subnet
            self.guard.declare_network(naming.network(self._stack, zone), str(subnet))
            ipam = [docker.NetworkIpamConfigArgs(subnet=str(subnet), gateway=str(subnet[1]),
                                                 ip_range=str(naming.dynamic_range(subnet)))]
        return docker.Network(
            f"network-{zone.value}",
            name=naming.network(self._stack, zone),
            driver="bridge",
            internal=zone.internal,
            ipam_configs=ipam or None,
            labels=[docker.NetworkLabelArgs(label="evenkeel.stack", value=self._stack)],
        )

    def _inputs(self, workload: Workload, member: Member) -> dict[str, Any]:
        """Plain values only. What the container needs from other resources it depends on explicitly."""
        volumes = [{"volume_name": naming.volume(self._stack, member, "config"), "container_path": CONFIG_DIR,
                    "read_only": True}]
        volumes += [{"volume_name": naming.volume(self._stack, member, volume.name), "container_path": volume.path}
                    for volume in workload.volumes]
        if workload.controls_engine:
            volumes.append({"host_path": engine_socket.path(), "container_path": ENGINE_SOCKET, "read_only": True})
        if workload.reads_logs:
            volumes.append({"host_path": self._logs_folder(), "container_path": LOGS_DIR, "read_only": True})
        labels = {**naming.labels(self._stack, workload.tier, member),
                  **{f"evenkeel.{key}": value for key, value in workload.labels.items()}}
        if workload.schedule:
            labels[naming.SCHEDULE] = workload.schedule.cron
        return inputs.container(
            workload, member,
            name=naming.container(self._stack, member),
            image=self._image(workload.image),
            command=self._command(workload),
            labels=labels,
            groups=[self._engine_group()] if workload.controls_engine else [],
            volumes=volumes,
            networks=self._attachments(workload, member),
            ports=[{"internal": inside, "external": outside, "ip": self._settings.network.address, "protocol": "tcp"}
                   for inside, outside in _published(workload.ports, member).items()],
        )

    def _member(self, workload: Workload, member: Member, made: dict[str, Any], fate: Fate,
                options: pulumi.ResourceOptions) -> docker.Container:
        """A member's volumes, its turn and its container; ``options`` say whose child and after whom."""
        child = pulumi.ResourceOptions(parent=options.parent)
        needed: list[pulumi.Resource] = [ConfigVolume(self._stack, workload, member, self._image("base"), child)]
        needed += [DataVolume(self._stack, workload, member, volume, child) for volume in workload.volumes]
        needed += [self._networks[zone] for zone in workload.zones]
        ignored = inputs.replacing(made) if fate is Fate.HELD else []
        if not workload.clustered and not workload.schedule:
            needed.append(Turn(self._turn(workload, member, made), pulumi.ResourceOptions.merge(
                options, pulumi.ResourceOptions(ignore_changes=["fingerprint"] if ignored else None))))
        named = {**made, "name": self._stages.in_turn(made["name"])}
        return docker.Container(member.name, **named, opts=pulumi.ResourceOptions.merge(options, pulumi.ResourceOptions(
            depends_on=needed, replace_on_changes=list(inputs.NOT_FORCED), ignore_changes=["cpus", *ignored])))

    def _turn(self, workload: Workload, member: Member, made: dict[str, Any]) -> dict[str, Any]:
        others = [self._described(workload, other) for other in workload.members if other != member]
        return {
            "member": member.name,
            "container": made["name"],
            "health": list(workload.health.command) if workload.health else [],
            "fingerprint": inputs.fingerprint(made),
            "others": others,
            "settleSeconds": workload.settle_s,
            "stack": self._stack,
            "drain": steps.described(workload.drain),
        }

    def _command(self, workload: Workload) -> list[str] | None:
        """The command; behind a launcher, the image's own entrypoint goes before it, since a launcher replaces it."""
        own = list(workload.command) if workload.command else None
        if not workload.launcher:
            return own
        entrypoint, command = self._entry(self._image(workload.image))
        return entrypoint + (command if own is None else own)

    def _engine_group(self) -> str:
        """Who may use the engine's socket; only the engine's machine knows."""
        return engine_socket.group()

    def _logs_folder(self) -> str:
        """Where the engine keeps what containers say; only it knows."""
        return f"{engine.client().info()['DockerRootDir']}/containers"

    def _entry(self, image: str, /) -> tuple[list[str], list[str]]:
        """An image's own entrypoint and command; only the engine knows."""
        return images.entry(image)

    def _attachments(self, workload: Workload, member: Member) -> list[dict[str, Any]]:
        aliases = sorted({member.name, workload.name, *workload.aliases})
        return [
            {"name": naming.network(self._stack, zone), "aliases": aliases,
             "ipv4_address": (self.names.stable_address(workload.name, member.ordinal)
                              if workload.stable_address and zone is Zone.EDGE else None)}
            for zone in workload.zones
        ]


def _published(ports: tuple[Port, ...], member: Member) -> dict[int, int]:
    """Port inside -> port of the host."""
    return {port.number: port.published + member.ordinal - 1 for port in ports if port.published}
