"""The edge tier: Nginx faces the clients, HAProxy chooses who answers.

Both exist twice or more, and either of two may die. What operations change while it runs (the split between the
colours, testers' routes, a forced level) is in maps on HAProxy's own volume, made once from ``initial/`` and never
written again from here. It deliberately does not know how many workers there are: HAProxy finds them by DNS.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import pulumi

from components import edge_haproxy, edge_nginx, tracing
from components.app import http_pools
from components.generated.rotation import SLOTS
from components.stack_config import own_secret
from components.tier import Tier
from components.workload import (
    CONFIG_DIR,
    CPU_FIRST,
    ConfigFile,
    Effect,
    HealthCheck,
    Member,
    Metrics,
    Port,
    Resources,
    Volume,
    Workload,
    Zone,
    answers,
)

NGINX = edge_nginx.WORKLOAD
HAPROXY = edge_haproxy.WORKLOAD

RELOAD_SETTLE_S = 1
"""Both Nginx and HAProxy let go of idle connections after a reload. Their clients make new ones as they need them, each
with a TLS handshake: most of them within a second."""
SETTLE_S = 3
"""DNS is asked every second, and a server that is down is checked every quarter of one."""

PAGES = {
    "maintenance": ("We'll be right back", "The service is being looked after. This page can be reloaded in a moment."),
    "read-only": ("Reading works, saving has to wait", "Nothing was changed. Please try again in a moment."),
}
"""Level -> title and text of what a client is told when the level refuses its request."""


class Edge(Tier):
    """Nginx and HAProxy."""

    kind = "edge"

    def workloads(self) -> list[Workload]:
        return [self._nginx(), self._haproxy()]

    def exports(self) -> Mapping[str, Any]:
        """``edge_passwords``: user -> password in use of the edge's own authentication, where it is on;
        ``edge_passwords_accepted``: all that are accepted, two in the middle of a rotation."""
        users, secrets = self.context.settings.edge.basic_auth.users, self.context.secrets
        if not users:
            return {}
        in_use = {user: secrets.password(f"edge-{user}") for user in users}
        accepted = {user: secrets.accepted(f"edge-{user}").apply(lambda values: list(values.values()))
                    for user in users}
        return {"edge_passwords": pulumi.Output.secret(in_use),
                "edge_passwords_accepted": pulumi.Output.secret(accepted)}

    def _nginx(self) -> Workload:
        edge = self.context.settings.edge
        tls = self.tls_files(NGINX, edge.nginx.members, also=tuple(edge.tls.hostnames))
        return Workload(
            name=NGINX,
            tier=self.kind,
            image="nginx",
            count=edge.nginx.members,
            zones=(Zone.EDGE,),
            resources=Resources(memory_mib=edge.nginx.memory_mib, cpus=edge.nginx.cpus),
            health=HealthCheck(answers(edge_nginx.STATUS_PORT, "/edge/health")),
            files=lambda member: [*self._nginx_files(member), *tls],
            check=("nginx", "-t", "-q", "-c", f"{CONFIG_DIR}/nginx.conf"),
            reload=("/usr/local/bin/reload",),
            reload_settle_s=RELOAD_SETTLE_S,
            ports=(Port("https", edge_nginx.HTTPS_PORT, edge.nginx.https_port),
                   Port("http", edge_nginx.HTTP_PORT, edge.nginx.http_port)),
            metrics=(Metrics(edge_nginx.STATUS_PORT, "/edge/status", exporter="nginx"),
                     Metrics(edge_nginx.HTTPS_PORT, self.context.settings.monitoring.probe.path, tls=True,
                             exporter="blackbox")),
            volumes=(Volume("cache", path=edge_nginx.CACHE_DIR, size_gib=1 + edge.cache.size_mib / 1024,
                            protected=False),),
            stop_signal="SIGQUIT",
            stop_grace_s=10,
        )

    def _nginx_files(self, member: Member) -> Sequence[ConfigFile]:
        edge, pools = self.context.settings.edge, http_pools(self.context.settings.app)
        values = edge_nginx.values(edge, pools, self.context.names, member, self._traced)
        files = [self.file("nginx.conf", "nginx/nginx.conf.j2", **values), *self._pages()]
        if edge.tls.own_certificate:
            files += [ConfigFile("public/cert.pem", own_secret("edge-certificate"), secret=True),
                      ConfigFile("public/key.pem", own_secret("edge-certificate-key"), secret=True)]
        if edge.basic_auth.users:
            files += self._password_files()
        return files

    def _password_files(self) -> list[ConfigFile]:
        """A file of passwords per slot, and which of them a request is judged by."""
        accepted = pulumi.Output.all(**{user: self.context.secrets.accepted(f"edge-{user}")
                                        for user in self.context.settings.edge.basic_auth.users})
        return [
            # Nginx reads these for every request.
            *(ConfigFile(f"htpasswd-{slot}", accepted.apply(partial(edge_nginx.htpasswd, self.context.stack, slot)),
                         secret=True, effect=Effect.NONE) for slot in SLOTS),
            ConfigFile("htpasswd.map", accepted.apply(edge_nginx.htpasswd_map), secret=True),
        ]

    def _haproxy(self) -> Workload:
        haproxy = self.context.settings.edge.haproxy
        tls = self.tls_files(HAPROXY, haproxy.members, bundle=True)
        return Workload(
            name=HAPROXY,
            tier=self.kind,
            image="haproxy",
            count=haproxy.members,
            zones=(Zone.EDGE, Zone.APP),
            resources=Resources(memory_mib=haproxy.memory_mib, cpus=haproxy.cpus, cpu_weight=CPU_FIRST),
            health=HealthCheck(answers(edge_haproxy.STATUS_PORT, "/health")),
            files=lambda member: [*self._haproxy_files(member), *tls],
            check=("haproxy", "-c", "-f", f"{CONFIG_DIR}/secret.cfg", "-f", f"{CONFIG_DIR}/haproxy.cfg"),
            reload=("/usr/local/bin/reload",),
            reload_settle_s=RELOAD_SETTLE_S,
            ports=(Port("https", edge_haproxy.PORT), Port("status", edge_haproxy.STATUS_PORT),
                   Port("peers", edge_haproxy.PEER_PORT)),
            # The room kept for workers that are not there has nothing to tell.
            metrics=(Metrics(edge_haproxy.STATUS_PORT, parameters={"no-maint": ""}),),
            volumes=(Volume("state", size_gib=0.1),),
            stable_address=True,
            settle_s=SETTLE_S,  # until it has found the workers, and Nginx has found it
            stop_signal="SIGUSR1",
            stop_grace_s=10,
        )

    def _haproxy_files(self, member: Member) -> Sequence[ConfigFile]:
        edge = self.context.settings.edge
        pools = http_pools(self.context.settings.app)
        values = edge_haproxy.values(edge, pools, self.context.names, member, self._traced)
        files = [
            self.file("haproxy.cfg", "haproxy/haproxy.cfg.j2", **values),
            self.file("secret.cfg", "haproxy/secret.cfg.j2", secret=True,
                      cookie_key=self.context.secrets.password("edge-cookie-key")),
            *(ConfigFile(f"initial/{name}", text) for name, text in edge_haproxy.initial_maps(edge, pools).items()),
            *self._pages(),
        ]
        if edge.breaker.enabled:
            files.append(self.file("breaker.lua", "haproxy/breaker.lua.j2", **edge_haproxy.breaker_values(edge)))
        return files

    @property
    def _traced(self) -> str | None:
        return tracing.percent(self.context.settings.monitoring)

    def _pages(self) -> list[ConfigFile]:
        files = []
        for level, (title, text) in PAGES.items():
            files += [self.file(f"pages/{level}.html", "nginx/page.html.j2", title=title, text=text),
                      self.file(f"pages/{level}.json", "nginx/page.json.j2", title=title, level=level)]
        return files
