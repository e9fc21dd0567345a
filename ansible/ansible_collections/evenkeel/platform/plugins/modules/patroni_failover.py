#!/usr/bin/python
"""Module ``evenkeel.platform.patroni_failover``."""

from __future__ import annotations

DOCUMENTATION = r"""
module: patroni_failover
short_description: Make a replica the primary when there is none, or when it does not answer
version_added: 1.0.0
description:
  - For the case that nobody took over by itself. While a primary answers, M(evenkeel.platform.patroni_switchover) is
    what you want, and this module refuses.
  - Only a replica that has every acknowledged write may take over. Where none is fit it refuses, and says of each why.
options:
  primary:
    description: Who shall be primary. Without it the fittest replica.
    type: str
  timeout_s:
    description: How long to wait until it leads, in seconds.
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
- name: Let the fittest replica take over
  evenkeel.platform.patroni_failover:
    stack: local
"""

RETURN = r"""
primary:
  description: The primary after this (in check mode, who would be chosen).
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
    """Look, decide, ask, wait."""
    module = running.module(primary={"type": "str"}, timeout_s={"type": "float", "default": 60.0})
    wanted = module.params["primary"] or ""

    def work(streams: DockerStreams) -> dict[str, Any]:
        cluster = patroni_client.Patroni(streams)
        if wanted:
            running.require([wanted], [member.name for member in cluster.members], streams.stack)
        seen = cluster.look()
        leader = seen.leader.name if seen.leader else ""
        if leader and wanted in ("", leader):
            return {"changed": False, "primary": leader,
                    "narration": [f"{leader} is the primary: nobody need take over"]}
        if leader:
            raise running.RefusedError(f"{leader} is the primary and answers, so this would be an error to clients "
                                       f"where a switchover is a pause. Next: make switchover PRIMARY={wanted} "
                                       f"STACK={streams.stack}")
        chosen, why_not = patroni.successor(seen, wanted)
        if chosen is None:
            raise running.RefusedError(f"nobody can take over without losing acknowledged writes: {why_not}. "
                                       f"Next: bring members back (make up STACK={streams.stack})")
        result: dict[str, Any] = {"changed": True, "primary": chosen.name, "diff": {
            "before": "primary: nobody\n", "after": f"primary: {chosen.name}\n"}}
        if module.check_mode:
            return {**result, "narration": [f"{chosen.name} would take over"]}
        cluster.request(chosen.name, "POST", "/failover", {"candidate": chosen.name})

        def missing() -> str:
            now = cluster.look().leader
            return "" if now else "nobody leads yet"

        took = running.wait_for(missing, module.params["timeout_s"], f"{chosen.name} leads")
        now = cluster.look().leader
        return {**result, "primary": now.name if now else chosen.name,
                "narration": [f"{now.name if now else chosen.name} took over within {took:.1f} s"]}

    running.perform(module, work)


if __name__ == "__main__":
    main()
