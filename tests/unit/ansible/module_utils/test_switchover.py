"""When the proxies pass writes to somebody else: at once when they see him, and never to two. When clients wait: not
while Patroni still thinks about it."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.evenkeel.platform.plugins.module_utils import patroni_agent, switchover
from ansible_collections.evenkeel.platform.plugins.module_utils.running import RefusedError
from ansible_collections.evenkeel.platform.plugins.module_utils.streams import StreamError
from ansible_collections.evenkeel.platform.plugins.module_utils.switchover import Postgres

ROW = "4 primary {number} {name} 192.0.2.{number} {state} 0 100 100 5 15 3 4 6 0 0 0 {name} 5432 - 0 0 - - 0\n"


class Proxy:
    """The runtime socket of a proxy: its servers' states change as it is told, and as time goes on."""

    def __init__(self, *steps: set[str]) -> None:
        self._steps, self.told = list(steps), []  # type: ignore[var-annotated]
        self._down: set[str] = set()

    def ask(self, question: str, _marker: str, _timeout_s: float) -> str:
        if question.startswith("set server"):
            self.told.append(question.strip())
            self._down.add(question.split("/")[1].split(maxsplit=1)[0])
            return ""
        up = (self._steps.pop(0) if len(self._steps) > 1 else self._steps[0]) - self._down
        return "1\n" + "".join(ROW.format(number=n, name=f"postgres-{n}", state=2 if f"postgres-{n}" in up else 0)
                               for n in (1, 2, 3))


def new_primary(*proxies: Any, seconds: float = 1.0) -> str:
    return Postgres._new_primary(list(proxies), "postgres-1", time.monotonic() + seconds)


def test_the_new_one_is_known_when_every_proxy_passes_writes_to_it() -> None:
    first = Proxy({"postgres-1"}, set(), {"postgres-2"})
    second = Proxy({"postgres-1"}, {"postgres-1"}, set(), {"postgres-2"})
    assert new_primary(first, second) == "postgres-2"
    assert first.told == second.told == []


def test_a_proxy_that_still_has_the_former_one_is_told() -> None:
    proxy = Proxy({"postgres-1"}, {"postgres-1", "postgres-3"})
    assert new_primary(proxy) == "postgres-3"
    assert proxy.told == ["set server primary/postgres-1 health down"]


def test_two_others_are_nobodys_business_to_choose_from() -> None:
    proxy = Proxy({"postgres-2", "postgres-3"})
    assert new_primary(proxy, seconds=0.1) == "" and proxy.told == []


class Console:
    """A member's psql: it recovers for so many questions."""

    def __init__(self, recovers: int) -> None:
        self.left, self.asked = recovers, 0

    def ask(self, _question: str, _marker: str, _timeout_s: float) -> str:
        self.asked += 1
        self.left -= 1
        return "t\n" if self.left >= 0 else "f\n"


def test_the_poolers_go_on_when_postgres_itself_takes_writes() -> None:
    console: Any = Console(recovers=3)
    switchover._until_writable(console, time.monotonic() + 5)
    assert console.asked == 4


def test_a_member_that_can_not_be_asked_holds_nobody_up() -> None:
    class Gone(Console):
        def ask(self, *_: Any) -> str:
            raise StreamError("gone")

    gone: Any = Gone(0)
    began = time.monotonic()
    switchover._until_writable(gone, began + 5)
    forever: Any = Console(recovers=10**6)
    switchover._until_writable(forever, began + 0.2)
    assert time.monotonic() - began < 1


# -- the pause --------------------------------------------------------------------------------------------------------


class Told:
    """Agent and poolers in one: notes what they are told, in order."""

    def __init__(self, answer: str, *, pauses: bool = True) -> None:
        self.heard: list[str] = []
        self._answer, self._pauses = answer, pauses

    def send(self, text: str) -> None:
        self.heard.append(text.strip())

    def read_until(self, _marker: str, _timeout_s: float) -> str:
        return self._answer

    def pause(self, _timeout_s: float) -> None:
        self.heard.append("pause")
        if not self._pauses:
            raise StreamError("a statement is under way")

    def resume(self) -> None:
        self.heard.append("resume")


ORDER = {"leader": "postgres-1"}
ASKED = '{"leader": "postgres-1"}'


def switched(told: Told, *, holds: bool = True) -> Any:
    streams: Any = type("Streams", (), {"stack": "local", "of": lambda *_: []})()
    opened: Any = switchover.Opened(told, holds, [Proxy({"postgres-2"})], {})  # type: ignore[arg-type,list-item]
    console: Any = told
    return Postgres(streams)._try(opened, console, ORDER, 1.0, 1.0)


def test_clients_wait_from_the_moment_that_postgres_stops() -> None:
    told = Told('{"stopping": true}')
    new, times = switched(told)
    assert told.heard == ["pause", "resume", ASKED, "pause", "go", "resume"]
    assert new == "postgres-2" and list(times) == ["paused", "routed", "writable", "resumed"]


def test_a_member_of_an_older_image_stops_when_it_will_so_clients_wait_before_it_is_asked() -> None:
    told = Told('{"patroni": "200 Successfully switched over"}')
    assert switched(told, holds=False)[0] == "postgres-2"
    assert told.heard == ["pause", ASKED, "resume"]


def test_what_keeps_the_pause_from_beginning_ends_the_attempt_before_anything_is_asked() -> None:
    told = Told("", pauses=False)
    assert switched(told) is None
    assert told.heard == ["pause", "resume"]


def test_a_refusal_pauses_nobody() -> None:
    told = Told('{"patroni": "412 no good candidates"}')
    with pytest.raises(RefusedError, match=r"412 no good candidates.*still the primary"):
        switched(told)
    assert told.heard == ["pause", "resume", ASKED, "resume"]


def test_agent_and_hook_meet_at_the_same_place() -> None:
    hook = Path(__file__).parents[4] / "images" / "postgres" / Path(patroni_agent.HOOK).name
    assert f'WAITING = "{patroni_agent.WAITING}"' in hook.read_text()
