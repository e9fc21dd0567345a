"""What a stack is called on a cluster, and how its members find each other there."""

from __future__ import annotations

from components.workload import Member, Workload

LABEL = "evenkeel"
"""Prefix of our own labels and annotations."""


def namespace(stack: str) -> str:
    return f"evenkeel-{stack}"


def members_service(workload: str) -> str:
    """The headless Service that knows members by name, ready or not."""
    return f"{workload}-members"


def public_service(workload: str) -> str:
    """The Service that reaches a workload from outside."""
    return f"{workload}-public"


class KubernetesNames:
    """Fully qualified names: with fewer dots every lookup tries the resolver's search list first."""

    def __init__(self, stack: str, cluster_domain: str = "cluster.local", dns_address: str = "10.96.0.10") -> None:
        """``dns_address`` is the cluster's DNS Service; the default is kubeadm's."""
        self.resolver = f"{dns_address}:53"
        self._suffix = f"{namespace(stack)}.svc.{cluster_domain}"

    def member(self, workload: str, ordinal: int) -> str:
        return f"{Member(workload, ordinal).name}.{members_service(workload)}.{self._suffix}"

    def container(self, workload: str, ordinal: int) -> str:
        return Member(workload, ordinal).name

    def tells_apart(self, workload: Workload) -> bool:
        """Pods of a Deployment come and go under names of their own."""
        return workload.has_identity

    def service(self, workload: str) -> str:
        return f"{workload}.{self._suffix}"

    def stable_address(self, workload: str, ordinal: int) -> str:
        """A Service of this member alone: its address outlives the pod's."""
        return f"{Member(workload, ordinal).name}.{self._suffix}"
