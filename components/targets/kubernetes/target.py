"""Turns workloads into manifests, plain dictionaries whose texts may be Pulumi outputs.

It deliberately registers nothing: what a workload needs on a cluster is decided here, without one.
"""

from __future__ import annotations

from typing import Any

import pulumi

from components.targets.kubernetes import labels
from components.targets.kubernetes.controllers import controller, disruption_budget
from components.targets.kubernetes.files import Files
from components.targets.kubernetes.names import KubernetesNames
from components.targets.kubernetes.pods import Images
from components.targets.kubernetes.policies import foundation, workload_policies
from components.targets.kubernetes.services import services
from components.workload import Workload


def manifests(stack: str, workload: Workload, images: Images) -> list[dict[str, Any]]:
    """Everything one workload is on a cluster, in the order in which it can be applied."""
    files = Files.of(stack, workload, per_member=workload.has_identity)
    return [
        _service_account(stack, workload),
        *files.manifests(),
        *services(stack, workload),
        *workload_policies(stack, workload),
        controller(stack, workload, files, images),
        *disruption_budget(stack, workload),
    ]


def _service_account(stack: str, workload: Workload) -> dict[str, Any]:
    """An identity of its own without any right, and without a token that could be stolen."""
    return {"apiVersion": "v1", "kind": "ServiceAccount", "automountServiceAccountToken": False,
            "metadata": labels.metadata(stack, workload, workload.name)}


class KubernetesTarget:
    """Collects the manifests of one stack."""

    restarts_members = True
    shows_logs = False
    """It would take root and a folder of the node, which the standard "restricted" of the namespace rules out. Clusters
    have collectors of their own."""

    def __init__(self, stack: str, images: Images, names: KubernetesNames | None = None) -> None:
        self._stack = stack
        self._images = images
        self.names = names or KubernetesNames(stack)
        self.manifests: list[dict[str, Any]] = foundation(stack)

    def begin_watching(self) -> None:
        """A cluster starts what it can."""

    def run(self, workload: Workload, parent: pulumi.Resource) -> None:  # noqa: ARG002 - nothing is registered
        """Render every object of ``workload``."""
        self.manifests += manifests(self._stack, workload, self._images)
