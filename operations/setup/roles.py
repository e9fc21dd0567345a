"""What a member is just now and which version it runs, asked from the member itself.

A health command that prints ``role version`` answers for itself (Redis does); for the others these commands ask what
the service knows anyway.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_API = "curl -fsS --max-time 3 --cacert /etc/evenkeel/tls/ca.pem https://localhost:8008/patroni"
_ETCD = ("curl -fsS --max-time 3 http://127.0.0.1:2381/metrics | "
         "grep -E '^etcd_server_(is_leader|version)'")


@dataclass(frozen=True)
class Question:
    """A command run inside a member, and where role and version stand in its output."""

    command: tuple[str, ...]
    version: re.Pattern[str]
    role: re.Pattern[str] | None = None
    words: tuple[tuple[str, str], ...] = ()
    """What the service calls a role -> what we call it."""


QUESTIONS = {
    "postgres": Question(("sh", "-c", _API), re.compile(r'"server_version": (\d+)'), re.compile(r'"role": "(\w+)"'),
                         (("master", "primary"),)),
    "etcd": Question(("sh", "-c", _ETCD), re.compile(r'server_version="([\d.]+)"'), re.compile(r"is_leader (\d)"),
                     (("1", "leader"), ("0", "follower"))),
    "nginx": Question(("nginx", "-v"), re.compile(r"nginx/([\d.]+)")),
    "haproxy": Question(("haproxy", "-v"), re.compile(r"version ([\d.]+)")),
    "pgproxy": Question(("haproxy", "-v"), re.compile(r"version ([\d.]+)")),
    "engineproxy": Question(("haproxy", "-v"), re.compile(r"version ([\d.]+)")),
    "supervisor": Question(("supervisor-health",), re.compile(r"version ([\d.]+)"), re.compile(r"^(\w+)$")),
    "prometheus": Question(("prometheus", "--version"), re.compile(r"version ([\d.]+)")),
    "alertmanager": Question(("prometheus-alertmanager", "--version"), re.compile(r"version ([\d.]+)")),
    "pgbouncer": Question(("pgbouncer", "--version"), re.compile(r"PgBouncer ([\d.]+)")),
}


def read(question: Question, output: str) -> tuple[str, str]:
    """(role, version); empty where the output doesn't say."""
    version = question.version.search(output)
    role = question.role.search(output) if question.role else None
    said = role.group(1) if role else ""
    return dict(question.words).get(said, said), _dotted(version.group(1)) if version else ""


def _dotted(version: str) -> str:
    """Postgres says 150018 for 15.18."""
    return f"{int(version) // 10000}.{int(version) % 10000}" if version.isdigit() and len(version) >= 6 else version
