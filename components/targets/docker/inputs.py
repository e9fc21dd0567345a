"""What a member's container is made from, and which of it can only change by making another container.

Plain values, known before anything is registered: whether a member would be replaced has to be known by then.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

from components.workload import USER_ID, HealthCheck, Member, Workload

FINGERPRINT_LABEL = "evenkeel.inputs"
CLUSTERED_LABEL = "evenkeel.clustered"
PROTECTED_LABEL = "evenkeel.protected"

IN_PLACE = frozenset({"memory", "memory_swap", "cpus", "cpu_shares", "restart", "start", "must_run",
                      "destroy_grace_seconds"})
"""Inputs that change without another container: the provider's schema does not force a new one for these, and its
update hands them to the engine. ``cpus`` is an exception on both counts: the engine can change it, the provider
can't, so ``Limits`` does."""

NOT_FORCED = ("tmpfs",)
"""Inputs that the provider calls changed in place but leaves as they are in the engine: they need another container."""

WORDS: Mapping[str, str] = {
    "capabilities": "capabilities", "command": "command", "dns_opts": "name lookups", "dns_searches": "name lookups",
    "entrypoints": "entrypoint", "envs": "environment variables", "group_adds": "groups",
    "healthcheck": "health check", "hostname": "host name", "image": "image", "labels": "labels",
    "log_driver": "log driver", "log_opts": "log options", "name": "name", "network_mode": "network mode",
    "networks_advanced": "networks", "ports": "published port", "read_only": "read-only root",
    "security_opts": "security options", "stop_signal": "stop signal", "stop_timeout": "stop timeout",
    "tmpfs": "memory file systems", "ulimits": "limit of open files", "user": "user", "volumes": "volumes",
}
"""Input -> what people call it."""

QUICK_LOOKUPS = ("timeout:1", "attempts:1", "ndots:1")
NO_SEARCH = (".",)
"""Options of name lookups (resolv.conf(5)), and no domain to search. The engine's DNS knows no name of a dead member
and passes the question on; out of an internal network nothing can be passed, so the question waits for its end: 10 s as
the C library has it. It is asked whenever a member dies: by replicas before one leads, by the walreceiver for whose end
a promotion waits. Told ``ndots`` above 0, the engine passes no name without a dot on and answers at once (4 ms in place
of 1,004, measured); the C library would try the machine's domains first then, which nobody here has.
"""
SLOWEST_CHECKS_S = 60
"""Between two of the engine's own health checks. They are for people who look at `docker ps`: whoever waits for a
member or shows its status runs the check itself, at once. Each is a process that the engine starts in a container: for
26 members every 10 s that would be 2.6 a second on an idle machine."""
CPU_SHARES = 1024
"""The engine's own for a container that says nothing: a weight of 1."""
LOG_LABELS = ("evenkeel.stack", "evenkeel.tier", "evenkeel.workload", "evenkeel.member", "evenkeel.domain",
              "evenkeel.colour", "evenkeel.pool")
"""Put beside every line that a member says, so that who reads the engine's files knows whose it is."""
LOGS = {"max-size": "10m", "max-file": "3", "labels": ",".join(LOG_LABELS)}
STOP_MARGIN_S = 5
"""The engine kills this much later than the workload's own grace ends."""


def container(workload: Workload, member: Member, *, name: str, image: str, command: Sequence[str] | None,
              labels: Mapping[str, str], volumes: list[dict[str, Any]], networks: list[dict[str, Any]],
              ports: list[dict[str, Any]], groups: Sequence[str] = ()) -> dict[str, Any]:
    """The inputs of ``pulumi_docker.Container``, without the options; the label ``FINGERPRINT_LABEL`` tells a later run
    which of them have changed."""
    limits, enclosed = workload.resources, all(zone.internal for zone in workload.zones)
    environment = {**workload.environment, "EVENKEEL_MEMBER": member.name}
    if workload.clustered:
        labels = {**labels, CLUSTERED_LABEL: "true"}
    made: dict[str, Any] = {
        "name": name,
        "image": image,
        "hostname": member.name,
        "entrypoints": list(workload.launcher) if workload.launcher else None,
        "command": list(command) if command is not None else None,
        "envs": [f"{key}={value}" for key, value in sorted(environment.items())],
        "user": "0:0" if workload.reads_logs else f"{USER_ID}:{USER_ID}",
        "group_adds": list(groups) or None,
        "read_only": True,
        "capabilities": {"drops": ["ALL"]},
        "security_opts": ["no-new-privileges:true"],
        "tmpfs": dict.fromkeys(workload.tmpfs, _tmpfs_options(workload.tmpfs_mib)),
        "memory": limits.memory_mib,
        "memory_swap": limits.memory_mib,
        "cpus": str(float(limits.cpus)),
        "cpu_shares": limits.cpu_weight * CPU_SHARES,
        "ulimits": [{"name": "nofile", "soft": limits.open_files, "hard": limits.open_files}],
        "volumes": volumes,
        "network_mode": "bridge",
        "networks_advanced": networks,
        "dns_opts": list(QUICK_LOOKUPS) if enclosed else None,
        "dns_searches": list(NO_SEARCH) if enclosed else None,
        "ports": ports,
        "healthcheck": _healthcheck(workload.health) if workload.health else None,
        # A scheduled member is made and left: whoever watches starts it when it is due, and its end is no failure.
        "restart": "no" if workload.schedule else "unless-stopped",
        "start": workload.schedule is None,
        "must_run": workload.schedule is None,
        "log_driver": "json-file",
        "log_opts": LOGS,
        "stop_signal": workload.stop_signal,
        "stop_timeout": workload.stop_grace_s,
        "destroy_grace_seconds": workload.stop_grace_s + STOP_MARGIN_S,
        "labels": _labels(labels),
    }
    made["labels"] = _labels({**labels, FINGERPRINT_LABEL: _fingerprint(made)})
    return made


def fingerprint(made: Mapping[str, Any]) -> str:
    """What ``container`` labelled them with: ``input=hash ...`` of every input that needs another container when it
    changes."""
    return str(next(label["value"] for label in made["labels"] if label["label"] == FINGERPRINT_LABEL))


def replacing(names: Mapping[str, Any]) -> list[str]:
    """Those inputs of ``names`` that need another container."""
    return [name for name in names if name not in IN_PLACE]


def _fingerprint(made: Mapping[str, Any]) -> str:
    return " ".join(f"{name}={_hash(made[name])}" for name in sorted(replacing(made)) if made[name] not in (None, []))


def changed(running: str, wanted: str) -> list[str]:
    """The inputs in which two fingerprints differ, in words. Equal ones: none."""
    before, after = (dict(part.split("=", 1) for part in text.split()) for text in (running, wanted))
    names = sorted(name for name in {*before, *after} if before.get(name) != after.get(name))
    return list(dict.fromkeys(WORDS.get(name, name) for name in names))


def _hash(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:8]


def _labels(labels: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"label": label, "value": value} for label, value in sorted(labels.items())]


def _healthcheck(health: HealthCheck) -> dict[str, Any]:
    return {"tests": ["CMD", *health.command], "interval": duration(max(health.interval_s, SLOWEST_CHECKS_S)),
            "timeout": duration(health.timeout_s), "retries": health.retries, "start_period": duration(health.start_s)}


def _tmpfs_options(size_mib: int) -> str:
    return f"rw,nosuid,nodev,size={size_mib}m,uid={USER_ID},gid={USER_ID},mode=1777"


def duration(seconds: int) -> str:
    """As the provider reads it back from the engine (Go's notation); any other spelling shows as a change for ever."""
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours}h{minutes}m{seconds}s"
    return f"{minutes}m{seconds}s" if minutes else f"{seconds}s"
