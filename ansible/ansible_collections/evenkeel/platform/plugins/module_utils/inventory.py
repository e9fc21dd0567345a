"""A stack's outputs as groups and host variables: pure functions."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

SECRET = "[secret]"  # noqa: S105 - what Pulumi prints in place of one
PLATFORM = "platform"
KNOWN = ("member", "workload", "tier", "domain", "stateful")


def group_name(text: str) -> str:
    """As Ansible allows it: letters, digits, underscores."""
    return re.sub(r"\W", "_", text)


def groups_of(member: Mapping[str, Any]) -> dict[str, str]:
    """Group -> its parent, of every group that a member is in, parents first.

    The workload's group lies in its tier's (``web_blue`` in ``tier_app``); domain, colour and pool stand beside.
    """
    tier = f"tier_{group_name(str(member['tier']))}"
    groups = {
        tier: PLATFORM,
        group_name(str(member["workload"])): tier,
        f"domain_{group_name(str(member['domain']))}": PLATFORM,
        "stateful" if member.get("stateful") else "stateless": PLATFORM,
    }
    for label in ("colour", "pool"):
        if member.get(label):
            groups[f"{label}_{group_name(str(member[label]))}"] = PLATFORM
    return groups


def variables_of(stack: str, member: Mapping[str, Any]) -> dict[str, Any]:
    """A member's host variables."""
    described = {f"evenkeel_{key}": value for key, value in member.items()}
    return {**described, "evenkeel_stack": stack, "evenkeel_container": f"evenkeel-{stack}-{member['member']}"}


def without_secrets(outputs: Mapping[str, Any]) -> dict[str, Any]:
    """What may be cached and shown: whatever Pulumi keeps secret is left out, wherever it lies."""
    return {name: value for name, value in outputs.items() if not _hides_something(value)}


def _hides_something(value: Any) -> bool:
    if isinstance(value, Mapping):
        return any(_hides_something(inner) for inner in value.values())
    if isinstance(value, str):
        return value == SECRET
    return isinstance(value, Iterable) and any(_hides_something(inner) for inner in value)
