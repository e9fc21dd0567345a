#!/usr/bin/python
"""Module ``evenkeel.platform.redis_rebalance``."""

from __future__ import annotations

DOCUMENTATION = r"""
module: redis_rebalance
short_description: Share the slots of a Redis Cluster out equally among its masters, while they are served
version_added: 1.2.0
description:
  - Moves as few slots as possible, with their keys, until each master owns an equal share of the 16384, masters without
    slots among them. Nothing is lost, and clients are redirected (C(MOVED)).
  - A slot whose keys fit into one C(MIGRATE) goes in one transaction, so that no client meets it half moved. One with
    more is open for a moment, where C(ASK) sends clients to the member that has the key.
  - First ends what an interrupted run left half moved. Interrupt it when you like, and run it again.
options:
  masters:
    description: Who shall own slots. Everybody else gives theirs away. Without it, all masters.
    type: list
    elements: str
    default: []
  repair_only:
    description: Only end what an interrupted run left half moved.
    type: bool
    default: false
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
- name: Give every master its share
  evenkeel.platform.redis_rebalance:
    stack: local

- name: Lead all slots away from everybody else
  evenkeel.platform.redis_rebalance:
    stack: local
    masters: [redis-1, redis-2, redis-3]
"""

RETURN = r"""
slots:
  description: Slots by master (in check mode, as they would be).
  returned: always
  type: dict
moved:
  description: How many slots moved (in check mode, would move).
  returned: always
  type: int
keys:
  description: How many keys went with them.
  returned: when changed and not in check mode
  type: int
repaired:
  description: How many slots an earlier run had left half moved.
  returned: always
  type: int
took_ms:
  description: From the first move until all members agreed, in milliseconds.
  returned: when changed and not in check mode
  type: int
narration:
  description: The same as sentences.
  returned: always
  type: list
  elements: str
"""

import time
from typing import Any

from ansible_collections.evenkeel.platform.plugins.module_utils import (
    redis_change,
    redis_cluster,
    redis_scaling,
    redis_slots,
    running,
)
from ansible_collections.evenkeel.platform.plugins.module_utils.redis_cluster import Sight
from ansible_collections.evenkeel.platform.plugins.module_utils.streams import DockerStreams


def main() -> None:
    """Look, end what was begun, move the rest."""
    module = running.module(masters={"type": "list", "elements": "str", "default": []},
                            repair_only={"type": "bool", "default": False})

    def work(streams: DockerStreams) -> dict[str, Any]:
        redis = redis_change.RedisChange(streams)
        before = redis.inside()
        masters = chosen(before, module.params["masters"], streams.stack)
        broken = redis_slots.repair(before)

        def missing(owned: dict[str, frozenset[int]]) -> list[redis_slots.Move]:
            return [] if module.params["repair_only"] else redis_slots.moves(owned, masters)

        owned = redis_slots.ended(redis_slots.owners(before), broken)
        moves = missing(owned)
        result: dict[str, Any] = {"changed": bool(moves) or broken.needed, "repaired": broken.slots}
        after = {name: len(slots) for name, slots in owned.items()}
        if result["changed"] and not module.check_mode:
            began = time.monotonic()
            redis.repair()
            moves = missing(redis_slots.owners(redis.inside()))
            result |= {"keys": redis.rebalance(moves) if moves else 0,
                       "took_ms": round((time.monotonic() - began) * 1000)}
            after = {name: len(slots) for name, slots in redis_slots.owners(redis.inside()).items()}
        else:
            for move in moves:
                after[move.source] -= len(move.slots)
                after[move.target] += len(move.slots)
        result |= {"slots": after, "moved": sum(len(move.slots) for move in moves)}
        lines = "".join(f"{name}: master, {after[name]} slots\n" for name in masters)
        half = f"slots half moved: {broken.slots}\n" if broken.needed else ""
        return {**result, "narration": sentences(result, masters),
                "diff": {"before": redis_cluster.described(before, masters) + half, "after": lines}}

    running.perform(module, work)


def chosen(inside: dict[str, Sight], named: list[str], stack: str) -> list[str]:
    """Who shall own slots. Raises ``RefusedError`` where that can't be done now."""
    if lost := redis_slots.unowned(inside):
        raise running.RefusedError(f"nobody who answers owns {lost} of {redis_cluster.SLOTS} slots. Next: `make up "
                                   f"STACK={stack}` brings members back that are down; then run the same command again")
    running.require(named, inside, stack, "member in the cluster called")
    masters = sorted(set(named) or {name for name, sight in inside.items() if sight.me.leads},
                     key=redis_scaling.ordinal)
    if replicas := [name for name in masters if not inside[name].me.leads]:
        raise running.RefusedError(f"{', '.join(replicas)} can't own slots: replicas. Next: make masters of them "
                                   "(redis_member role=master), then run the same command again")
    if len(masters) < redis_scaling.LEAST:
        raise running.RefusedError(f"{len(masters)} masters are too few: it takes {redis_scaling.LEAST}, so that two "
                                   "can outvote one. Next: name more of them")
    return masters


def sentences(result: dict[str, Any], masters: list[str]) -> list[str]:
    """What was found, and what was done about it."""
    shares = ", ".join(f"{name} owns {result['slots'][name]}" for name in masters)
    if not result["changed"]:
        return [f"{shares} slots: nothing to move"]
    said = [f"{result['repaired']} slots were half moved by an interrupted run"] if result["repaired"] else []
    if not result["moved"]:
        return said
    if "took_ms" not in result:
        return [*said, f"{result['moved']} slots would move"]
    return [*said, f"{result['moved']} slots moved with {result['keys']} keys in {result['took_ms']} ms: "
            + shares]


if __name__ == "__main__":
    main()
