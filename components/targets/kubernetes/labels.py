"""Labels: how Services, policies and budgets find the pods of a workload."""

from __future__ import annotations

from typing import Any

from components.targets.kubernetes import names
from components.workload import Workload, Zone

POD_NAME = "statefulset.kubernetes.io/pod-name"
"""Kubernetes' own label on every pod of a StatefulSet."""


def selector(stack: str, workload: Workload) -> dict[str, str]:
    """What never changes in the life of a workload."""
    return {"app.kubernetes.io/name": workload.name, "app.kubernetes.io/instance": stack}


def of(stack: str, workload: Workload) -> dict[str, str]:
    """All labels of a workload's objects."""
    own = {f"{names.LABEL}/{key}": value for key, value in workload.labels.items()}
    return {**selector(stack, workload), "app.kubernetes.io/part-of": "evenkeel",
            f"{names.LABEL}/tier": workload.tier, **own}


def zone(zone_: Zone) -> dict[str, str]:
    """Borne by every pod that is in a network segment."""
    return {f"{names.LABEL}/zone-{zone_.value}": "true"}


def of_pod(stack: str, workload: Workload) -> dict[str, str]:
    in_zones: dict[str, str] = {}
    for zone_ in workload.zones:
        in_zones |= zone(zone_)
    return {**of(stack, workload), **in_zones}


def metadata(stack: str, workload: Workload, name: str) -> dict[str, Any]:
    return {"name": name, "namespace": names.namespace(stack), "labels": of(stack, workload)}
