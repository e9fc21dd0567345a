#!/usr/bin/python
"""Module ``evenkeel.platform.redis_create``."""

from __future__ import annotations

DOCUMENTATION = r"""
module: redis_create
short_description: Make one Redis Cluster of the members that the stack declares
version_added: 1.2.0
description:
  - Runs the formation of the members' own image in all of them at once, and waits until each is settled. It lets in
    who is not in the cluster, gives slots that nobody owns to masters, gives every master its replica from another
    failure domain, and moves masters back to where the loss of one domain takes no majority.
  - Members do this by themselves when they start, so on a platform that serves it changes nothing. It is for members
    that were left out since, and for replicas that shall be placed anew.
  - Never takes slots from a master. M(evenkeel.platform.redis_rebalance) does.
  - A master without slots becomes a replica again.
options:
  timeout_s:
    description: How long the members may take until all are settled, in seconds.
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
- name: See that all declared members are in the cluster, and in their place
  evenkeel.platform.redis_create:
    stack: local
"""

RETURN = r"""
planned:
  description: What the formation found to do, in sentences.
  returned: always
  type: list
  elements: str
narration:
  description: What it did, as sentences.
  returned: always
  type: list
  elements: str
"""

from typing import Any

from ansible_collections.evenkeel.platform.plugins.module_utils import redis_change, redis_cluster, running
from ansible_collections.evenkeel.platform.plugins.module_utils.streams import DockerStreams


def main() -> None:
    """Ask every formation what it would do, and let it."""
    module = running.module(timeout_s={"type": "float", "default": 60.0})
    timeout_s = module.params["timeout_s"]

    def work(streams: DockerStreams) -> dict[str, Any]:
        redis = redis_change.RedisChange(streams)
        names = [member.name for member in redis.members]
        away = [member.name for member in redis.members if not member.running]
        if away:
            raise running.RefusedError(f"{', '.join(away)} do not run. Next: `make up STACK={streams.stack}`, then run "
                                       "the same command again")
        before, planned = redis.look(), redis.planned(names)
        result: dict[str, Any] = {"changed": bool(planned), "planned": planned, "narration": planned or [
            f"the {len(names)} Redis members are one cluster: nothing to form"]}
        if not planned:
            return result
        roles = redis_cluster.described(before)
        if module.check_mode:
            return {**result, "diff": {"before": roles, "after": roles + "".join(f"{line}\n" for line in planned)}}
        said = redis.form(names, timeout_s)

        def missing() -> str:
            return "; ".join(redis_cluster.disagreements(redis.look()) + redis.planned(names))

        running.wait_for(missing, timeout_s, "one cluster of all members")
        return {**result, "narration": said or planned,
                "diff": {"before": roles, "after": redis_cluster.described(redis.look())}}

    running.perform(module, work)


if __name__ == "__main__":
    main()
