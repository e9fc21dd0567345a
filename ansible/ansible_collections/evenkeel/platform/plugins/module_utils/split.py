"""A change of the maps that choose a colour, over all load balancers: every one of them, or none.

Phase one writes the new files beside the old ones everywhere and changes nothing. Phase two renames them and sets the
running maps, over streams that are open by then. A HAProxy that reloads in between reads the new file. What phase two
could not do everywhere is undone everywhere; where even that fails, the state is told balancer by balancer, and the
next run puts it right, since it looks at every balancer's file and running map first.
"""

from __future__ import annotations

import contextlib
import os
import shlex
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from ansible_collections.evenkeel.platform.plugins.module_utils import haproxy
from ansible_collections.evenkeel.platform.plugins.module_utils.balancing import Balancers, Opened
from ansible_collections.evenkeel.platform.plugins.module_utils.running import RefusedError
from ansible_collections.evenkeel.platform.plugins.module_utils.streams import StreamError

NEXT, BEFORE = ".next", ".before"
SPLIT, TESTERS, RELEASE = "split.map", "testers.map", "release.json"


@dataclass(frozen=True)
class Seen:
    """One balancer's map, as its file has it and as its process goes by it."""

    file: Mapping[str, str]
    running: Mapping[str, str]

    def wrong(self, wanted: Mapping[str, str]) -> bool:
        return dict(self.file) != dict(wanted) or dict(self.running) != dict(wanted)

    def __str__(self) -> str:
        shown = said(self.running)
        return shown if dict(self.file) == dict(self.running) else f"{shown} (its file: {said(self.file)})"


@dataclass(frozen=True)
class Change:
    """``name``: the map; ``wanted``: all of its entries; ``beside``: other files to write with it, name -> text."""

    name: str
    wanted: Mapping[str, str]
    beside: Mapping[str, str] = field(default_factory=dict)

    @property
    def files(self) -> dict[str, str]:
        return {self.name: haproxy.written(self.wanted), **self.beside}

    @property
    def path(self) -> str:
        return f"{haproxy.DATA}/{self.name}"


@dataclass(frozen=True)
class Done:
    """``began``: when the first runtime command was sent; ``acknowledged_ms``: balancer -> until its word. ``counted``:
    balancer -> what it answered to the questions that went with the command, and so right after it."""

    began: float
    acknowledged_ms: Mapping[str, float]
    counted: Mapping[str, str]


def said(entries: Mapping[str, str]) -> str:
    """A map in a few words."""
    return ", ".join(f"{key} {value}" for key, value in sorted(entries.items())) or "empty"


def look(opened: Sequence[Opened], name: str) -> dict[str, Seen]:
    """Balancer -> its map."""
    path = f"{haproxy.DATA}/{name}"
    return {one.name: Seen(haproxy.entries(one.run(f"cat {name} 2>/dev/null || true")),
                           haproxy.entries(one.ask(f"show map {path}"))) for one in opened}


def commands(path: str, now: Mapping[str, str], wanted: Mapping[str, str]) -> list[str]:
    """What takes the running map from ``now`` to ``wanted``."""
    parts = [f"del map {path} {key}" for key in now if key not in wanted]
    parts += [f"{'set' if key in now else 'add'} map {path} {key} {value}" for key, value in wanted.items()
              if now.get(key) != value]
    return parts


def complaint(answer: str) -> str:
    """What HAProxy had against a command; "" when nothing."""
    return " ".join(line.strip() for line in answer.splitlines() if line.strip())


def prepare(opened: Sequence[Opened], change: Change) -> None:
    """Phase one. Raises ``RefusedError`` with nothing changed."""
    try:
        for one in opened:
            for name, text in change.files.items():
                one.run(f"printf %s {shlex.quote(text)} >{name}{NEXT} && chmod 0644 {name}{NEXT} && "
                        f"if [ -e {name} ]; then cp -p {name} {name}{BEFORE}; else rm -f {name}{BEFORE}; fi && "
                        f"sync {name}{NEXT}")
    except StreamError as error:
        raise RefusedError(f"not every load balancer could be prepared: {error}. Nothing was changed.") from None


def commit(opened: Sequence[Opened], change: Change, seen: Mapping[str, Seen], questions: Sequence[str] = ()) -> Done:
    """Phase two. Each balancer is asked ``questions`` with the command that changes it: nothing of ours lies between.
    Raises ``RefusedError`` when it had to be undone or could not be."""
    names = list(change.files)
    try:
        _everywhere(opened, " && ".join(f"mv -f {name}{NEXT} {name}" for name in names))
    except StreamError as error:
        raise RefusedError(_undo(opened, change, seen, str(error), running=False)) from None
    lines = {one.name: commands(change.path, seen[one.name].running, change.wanted) for one in opened}
    failed: list[str] = []
    asked: list[Opened] = []
    acknowledged: dict[str, float] = {}
    counted: dict[str, str] = {}
    with promptly():
        began, clock = time.time(), time.monotonic()
        for one in opened:
            try:
                if lines[one.name]:
                    one.order([*lines[one.name], *questions])
                    asked.append(one)
            except StreamError as error:
                failed.append(str(error))
        for one in asked:
            try:
                if wrong := complaint(one.answer(len(lines[one.name]))):
                    failed.append(f"{one.name}: {wrong}")
                acknowledged[one.name] = (time.monotonic() - clock) * 1000
                counted[one.name] = one.answer(len(questions))
            except StreamError as error:
                failed.append(str(error))
    if failed:
        raise RefusedError(_undo(opened, change, seen, "; ".join(failed), running=True))
    return Done(began, acknowledged, counted)


def confirm(balancers: Balancers, change: Change, among: Sequence[str]) -> list[str]:
    """Read back over new streams (a reload in between has another process answer) and set again what differs. Returns
    sentences about what had to be. Raises ``RefusedError``."""
    told: list[str] = []
    for _ in range(3):
        with balancers.opened() as (opened, out_of_reach):
            here = [one for one in opened if one.name in among]
            gone = {name: why for name, why in out_of_reach.items() if name in among}
            seen = look(here, change.name)
            wrong = [one for one in here if seen[one.name].wrong(change.wanted)]
            if not wrong and not gone:
                return told
            for one in wrong:
                prepare([one], change)
                commit([one], change, seen)
                told.append(f"{one.name} had another process meanwhile, and was told again")
        if gone:
            time.sleep(1.0)
    raise RefusedError(f"the new split could not be read back everywhere: {'; '.join(gone.values()) or 'it changes'}. "
                       "Next: run the same command again, it repairs what differs")


@contextlib.contextmanager
def promptly() -> Iterator[None]:
    """For the moment in which balancers differ, before whatever else wants the processors: they differ for as long as
    this waits. Only root may; others go on as they are."""
    before, parameters = os.sched_getscheduler(0), os.sched_getparam(0)
    try:
        os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(os.sched_get_priority_min(os.SCHED_RR)))
    except OSError:
        yield
        return
    try:
        yield
    finally:
        os.sched_setscheduler(0, before, parameters)


def _everywhere(opened: Sequence[Opened], script: str) -> None:
    """A line of shell in all of them at once. Raises ``StreamError`` after all have answered."""
    failed = []
    for one in opened:
        one.shell.send(script)
    for one in opened:
        try:
            one.shell.finished()
        except StreamError as error:
            failed.append(str(error))
    if failed:
        raise StreamError("; ".join(failed))


def _undo(opened: Sequence[Opened], change: Change, seen: Mapping[str, Seen], why: str, *, running: bool) -> str:
    """Take every balancer back to what it had; the sentence that says whether that worked."""
    stuck = []
    back = "; ".join(f"if [ -e {name}{BEFORE} ]; then mv -f {name}{BEFORE} {name}; else rm -f {name}; fi"
                     for name in change.files)
    for one in opened:
        try:
            one.run(back)
            now = haproxy.entries(one.ask(f"show map {change.path}")) if running else {}
            undoing = commands(change.path, now, seen[one.name].running) if running else []
            if undoing and (wrong := complaint(one.ask(*undoing))):
                raise StreamError(f"{one.name}: {wrong}")
        except StreamError as error:
            stuck.append(f"{one.name} ({error})")
    if not stuck:
        return f"the change could not be made everywhere: {why}. Every load balancer was taken back: nothing changed."
    return (f"HALF-SWITCHED: the change could not be made everywhere ({why}), and could not be undone on "
            f"{', '.join(stuck)}: load balancers may send to different colours now. Next: run the same command again; "
            "it looks at every balancer and repairs what differs")
