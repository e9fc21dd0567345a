"""Takes lines of an audit log to where the platform keeps logs: they are found there among what members said."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol

from ansible_collections.evenkeel.platform.plugins.module_utils.streams import Member

LOKI = "loki"
URL = "http://127.0.0.1:3100/loki/api/v1/push"
WORKLOAD = "audit"
AT_ONCE = 100
"""Lines in a request: they are handed over as one argument, of which Linux takes 128 KiB."""


class Streams(Protocol):
    """Who reaches members (``streams.DockerStreams``)."""

    stack: str

    def members(self, workload: str = "") -> list[Member]:
        """Every member of a workload."""

    def ask(self, member: Member, *command: str) -> tuple[int, str]:
        """Exit code and output of a command inside a member."""


def ship(streams: Streams, log: str, lines: Sequence[Mapping[str, Any]]) -> int:
    """Hand lines over; the number of the last that was taken, 0 where nobody keeps logs or takes them now.

    A line that is handed over twice is kept once: it has the same time and the same text.
    """
    keepers = [member for member in streams.members(LOKI) if member.running]
    taken = 0
    for request in _requests(streams.stack, log, lines) if keepers else ():
        code, _ = streams.ask(keepers[0], "curl", "-fsS", "-m", "5", "-o", "/dev/null", "-H",
                              "Content-Type: application/json", "--data-binary", json.dumps(request["body"]), URL)
        if code != 0:
            break
        taken = request["last"]
    return taken


def _requests(stack: str, log: str, lines: Sequence[Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
    sealed = [line for line in lines if "seal" in line]
    labels = {"stack": stack, "tier": "operations", "workload": WORKLOAD, "member": f"{WORKLOAD}-{log}"}
    for start in range(0, len(sealed), AT_ONCE):
        part = sealed[start:start + AT_ONCE]
        yield {"last": part[-1]["number"], "body": {"streams": [
            {"stream": labels, "values": [[_nanoseconds(line), json.dumps(line)] for line in part]}]}}


def _nanoseconds(line: Mapping[str, Any]) -> str:
    return str(round(datetime.fromisoformat(str(line["at"])).timestamp() * 1000) * 1_000_000)
