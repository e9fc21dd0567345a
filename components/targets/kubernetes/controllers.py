"""What keeps a workload's pods running: a StatefulSet where members have an identity, a CronJob where they run by the
clock, else a Deployment."""

from __future__ import annotations

import math
from typing import Any

from components.targets.kubernetes import labels, names
from components.targets.kubernetes.files import Files
from components.targets.kubernetes.pods import Images, template
from components.workload import Schedule, Volume, Workload

HISTORY = 3
DEADLINE_MARGIN_S = 60
"""A rollout may take this much longer than one member's start before it is reported as stuck."""


RUN_MARGIN_S = 60
"""A run that is not over so long after its own time-out is ended by the cluster: scheduling and pulling count, too."""


def controller(stack: str, workload: Workload, files: Files, images: Images) -> dict[str, Any]:
    if workload.schedule:
        return _cron_job(stack, workload, workload.schedule, files, images)
    return (_stateful_set if workload.has_identity else _deployment)(stack, workload, files, images)


def _stateful_set(stack: str, workload: Workload, files: Files, images: Images) -> dict[str, Any]:
    """Members start at once. Those that hold data are never replaced by an update of the declaration: that is an
    operation, one at a time, replicas first (decision 2)."""
    kept = [volume for volume in workload.volumes if volume.protected]
    return {
        "apiVersion": "apps/v1",
        "kind": "StatefulSet",
        "metadata": labels.metadata(stack, workload, workload.name),
        "spec": {
            "replicas": workload.count,
            "serviceName": names.members_service(workload.name),
            "ordinals": {"start": 1},
            "podManagementPolicy": "Parallel",
            "revisionHistoryLimit": HISTORY,
            "updateStrategy": {"type": "OnDelete" if workload.stateful else "RollingUpdate"},
            "selector": {"matchLabels": labels.selector(stack, workload)},
            "template": template(stack, workload, files, images),
            **({"volumeClaimTemplates": [_claim(stack, workload, volume) for volume in kept],
                "persistentVolumeClaimRetentionPolicy": {"whenDeleted": "Retain", "whenScaled": "Retain"}}
               if kept else {}),
        },
    }


def _claim(stack: str, workload: Workload, volume: Volume) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": volume.name, "labels": labels.selector(stack, workload)},
        "spec": {"accessModes": ["ReadWriteOnce"],
                 "resources": {"requests": {"storage": f"{math.ceil(volume.size_gib * 1024)}Mi"}}},
    }


def _deployment(stack: str, workload: Workload, files: Files, images: Images) -> dict[str, Any]:
    start_s = workload.health.start_s if workload.health else 0
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": labels.metadata(stack, workload, workload.name),
        "spec": {
            "replicas": workload.count,
            "revisionHistoryLimit": HISTORY,
            "progressDeadlineSeconds": start_s + DEADLINE_MARGIN_S,
            "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}},
            "selector": {"matchLabels": labels.selector(stack, workload)},
            "template": template(stack, workload, files, images),
        },
    }


def _cron_job(stack: str, workload: Workload, schedule: Schedule, files: Files, images: Images) -> dict[str, Any]:
    """A run is left out while the previous one still works, and never repeated: both as on every target."""
    return {
        "apiVersion": "batch/v1",
        "kind": "CronJob",
        "metadata": labels.metadata(stack, workload, workload.name),
        "spec": {
            "schedule": schedule.cron,
            "timeZone": "Etc/UTC",
            "concurrencyPolicy": "Forbid",
            "startingDeadlineSeconds": RUN_MARGIN_S,
            "successfulJobsHistoryLimit": HISTORY,
            "failedJobsHistoryLimit": HISTORY,
            "jobTemplate": {"metadata": {"labels": labels.of(stack, workload)}, "spec": {
                "backoffLimit": 0,
                "activeDeadlineSeconds": schedule.timeout_s + workload.stop_grace_s + RUN_MARGIN_S,
                "template": template(stack, workload, files, images),
            }},
        },
    }


def disruption_budget(stack: str, workload: Workload) -> list[dict[str, Any]]:
    """One member at a time may be drained away. Not for one alone: its node could never be drained."""
    if workload.count < 2 or workload.schedule:
        return []
    return [{
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": labels.metadata(stack, workload, workload.name),
        "spec": {"maxUnavailable": 1, "selector": {"matchLabels": labels.selector(stack, workload)}},
    }]
