"""The client that changes a Redis Cluster: moves slots, makes masters of replicas, lets members in and go.

Everything it does can be interrupted and done again: what was begun is seen in what members say, and ended first.
"""

from __future__ import annotations

import inspect
import json
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

from ansible_collections.evenkeel.platform.plugins.module_utils import (
    redis_agent,
    redis_cluster,
    redis_formation,
    redis_membership,
    redis_slots,
)
from ansible_collections.evenkeel.platform.plugins.module_utils.redis_client import Redis
from ansible_collections.evenkeel.platform.plugins.module_utils.redis_cluster import Sight
from ansible_collections.evenkeel.platform.plugins.module_utils.running import RefusedError, wait_for
from ansible_collections.evenkeel.platform.plugins.module_utils.streams import Stream, StreamError

PORT = 6379
CHUNK = 32
"""Slots of one order: a run that is interrupted ends with the order under way."""
ORDER_TIMEOUT_S = 120.0
AGREED_S = 30.0
AOF_S = 60.0
LEARN_S = 3.0
"""How long a member that gave its last slot away stays: it sends its clients on. Once it has left it knows of no slots,
and whoever still asks it is told that nobody serves them."""


class Order:
    """Orders to the agent inside a member."""

    def __init__(self, stream: Stream, stack: str) -> None:
        self._stream = stream
        self._stack = stack

    def call(self, host: str, *commands: Sequence[str | int]) -> list[Any]:
        """The replies of ``host`` to commands. Raises ``RefusedError`` with Redis' own words."""
        return list(self._give({"on": host, "call": [list(command) for command in commands]}, host)["replies"])

    def move(self, move: redis_slots.Move, sights: dict[str, Sight]) -> int:
        """Move slots with their keys; how many keys these were."""
        source, target = sights[move.source].me, sights[move.target].me
        order = {"from": source.host, "from_id": source.id, "to": target.host, "to_id": target.id,
                 "open": move.begun, "given": move.given}
        return sum(int(self._give({**order, "move": move.slots[at:at + CHUNK]}, move.source)["keys"])
                   for at in range(0, len(move.slots), CHUNK))

    def _give(self, order: dict[str, Any], who: str) -> dict[str, Any]:
        answer = dict(json.loads(self._stream.ask(f"{json.dumps(order)}\n", "\n", ORDER_TIMEOUT_S)))
        error = str(answer.get("error", ""))
        if error.startswith("NOPERM"):
            raise RefusedError(f"{who} does not let the platform's user move keys: {error}. Next: `make up "
                               f"STACK={self._stack}` brings this version's rules, then run the same command again")
        if error:
            raise RefusedError(f"{who}: {error}. What has moved stays moved. Next: `make status STACK={self._stack}`, "
                               "then run the same command again: it ends what was begun")
        return answer


class RedisChange(Redis):
    """The Redis Cluster of one stack, to be changed."""

    def inside(self) -> dict[str, Sight]:
        """What members of the cluster see. Raises ``StreamError`` when none answers."""
        inside = redis_cluster.within(self.look_twice())
        if not inside:
            raise StreamError(f"no Redis member answers. Next: `make up STACK={self._streams.stack}`")
        return inside

    @contextmanager
    def orders(self, inside: dict[str, Sight]) -> Iterator[Order]:
        """An agent inside the first member."""
        member = next(member for member in self.members if member.name in inside)
        stream = self._streams.open(member, "python3", "-c", inspect.getsource(redis_agent), str(PORT))
        try:
            yield Order(stream, self._streams.stack)
        finally:
            stream.close()

    def repair(self) -> int:
        """End interrupted moves of slots; how many slots these were. Raises ``RefusedError`` where that can't be."""
        inside = self.inside()
        found = redis_slots.repair(inside)
        if found.blocked:
            raise RefusedError(f"{'; '.join(found.blocked)}. Next: `make up STACK={self._streams.stack}` brings it "
                               "back, then run the same command again")
        if found.needed:
            with self.orders(inside) as order:
                for name, slot in found.stale:
                    order.call(inside[name].me.host, ("CLUSTER", "SETSLOT", slot, "STABLE"))
                for move in found.moves:
                    order.move(move, inside)
            self.agreed()
        return found.slots

    def rebalance(self, moves: Sequence[redis_slots.Move]) -> int:
        """Carry out moves; how many keys went with the slots. Of a source those slots go first that have the fewest
        keys: by the first large one, clients have met the new owner."""
        inside = self.inside()
        keys = 0
        with self.orders(inside) as order:
            for name in dict.fromkeys(move.target for move in moves if not inside[move.target].me.slots):
                self._clean_log(order, inside[name].me.host)
            for move in moves:
                counted = order.call(inside[move.source].me.host,
                                     *(("CLUSTER", "COUNTKEYSINSLOT", slot) for slot in move.slots))
                slots = [slot for _, slot in sorted(zip(map(int, counted), move.slots, strict=True))]
                keys += order.move(redis_slots.Move(move.source, move.target, tuple(slots)), inside)
        self.agreed()
        return keys

    def _clean_log(self, order: Order, host: str) -> None:
        """Let a master without slots write its append-only file anew: as a replica it wrote its master's keys there,
        and a restart would bring back those that were deleted since."""
        order.call(host, ("BGREWRITEAOF",))

        def missing() -> str:
            said = str(order.call(host, ("INFO", "persistence"))[0])
            busy = "aof_rewrite_in_progress:1" in said or "aof_rewrite_scheduled:1" in said
            return "is being written" if busy else ""

        wait_for(missing, AOF_S, f"the append-only file of {host}", 0.2)

    def promote(self, name: str) -> None:
        """Make a master without slots of a replica: it leaves the cluster and is introduced to everybody again."""
        inside = self.inside()
        others = [node for node in redis_cluster.widest(inside).nodes if node.host != name and node.well and node.ip]
        with self.orders({other: sight for other, sight in inside.items() if other != name}) as order:
            host = next(member.name for member in self.members if member.name == name)
            order.call(host, ("CLUSTER", "RESET", "SOFT"))
            order.call(host, *(("CLUSTER", "MEET", node.ip, node.port) for node in others))
        self._wait(lambda seen: self._not_everywhere(seen, name, lambda node: node.leads), f"{name} as a master")

    def follow(self, name: str, master: str) -> None:
        """Let a replica, or a master without slots, replicate ``master``."""
        inside = self.inside()
        with self.orders(inside) as order:
            order.call(inside[name].me.host, ("CLUSTER", "REPLICATE", inside[master].me.id))
        wanted = inside[master].me.id
        self._wait(lambda seen: self._not_everywhere(seen, name, lambda node: node.master == wanted)
                   or ("" if seen[name].link_up else f"{name} has not all data yet"), f"{name} as {master}'s replica")

    def leave(self, name: str) -> None:
        """Let everybody forget a member that owns nothing; it forgets them, too, where it answers."""
        inside = self.inside()
        gone = next(node for node in redis_cluster.widest(inside).nodes if node.host == name)
        rest = {other: sight for other, sight in inside.items() if other != name}
        heir = next(other for other, sight in rest.items() if sight.me.slots)
        for other in [other for other, sight in rest.items() if sight.me.master == gone.id]:
            self.follow(other, heir)
        with self.orders(rest) as order:
            if name in inside:
                order.call(inside[name].me.host, ("CLUSTER", "RESET", "HARD"))
            for sight in rest.values():
                if any(node.id == gone.id for node in sight.nodes):
                    order.call(sight.me.host, ("CLUSTER", "FORGET", gone.id))

        def knows() -> str:
            seen = [sight.name for other, sight in self.look().items() if other != name
                    and any(node.id == gone.id for node in sight.nodes)]
            return f"{', '.join(seen)} still know it" if seen else ""

        wait_for(knows, AGREED_S, f"{name} to be forgotten", 0.2)

    def take(self, step: redis_membership.Step, name: str, timeout_s: float) -> None:
        """Change one member. Raises ``RefusedError`` or ``StreamError``; running it again goes on."""
        if step.kind is redis_membership.Kind.PROMOTE:
            self.promote(name)
        elif step.kind is redis_membership.Kind.FOLLOW:
            self.follow(name, step.master)
        elif step.kind is redis_membership.Kind.FORM:
            self.form([name], timeout_s)
        elif step.kind is redis_membership.Kind.LEAVE:
            if step.moves:
                self.repair()
                self.rebalance(redis_membership.absent(self.look_twice(), name).moves)
                time.sleep(LEARN_S)
            self.leave(name)

    def planned(self, names: Sequence[str]) -> list[str]:
        """What the formation would do in these members, in sentences."""
        source = inspect.getsource(redis_formation)
        members = [member for member in self.members if member.name in names and member.running]
        with ThreadPoolExecutor(max_workers=3) as pool:
            said = list(pool.map(lambda member: self._streams.need(member, "python3", "-c", source), members))
        return list(dict.fromkeys(line for text in said for line in text.splitlines()))

    def form(self, names: Sequence[str], timeout_s: float) -> list[str]:
        """Run the formation in these members until each is settled; what it said. Raises ``StreamError``."""
        members = [member for member in self.members if member.name in names and member.running]
        command = ("timeout", f"{timeout_s:g}", "python3", "-m", "redis_member", "form")
        with ThreadPoolExecutor(max_workers=max(1, len(members))) as pool:
            said = list(pool.map(lambda member: self._streams.need(member, *command), members))
        return [line.removeprefix("formation: ") for text in said for line in text.splitlines()
                if "settled after" not in line and "waiting for" not in line]

    def agreed(self) -> None:
        """Wait until all members of the cluster see the same owners. Raises ``RefusedError``."""
        self._wait(lambda seen: "; ".join(redis_cluster.disagreements(seen)), "all members to agree on slots")

    def _wait(self, missing: Callable[[dict[str, Sight]], str], what: str) -> None:
        wait_for(lambda: missing(redis_cluster.within(self.look())), AGREED_S, what, 0.2)

    def _not_everywhere(self, seen: dict[str, Sight], name: str, right: Callable[[redis_cluster.Node], bool]) -> str:
        """Who doesn't yet see the member as it shall be."""
        if name not in seen:
            return f"{name} is not in the cluster yet"
        late = [sight.name for sight in seen.values()
                if not any(node.host == name and node.well and right(node) for node in sight.nodes)]
        alone = len(seen[name].nodes) < len(seen)
        return f"{', '.join(late)} don't see it yet" if late else f"{name} does not know all others" if alone else ""
