"""Turns a workload into containers with their volumes, files and networks.

It deliberately does not order starts: every service waits for what it needs by itself, so all start at once, and
``Readiness`` at the end waits for all.
"""

from __future__ import annotations

import ipaddress
from typing import Any

import pulumi
import pulumi_docker as docker

from components.settings import Settings
from components.targets.docker import images, naming
from components.targets.docker.config_volume import ConfigVolume
from components.targets.docker.data_volume import DataVolume
from components.targets.docker.naming import DockerNames
from components.targets.docker.readiness import Readiness
from components.workload import CONFIG_DIR, USER_ID, HealthCheck, Member, Workload, Zone

INTERNAL = frozenset({Zone.DATA})
"""Networks from which nothing outside the platform can be reached."""
LOG_SIZE = {"max-size": "10m", "max-file": "3"}
QUICK_LOOKUPS = ("timeout:1", "attempts:1")
"""Seconds and tries of a name lookup (resolv.conf(5)). The engine's DNS knows no name of a dead member and passes the
question on; out of an internal network nothing can be passed, and it never answers: with the C library's 5 s and two
tries each such question would take 10 s, and Patroni asks several before it lets a replica lead."""
STOP_MARGIN_S = 5
"""The engine kills this much later than the workload's own grace ends."""


class DockerTarget:
    """One stack on this machine's engine."""

    def __init__(self, stack: str, settings: Settings) -> None:
        self._stack = stack
        self._settings = settings
        self._subnet = ipaddress.IPv4Network(settings.network.edge_subnet or naming.edge_subnet(stack))
        self.names = DockerNames(self._subnet)
        self._networks: dict[Zone, docker.Network] = {}
        for zone in (Zone.DATA, Zone.APP, Zone.EDGE):
            self._networks[zone] = self._network(zone)
        self._waited_for: list[dict[str, Any]] = []
        self._containers: dict[str, list[docker.Container]] = {}

    def run(self, workload: Workload, parent: pulumi.Resource) -> None:
        """Register every member of ``workload``."""
        # What is created after another is destroyed before it. Creation takes moments; nobody waits for health here.
        outlasting = [container for name in workload.stops_before for container in self._containers[name]]
        own = self._containers.setdefault(workload.name, [])
        for member in workload.members:
            container = self._container(workload, member, pulumi.ResourceOptions(parent=parent, depends_on=outlasting))
            own.append(container)
            self._waited_for.append({
                "member": member.name,
                "container": naming.container(self._stack, member),
                "id": container.id,
                "health": list(workload.health.command) if workload.health else [],
                "startSeconds": workload.health.start_s if workload.health else 30,
            })

    def _image(self, name: str) -> str:
        return images.reference(name, self._settings.images)

    def finish(self, parent: pulumi.Resource | None = None) -> Readiness:
        """Register the wait for everything that was run."""
        everything = [container for containers in self._containers.values() for container in containers]
        return Readiness(self._waited_for, pulumi.ResourceOptions(parent=parent, depends_on=everything))

    def _network(self, zone: Zone) -> docker.Network:
        ipam: list[docker.NetworkIpamConfigArgs] = []
        if zone is Zone.EDGE:
            subnet = self._subnet
            ipam = [docker.NetworkIpamConfigArgs(subnet=str(subnet), gateway=str(subnet[1]),
                                                 ip_range=str(naming.dynamic_range(subnet)))]
        return docker.Network(
            f"network-{zone.value}",
            name=naming.network(self._stack, zone),
            driver="bridge",
            internal=zone in INTERNAL,
            ipam_configs=ipam or None,
            labels=[docker.NetworkLabelArgs(label="evenkeel.stack", value=self._stack)],
            # The engine makes one at a time. In turn, the first is there after a third of the time, and what only needs
            # that one (the data tiers, which take longest to serve) starts meanwhile.
            opts=pulumi.ResourceOptions(depends_on=list(self._networks.values())),
        )

    def _container(self, workload: Workload, member: Member, options: pulumi.ResourceOptions) -> docker.Container:
        child = pulumi.ResourceOptions(parent=options.parent)
        config = ConfigVolume(self._stack, workload, member, self._image("base"), child)
        mounts = [docker.ContainerVolumeArgs(volume_name=config.volume, container_path=CONFIG_DIR, read_only=True)]
        for volume in workload.volumes:
            data = DataVolume(self._stack, workload, member, volume, child)
            mounts.append(docker.ContainerVolumeArgs(volume_name=data.volume, container_path=volume.path))
        labels = {**naming.labels(self._stack, workload.tier, member),
                  **{f"evenkeel.{key}": value for key, value in workload.labels.items()}}
        limits = workload.resources
        environment = {**workload.environment, "EVENKEEL_MEMBER": member.name}
        return docker.Container(
            member.name,
            name=naming.container(self._stack, member),
            image=self._image(workload.image),
            hostname=member.name,
            entrypoints=list(workload.launcher) if workload.launcher else None,
            command=self._command(workload),
            envs=[f"{key}={value}" for key, value in sorted(environment.items())],
            user=f"{USER_ID}:{USER_ID}",
            read_only=True,
            capabilities=docker.ContainerCapabilitiesArgs(drops=["ALL"]),
            security_opts=["no-new-privileges:true"],
            tmpfs=dict.fromkeys(workload.tmpfs, _tmpfs_options(workload.tmpfs_mib)),
            memory=limits.memory_mib,
            memory_swap=limits.memory_mib,
            cpus=str(float(limits.cpus)),
            ulimits=[docker.ContainerUlimitArgs(name="nofile", soft=limits.open_files, hard=limits.open_files)],
            volumes=mounts,
            network_mode="bridge",
            networks_advanced=self._attachments(workload, member),
            dns_opts=list(QUICK_LOOKUPS) if set(workload.zones) <= INTERNAL else None,
            ports=[self._published(port.number, port.published + member.ordinal - 1)
                   for port in workload.ports if port.published],
            healthcheck=_healthcheck(workload.health) if workload.health else None,
            restart="unless-stopped",
            must_run=True,
            log_driver="json-file",
            log_opts=LOG_SIZE,
            stop_signal=workload.stop_signal,
            stop_timeout=workload.stop_grace_s,
            destroy_grace_seconds=workload.stop_grace_s + STOP_MARGIN_S,
            labels=[docker.ContainerLabelArgs(label=key, value=value) for key, value in sorted(labels.items())],
            opts=options,
        )

    def _command(self, workload: Workload) -> list[str] | None:
        """The command; behind a launcher, the image's own entrypoint goes before it, since a launcher replaces it."""
        own = list(workload.command) if workload.command else None
        if not workload.launcher:
            return own
        entrypoint, command = images.entry(self._image(workload.image))
        return entrypoint + (command if own is None else own)

    def _attachments(self, workload: Workload, member: Member) -> list[docker.ContainerNetworksAdvancedArgs]:
        aliases = sorted({member.name, workload.name, *workload.aliases})
        return [
            docker.ContainerNetworksAdvancedArgs(
                name=self._networks[zone].name, aliases=aliases,
                ipv4_address=(self.names.stable_address(workload.name, member.ordinal)
                              if workload.stable_address and zone is Zone.EDGE else None))
            for zone in workload.zones
        ]

    def _published(self, inside: int, outside: int) -> docker.ContainerPortArgs:
        return docker.ContainerPortArgs(internal=inside, external=outside, ip=self._settings.network.address,
                                        protocol="tcp")


def _healthcheck(health: HealthCheck) -> docker.ContainerHealthcheckArgs:
    return docker.ContainerHealthcheckArgs(
        tests=["CMD", *health.command], interval=_duration(health.interval_s), timeout=_duration(health.timeout_s),
        retries=health.retries, start_period=_duration(health.start_s))


def _tmpfs_options(size_mib: int) -> str:
    return f"rw,nosuid,nodev,size={size_mib}m,uid={USER_ID},gid={USER_ID},mode=1777"


def _duration(seconds: int) -> str:
    """As the provider reads it back from the engine (Go's notation); any other spelling shows as a change for ever."""
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours}h{minutes}m{seconds}s"
    return f"{minutes}m{seconds}s" if minutes else f"{seconds}s"
