"""What things are called on Docker. Everything derives from the stack's name, so stacks stand side by side."""

from __future__ import annotations

import ipaddress
import zlib

from components.workload import Member, Workload, Zone

STABLE_BLOCK = 16
"""Addresses set aside per workload whose members keep theirs for life."""

SCHEDULE = "evenkeel.schedule"
"""Label of a container that is started by the clock: its cron expression, UTC."""


def container(stack: str, member: Member) -> str:
    return f"evenkeel-{stack}-{member.name}"


def volume(stack: str, member: Member, name: str) -> str:
    return f"evenkeel-{stack}-{member.name}-{name}"


def network(stack: str, zone: Zone) -> str:
    return f"evenkeel-{stack}-{zone.value}"


def labels(stack: str, tier: str, member: Member) -> dict[str, str]:
    """What operations find members by."""
    return {"evenkeel.stack": stack, "evenkeel.tier": tier, "evenkeel.workload": member.workload,
            "evenkeel.member": member.name, "evenkeel.domain": member.domain}


def edge_subnet(stack: str) -> ipaddress.IPv4Network:
    """A /24 of 10.64.0.0/10 by the stack's name. Two stacks may meet (1 in 16,384): the setting decides then."""
    index = zlib.crc32(stack.encode()) % 2**14
    return ipaddress.IPv4Network((int(ipaddress.IPv4Address("10.64.0.0")) + index * 256, 24))


def dynamic_range(subnet: ipaddress.IPv4Network) -> ipaddress.IPv4Network:
    """The upper half of a subnet, from which the engine hands out addresses; the lower half is for stable ones."""
    return list(subnet.subnets(prefixlen_diff=1))[1]


class DockerNames:
    """Names as Docker's embedded DNS answers them: member and workload names are network aliases."""

    resolver = "127.0.0.11:53"

    def __init__(self, stack: str, subnet: ipaddress.IPv4Network) -> None:
        self._stack = stack
        self._subnet = subnet
        self._blocks: dict[str, int] = {}

    def member(self, workload: str, ordinal: int) -> str:
        return Member(workload, ordinal).name

    def container(self, workload: str, ordinal: int) -> str:
        return container(self._stack, Member(workload, ordinal))

    def tells_apart(self, _workload: Workload, /) -> bool:
        return True

    def service(self, workload: str) -> str:
        return workload

    def stable_address(self, workload: str, ordinal: int) -> str:
        """A fixed IPv4 address in the edge network; blocks are given in the order in which workloads first ask."""
        block = self._blocks.setdefault(workload, len(self._blocks))
        offset = STABLE_BLOCK * (block + 1) + ordinal
        if ordinal >= STABLE_BLOCK or offset >= self._subnet.num_addresses // 2:
            raise ValueError(f"{self._subnet} has no room for a stable address of {workload}-{ordinal}: set a larger "
                             "network.edge_subnet")
        return str(self._subnet[offset])
