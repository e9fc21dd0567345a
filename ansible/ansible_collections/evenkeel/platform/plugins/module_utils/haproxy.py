"""What HAProxy answers at its runtime socket: servers, counters, maps. Pure functions."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from typing import Any

DATA = "/var/lib/evenkeel"
"""Where each HAProxy keeps operational state: a volume of its own."""
COLOURS = ("blue", "green")
ACCESSES = ("read", "write", "socket")
RUNNING = 2
"""Operational state of a server that is up."""
MAINTENANCE, DRAIN = 0x01, 0x08
"""Administrative states that were asked for at the socket."""
NOBODY = "-"
"""Address of a slot that no worker has."""


@dataclass(frozen=True)
class Server:
    """One slot of a backend as one HAProxy sees it."""

    backend: str
    slot: str
    address: str
    operational: int
    administrative: int
    weight: int
    initial_weight: int = 1

    @property
    def state(self) -> str:
        """``ready``, ``drain`` or ``maint``: what was asked for."""
        return "maint" if self.administrative & MAINTENANCE else "drain" if self.administrative & DRAIN else "ready"

    @property
    def usable(self) -> bool:
        """Whether it gets new requests."""
        return self.operational == RUNNING and self.weight > 0 and self.state == "ready"


@dataclass(frozen=True)
class Counters:
    """What one or several backends (or a frontend) did since their process began. ``average_ms`` is of the last 1024
    answers, weighted by requests where several are added."""

    begun: int = 0
    """Requests that were given to a backend; HAProxy counts ``requests`` when they have ended."""
    requests: int = 0
    answers_2xx: int = 0
    answers_3xx: int = 0
    answers_4xx: int = 0
    answers_5xx: int = 0
    answers_other: int = 0
    current: int = 0
    queued: int = 0
    connect_errors: int = 0
    answer_errors: int = 0
    retries: int = 0
    redispatches: int = 0
    average_ms: float = 0.0

    @property
    def answers(self) -> int:
        return (self.answers_2xx + self.answers_3xx + self.answers_4xx + self.answers_5xx + self.answers_other)

    def __add__(self, other: Counters) -> Counters:
        total = self.requests + other.requests
        average = (self.average_ms * self.requests + other.average_ms * other.requests) / total if total else 0.0
        added = {field.name: getattr(self, field.name) + getattr(other, field.name) for field in fields(self)}
        return Counters(**{**added, "average_ms": average})

    def since(self, before: Counters) -> Counters:
        """What came after ``before``; what is current or an average stays as it is."""
        kept = {"current", "queued", "average_ms"}
        return Counters(**{field.name: getattr(self, field.name) - (0 if field.name in kept else
                                                                     getattr(before, field.name))
                           for field in fields(self)})


COLUMNS: Mapping[str, str] = {
    "begun": "stot", "requests": "req_tot", "answers_2xx": "hrsp_2xx", "answers_3xx": "hrsp_3xx",
    "answers_4xx": "hrsp_4xx", "answers_5xx": "hrsp_5xx", "answers_other": "hrsp_other",
    "current": "scur", "queued": "qcur",
    "connect_errors": "econ", "answer_errors": "eresp", "retries": "wretr", "redispatches": "wredis",
    "average_ms": "ttime",
}


def servers(text: str) -> list[Server]:
    """From ``show servers state``."""
    found = []
    for line in text.splitlines():
        part = line.split()
        if len(part) > 8 and part[0].isdigit():
            found.append(Server(part[1], part[3], part[4], *(int(value) for value in part[5:9])))
    return found


def usable(found: Iterable[Server], backend: str) -> int:
    """How many servers of ``backend`` get new requests."""
    return sum(1 for server in found if server.backend == backend and server.usable)


def counters(text: str) -> dict[str, Counters]:
    """From ``show stat`` (one or several answers in a row): backend or frontend -> what it did."""
    found: dict[str, Counters] = {}
    rows = csv.reader(io.StringIO("\n".join(line for line in text.splitlines() if line.strip())))
    header: list[str] = []
    for row in rows:
        if row and row[0].startswith("# "):
            header = ["pxname", *row[1:]]
        elif header and len(row) > 1 and row[1] in ("BACKEND", "FRONTEND"):
            entry = dict(zip(header, row, strict=False))
            told: dict[str, Any] = {name: int(entry.get(column) or 0) for name, column in COLUMNS.items()}
            found[entry["pxname"]] = Counters(**told)
    return found


def by_colour(found: Mapping[str, Counters], pool: str = "") -> dict[str, Counters]:
    """The counters of every colour's backends added up, of all pools or of one."""
    added = {colour: Counters() for colour in COLOURS}
    for name, counter in found.items():
        prefix, _, access = name.rpartition("_")
        of, _, colour = prefix.rpartition("_")
        if access in ACCESSES and colour in COLOURS and (not pool or of == pool):
            added[colour] = added[colour] + counter
    return added


def backend(pool: str, colour: str, access: str) -> str:
    """The backend's name: ``web_blue_read``."""
    return f"{pool}_{colour}_{access}"


def pools_of(found: Iterable[str]) -> list[str]:
    """Pools that take requests, from the names of backends."""
    named = {name.rsplit("_", 2)[0] for name in found
             if name.count("_") >= 2 and name.rsplit("_", 1)[1] in ACCESSES and name.rsplit("_", 2)[1] in COLOURS}
    return sorted(named)


def entries(text: str) -> dict[str, str]:
    """A map, from its file (``key value``) or from ``show map`` (``0x... key value``)."""
    found = {}
    for line in text.splitlines():
        part = line.split()
        if part and part[0].startswith("0x"):
            part = part[1:]
        if len(part) == 2 and not part[0].startswith("#"):
            found[part[0]] = part[1]
    return found


def written(content: Mapping[str, str]) -> str:
    """A map as its file holds it."""
    return "".join(f"{key} {value}\n" for key, value in content.items())


def process(text: str) -> tuple[int, int]:
    """From ``show info``: process id, and when it began (seconds since 1970)."""
    told = dict(line.split(": ", 1) for line in text.splitlines() if ": " in line)
    return int(told.get("Pid", 0)), int(told.get("Start_time_sec", 0))


def share_of(percent: int, colour: str) -> int:
    """The map's value (green's share) for ``percent`` of the requests to ``colour``."""
    return percent if colour == "green" else 100 - percent


def percent_of(share: int, colour: str) -> int:
    """How much of the requests ``colour`` gets, from the map's value."""
    return share if colour == "green" else 100 - share


def leader(split: Mapping[str, str]) -> str:
    """The colour that gets most of the pool ``web``."""
    return "green" if int(split.get("web", "0")) > 50 else "blue"
