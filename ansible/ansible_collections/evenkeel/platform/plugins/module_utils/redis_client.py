"""The client that asks and moves a Redis Cluster, through ``redis-cli`` inside its members."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

from ansible_collections.evenkeel.platform.plugins.module_utils import redis_cluster
from ansible_collections.evenkeel.platform.plugins.module_utils.running import RefusedError, chosen_in_time, wait_for
from ansible_collections.evenkeel.platform.plugins.module_utils.streams import DockerStreams, Member

SEPARATOR = "---"
# The password is read inside the member and reaches redis-cli by its environment.
PRELUDE = """REDISCLI_AUTH=$(cat /etc/evenkeel/platform.password) && export REDISCLI_AUTH
tls=/etc/evenkeel/tls
ask() {
    redis-cli -e -h 127.0.0.1 -p 6379 --user platform --no-auth-warning --tls --cacert $tls/ca.pem \\
        --cert $tls/cert.pem --key $tls/key.pem "$@"
}
"""
LOOK = f"{PRELUDE}ask CLUSTER NODES && echo {SEPARATOR} && ask CLUSTER INFO && echo {SEPARATOR} && ask INFO replication"
# A replica that has taken over since it was last looked at refuses, and is what was asked for.
FAILOVER = f'{PRELUDE}ask CLUSTER FAILOVER || [ "$(ask ROLE | head -n 1)" = master ]'
ATTEMPT_S = 6.0
"""Redis gives a takeover up after 5 s; it may then be asked again."""
PATIENCE_S = 5.0
FORMATION = "redis_member form"
"""The program that settles a member after its start; it may itself move a master."""


class Redis:
    """The Redis Cluster of one stack."""

    def __init__(self, streams: DockerStreams) -> None:
        self._streams = streams
        self.members = streams.of("redis")

    @property
    def domains(self) -> dict[str, str]:
        return {member.name: member.domain for member in self.members}

    def look(self) -> dict[str, redis_cluster.Sight]:
        """What every member that answers sees."""
        with ThreadPoolExecutor(max_workers=3) as pool:
            sights = list(pool.map(self._look, self.members))
        return {sight.name: sight for sight in sights if sight is not None}

    def look_twice(self) -> dict[str, redis_cluster.Sight]:
        """The same, for what is decided once: a member that runs is asked again for ``PATIENCE_S`` if it must be."""
        sights: dict[str, redis_cluster.Sight] = {}

        def look() -> tuple[bool | None, str]:
            nonlocal sights
            sights = self.look()
            return all(member.name in sights for member in self.members if member.running) or None, ""

        chosen_in_time(look, PATIENCE_S)
        return sights

    def forming(self) -> list[str]:
        """Members that have not settled since their start."""
        return [member.name for member in self.members if member.running
                and any(FORMATION in line for line in self._streams.processes(member))]

    def fail_over(self, replica: str, master: str, timeout_s: float) -> float:
        """Let ``replica`` take over, coordinated: the master holds its writes until the replica has them all.

        Seconds until all members agree. Raises ``RefusedError``.
        """
        member = next(member for member in self.members if member.name == replica)
        began = time.monotonic()
        while True:
            self._streams.need(member, "sh", "-c", FAILOVER)
            left = timeout_s - (time.monotonic() - began)
            try:
                wait_for(lambda: self._missing(replica, master), min(ATTEMPT_S, left), f"{replica} as master", 0.1)
            except RefusedError:
                if left <= ATTEMPT_S:
                    raise
            else:
                return time.monotonic() - began

    def _missing(self, replica: str, master: str) -> str:
        sights = self.look()
        for name in (replica, master):
            if name not in sights:
                return f"{name} does not answer"
        if not sights[replica].me.leads or not sights[replica].me.slots:
            return f"{replica} is still a replica"
        if sights[master].me.leads:
            return f"{master} does not yet follow"
        return "; ".join(redis_cluster.problems(sights, sights))

    def _look(self, member: Member) -> redis_cluster.Sight | None:
        if not member.running:
            return None
        code, said = self._streams.ask(member, "sh", "-c", LOOK)
        parts = said.split(f"{SEPARATOR}\n")
        if code != 0 or len(parts) != 3 or "myself" not in parts[0]:
            return None
        return redis_cluster.read(member.name, *parts)
