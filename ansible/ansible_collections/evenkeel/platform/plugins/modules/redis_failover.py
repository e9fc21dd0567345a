#!/usr/bin/python
"""Module ``evenkeel.platform.redis_failover``."""

from __future__ import annotations

DOCUMENTATION = r"""
module: redis_failover
short_description: Hand a Redis master's slots to one of its replicas
version_added: 1.0.0
description:
  - Lets a replica of O(member) take over by C(CLUSTER FAILOVER), the coordinated kind, where the master holds its
    writes until the replica has them all, and waits until every member agrees on roles and slots.
  - Changes nothing when O(member) is no master.
options:
  member:
    description: The member that shall not be master.
    type: str
    required: true
  avoid:
    description: Replicas that shall not take over.
    type: list
    elements: str
    default: []
  prefer:
    description: Replicas to choose from first.
    type: list
    elements: str
    default: []
  timeout_s:
    description: How long it may take until all agree, in seconds. A takeover that Redis gave up is asked for again.
    type: float
    default: 20.0
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
- name: Take the master's role from redis-1 before it is replaced
  evenkeel.platform.redis_failover:
    stack: local
    member: redis-1
"""

RETURN = r"""
master:
  description: Who is master of the slots now (in check mode, who would be).
  returned: when member was a master
  type: str
took_ms:
  description: From the command until every member agreed, in milliseconds.
  returned: when changed and not in check mode
  type: int
narration:
  description: The same as sentences.
  returned: always
  type: list
  elements: str
"""

from typing import Any

from ansible_collections.evenkeel.platform.plugins.module_utils import redis_client, redis_cluster, running
from ansible_collections.evenkeel.platform.plugins.module_utils.streams import DockerStreams


def main() -> None:
    """Read arguments, decide, act."""
    module = running.module(
        member={"type": "str", "required": True}, avoid={"type": "list", "elements": "str", "default": []},
        prefer={"type": "list", "elements": "str", "default": []}, timeout_s={"type": "float", "default": 20.0})
    asked = module.params

    def work(streams: DockerStreams) -> dict[str, Any]:
        redis = redis_client.Redis(streams)
        sights = redis.look()
        name = asked["member"]
        running.require([name], redis.domains, streams.stack)
        if name not in sights:
            raise running.RefusedError(f"{name} does not answer, so it can't hand over. Next: `make status "
                                       f"STACK={streams.stack}`; a replica takes over from a dead master by itself")
        if not sights[name].me.leads:
            return {"changed": False, "narration": [f"{name} is a replica: nothing to hand over"]}

        def choose() -> tuple[str | None, str]:
            seen = redis.look()
            if name not in seen:
                return None, f"{name} does not answer any more"
            return redis_cluster.candidate(seen, name, asked["avoid"], asked["prefer"], redis.domains)

        chosen, why_not = running.chosen_in_time(choose, 0 if module.check_mode else running.SETTLE_S)
        if chosen is None:
            raise running.RefusedError(f"nobody can take over from {name}: {why_not}. It stays master.")
        result: dict[str, Any] = {"changed": True, "master": chosen,
                                  "diff": {"before": f"master: {name}\n", "after": f"master: {chosen}\n"},
                                  "narration": [f"{chosen} would take over from {name}"]}
        if module.check_mode:
            return result
        slots = sights[name].me.slots
        took = round(redis.fail_over(chosen, name, asked["timeout_s"]) * 1000)
        said = f"{chosen} took over {slots} slots from {name}; all members agree after {took} ms"
        return {**result, "took_ms": took, "narration": [said]}

    running.perform(module, work)


if __name__ == "__main__":
    main()
