"""What the platform itself keeps of an audit log, in its etcd: how many lines there are, and the seal of the last."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.evenkeel.platform.plugins.module_utils.etcd_client import Etcd

PREFIX = "/evenkeel-operations/audit/"


def keep(store: Etcd, log: str, line: Mapping[str, Any]) -> None:
    """Keep a line of the log that is called so (``audit.name``)."""
    store.put(PREFIX + log, {"log": log, "number": line["number"], "seal": line["seal"], "at": line["at"]})


def kept(store: Etcd) -> dict[str, dict[str, Any]]:
    """What is kept, by log: each checkout has its own."""
    return {str(one["log"]): one for one in store.under(PREFIX)}
