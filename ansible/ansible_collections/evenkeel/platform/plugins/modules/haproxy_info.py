#!/usr/bin/python
"""Module ``evenkeel.platform.haproxy_info``."""

from __future__ import annotations

DOCUMENTATION = r"""
module: haproxy_info
short_description: What every load balancer sees and does
version_added: 1.1.0
description:
  - The split in force, the servers with their state, and what each colour was sent, per load balancer and summed.
options: {}
extends_documentation_fragment:
  - evenkeel.platform.stack
attributes:
  check_mode:
    support: full
  diff_mode:
    support: none
    details: It changes nothing.
author:
  - Evenkeel (@evenkeel)
"""

EXAMPLES = r"""
- name: Look
  evenkeel.platform.haproxy_info:
    stack: local
  register: balancers
"""

RETURN = r"""
balancers:
  description: Load balancer -> C(split) (pool -> green's share), C(servers) and C(colours) (what each was sent).
  returned: always
  type: dict
colours:
  description: Colour -> counters, summed over all load balancers.
  returned: always
  type: dict
out_of_reach:
  description: Load balancer -> why it can't be asked.
  returned: always
  type: dict
narration:
  description: The split of each, as sentences.
  returned: always
  type: list
  elements: str
"""

from dataclasses import asdict
from typing import Any

from ansible_collections.evenkeel.platform.plugins.module_utils import balancing, haproxy, running, split
from ansible_collections.evenkeel.platform.plugins.module_utils.streams import DockerStreams


def main() -> None:
    """Ask, tell."""
    running.perform(running.module(), look)


def look(streams: DockerStreams) -> dict[str, Any]:
    """Everything, once."""
    with balancing.Balancers(streams).opened() as (opened, out_of_reach):
        maps, states = split.look(opened, split.SPLIT), balancing.states(opened)
        counted = balancing.counters(opened)
    found = {name: {
        "split": dict(maps[name].running),
        "servers": [{**asdict(server), "state": server.state, "usable": server.usable}
                    for server in states[name] if server.address != haproxy.NOBODY],
        "colours": {colour: asdict(counters) for colour, counters in haproxy.by_colour(counted[name]).items()},
    } for name in maps}
    summed = haproxy.by_colour(balancing.summed(counted))
    return {"changed": False, "balancers": found, "out_of_reach": out_of_reach,
            "colours": {colour: asdict(counters) for colour, counters in summed.items()},
            "narration": [f"{name}: {seen}" for name, seen in maps.items()]}


if __name__ == "__main__":
    main()
