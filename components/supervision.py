"""The supervision tier: who brings members back that the engine leaves dead, and the restricted way to the engine.

    supervisor -> engineproxy -> the engine's socket

The socket is as good as root on the machine, so no supervisor has it. The proxy has it, and lets through a fixed list
of requests: what the engine is, this stack's containers and their events, what each member takes of the machine, and
the start and restart of this stack's members, each by its name. The list is spelled out member by member, since the
names of the stack ``a-b`` begin like those of the stack ``a``.

It deliberately is not rendered where the engine restarts members by itself (``Target.restarts_members``), and brings
back only what died: who is alive and unhealthy is left to its own recovery.
"""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

from components.postgres import ETCD_CLIENT_PORT, LEADER_KEY
from components.settings.supervision import Supervision as SupervisionSettings
from components.tier import Tier
from components.workload import (
    CONFIG_DIR,
    CPU_FIRST,
    ENGINE_SOCKET,
    ConfigFile,
    Effect,
    HealthCheck,
    Member,
    Metrics,
    Port,
    Resources,
    Workload,
    Zone,
    answers,
)

SUPERVISOR, PROXY = "supervisor", "engineproxy"
PORT, STATUS_PORT, METRICS_PORT = 2376, 8404, 9102
FIGURES = "monitoring"
EVENTS = ("create", "destroy", "die", "kill", "oom", "start", "stop")
"""What supervisors hear of; health checks alone would be ten events a second."""
ACTIONS = ("start", "restart")
"""What may be done to a member. A fencer needs no more: it proves deaths, it kills nobody."""


class Supervision(Tier):
    """Workloads ``engineproxy`` and ``supervisor``."""

    kind = "supervision"

    @property
    def settings(self) -> SupervisionSettings:
        return self.context.settings.supervision

    def workloads(self) -> list[Workload]:
        if not self.settings.enabled or self.context.target.restarts_members:
            return []
        return [self._proxy(), self._supervisor()]

    def watched(self) -> list[str]:
        """The engine's name of every member, ours included: the pair watches itself, too."""
        counts = {workload.name: workload.count for workload in self.context.declared}
        counts |= {PROXY: self.settings.members, SUPERVISOR: self.settings.members}
        return [self.context.names.container(name, n) for name, count in counts.items() for n in range(1, count + 1)]

    def _proxy(self) -> Workload:
        tls = self.tls_files(PROXY, self.settings.members, bundle=True)
        readable = "".join(f"/containers/{name}/json\n" for name in self.watched())
        measurable = "".join(f"/containers/{name}/stats\n" for name in self.watched())
        actions = "".join(f"/containers/{name}/{verb}\n" for name in self.watched() for verb in ACTIONS)

        def files(_member: Member) -> list[ConfigFile]:
            return [
                *tls,
                ConfigFile("readable.lst", readable),
                ConfigFile("measurable.lst", measurable),
                ConfigFile("actions.lst", actions),
                self.file("engineproxy.cfg", "engineproxy/engineproxy.cfg.j2", config_dir=CONFIG_DIR,
                          socket=ENGINE_SOCKET, port=PORT, status_port=STATUS_PORT, client_name=SUPERVISOR,
                          stack_filter=_filter(self.context.stack),
                          events_filter=_filter(self.context.stack, type=["container"], event=list(EVENTS))),
            ]

        return Workload(
            name=PROXY, tier=self.kind, image="pgproxy", count=self.settings.members, zones=(Zone.CONTROL,),
            resources=Resources(memory_mib=48, cpus=0.5, cpu_weight=CPU_FIRST),
            health=HealthCheck(answers(STATUS_PORT, "/ready"), start_s=30),
            command=("haproxy", "-W", "-f", f"{CONFIG_DIR}/engineproxy.cfg"),
            files=files, check=("haproxy", "-c", "-q", "-f", f"{CONFIG_DIR}/engineproxy.cfg"),
            # Process 1 is an init that hands signals on.
            reload=("sh", "-c", "kill -USR2 1"),
            ports=(Port("engine", PORT),), controls_engine=True, tmpfs=("/run",), tmpfs_mib=4, stop_grace_s=5)

    def _supervisor(self) -> Workload:
        settings, names = self.settings, self.context.names
        tls = self.tls_files(SUPERVISOR, settings.members)
        stores = [f"{names.member('etcd', n)}:{ETCD_CLIENT_PORT}"
                  for n in range(1, self.context.settings.postgres.etcd.members + 1)]

        def files(member: Member) -> list[ConfigFile]:
            # Each prefers another proxy.
            proxies = [(member.ordinal - 1 + n) % settings.members + 1 for n in range(settings.members)]
            told = {"me": member.name, "rank": member.ordinal - 1,
                    "engines": [f"{names.member(PROXY, n)}:{PORT}" for n in proxies], "stores": stores,
                    "settle_s": settings.settle_s, "lease_s": settings.lease_s, "steady_s": settings.steady_s,
                    "longest_pause_s": settings.longest_pause_s, "schedule_grace_s": settings.schedule_grace_s}
            # A file of its own: supervisors of an earlier image, about to be replaced, refuse words they don't know.
            return [*tls, *(ConfigFile(path, json.dumps(content, indent=1) + "\n", effect=Effect.RESTART)
                            for path, content in (("supervisor.json", told), ("fencing.json", self._fencing())))]

        return Workload(
            name=SUPERVISOR, tier=self.kind, image="supervisor", count=settings.members,
            zones=(Zone.DATA, Zone.CONTROL),
            resources=Resources(memory_mib=settings.memory_mib, cpus=settings.cpus, cpu_weight=CPU_FIRST),
            health=HealthCheck(("supervisor-health",), start_s=30), files=files, tmpfs=("/run",), tmpfs_mib=4,
            metrics=(Metrics(METRICS_PORT, tls=True, about_others=True),), stop_grace_s=10,
            # Who watches goes first, so that it neither sees nor mistakes how the others go. (What is stopped it leaves
            # alone anyway: the start need not wait for figures.)
            stops_before=(*(workload.name for workload in self.context.declared if workload.tier != FIGURES), PROXY))

    def _fencing(self) -> dict[str, Any] | None:
        """The leader key that the pair may release, and the engine's names of those who may hold it."""
        count = next((workload.count for workload in self.context.declared if workload.name == "postgres"), 0)
        if not self.settings.fencing or count < 2:
            return None
        members = [Member("postgres", n) for n in range(1, count + 1)]
        return {"key": LEADER_KEY, "members": {
            member.name: self.context.names.container(member.workload, member.ordinal) for member in members}}


def _filter(stack: str, **further: list[str]) -> str:
    """The engine's ``filters`` parameter, encoded as HAProxy's configuration wants it (``%`` doubled)."""
    filters = {"label": [f"evenkeel.stack={stack}"], **further}
    return quote(json.dumps(filters, separators=(",", ":")), safe="").replace("%", "%%")
