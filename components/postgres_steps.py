"""Commands inside the Postgres tier's members: health, signals, letting go of a proxy, restarting for parameters."""

from __future__ import annotations

from components.workload import Step

RESTART = (Step(("postgres-restart",)),)
"""How parameters that need a restart come into force; does nothing where none does."""

_SOCKET = "socat -t 5 - UNIX-CONNECT:/run/haproxy.sock"


def proxy_drain(console_port: int) -> tuple[Step, ...]:
    """How the poolers' connections leave a proxy that is about to be replaced. ``console_port`` is PgBouncer's."""
    return (
        # Nobody new. (Ended by a signal it would be started again by the engine as soon as the last session is over.)
        Step(("sh", "-c", f"for name in write read; do echo shutdown frontend $name | {_SOCKET}; done")),
        # Each pooler connection is closed as soon as its transaction is over, and opened anew through another proxy.
        Step(("psql", "-q", "-h", "/run", "-p", str(console_port), "-U", "pgbouncer", "-d", "pgbouncer",
              "-c", "RECONNECT"), workload="pgbouncer"),
        # What is left after that belongs to people, or to a statement that takes long: 10 s are enough for it.
        Step(("sh", "-c", f"for n in $(seq 50); do sessions=$(echo show stat | {_SOCKET} | "
              "awk -F, '$2 == \"BACKEND\" { sum += $5 } END { print sum + 0 }'); [ $sessions = 0 ] && break; "
              "sleep 0.2; done")),
    )


def curl(*what: str) -> tuple[str, ...]:
    """A health check by HTTP: fails on any status but 2xx, and after 3 s."""
    return ("curl", "--silent", "--fail", "--output", "/dev/null", "--max-time", "3", *what)


def signal(name: str) -> tuple[str, ...]:
    """Process 1 is tini, which hands signals on. The images have no `kill` but the shell's."""
    return ("sh", "-c", f"kill -{name} 1")
