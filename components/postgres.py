"""The Postgres tier: etcd, Patroni's members, the proxies that know who is primary, and the poolers.

    application -> pgbouncer -> pgproxy :5432 -> primary
                             -> pgproxy :5433 -> replicas (the primary, when none is up to date)

**What "no acknowledged write lost" rests on.** A commit is acknowledged when the primary and at least one replica have
it on disk (``synchronous_mode: quorum``: any one of the replicas), and only a member that can prove it has every
acknowledged write may be promoted. ``synchronous_mode_strict``: with no replica left, commits wait instead of being
acknowledged by the primary alone. The hole: a wait that is cancelled (a driver's timeout, an operator) ends with
success and a WARNING, since the commit is on the primary's disk already. Such a write is *unknown*: a client that
counts it as acknowledged can lose it; ``examples/orders`` shows how to read the warning. ``statement_timeout`` does not
end the wait (Postgres 15 switches it off before it commits), so PgBouncer's ``query_timeout`` does: it closes the
connection, the client sees an error, and the write is unknown as well. The session in Postgres waits on until a replica
is back.
``failsafe_mode``: when etcd's majority is lost, the primary goes on as long as every member confirms that it does.

It deliberately does not replace members, fail over or restore: those are operations.
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from components import postgres_access as access
from components.postgres_steps import RESTART, curl, proxy_drain, signal
from components.settings.postgres import Postgres as PostgresSettings
from components.tier import Tier
from components.workload import (
    CONFIG_DIR,
    CPU_FIRST,
    DATA_DIR,
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
)

TLS_DIR = f"{CONFIG_DIR}/tls"
HEALTH = "health.curl"

POSTGRES_PORT = 5432
PATRONI_PORT = 8008
ETCD_CLIENT_PORT, ETCD_PEER_PORT, ETCD_METRICS_PORT = 2379, 2380, 2381
WRITE_PORT, READ_PORT, PROXY_STATUS_PORT, PROXY_METRICS_PORT = 5432, 5433, 8404, 8405
PGBOUNCER_PORT = 6432
NAMESPACE, SCOPE = "/evenkeel/", "postgres"
LEADER_KEY = f"{NAMESPACE}{SCOPE}/leader"
"""Where Patroni keeps in etcd who leads."""

SERVER_LIFETIME_S = 900
"""PgBouncer renews a connection after so long; a reloaded pgproxy keeps its old process until all have been."""



class Postgres(Tier):
    """Workloads ``etcd``, ``postgres``, ``pgproxy`` and ``pgbouncer``."""

    kind = "postgres"

    @property
    def settings(self) -> PostgresSettings:
        return self.context.settings.postgres

    def workloads(self) -> list[Workload]:
        return [self._etcd(), self._postgres(), self._pgproxy(), self._pgbouncer()]

    def hosts(self, workload: str, count: int) -> list[dict[str, str]]:
        """``name`` (the member's, the same on every target) and ``host`` (its DNS name) of each member."""
        return [{"name": Member(workload, n).name, "host": self.context.names.member(workload, n)}
                for n in range(1, count + 1)]

    @property
    def etcd_endpoints(self) -> list[str]:
        return [f"{peer['host']}:{ETCD_CLIENT_PORT}" for peer in self.hosts("etcd", self.settings.etcd.members)]

    # -- etcd ---------------------------------------------------------------------------------------------------------

    def _etcd(self) -> Workload:
        etcd, timing = self.settings.etcd, self.settings.timing
        peers = self.hosts("etcd", etcd.members)
        tls = self.tls_files("etcd", etcd.members)

        def files(member: Member) -> list[ConfigFile]:
            return [*_as_etcd_reads(tls), self.file(
                "etcd/etcd.env", "etcd/etcd.env.j2", effect=Effect.RESTART,
                name=member.name, host=self.context.names.member("etcd", member.ordinal), peers=peers,
                others=[peer for peer in peers if peer["name"] != member.name], token=self.context.stack,
                data_dir=DATA_DIR, tls_dir=TLS_DIR, peer_common_name="etcd",
                client_port=ETCD_CLIENT_PORT, peer_port=ETCD_PEER_PORT, metrics_port=ETCD_METRICS_PORT,
                heartbeat_ms=timing.heartbeat_ms, election_ms=timing.election_ms, log_level=etcd.log_level,
                quota_bytes=int(etcd.storage_gib * 1024**3 / 2))]

        return Workload(
            name="etcd", tier=self.kind, image="etcd", count=etcd.members, zones=(Zone.DATA,),
            resources=Resources(memory_mib=etcd.memory_mib, cpus=etcd.cpus, cpu_weight=CPU_FIRST),
            health=HealthCheck(curl(f"http://127.0.0.1:{ETCD_METRICS_PORT}/health")),
            files=files, volumes=(Volume("data", size_gib=etcd.storage_gib),), clustered=True, can_grow=False,
            ports=(Port("client", ETCD_CLIENT_PORT), Port("peer", ETCD_PEER_PORT)),
            metrics=(Metrics(ETCD_CLIENT_PORT, tls=True),), stop_grace_s=10)

    # -- Postgres -----------------------------------------------------------------------------------------------------

    def _postgres(self) -> Workload:
        settings = self.settings
        names = self.context.names
        # Clients verify the name they dialled, and they dial the proxies.
        proxies = [names.member("pgproxy", n) for n in range(1, settings.pgproxy.members + 1)]
        tls = self.tls_files("postgres", settings.members, also=(names.service("pgproxy"), *proxies))
        secrets = self.context.secrets
        roles = access.roles(settings, secrets)
        poolers = [names.member("pgbouncer", n) for n in range(1, settings.pgbouncer.members + 1)]

        def files(member: Member) -> list[ConfigFile]:
            return [
                *tls,
                self.file("patroni/patroni.yml", "postgres/patroni.yml.j2", **self._patroni(member)),
                self.file("patroni/passwords.yml", "postgres/passwords.yml.j2", secret=True,
                          api_user=access.API_USER, api_password=secrets.password("postgres-api")),
                self.file("postgres/roles.json", "postgres/roles.json.j2", secret=True,
                          roles=roles, databases=access.databases(settings)),
                self.file("etcd-endpoints", "postgres/etcd-endpoints.j2", effect=Effect.NONE,
                          etcd_hosts=self.etcd_endpoints),
                # For postgres-restart, which holds the clients while the primary changes.
                ConfigFile("poolers.json", json.dumps({
                    "hosts": poolers, "port": PGBOUNCER_PORT, "database": settings.database,
                    "proxies": {"hosts": proxies, "port": WRITE_PORT}}), effect=Effect.NONE),
                # A file, since a health check that changed would make another container necessary.
                ConfigFile(HEALTH, f'url = "https://localhost:{PATRONI_PORT}/readiness?lag={settings.read_lag_mib}MB"\n',
                           effect=Effect.NONE),
            ]

        return Workload(
            name="postgres", tier=self.kind, image="postgres", count=settings.members, zones=(Zone.DATA,),
            resources=Resources(memory_mib=settings.memory_mib, cpus=settings.cpus, cpu_weight=CPU_FIRST),
            health=HealthCheck(curl("--cacert", f"{TLS_DIR}/ca.pem", "--config", f"{CONFIG_DIR}/{HEALTH}")),
            # Postgres judges its parameters. (Patroni's own checker fails where an etcd member can't be reached.)
            files=files, check=("postgres-settings", "check"), reload=("postgres-settings",),
            converge=RESTART, converge_on=("patroni/patroni.yml",), clustered=True,
            volumes=(Volume("data", size_gib=settings.storage_gib),),
            ports=(Port("postgres", POSTGRES_PORT), Port("patroni", PATRONI_PORT)),
            metrics=(Metrics(PATRONI_PORT, tls=True), Metrics(POSTGRES_PORT, tls=True, exporter="postgres")),
            stop_grace_s=60,
            # A primary that can't reach etcd while it stops waits for it until it is killed.
            stops_before=("etcd",))

    def _patroni(self, member: Member) -> dict[str, Any]:
        settings = self.settings
        return {
            "scope": SCOPE, "namespace": NAMESPACE, "name": member.name,
            "host": self.context.names.member("postgres", member.ordinal),
            "port": POSTGRES_PORT, "api_port": PATRONI_PORT, "etcd_hosts": self.etcd_endpoints,
            "tls_dir": TLS_DIR, "data_dir": DATA_DIR, "bin_dir": f"/usr/lib/postgresql/{settings.version}/bin",
            "replication_user": access.REPLICATION_USER, "rewind_user": access.REWIND_USER,
            "monitoring_user": access.MONITORING_USER, "database": settings.database,
            "logins": access.logins(settings), "identities": access.identities(settings),
            "dcs": dynamic_settings(settings), "local_parameters": LOCAL_PARAMETERS,
        }

    # -- endpoints ----------------------------------------------------------------------------------------------------

    def _pgproxy(self) -> Workload:
        settings, proxy, timing = self.settings, self.settings.pgproxy, self.settings.timing

        def files(_member: Member) -> list[ConfigFile]:
            return [ConfigFile("tls/ca.pem", self.context.certificates.authority), self.file(
                "pgproxy.cfg", "pgproxy/pgproxy.cfg.j2",
                members=self.hosts("postgres", settings.members), resolver=self.context.names.resolver,
                port=POSTGRES_PORT, api_port=PATRONI_PORT, write_port=WRITE_PORT, read_port=READ_PORT,
                status_port=PROXY_STATUS_PORT, metrics_port=PROXY_METRICS_PORT, read_lag_mib=settings.read_lag_mib,
                tls_dir=TLS_DIR,
                inter_ms=timing.check_ms, fastinter_ms=timing.failing_check_ms, fall=timing.check_falls,
                downinter_ms=timing.failing_check_ms, read_inter_ms=2 * timing.check_ms,
                check_timeout_ms=2 * timing.check_ms, connect_ms=2 * timing.check_ms,
                drain_s=SERVER_LIFETIME_S + 60, max_connections=proxy.max_connections, threads=proxy.threads)]

        return Workload(
            name="pgproxy", tier=self.kind, image="pgproxy", count=proxy.members, zones=(Zone.DATA,),
            resources=Resources(memory_mib=proxy.memory_mib, cpus=proxy.cpus, cpu_weight=CPU_FIRST),
            health=HealthCheck(curl(f"http://127.0.0.1:{PROXY_STATUS_PORT}/ready")),
            files=files, reload=signal("USR2"),
            check=("haproxy", "-c", "-q", "-f", f"{CONFIG_DIR}/pgproxy.cfg"),
            ports=(Port("write", WRITE_PORT), Port("read", READ_PORT)), metrics=(Metrics(PROXY_METRICS_PORT),),
            stop_grace_s=10,
            drain=proxy_drain(PGBOUNCER_PORT))

    def _pgbouncer(self) -> Workload:
        settings, pools, timing = self.settings, self.settings.pgbouncer, self.settings.timing
        tls = self.tls_files("pgbouncer", pools.members)
        writer, reader = access.logins(settings)
        users = access.pooler_users(settings, self.context.secrets)

        def files(_member: Member) -> list[ConfigFile]:
            return [
                *tls,
                self.file("pgbouncer/userlist.txt", "pgbouncer/userlist.txt.j2", secret=True, users=users),
                self.file("pgbouncer/hba.conf", "pgbouncer/hba.conf.j2", database=settings.database,
                          readonly_database=settings.readonly_database, writers=writer.names, readers=reader.names,
                          operator=access.API_USER, exporters=access.MONITORING_CERTIFICATE),
                self.file(
                    "pgbouncer/pgbouncer.ini", "pgbouncer/pgbouncer.ini.j2",
                    database=settings.database, user=writer.pooled,
                    readonly_database=settings.readonly_database, readonly_user=reader.pooled,
                    operator=access.API_USER, exporters=access.MONITORING_CERTIFICATE,
                    host=self.context.names.service("pgproxy"),
                    write_port=WRITE_PORT, read_port=READ_PORT, port=PGBOUNCER_PORT, tls_dir=TLS_DIR,
                    config_dir=f"{CONFIG_DIR}/pgbouncer", pool_size=pools.pool_size,
                    reserve_pool_size=pools.reserve_pool_size, readers_pool_size=pools.readers_pool_size,
                    reserve_after_s=pools.reserve_after_s, max_client_connections=pools.max_client_connections,
                    query_wait_timeout_s=pools.query_wait_timeout_s, query_timeout_s=pools.query_timeout_s,
                    client_login_timeout_s=10,
                    login_retry_s=timing.login_retry_s, connect_timeout_s=timing.connect_timeout_s,
                    server_check_delay_s=timing.idle_check_s, server_lifetime_s=SERVER_LIFETIME_S,
                    tcp_user_timeout_ms=int(1000 * timing.tcp_user_timeout_s)),
            ]

        return Workload(
            name="pgbouncer", tier=self.kind, image="pgbouncer", count=pools.members, zones=(Zone.DATA,),
            resources=Resources(memory_mib=pools.memory_mib, cpus=pools.cpus, cpu_weight=CPU_FIRST),
            health=HealthCheck(("pg_isready", "-q", "-h", "/run", "-p", str(PGBOUNCER_PORT), "-d", settings.database,
                                "-U", settings.user)),
            files=files, reload=signal("HUP"), ports=(Port("pgbouncer", PGBOUNCER_PORT),),
            metrics=(Metrics(PGBOUNCER_PORT, tls=True, exporter="pgbouncer"),),
            # SIGINT lets transactions end first, SIGTERM does not.
            stop_signal="SIGINT", stop_grace_s=15)


def dynamic_settings(settings: PostgresSettings) -> dict[str, Any]:
    """What Patroni keeps in etcd for all members: its timing, the quorum, Postgres' parameters."""
    timing, replicated = settings.timing, settings.members > 1
    return {
        "ttl": timing.ttl_s, "loop_wait": timing.loop_wait_s, "retry_timeout": timing.retry_timeout_s,
        # A crashed primary isn't waited for: a replica has everything that was acknowledged.
        "primary_start_timeout": 0,
        "maximum_lag_on_failover": settings.read_lag_mib * 1024**2,
        "synchronous_mode": "quorum" if replicated else False,
        "synchronous_mode_strict": replicated,
        "failsafe_mode": True,
        "postgresql": {
            "use_pg_rewind": True, "use_slots": True,
            "parameters": {**default_parameters(settings), **settings.parameters},
        },
    }


def default_parameters(settings: PostgresSettings) -> dict[str, Any]:
    """Postgres parameters that differ from its own defaults, each overridable by ``postgres.parameters``."""
    return {
        "max_connections": settings.max_connections,
        "shared_buffers": f"{settings.shared_buffers_mib}MB",
        "effective_cache_size": f"{settings.memory_mib * 3 // 4}MB",
        "jit": "off",  # costs short queries more than it gives them
        "random_page_cost": 1.1,
        "shared_preload_libraries": "pg_stat_statements",
        "track_io_timing": "on",
        "wal_compression": "lz4",
        "checkpoint_timeout": "15min",
        "max_slot_wal_keep_size": f"{settings.max_slot_wal_mib}MB",
        # Postgres' 5 s would be added to every failover: writes wait until a replica streams from the new primary.
        "wal_retrieve_retry_interval": "250ms",
        "wal_sender_timeout": "10s",
        "wal_receiver_timeout": "10s",
        "hot_standby_feedback": "on",  # readers on replicas aren't cancelled by the primary's vacuum
        "tcp_keepalives_idle": 10, "tcp_keepalives_interval": 3, "tcp_keepalives_count": 3,
        "log_line_prefix": "%m [%p] %q%u@%d/%a ",
        "log_timezone": "UTC",
        "log_min_duration_statement": "1s",
        "log_parameter_max_length": 0,  # values of parameters may be personal or secret
        "log_lock_waits": "on",
        "log_autovacuum_min_duration": "10s",
    }


LOCAL_PARAMETERS: dict[str, Any] = {
    "unix_socket_directories": "/run",
    "ssl": "on", "ssl_cert_file": f"{TLS_DIR}/cert.pem", "ssl_key_file": f"{TLS_DIR}/key.pem",
    "ssl_ca_file": f"{TLS_DIR}/ca.pem",
    "ssl_min_protocol_version": "TLSv1.2",
    "password_encryption": "scram-sha-256",
}
"""The same on every member, but bound to this tier's paths, so in the member's own file."""


def _as_etcd_reads(files: list[ConfigFile]) -> list[ConfigFile]:
    """etcd reads its certificate and key for every handshake, whom it trusts only at its start."""
    return [replace(file, effect=Effect.RESTART if file.path.endswith("ca.pem") else Effect.NONE) for file in files]
