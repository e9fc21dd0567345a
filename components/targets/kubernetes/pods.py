"""The pod of a member: its container, what it may do, what it may use, where it may run."""

from __future__ import annotations

import math
import shlex
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from components.targets.kubernetes import labels, names
from components.targets.kubernetes.files import ALL_FILES, Files
from components.workload import CONFIG_DIR, USER_ID, HealthCheck, Resources, Workload

LINK = f'ln -sfn "{ALL_FILES}/$EVENKEEL_MEMBER"/* {CONFIG_DIR}/'
SIGNAL_AND_WAIT = "kill -s {signal} 1 && while kill -s 0 1 2>/dev/null; do sleep 0.2; done"
INIT_RESOURCES = {"cpu": "50m", "memory": "32Mi"}
SPREAD_OVER = ("topology.kubernetes.io/zone", "kubernetes.io/hostname")

RESTRICTED = {
    "allowPrivilegeEscalation": False,
    "readOnlyRootFilesystem": True,
    "capabilities": {"drop": ["ALL"]},
}
"""With the pod's own, what the Pod Security Standard "restricted" asks for, and a read-only root."""


@dataclass(frozen=True)
class Images:
    """How image names become references, and what an image itself would run (entrypoint, command)."""

    reference: Callable[[str], str]
    entry: Callable[[str], tuple[list[str], list[str]]]


def template(stack: str, workload: Workload, files: Files, images: Images) -> dict[str, Any]:
    """``spec.template`` of a StatefulSet or Deployment."""
    image = images.reference(workload.image)
    return {
        "metadata": {
            "labels": labels.of_pod(stack, workload),
            "annotations": {f"{names.LABEL}/restart-mark": files.restart_mark()},
        },
        "spec": {
            "serviceAccountName": workload.name,
            "automountServiceAccountToken": False,
            "enableServiceLinks": False,
            "terminationGracePeriodSeconds": workload.stop_grace_s,
            "securityContext": {
                "runAsNonRoot": True, "runAsUser": USER_ID, "runAsGroup": USER_ID, "fsGroup": USER_ID,
                "fsGroupChangePolicy": "OnRootMismatch", "seccompProfile": {"type": "RuntimeDefault"},
            },
            **({"restartPolicy": "Never"} if workload.schedule else {}),
            "topologySpreadConstraints": [
                {"maxSkew": 1, "topologyKey": key, "whenUnsatisfiable": "ScheduleAnyway",
                 "labelSelector": {"matchLabels": labels.selector(stack, workload)}} for key in SPREAD_OVER],
            **({"initContainers": [_link_files(image, files)]} if files.per_member and files.entries else {}),
            "containers": [_container(workload, image, files, images)],
            "volumes": [*files.volumes(), *_scratch_volumes(workload)],
        },
    }


def _container(workload: Workload, image: str, files: Files, images: Images) -> dict[str, Any]:
    environment = [{"name": key, "value": value} for key, value in sorted(workload.environment.items())]
    return {
        "name": workload.name,
        "image": image,
        **_command(workload, image, images),
        "env": [*environment, _member_name()],
        "ports": [{"name": port.name, "containerPort": port.number, "protocol": "TCP"} for port in workload.ports],
        "resources": resources(workload.resources),
        "securityContext": RESTRICTED,
        "volumeMounts": [*files.mounts(),
                         *({"name": volume.name, "mountPath": volume.path} for volume in workload.volumes),
                         *({"name": _scratch_name(path), "mountPath": path} for path in workload.tmpfs)],
        **({"readinessProbe": readiness(workload.health)} if workload.health else {}),
        **_stop(workload),
    }


def _command(workload: Workload, image: str, images: Images) -> dict[str, list[str]]:
    """Kubernetes' ``command`` replaces the image's entrypoint, ``args`` its command. A launcher goes before both."""
    own = list(workload.command) if workload.command else None
    if not workload.launcher:
        return {"args": own} if own else {}
    entrypoint, command = images.entry(image)
    return {"command": [*workload.launcher, *entrypoint], "args": command if own is None else own}


def _stop(workload: Workload) -> dict[str, Any]:
    """Kubernetes sends SIGTERM alone: another signal is sent before, and the member has its grace to end by it."""
    if workload.stop_signal == "SIGTERM":
        return {}
    script = SIGNAL_AND_WAIT.format(signal=shlex.quote(workload.stop_signal.removeprefix("SIG")))
    return {"lifecycle": {"preStop": {"exec": {"command": ["/bin/sh", "-c", script]}}}}


def readiness(health: HealthCheck) -> dict[str, Any]:
    """The health check decides who gets requests. Nothing is killed for being unfit: a replica without a primary, or a
    worker without a database, recovers when the other does, and a restart would only take it longer."""
    return {"exec": {"command": list(health.command)}, "periodSeconds": health.interval_s,
            "timeoutSeconds": health.timeout_s, "failureThreshold": health.retries}


def resources(limits: Resources) -> dict[str, dict[str, str]]:
    """Requests are half of the limits unless given (feature K4: 500m and 512Mi of 1 and 1Gi)."""
    memory = limits.memory_request_mib or limits.memory_mib // 2
    cpus = limits.cpu_request or limits.cpus / 2
    return {"requests": {"cpu": _millicores(cpus), "memory": f"{memory}Mi"},
            "limits": {"cpu": _millicores(limits.cpus), "memory": f"{limits.memory_mib}Mi"}}


def _millicores(cpus: float) -> str:
    return f"{math.ceil(cpus * 1000)}m"


def _link_files(image: str, files: Files) -> dict[str, Any]:
    """The image is the member's own, which its node needs anyway."""
    return {"name": "link-files", "image": image, "command": ["/bin/sh", "-c", LINK], "env": [_member_name()],
            "resources": {"requests": INIT_RESOURCES, "limits": INIT_RESOURCES}, "securityContext": RESTRICTED,
            "volumeMounts": files.mounts(linking=True)}


def _member_name() -> dict[str, Any]:
    return {"name": "EVENKEEL_MEMBER", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}}


def _scratch_volumes(workload: Workload) -> list[dict[str, Any]]:
    """What a member may write and lose: in memory, or on the node's disk for volumes that nobody misses."""
    memory = [{"name": _scratch_name(path), "emptyDir": {"medium": "Memory", "sizeLimit": f"{workload.tmpfs_mib}Mi"}}
              for path in workload.tmpfs]
    disk = [{"name": volume.name, "emptyDir": {"sizeLimit": f"{math.ceil(volume.size_gib * 1024)}Mi"}}
            for volume in workload.volumes if not volume.protected]
    return [*memory, *disk]


def _scratch_name(path: str) -> str:
    return "scratch" + path.lower().replace("/", "-").replace("_", "-").replace(".", "-").rstrip("-")
