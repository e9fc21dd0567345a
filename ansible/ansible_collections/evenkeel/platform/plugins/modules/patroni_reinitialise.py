#!/usr/bin/python
"""Module ``evenkeel.platform.patroni_reinitialise``."""

from __future__ import annotations

DOCUMENTATION = r"""
module: patroni_reinitialise
short_description: Clone a Postgres replica anew that can't follow the primary
version_added: 1.0.0
description:
  - Throws a replica's data away and copies the primary's. Does nothing with a replica that streams, unless it is
    forced.
  - Refuses the primary, and any member while there is no primary to copy from.
options:
  member:
    description: The replica.
    type: str
    required: true
  force:
    description: Clone it although it streams.
    type: bool
    default: false
  timeout_s:
    description: How long to wait until it streams, in seconds.
    type: float
    default: 600.0
extends_documentation_fragment:
  - evenkeel.platform.stack
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
author:
  - Evenkeel (@evenkeel)
"""

EXAMPLES = r"""
- name: Clone a replica that lost its way
  evenkeel.platform.patroni_reinitialise:
    stack: local
    member: postgres-3
"""

RETURN = r"""
state:
  description: What Patroni says of the member after this (in check mode, before).
  returned: always
  type: str
narration:
  description: What was done, as sentences.
  returned: always
  type: list
  elements: str
"""

from typing import Any

from ansible_collections.evenkeel.platform.plugins.module_utils import patroni, patroni_client, running
from ansible_collections.evenkeel.platform.plugins.module_utils.streams import DockerStreams


def main() -> None:
    """Look, decide, clone, wait."""
    module = running.module(member={"type": "str", "required": True}, force={"type": "bool", "default": False},
                            timeout_s={"type": "float", "default": 600.0})
    name = module.params["member"]

    def work(streams: DockerStreams) -> dict[str, Any]:
        cluster = patroni_client.Patroni(streams)
        running.require([name], [member.name for member in cluster.members], streams.stack)
        seen = cluster.look()
        needed, why = patroni.needs_cloning(seen, name, force=module.params["force"])
        if needed is None:
            raise running.RefusedError(why)
        before = instance.state if (instance := seen.named(name)) else "unknown"
        result: dict[str, Any] = {"changed": needed, "state": before, "narration": [why], "diff": {
            "before": f"{name}: {before}\n", "after": f"{name}: {'cloned anew' if needed else before}\n"}}
        if not needed or module.check_mode:
            return result
        cluster.request(name, "POST", "/reinitialize", {"force": True})

        def missing() -> str:
            now = cluster.look().named(name)
            return "" if now and now.streams else f"it is {now.state if now else 'not listed'}"

        # It streams until Patroni has stopped it: first it has to be seen not to, then to do so again.
        running.wait_for(lambda: "" if missing() else "it still streams", 30, f"{name} stops", poll_s=0.1)
        took = running.wait_for(missing, module.params["timeout_s"], f"{name} streams again")
        return {**result, "state": "streaming", "narration": [f"{name} was cloned anew and streams after {took:.1f} s"]}

    running.perform(module, work)


if __name__ == "__main__":
    main()
