"""The order of commands by which a slot moves: no client may meet a slot without an owner or a key without a member."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.evenkeel.platform.plugins.module_utils import redis_agent
from ansible_collections.evenkeel.platform.plugins.module_utils.redis_agent import Agent, ReplyError

ORDER = {"from": "redis-1", "from_id": "id-1", "to": "redis-7", "to_id": "id-7", "open": False, "given": False}


class Server:
    """One member as the agent sees it: its keys in the slot, and what it was asked, in the order of all servers."""

    def __init__(self, name: str, said: list[str], keys: list[str]) -> None:
        self.name, self.said, self.keys = name, said, keys
        self.late: list[str] = []
        """Keys that a client writes before the next transaction."""

    def call(self, *words: str | int) -> Any:
        self.said.append(f"{self.name} {words[0]} {words[3]}" if words[0] == "CLUSTER" else f"{self.name} {words[0]}")
        if words[1] == "GETKEYSINSLOT":
            self.said.pop()
            return self.keys[:int(words[3])]
        if words[0] == "MIGRATE":
            self.keys = [key for key in self.keys if key not in words[words.index("KEYS"):]]
        return "OK"

    def together(self, commands: list[tuple[str | int, ...]]) -> list[Any]:
        self.said.append(f"{self.name} MULTI")
        self.keys += self.late
        replies: list[Any] = [self.call(*words) for words in commands]
        return [*replies[:-1], ReplyError("ERR I still hold keys")] if self.keys else replies


def moved(keys: list[str], late: list[str] | None = None, **order: Any) -> tuple[int, list[str]]:
    """How many keys moved, and the commands."""
    said: list[str] = []
    servers = {"redis-1": Server("source", said, keys), "redis-7": Server("target", said, [])}
    servers["redis-1"].late = late or []
    agent = Agent.__new__(Agent)
    agent._port, agent._password, agent._open = 6379, "secret", servers  # type: ignore[assignment]
    count = agent.carry_out({**ORDER, **order, "move": [5]})["keys"]
    assert servers["redis-1"].keys == [], "a key stayed behind"
    return count, said


def test_a_small_slot_goes_in_one_transaction() -> None:
    assert moved(["a", "b"]) == (2, ["target CLUSTER IMPORTING", "source MULTI", "source CLUSTER MIGRATING",
                                     "source MIGRATE", "source CLUSTER NODE", "target CLUSTER NODE"])


def test_an_empty_slot_is_given_away() -> None:
    assert moved([]) == (0, ["target CLUSTER IMPORTING", "source MULTI", "source CLUSTER NODE", "target CLUSTER NODE"])


OPEN = ["target CLUSTER IMPORTING", "source CLUSTER MIGRATING"]
CLAIMED = ["target CLUSTER NODE", "source CLUSTER NODE"]


def test_a_large_slot_is_open_until_its_last_key_moved_and_the_target_claims_it_first() -> None:
    count, said = moved([str(number) for number in range(redis_agent.BATCH + 1)])
    assert count == redis_agent.BATCH + 1 and said == [*OPEN, "source MIGRATE", "source MIGRATE", *CLAIMED]


def test_a_key_written_meanwhile_moves_too() -> None:
    count, said = moved(["a"], late=["b"])
    assert count == 2 and said[-4:] == ["source CLUSTER MIGRATING", "source MIGRATE", *CLAIMED]


def test_an_interrupted_move_is_ended_key_by_key() -> None:
    assert moved(["a"], open=True) == (1, [*OPEN, "source MIGRATE", *CLAIMED])
    assert moved([], open=True, given=True) == (0, ["target CLUSTER NODE"])


@pytest.mark.parametrize("key", [b"plain", b"\xff\x00 line\r\nend"])
def test_keys_are_binary(key: bytes) -> None:
    sent = redis_agent.encode(("GET", key.decode(errors="surrogateescape")))
    assert sent == b"*2\r\n$3\r\nGET\r\n$%d\r\n%s\r\n" % (len(key), key)
