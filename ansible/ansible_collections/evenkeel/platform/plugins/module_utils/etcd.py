"""etcd's view of itself (``endpoint status``) and whether it can spare a member: pure functions."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import urlsplit

MAX_BEHIND = 1000
"""Entries of the log that a member may lack and still count as caught up: Patroni writes a few per second."""


@dataclass(frozen=True)
class Status:
    """One member that answered. ``applied`` is the index of the log's last entry that it has applied."""

    name: str
    id: int
    leader: int
    term: int
    applied: int

    @property
    def leads(self) -> bool:
        return self.id == self.leader


def read(answer: str) -> list[Status]:
    """From ``etcdctl endpoint status -w json``; whoever doesn't answer is missing there."""
    begin = answer.find("[")
    if begin < 0:
        return []
    found = []
    for entry in json.JSONDecoder().raw_decode(answer[begin:])[0]:
        status = entry["Status"]
        found.append(Status(urlsplit(entry["Endpoint"]).hostname or entry["Endpoint"], status["header"]["member_id"],
                            status.get("leader", 0), status.get("raftTerm", 0),
                            status.get("raftAppliedIndex", status.get("raftIndex", 0))))
    return found


def problems(statuses: list[Status], expected: Iterable[str], tolerated: Iterable[str] = ()) -> list[str]:
    """What keeps expected members, except those ``tolerated``, from agreeing on one leader and being up to date."""
    expected, tolerated = list(expected), set(tolerated)
    answering = {status.name: status for status in statuses}
    found = [f"{name} does not answer" for name in expected if name not in answering and name not in tolerated]
    counted = [status for status in statuses if status.name not in tolerated]
    leaders = {status.leader for status in counted}
    if leaders - {0} == set():
        found.append("etcd has no leader")
    elif len(leaders) > 1:
        found.append("members name different leaders")
    newest = max((status.applied for status in counted), default=0)
    found += [f"{status.name} is {newest - status.applied} entries behind" for status in counted
              if newest - status.applied > MAX_BEHIND]
    return found


def can_spare(statuses: list[Status], expected: Iterable[str], member: str) -> str:
    """"" when the others keep a majority without ``member``, otherwise why they don't."""
    expected = list(expected)
    majority = len(expected) // 2 + 1
    others = sorted({status.name for status in statuses if status.leader} - {member})
    if len(others) >= majority:
        return ""
    return (f"without {member} only {', '.join(others) or 'nobody'} would be left of {len(expected)} members: a "
            f"majority is {majority}")


def leader(statuses: list[Status]) -> Status | None:
    """The member that leads, if it answered."""
    return next((status for status in statuses if status.leads), None)


def successor(statuses: list[Status], member: str, prefer: Iterable[str] = ()) -> Status | None:
    """Who leads instead of ``member``: those of ``prefer`` first, then the most up to date."""
    preferred = set(prefer)
    others = [status for status in statuses if status.name != member]
    return max(others, key=lambda status: (status.name in preferred, status.applied, status.name), default=None)
