#!/usr/bin/python
"""Module ``evenkeel.platform.redis_member``."""

from __future__ import annotations

DOCUMENTATION = r"""
module: redis_member
short_description: Let a member into the Redis Cluster in a role, or let it go without losing slots
version_added: 1.2.0
description:
  - O(state=present) with O(role=replica) makes the member a replica of O(master), or of the master that needs one
    most.
  - O(state=present) with O(role=master) makes it a master without slots; M(evenkeel.platform.redis_rebalance) then
    gives it its share. Until then a restart makes it a replica again.
  - O(state=absent) moves the slots of a master, with their keys, to the other masters while they are served, and lets
    all others forget the member. Its container stays, and would come back as a replica when it is restarted;
    C(ansible/playbooks/redis_scale.yml) removes it.
  - What was interrupted is ended by running it again.
options:
  member:
    description: The member.
    type: str
    required: true
  state:
    description: Whether it shall be in the cluster.
    type: str
    choices: [present, absent]
    default: present
  role:
    description: What it shall be. A master that owns slots is left as it is.
    type: str
    choices: [master, replica]
    default: replica
  master:
    description: Whom a replica shall follow.
    type: str
  force:
    description: Make a master also of the only replica that its master has.
    type: bool
    default: false
  timeout_s:
    description: How long a member may take until it is let in, in seconds.
    type: float
    default: 60.0
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
- name: Make a master of a replica, to which slots can move then
  evenkeel.platform.redis_member:
    stack: local
    member: redis-7
    role: master

- name: Lead everything away from redis-7, and let it go
  evenkeel.platform.redis_member:
    stack: local
    member: redis-7
    state: absent
"""

RETURN = r"""
slots:
  description: How many slots moved away (in check mode, would move).
  returned: when state is absent
  type: int
narration:
  description: What was done, as sentences.
  returned: always
  type: list
  elements: str
"""

from typing import Any

from ansible_collections.evenkeel.platform.plugins.module_utils import (
    redis_change,
    redis_cluster,
    redis_membership,
    running,
)
from ansible_collections.evenkeel.platform.plugins.module_utils.streams import DockerStreams


def main() -> None:
    """Read arguments, decide, act."""
    module = running.module(
        member={"type": "str", "required": True},
        state={"type": "str", "choices": ["present", "absent"], "default": "present"},
        role={"type": "str", "choices": ["master", "replica"], "default": "replica"}, master={"type": "str"},
        force={"type": "bool", "default": False}, timeout_s={"type": "float", "default": 60.0})
    asked = module.params

    def work(streams: DockerStreams) -> dict[str, Any]:
        redis = redis_change.RedisChange(streams)
        name = asked["member"]
        running.require([name, *([asked["master"]] if asked["master"] else [])], redis.domains, streams.stack)
        sights = redis.look_twice()
        try:
            if asked["state"] == "absent":
                step = redis_membership.absent(sights, name)
            elif asked["role"] == "master":
                step = redis_membership.master(sights, name, force=asked["force"])
            else:
                step = redis_membership.replica(sights, name, asked["master"])
        except ValueError as error:
            raise running.RefusedError(str(error).replace("{stack}", streams.stack)) from None
        result: dict[str, Any] = {"changed": step.needed, "narration": [step.words]}
        if asked["state"] == "absent":
            result["slots"] = sum(len(move.slots) for move in step.moves)
        if not step.needed:
            return result
        result["diff"] = {"before": redis_cluster.described(sights, [name]), "after": f"{name}: {step.becomes}\n"}
        if not module.check_mode:
            redis.take(step, name, asked["timeout_s"])
            result["narration"] = [step.done]
        return result

    running.perform(module, work)


if __name__ == "__main__":
    main()
