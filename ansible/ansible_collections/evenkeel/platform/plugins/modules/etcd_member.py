#!/usr/bin/python
"""Module ``evenkeel.platform.etcd_member``."""

from __future__ import annotations

DOCUMENTATION = r"""
module: etcd_member
short_description: Make an etcd member dispensable
version_added: 1.0.0
description:
  - Refuses unless the other members keep their majority without O(member).
  - Moves the leadership away from it when it has it, so that nobody has to wait for an election.
  - Changes nothing when it doesn't lead.
options:
  member:
    description: The member that shall be dispensable.
    type: str
    required: true
  prefer:
    description: Members that shall lead rather than others.
    type: list
    elements: str
    default: []
  timeout_s:
    description: How long all may take to agree on the new leader, in seconds.
    type: float
    default: 10.0
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
- name: See that etcd can do without etcd-1, and that it doesn't lead
  evenkeel.platform.etcd_member:
    stack: local
    member: etcd-1
"""

RETURN = r"""
leader:
  description: Who leads now (in check mode, who would).
  returned: always
  type: str
members:
  description: The members that answered, with what they know.
  returned: always
  type: list
  elements: dict
narration:
  description: The same as sentences.
  returned: always
  type: list
  elements: str
"""

from dataclasses import asdict
from typing import Any

from ansible_collections.evenkeel.platform.plugins.module_utils import etcd, etcd_client, running
from ansible_collections.evenkeel.platform.plugins.module_utils.streams import DockerStreams


def main() -> None:
    """Read arguments, decide, act."""
    module = running.module(
        member={"type": "str", "required": True}, prefer={"type": "list", "elements": "str", "default": []},
        timeout_s={"type": "float", "default": 10.0})
    asked = module.params

    def work(streams: DockerStreams) -> dict[str, Any]:
        client = etcd_client.Etcd(streams)
        name = asked["member"]
        running.require([name], client.names, streams.stack)
        statuses = client.look()
        short = etcd.can_spare(statuses, client.names, name)
        if short:
            raise running.RefusedError(f"{short}. Nothing was changed. Next: `make up STACK={streams.stack}` brings "
                                       "lost members back, then run the same command again")
        members = [asdict(status) for status in statuses]
        leader = etcd.leader(statuses)
        if leader is None or leader.name != name:
            who = leader.name if leader else "nobody that answers"
            return {"changed": False, "leader": who, "members": members,
                    "narration": [f"{name} does not lead ({who} does); the others keep their majority without it"]}
        heir = etcd.successor(statuses, name, asked["prefer"])
        if heir is None:
            raise running.RefusedError(f"there is nobody to lead instead of {name}")
        result: dict[str, Any] = {"changed": True, "leader": heir.name, "members": members,
                                  "diff": {"before": f"leader: {name}\n", "after": f"leader: {heir.name}\n"},
                                  "narration": [f"{heir.name} would lead instead of {name}"]}
        if module.check_mode:
            return result
        client.move_leader(name, heir)
        running.wait_for(lambda: "; ".join(etcd.problems(client.look(), client.names)), asked["timeout_s"],
                         f"{heir.name} as etcd's leader")
        return {**result, "narration": [f"{heir.name} leads instead of {name}"]}

    running.perform(module, work)


if __name__ == "__main__":
    main()
