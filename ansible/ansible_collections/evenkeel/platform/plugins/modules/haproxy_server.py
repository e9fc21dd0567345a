#!/usr/bin/python
"""Module ``evenkeel.platform.haproxy_server``."""

from __future__ import annotations

DOCUMENTATION = r"""
module: haproxy_server
short_description: Let every load balancer send a worker requests, or not
version_added: 1.1.0
description:
  - Sets the administrative state and the weight of a worker's server in all backends that have it, on every load
    balancer. A worker is found by its address, since backends know slots and no names.
  - These are states of running programs. They survive a reload, and end with a restart of the load balancer or of the
    worker.
options:
  member:
    description: The worker.
    type: str
    required: true
  state:
    description:
      - V(ready) gets requests; V(drain) gets no new visitors, but those that stickiness ties to it; V(maint) gets none.
    type: str
    choices: [ready, drain, maint]
    default: ready
  weight:
    description: Its share beside the others, in percent of its configured weight. Empty leaves it as it is.
    type: int
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
- name: No new visitors for this worker
  evenkeel.platform.haproxy_server:
    stack: local
    member: web-blue-2
    state: drain
"""

RETURN = r"""
servers:
  description: Load balancer -> the servers that are the worker's.
  returned: always
  type: dict
narration:
  description: What was done, as sentences.
  returned: always
  type: list
  elements: str
"""

from typing import Any

from ansible_collections.evenkeel.platform.plugins.module_utils import balancing, haproxy, running, split
from ansible_collections.evenkeel.platform.plugins.module_utils.streams import DockerStreams


def main() -> None:
    """Read arguments, find, set, read back."""
    module = running.module(member={"type": "str", "required": True},
                            state={"type": "str", "choices": ["ready", "drain", "maint"], "default": "ready"},
                            weight={"type": "int"})
    asked = module.params
    if asked["weight"] is not None and not 0 <= asked["weight"] <= 100:
        module.fail_json(msg=f"weight: {asked['weight']}: 0 to 100 percent")

    def work(streams: DockerStreams) -> dict[str, Any]:
        name = asked["member"]
        members = {member.name: member for member in streams.members()}
        running.require([name], members, streams.stack)
        addresses = streams.addresses(members[name])
        with balancing.Balancers(streams).opened() as (opened, out_of_reach):
            balancing.require_all(out_of_reach, streams.stack)
            before = mine(opened, addresses)
            if not any(before.values()):
                raise running.RefusedError(f"no load balancer knows {name}. Nothing was changed. Next: `make status "
                                           f"STACK={streams.stack}`: does it run, and does it take requests?")
            changed = any(commands(found, asked) for found in before.values())
            if changed and not module.check_mode:
                for one in opened:
                    orders = commands(before[one.name], asked)
                    if orders and (wrong := split.complaint(one.ask(*orders))):
                        raise running.RefusedError(f"{one.name}: {wrong}")
            after = before if module.check_mode else mine(opened, addresses)
        weight = "" if asked["weight"] is None else f", weight {asked['weight']} %"
        verb = "is" if changed else "was"
        return {"changed": changed, "servers": {balancer: [f"{one.backend}/{one.slot}" for one in found]
                                                for balancer, found in after.items()},
                "narration": [f"{name} {verb} {asked['state']}{weight} on {len(before)} load balancers"],
                "diff": {"before": shown(before), "after": shown(after) if not module.check_mode else
                         "".join(f"{balancer}: {asked['state']}{weight}\n" for balancer in before)}}

    running.perform(module, work)


def mine(opened: list[balancing.Opened], addresses: list[str]) -> dict[str, list[haproxy.Server]]:
    """Balancer -> servers with one of these addresses."""
    return {name: [server for server in found if server.address in addresses]
            for name, found in balancing.states(opened).items()}


def commands(found: list[haproxy.Server], asked: dict[str, Any]) -> list[str]:
    """What has to be said so that these servers are as asked for."""
    orders = []
    for server in found:
        place = f"{server.backend}/{server.slot}"
        if server.state != asked["state"]:
            orders.append(f"set server {place} state {asked['state']}")
        if asked["weight"] is not None and server.weight != asked["weight"] * server.initial_weight / 100:
            orders.append(f"set server {place} weight {asked['weight']}%")
    return orders


def shown(found: dict[str, list[haproxy.Server]]) -> str:
    """For a diff."""
    return "".join(f"{balancer}: {server.backend}: {server.state}, weight {server.weight}\n"
                   for balancer, servers in found.items() for server in servers)


if __name__ == "__main__":
    main()
