"""How members find each other. Each target answers in its own words; tiers only ask."""

from __future__ import annotations

from typing import Protocol

from components.workload import Workload


class Names(Protocol):
    """Names and addresses within one stack."""

    @property
    def resolver(self) -> str:
        """``address:port`` of the DNS server that members use."""

    def member(self, workload: str, ordinal: int) -> str:
        """The DNS name of one member."""

    def container(self, workload: str, ordinal: int) -> str:
        """What the engine itself calls one member, for whoever speaks to the engine."""

    def tells_apart(self, workload: Workload) -> bool:
        """Whether each member has a name of its own (``member``). Where not, only ``service`` leads to them."""

    def service(self, workload: str) -> str:
        """The DNS name behind which any member of a workload (or of an alias) answers."""

    def stable_address(self, workload: str, ordinal: int) -> str:
        """An address or name of one member that never changes while the stack lives."""
