"""What the platform itself keeps of an audit log, in its etcd: how many lines there are, and the seal of the last."""

from __future__ import annotations

from typing import Any

from ansible_collections.evenkeel.platform.plugins.module_utils import audit, audit_ship
from ansible_collections.evenkeel.platform.plugins.module_utils.etcd_client import Etcd
from ansible_collections.evenkeel.platform.plugins.module_utils.streams import DockerStreams

PREFIX = "/evenkeel-operations/audit/"


def end(log: audit.Log, run: audit.Run, stack: str, result: str, why: str = "") -> None:
    """Note what became of an operation, let the platform keep that line, and take to its logs what is not there yet.

    ``OSError`` says that it could not be noted, ``StreamError`` that the platform does not keep it.
    """
    line = log.end(run, result, why)
    lines = log.read()
    name = audit.name(lines)
    streams = DockerStreams(stack)
    etcd = Etcd(streams)
    shipped = int(str((etcd.get(PREFIX + name) or {}).get("shipped", 0)))
    shipped = max(shipped, audit_ship.ship(streams, name, [one for one in lines if one.get("number", 0) > shipped]))
    etcd.put(PREFIX + name, {"log": name, "shipped": shipped, **{key: line[key] for key in ("number", "seal", "at")}})


def kept(stack: str) -> dict[str, dict[str, Any]]:
    """What is kept, by log: each checkout has its own. ``StreamError`` where the platform can't be asked."""
    return {str(one["log"]): one for one in Etcd(DockerStreams(stack)).under(PREFIX)}
