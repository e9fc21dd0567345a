"""Whether a platform's tiers serve: every member's own health command, and what only the whole can say."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from ansible_collections.evenkeel.platform.plugins.module_utils import (
    balancers,
    etcd,
    etcd_client,
    patroni,
    redis_client,
    redis_cluster,
    switchover,
)
from ansible_collections.evenkeel.platform.plugins.module_utils.streams import DockerStreams, Member, StreamError

SCHEDULED = "evenkeel.schedule"
"""The label of members that run only when their time has come."""


@dataclass(frozen=True)
class Verdict:
    """Who serves, and what is wrong; ``problems`` never speaks of tolerated members."""

    serving: tuple[str, ...]
    problems: tuple[str, ...]


def judge(streams: DockerStreams, expected: Sequence[str], tiers: Sequence[str] = (),
          tolerated: Iterable[str] = ()) -> Verdict:
    """Look once. ``expected``: the members of ``tiers`` that must exist; ``tiers`` empty: all tiers."""
    tolerated = set(tolerated)
    members = [member for member in streams.members() if not tiers or member.tier in tiers]
    present = {member.name for member in members}
    found = [f"{name} has no container" for name in expected if name not in present | tolerated]
    with ThreadPoolExecutor(max_workers=4) as pool:
        answers = list(pool.map(lambda member: sick(streams, member), members))
    found += [f"{member.name}: {why}" for member, why in zip(members, answers, strict=True)
              if why and member.name not in tolerated]
    serving = tuple(member.name for member, why in zip(members, answers, strict=True) if not why)
    workloads = {member.workload for member in members}
    for workload, ask in WHOLE.items():
        if workload in workloads and not found:
            try:
                found += ask(streams, members, tolerated)
            except StreamError as error:
                found.append(str(error))
    return Verdict(serving, tuple(found))


def sick(streams: DockerStreams, member: Member) -> str:
    """"" when the member serves its purpose, otherwise why not."""
    if SCHEDULED in member.labels:
        return ""
    if not member.running:
        return "its container does not run"
    command = streams.health_of(member)
    if not command:
        return ""
    code, said = streams.ask(member, *command)
    return "" if code == 0 else f"its health check says: {said.splitlines()[-1] if said else f'exit code {code}'}"


def roles(streams: DockerStreams) -> dict[str, str]:
    """Member -> role of those that have one; tiers that can't be asked are left out."""
    found: dict[str, str] = {}
    workloads = {member.workload for member in streams.members()}
    for workload, ask in ROLES.items():
        if workload in workloads:
            try:
                found |= ask(streams)
            except StreamError:
                continue  # who can't be asked has no role that must be handed over
    return found


def _postgres(streams: DockerStreams, members: Sequence[Member], tolerated: set[str]) -> list[str]:
    names = [member.name for member in members if member.workload == "postgres"]
    return patroni.problems(switchover.Postgres(streams).look(), names, tolerated)


def _redis(streams: DockerStreams, members: Sequence[Member], tolerated: set[str]) -> list[str]:
    redis = redis_client.Redis(streams)
    names = [member.name for member in members if member.workload == "redis"]
    found = redis_cluster.problems(redis.look(), names, tolerated)
    return found + [f"{name} is still settling in" for name in redis.forming() if name not in tolerated]


def _etcd(streams: DockerStreams, members: Sequence[Member], tolerated: set[str]) -> list[str]:
    names = [member.name for member in members if member.workload == "etcd"]
    return etcd.problems(etcd_client.Etcd(streams).look(), names, tolerated)


def _balancers(streams: DockerStreams, members: Sequence[Member], tolerated: set[str]) -> list[str]:
    return balancers.problems(streams, [member for member in members if member.name not in tolerated])


def _postgres_roles(streams: DockerStreams) -> dict[str, str]:
    return {instance.name: "primary" if instance.leads else "replica"
            for instance in switchover.Postgres(streams).look().instances}


def _redis_roles(streams: DockerStreams) -> dict[str, str]:
    sights = redis_client.Redis(streams).look()
    return {name: "master" if sight.me.leads else "replica" for name, sight in sights.items()}


def _etcd_roles(streams: DockerStreams) -> dict[str, str]:
    return {status.name: "leader" if status.leads else "follower" for status in etcd_client.Etcd(streams).look()}


WHOLE: dict[str, Callable[[DockerStreams, Sequence[Member], set[str]], list[str]]] = {
    "postgres": _postgres, "redis": _redis, "etcd": _etcd, "haproxy": _balancers,
}
ROLES: dict[str, Callable[[DockerStreams], dict[str, str]]] = {
    "postgres": _postgres_roles, "redis": _redis_roles, "etcd": _etcd_roles,
}
