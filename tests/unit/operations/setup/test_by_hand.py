"""What somebody changed behind Pulumi's back."""

from __future__ import annotations

from typing import Any

from operations.setup import by_hand

DECLARED = {"memory": 64.0, "cpus": "1.0", "restart": "unless-stopped", "hostname": "door-1"}


def attrs(memory: int = 64, cores: float = 1, policy: str = "unless-stopped", **state: Any) -> dict[str, Any]:
    return {"Id": "one", "State": {"Running": True, "Paused": False, "Status": "running", **state}, "HostConfig": {
        "Memory": memory * by_hand.MIB, "NanoCpus": int(cores * 1e9), "RestartPolicy": {"Name": policy}}}


def said(inspected: dict[str, Any] | None, identity: str = "one") -> str:
    return "\n".join(by_hand.seen(inspected, identity, DECLARED, "door-1"))


def test_what_is_as_declared_is_not_mentioned() -> None:
    assert said(attrs()) == ""


def test_limits_are_named_with_both_values() -> None:
    assert "memory limit was changed by hand to 32 MiB; declared is 64 MiB" in said(attrs(memory=32))
    assert "CPU limit was changed by hand to 0.5; declared is 1.0" in said(attrs(cores=0.5))
    assert "restart policy was changed by hand to no" in said(attrs(policy=""))


def test_who_is_gone_stopped_or_somebody_else_is_said() -> None:
    assert "is gone" in said(None)
    assert "made anew by hand" in said(attrs(), identity="two")
    assert "it is exited" in said(attrs(Running=False, Status="exited"))
    assert "it is paused" in said(attrs(Paused=True, Status="paused"))
