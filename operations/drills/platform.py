"""The platform of a drill: its members by name, who leads, and whether it is whole."""

from __future__ import annotations

import json
import ssl
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import docker.errors
import httpx
from docker.models.containers import Container

from components.targets.docker import engine, naming
from components.workload import Member
from operations.drills.errors import DrillError
from operations.setup import engine_state, roles

CLUSTER = ("curl", "-fsS", "--max-time", "3", "--cacert", "/etc/evenkeel/tls/ca.pem", "https://localhost:8008/cluster")
LEADER = "postgres"
"""Whom it concerns that nobody leads."""
REPLICATING = frozenset({"quorum_standby", "sync_standby"})
LEDGER_PAGE = 5000
STEP_S = 0.25


@dataclass
class Platform:
    """One running stack. ``outputs``: Pulumi's, of which only addresses and the authority are used."""

    stack: str
    outputs: dict[str, Any] = field(repr=False)

    @property
    def urls(self) -> list[str]:
        """HTTPS of every edge."""
        return [str(url) for url in self.outputs["urls"] if str(url).startswith("https")]

    @cached_property
    def trust(self) -> ssl.SSLContext:
        return ssl.create_default_context(cadata=self.outputs["authority"])

    def containers(self, workload: str | None = None) -> list[Container]:
        """Members' containers, running or not, in their order."""
        return [one for one in engine_state.containers(self.stack)
                if workload in (None, one.labels["evenkeel.workload"]) and naming.SCHEDULE not in one.labels]

    def members(self, workload: str) -> list[str]:
        return [one.labels["evenkeel.member"] for one in self.containers(workload)]

    def container(self, member: str) -> Container:
        workload, _, ordinal = member.rpartition("-")
        found = engine.find(naming.container(self.stack, Member(workload, int(ordinal))))
        if found is None:
            raise DrillError(f"there is no container of {member}. Next: make up STACK={self.stack}")
        return found

    def inside(self, member: str, *command: str) -> str:
        """Output of a command run inside a member. Raises ``DrillError`` when it fails."""
        code, output = engine.run_inside(self.container(member), list(command))
        if code != 0:
            raise DrillError(f"{member}: {' '.join(command)[:200]}: {output[-500:]}")
        return output

    # -- Postgres -----------------------------------------------------------------------------------------------------

    def patroni(self) -> list[dict[str, Any]]:
        """Patroni's list of its members, from the first one that answers; empty where none does."""
        for one in self.containers("postgres"):
            if one.status == "running":
                try:
                    code, said = engine.run_inside(one, list(CLUSTER))
                except docker.errors.APIError:
                    continue
                if code == 0:
                    return list(json.loads(said)["members"])
        return []

    def primary(self) -> str:
        """Who leads. Raises ``DrillError`` where nobody does."""
        found = [one["name"] for one in self.patroni() if one["role"] == "leader"]
        if len(found) != 1:
            raise DrillError(f"Postgres has no primary. Next: make status STACK={self.stack}")
        return str(found[0])

    def replicas(self) -> list[str]:
        leader = self.primary()
        return [member for member in self.members("postgres") if member != leader]

    def sql(self, query: str) -> str:
        """What psql prints, as the superuser on the primary."""
        return self.inside(self.primary(), "psql", "-X", "-h", "/run", "-U", "postgres", "-At", "-c", query)

    # -- Redis --------------------------------------------------------------------------------------------------------

    def redis_master(self) -> str:
        """A master of Redis that serves slots."""
        for one in self.containers("redis"):
            code, said = engine.run_inside(one, engine.health_command(one))
            if code == 0 and said.split()[:1] == ["master"]:
                return str(one.labels["evenkeel.member"])
        raise DrillError(f"Redis has no master that serves. Next: make status STACK={self.stack}")

    # -- wholeness ----------------------------------------------------------------------------------------------------

    def problems(self, of: Collection[str] = ()) -> dict[str, str]:
        """What keeps the platform from being whole, a sentence per member; empty: everybody serves and every replica
        counts. ``of``: of these members only.

        One member after the other: each look is a process in its container, and several at once hold up a small
        machine, and the witness with it, for longer than many a fault.
        """
        asked = [self.container(member) for member in of if member != LEADER] if of else self.containers()
        found = {one.labels["evenkeel.member"]: problem for one in asked if (problem := _problem(one))}
        nodes = [one.labels["evenkeel.member"] for one in asked if one.labels["evenkeel.workload"] == "postgres"]
        return {**found, **self._not_counting(nodes)} if nodes or LEADER in of else found

    def _not_counting(self, nodes: Collection[str]) -> dict[str, str]:
        instances = {one["name"]: one for one in self.patroni()}
        found = {}
        for member in nodes:
            state = instances.get(member)
            if state is None:
                found[member] = f"Patroni doesn't list {member}"
            elif state["role"] != "leader" and (state["state"] != "streaming" or state["role"] not in REPLICATING):
                found[member] = f"{member} does not count as a replica yet ({state['role']}, {state['state']})"
        if not any(one["role"] == "leader" for one in instances.values()):
            found[LEADER] = "Postgres has no primary"
        return found

    def wait_whole(self, limit_s: float, say: Callable[[str], None], victims: Collection[str] = ()) -> float:
        """Seconds until it was whole. Everybody is asked only when neither ``victims`` nor who was missing in the
        round before miss any longer. Raises ``DrillError`` with what is missing."""
        began, told, missing = time.monotonic(), 0.0, set(victims)
        while (problems := self.problems(missing)) or missing:
            missing = set(problems)
            waited = time.monotonic() - began
            if problems and waited > limit_s:
                raise DrillError(f"the platform is not whole after {limit_s:.0f} s: {'; '.join(problems.values())}\n"
                                 f"Next: make status STACK={self.stack}; make up STACK={self.stack}")
            if problems and waited - told > 10:
                told = waited
                say(f"waiting for: {'; '.join(problems.values())}")
            time.sleep(STEP_S)
        return time.monotonic() - began

    # -- the ledger's other side --------------------------------------------------------------------------------------

    def last_sequence(self) -> int:
        """The newest order's number, 0 where there is none."""
        return int(self.sql_in_database("SELECT coalesce(max(sequence), 0) FROM orders") or 0)

    def sql_in_database(self, query: str) -> str:
        """As ``sql``, in the application's database."""
        database = json.loads(self.inside(self.primary(), "cat", "/etc/evenkeel/poolers.json"))["database"]
        return self.inside(self.primary(), "psql", "-X", "-h", "/run", "-U", "postgres", "-d", database, "-At", "-c",
                           query)

    def stored(self, after: int) -> list[str]:
        """Keys of all orders beyond a number, through the front door, from the primary."""
        found: list[str] = []
        following: int | None = after
        with httpx.Client(base_url=self.urls[0], verify=self.trust, timeout=20) as client:
            while following is not None:
                answer = client.get("/api/orders/ledger", params={"after": following, "limit": LEDGER_PAGE})
                answer.raise_for_status()
                page = answer.json()
                found += [str(entry[2]) for entry in page["entries"]]
                following = page["next"]
        return found


def _problem(one: Container) -> str:
    """Why a member does not serve; "" where it does."""
    member, command = one.labels["evenkeel.member"], engine.health_command(one)
    if one.status != "running":
        return f"{member} is {one.status}"
    try:
        code, said = engine.run_inside(one, command) if command else (0, "")
    except docker.errors.APIError as error:
        code, said = 1, str(error.explanation)
    return f"{member} is unhealthy {said.splitlines()[0] if said else ''}".strip() if code else ""


def role(platform: Platform, member: str) -> str:
    """What a member says that it is."""
    question = roles.QUESTIONS[member.rpartition("-")[0]]
    return roles.read(question, platform.inside(member, *question.command))[0]
