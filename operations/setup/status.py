"""`make status`: every member with its role, health, version and use of memory, asked from the members themselves."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from typing import Any

import docker.errors
from docker.models.containers import Container
from rich.table import Table

from components.targets.docker import engine, naming
from operations.setup import engine_state, roles

MIB = 2**20
SCHEDULED = "scheduled"
NEVER = "0001-01-01"
"""How the engine writes the end of a run that never was."""


@dataclass(frozen=True)
class MemberStatus:
    """One member now. ``memory_mib`` is what the kernel could not take back (working set)."""

    member: str
    tier: str
    domain: str
    state: str
    role: str
    version: str
    memory_mib: float | None
    problem: str

    @property
    def serves(self) -> bool:
        """Whether it does what it is for. A scheduled member waits for its time."""
        return self.state in ("healthy", SCHEDULED)

    def as_json(self) -> dict[str, Any]:
        return {**asdict(self), "serves": self.serves}


def of(stack: str) -> list[MemberStatus]:
    """The status of every member, in the order of the stack."""
    with ThreadPoolExecutor(max_workers=8) as pool:
        return list(pool.map(_status, engine_state.containers(stack)))


def table(statuses: list[MemberStatus], title: str) -> Table:
    """For a terminal."""
    drawn = Table(title=title, title_justify="left", header_style="bold")
    for column in ("tier", "member", "domain", "role", "version"):
        # On a narrow terminal the version is shortened, never a name.
        drawn.add_column(column, no_wrap=column != "version")
    drawn.add_column("memory", justify="right")
    drawn.add_column("health", min_width=len("healthy"))
    previous = ""
    for status in statuses:
        colour = "green" if status.serves else "red"
        memory = f"{status.memory_mib:.0f} MiB" if status.memory_mib is not None else ""
        health = f"[{colour}]{status.state}[/]" + (f" {status.problem}" if status.problem else "")
        drawn.add_row(status.tier if status.tier != previous else "", status.member, status.domain, status.role,
                      status.version, memory, health)
        previous = status.tier
    return drawn


def _status(container: Container) -> MemberStatus:
    labels = container.labels
    role, version, problem, memory = labels.get("evenkeel.colour", ""), "", "", None
    state = container.status
    if state == "running":
        memory = memory_mib(container)
        command = engine.health_command(container)
        code, output = _ask(container, command) if command else (0, "")
        first = output.splitlines()[0] if output else ""
        if code == 0:
            state = "healthy"
            role, version = _identity(container, first, role)
        else:
            state, problem = "unhealthy", first
    elif naming.SCHEDULE in labels:
        state, role, problem = SCHEDULED, labels[naming.SCHEDULE], _last_run(container.attrs["State"])
    version = version or str(container.attrs["Config"]["Image"]).rpartition(":")[2]
    return MemberStatus(labels["evenkeel.member"], labels["evenkeel.tier"], labels["evenkeel.domain"], state, role,
                        version, memory, problem)


def _last_run(state: dict[str, Any]) -> str:
    """What a scheduled member's run came to, in words."""
    ended = str(state["FinishedAt"])
    if ended.startswith(NEVER):
        return f"could not start: {state['Error']}" if state.get("Error") else "has not run yet"
    when = ended[:19].replace("T", " ")
    return f"ran until {when}" if state["ExitCode"] == 0 else f"failed with {state['ExitCode']} at {when}"


def _ask(container: Container, command: list[str]) -> tuple[int, str]:
    try:
        return engine.run_inside(container, command)
    except docker.errors.APIError as error:
        return 1, str(error.explanation)


def _identity(container: Container, health: str, colour: str) -> tuple[str, str]:
    """(role, version): of the service itself where it can say, else the colour and nothing."""
    question = roles.QUESTIONS.get(container.labels["evenkeel.workload"])
    if question:
        return roles.read(question, _ask(container, list(question.command))[1])
    words = health.split()
    return (words[0], words[1]) if len(words) == len(("role", "version")) else (colour, "")


def memory_mib(container: Container) -> float:
    """The working set of a container: what the kernel could not take back."""
    usage = engine.client().api.stats(container.id or "", stream=False, one_shot=True)["memory_stats"]
    return float(usage.get("usage", 0) - usage.get("stats", {}).get("inactive_file", 0)) / MIB
