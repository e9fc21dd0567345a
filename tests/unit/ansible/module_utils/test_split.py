"""A change over all load balancers: every one of them, or none; against balancers that fail where they are told to."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

import pytest
from ansible_collections.evenkeel.platform.plugins.module_utils import haproxy, split
from ansible_collections.evenkeel.platform.plugins.module_utils.running import RefusedError
from ansible_collections.evenkeel.platform.plugins.module_utils.streams import StreamError

BLUE, GREEN = {"web": "0"}, {"web": "100"}


@dataclass
class Balancer:
    """A HAProxy of which a test decides what fails: ``prepare``, ``rename``, ``set``, ``undo``."""

    name: str
    fails: frozenset[str] = frozenset()
    file: dict[str, str] = field(default_factory=lambda: dict(BLUE))
    running: dict[str, str] = field(default_factory=lambda: dict(BLUE))
    _next: dict[str, str] = field(default_factory=dict)
    _before: dict[str, str] = field(default_factory=dict)
    _line: str = ""
    _answer: str = ""

    @property
    def shell(self) -> Balancer:
        return self

    def run(self, script: str) -> str:
        self.send(script)
        return self.finished()

    def send(self, script: str) -> None:
        self._line = script

    def finished(self) -> str:
        if "printf" in self._line:
            self._may("prepare")
            self._next = haproxy.entries(re.search(r"printf %s '([^']*)'", self._line)[1])  # type: ignore[index]
            self._before = dict(self.file)
        elif self._line.startswith("mv"):
            self._may("rename")
            self.file = self._next
        elif ".before" in self._line:
            self._may("undo")
            self.file = self._before
        return haproxy.written(self.file)

    def order(self, commands: list[str]) -> None:
        self._answer = ""
        for command in commands:
            verb, _, _, key, *value = command.split()
            if verb == "del":
                del self.running[key]
            elif "set" in self.fails and value != [BLUE["web"]]:
                self._answer = "Unknown map identifier."
            else:
                self.running[key] = value[0]

    def answer(self, count: int) -> str:
        return self._answer

    def ask(self, *commands: str) -> str:
        if commands[0].startswith("show map"):
            return haproxy.written(self.running)
        self.order(list(commands))
        return self._answer

    def _may(self, what: str) -> None:
        if what in self.fails:
            raise StreamError(f"{self.name}: no")


def change(*balancers: Balancer) -> split.Done:
    wanted = split.Change(split.SPLIT, GREEN)
    everybody: Any = balancers
    seen = split.look(everybody, split.SPLIT)
    split.prepare(everybody, wanted)
    return split.commit(everybody, wanted, seen)


def test_all_go_by_the_new_split() -> None:
    balancers = [Balancer("haproxy-1"), Balancer("haproxy-2")]
    done = change(*balancers)
    assert done.acknowledged_ms.keys() == done.counted.keys() == {"haproxy-1", "haproxy-2"}
    assert all((one.file, one.running) == (GREEN, GREEN) for one in balancers)


@pytest.mark.parametrize("step", ["prepare", "rename", "set"])
def test_where_one_can_not_nobody_does(step: str) -> None:
    balancers = [Balancer("haproxy-1"), Balancer("haproxy-2", frozenset({step}))]
    with pytest.raises(RefusedError, match=r"[Nn]othing (was )?changed"):
        change(*balancers)
    assert all((one.file, one.running) == (BLUE, BLUE) for one in balancers)


def test_a_half_switched_state_is_told_loudly_with_the_command_that_repairs_it() -> None:
    first, second = Balancer("haproxy-1", frozenset({"undo"})), Balancer("haproxy-2", frozenset({"set"}))
    with pytest.raises(RefusedError, match=r"HALF-SWITCHED.*haproxy-1.*Next: run the same command again"):
        change(first, second)


def test_what_an_earlier_run_left_is_seen_in_the_file_and_in_the_process() -> None:
    assert split.Seen(GREEN, GREEN).wrong(BLUE)
    assert split.Seen(GREEN, BLUE).wrong(BLUE) and split.Seen(BLUE, GREEN).wrong(BLUE)
    assert not split.Seen(BLUE, BLUE).wrong(BLUE)
    assert str(split.Seen(GREEN, BLUE)) == "web 0 (its file: web 100)"


def test_commands_touch_only_what_differs() -> None:
    assert split.commands("m", {"web": "0", "shop": "0"}, {"web": "5", "shop": "0"}) == ["set map m web 5"]
    assert split.commands("m", {"beta": "blue"}, {"alpha": "green"}) == ["del map m beta", "add map m alpha green"]
    assert split.commands("m", BLUE, BLUE) == []
