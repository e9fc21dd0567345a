"""When the last request was sent to the colour that lost them, as the balancers' counters tell it."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.evenkeel.platform.plugins.module_utils.proof import Watch
from ansible_collections.evenkeel.platform.plugins.module_utils.split import Done


def said(blue: int, green: int = 0) -> str:
    """What ``show stat`` answers of two backends."""
    return f"# pxname,svname,stot,-\nweb_blue_read,BACKEND,{blue},-\nweb_green_read,BACKEND,{green},-\n"


@dataclass
class Balancer:
    """Answers one after the other, and the last of them for ever."""

    name: str
    answers: list[str] = field(default_factory=list)

    def order(self, _commands: list[str]) -> None:
        return

    def answer(self, _count: int) -> str:
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


def last_old_ms(first: list[str], second: list[str], counted: dict[str, str]) -> float | None:
    balancers: Any = [Balancer("haproxy-1", first), Balancer("haproxy-2", second)]
    watch = Watch(balancers, ["web"])
    done = Done(time.time() - 5, {"haproxy-1": 0.4, "haproxy-2": 0.9}, counted)
    return watch.until(0.02, "blue", done).last_old_ms


def test_nothing_after_the_first_look_is_nothing() -> None:
    assert last_old_ms([said(7)], [said(3)], {"haproxy-1": said(7), "haproxy-2": said(3)}) is None


def test_what_came_before_a_balancers_command_came_until_it_acknowledged_that_however_late_we_look() -> None:
    counted = {"haproxy-1": said(7), "haproxy-2": said(5)}
    assert last_old_ms([said(7)], [said(3), said(5)], counted) == 0.9


def test_what_came_after_it_came_until_it_was_seen() -> None:
    counted = {"haproxy-1": said(7), "haproxy-2": said(3)}
    seen = last_old_ms([said(7), said(8)], [said(3)], counted)
    assert seen is not None and seen >= 5000
