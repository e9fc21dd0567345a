"""For every alert one course of figures that makes it fire, with what it then says, and one that doesn't.

Figures are written as promtool's unit tests write them, one value every 5 s: ``1x3 0x10`` is four times 1, then eleven
times 0; ``0+2x60`` grows by 2 sixty times.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

STEP_S = 5


@dataclass(frozen=True)
class Case:
    """``labels`` without name and severity."""

    at_s: int
    fires: Mapping[str, str]
    quiet: Mapping[str, str]
    says: str
    labels: Mapping[str, str] = field(default_factory=dict)


def member(name: str, tier: str, domain: str = "a", **more: str) -> dict[str, str]:
    """What a member's figures are labelled with."""
    return {"stack": "shop", "tier": tier, "workload": name.rpartition("-")[0], "member": name, "domain": domain,
            **more}


def series(name: str, labels: Mapping[str, str], **more: str) -> str:
    return f"{name}{{{', '.join(f'{key}=%s' % repr(value) for key, value in {**labels, **more}.items())}}}".replace(
        "'", '"')


STACK = {"stack": "shop"}
R1, R2 = member("redis-1", "redis"), member("redis-2", "redis", "b")
C1 = member("redis-1", "redis", exporter="certificate")
N1, N2 = (member(f"nginx-{n}", "edge", domain, exporter="blackbox") for n, domain in ((1, "a"), (2, "b")))
P1, P2 = member("postgres-1", "postgres"), member("postgres-2", "postgres", "b")
B1 = member("pgbouncer-1", "postgres", database="app")
S1, X1 = member("supervisor-1", "supervision"), member("exporters-1", "monitoring")
PROMETHEUS, ALERTMANAGER = member("prometheus-1", "monitoring"), member("alertmanager-1", "monitoring")
COLLECTOR = member("collector-1", "monitoring")
TO_LOKI = {**COLLECTOR, "exporter": "otlp_http/loki"}
EDGE, APP, POSTGRES, REDIS = ({**STACK, "tier": tier} for tier in ("edge", "app", "postgres", "redis"))
MACHINE, SUPERVISION, MONITORING = ({**STACK, "tier": tier} for tier in ("machine", "supervision", "monitoring"))
CHECKED = ({**APP, "member": "nginx-1", "exporter": "check", "check": "checkout"},
           {**APP, "member": "nginx-2", "exporter": "check", "check": "checkout"})
WEB = {**APP, "workload": "web-blue", "pool": "web", "colour": "blue"}

DOWN, BRIEFLY_DOWN, UP = "1x3 0x20", "1x3 0x1 1x20", "1x23"


def answered(**per_step: int) -> dict[str, str]:
    """HAProxy's count of answers by class, growing by so many every step."""
    return {series("haproxy_frontend_http_responses_total", STACK, proxy="edge", code=code[1:]): f"0+{more}x200"
            for code, more in per_step.items()}


def found_fit(blue: int, green: int = 0) -> dict[str, str]:
    return {series("haproxy_backend_active_servers", STACK, member=balancer, proxy=f"web_{colour}_read"): f"{count}x30"
            for balancer in ("haproxy-1", "haproxy-2") for colour, count in (("blue", blue), ("green", green))}


def took(**share_by_limit: int) -> dict[str, str]:
    """The application's histogram: requests answered within half a second, 1.5 s, 3 s, of ten every step."""
    return {series("shop_http_request_seconds_bucket", STACK, route="/", le=limit): f"0+{share_by_limit[key]}x60"
            for limit, key in (("0.5", "half"), ("1.5", "more"), ("3", "most"), ("+Inf", "all"))}


def within_a_second(quick: int, every: int) -> dict[str, str]:
    """The same, of so many every step."""
    return {series("shop_http_request_seconds_bucket", STACK, route="/api/orders", le=limit): f"0+{count}x200"
            for limit, count in (("1.0", quick), ("+Inf", every))}


def of(name: str, labels: Mapping[str, str], values: str) -> dict[str, str]:
    return {series(name, labels): values}


def both(name: str, first: str, second: str, of_two: tuple[Mapping[str, str], Mapping[str, str]]) -> dict[str, str]:
    return {series(name, of_two[0]): first, series(name, of_two[1]): second}


CASES: Mapping[tuple[str, str], Case] = {
    # -- members
    ("MemberDown", "warning"): Case(
        40, of("redis_up", R1, DOWN), of("redis_up", R1, BRIEFLY_DOWN),
        "redis-1 (redis, domain a) does not answer or does not run", R1),
    ("ServiceDown", "critical"): Case(
        40, both("redis_up", DOWN, DOWN, (R1, R2)), both("redis_up", DOWN, UP, (R1, R2)),
        "no member of redis (redis) answers: what it does nobody does", {**REDIS, "workload": "redis"}),
    ("DomainDown", "critical"): Case(
        40, {**of("redis_up", R1, DOWN), **of("pg_up", P1, DOWN), **of("pg_up", P2, UP)},
        {**of("redis_up", R1, DOWN), **of("pg_up", P1, UP), **of("pg_up", P2, DOWN)},
        "no member in the failure domain a answers: a machine, a zone or its network is gone",
        {**STACK, "domain": "a"}),
    # -- edge
    ("EdgeFailing", "warning"): Case(
        40, of("probe_success", N1, DOWN), of("probe_success", N1, BRIEFLY_DOWN),
        "a request through nginx-1 is not served; clients that are sent there have to try the other edge", N1),
    ("FrontDoorClosed", "critical"): Case(
        40, both("probe_success", DOWN, DOWN, (N1, N2)), both("probe_success", DOWN, UP, (N1, N2)),
        "no edge serves a request: visitors see nothing", EDGE),
    ("ErrorRate", "warning"): Case(
        240, answered(_5xx=1, _2xx=49), answered(_5xx=1, _2xx=199),
        "requests are answered with 5xx: 2.0 %, the limit is 1 %", EDGE),
    ("ErrorRate", "critical"): Case(
        120, answered(_5xx=5, _2xx=45), answered(_5xx=2, _2xx=48),
        "requests are answered with 5xx: 10.0 %, the limit is 5 %", EDGE),
    ("CertificateExpiring", "warning"): Case(
        120, of("probe_ssl_earliest_cert_expiry", N1, f"{20 * 86400}x30"),
        of("probe_ssl_earliest_cert_expiry", N1, f"{40 * 86400}x30"),
        "the certificate that nginx shows expires in 20.0 days, the limit is 30 days", {**EDGE, "workload": "nginx"}),
    ("CertificateExpiring", "critical"): Case(
        120, of("probe_ssl_earliest_cert_expiry", C1, f"{5 * 86400}x30"),
        of("probe_ssl_earliest_cert_expiry", C1, f"{20 * 86400}x30"),
        "the certificate that redis shows expires in 5.0 days, the limit is 7 days", {**REDIS, "workload": "redis"}),
    ("WorkersMissing", "warning"): Case(
        60, found_fit(1), found_fit(2), "the load balancers find 1 of 2 workers of web-blue fit", WEB),
    ("NoWorker", "critical"): Case(
        60, found_fit(0), found_fit(0, 1),
        "no worker of the pool web is fit, in either colour: its requests are refused", {**APP, "pool": "web"}),
    # -- application
    ("SlowAnswers", "warning"): Case(
        240, took(half=0, more=10, most=10, all=10), took(half=10, more=10, most=10, all=10),
        "95 % of the requests are answered within: 1450.0 ms, the limit is 1000 ms", APP),
    ("SlowAnswers", "critical"): Case(
        200, took(half=0, more=0, most=10, all=10), took(half=0, more=10, most=10, all=10),
        "95 % of the requests are answered within: 2925.0 ms, the limit is 2000 ms", APP),
    # -- what is promised
    ("BudgetBurning", "critical"): Case(
        900, answered(_5xx=1, _2xx=49), answered(_5xx=1, _2xx=249),
        "availability: its error budget is spent 20.0 times as fast as it may be, the limit is 14.4 within 1h or 6 "
        "within 6h", {**EDGE, "level": "availability"}),
    ("BudgetBurning", "warning"): Case(
        900, within_a_second(19, 20), within_a_second(1999, 2000),
        "answers: its error budget is spent 5.0 times as fast as it may be, the limit is 3 within 1d or 1 within 3d",
        {**EDGE, "level": "answers"}),
    # -- Postgres, etcd, PgBouncer
    ("NoPrimary", "critical"): Case(
        40, both("patroni_primary", DOWN, "0x23", (P1, P2)), both("patroni_primary", DOWN, "0x4 1x19", (P1, P2)),
        "no member of Postgres is primary: nothing can be written", POSTGRES),
    ("SeveralPrimaries", "critical"): Case(
        40, both("patroni_primary", UP, UP, (P1, P2)), both("patroni_primary", UP, "1x1 0x21", (P1, P2)),
        "2 members of Postgres say that they are primary", POSTGRES),
    ("QuorumNotInForce", "critical"): Case(
        60, {**of("patroni_primary", P1, UP), **of("patroni_quorum_standby", P2, DOWN),
             **of("patroni_sync_standby", P2, "0x23")},
        {**of("patroni_primary", P1, UP), **of("patroni_quorum_standby", P2, UP),
         **of("patroni_sync_standby", P2, "0x23")},
        "no replica confirms writes: they wait until one is back", POSTGRES),
    ("ReplicationLag", "warning"): Case(
        120, of("pg_replication_lag_bytes", {**P1, "replica": "postgres-2"}, f"{32 * 2**20}x30"),
        of("pg_replication_lag_bytes", {**P1, "replica": "postgres-2"}, f"{8 * 2**20}x30"),
        "postgres-2 has yet to replay: 32.0 MiB, the limit is 16 MiB", {**P1, "replica": "postgres-2"}),
    ("ReplicationLag", "critical"): Case(
        120, of("pg_replication_lag_bytes", {**P1, "replica": "postgres-2"}, f"{512 * 2**20}x30"),
        of("pg_replication_lag_bytes", {**P1, "replica": "postgres-2"}, f"{32 * 2**20}x30"),
        "postgres-2 has yet to replay: 512.0 MiB, the limit is 256 MiB", {**P1, "replica": "postgres-2"}),
    ("SlotUnused", "warning"): Case(
        1000, of("pg_slot_active", {**P1, "slot": "postgres_2"}, "0x200"),
        of("pg_slot_active", {**P1, "slot": "postgres_2"}, "0x150 1x50"),
        "nobody reads from the replication slot postgres_2 of postgres-1: what is kept for it grows",
        {**P1, "slot": "postgres_2"}),
    ("FailsafeActive", "warning"): Case(
        40, of("patroni_failsafe_mode_is_active", P1, UP), of("patroni_failsafe_mode_is_active", P1, "0x23"),
        "etcd can't be reached: the primary goes on only because all members confirm it", POSTGRES),
    ("PatroniPaused", "warning"): Case(
        1900, of("patroni_is_paused", P1, "1x400"), of("patroni_is_paused", P1, "1x200 0x200"),
        "Patroni is paused for half an hour: nobody would take over from a primary that dies", POSTGRES),
    ("RestartPending", "info"): Case(
        1000, of("patroni_pending_restart", P1, "1x200"), of("patroni_pending_restart", P1, "1x100 0x100"),
        "postgres-1 waits for a restart to take over a parameter", P1),
    ("EtcdWithoutLeader", "critical"): Case(
        40, both("etcd_server_has_leader", DOWN, DOWN, (P1, P2)), both("etcd_server_has_leader", DOWN, UP, (P1, P2)),
        "etcd has no leader: no primary can be elected, and releases can't begin", POSTGRES),
    ("PoolFull", "warning"): Case(
        120, {**of("pgbouncer_servers_active", B1, "17x30"), **of("pgbouncer_pool_size", B1, "20x30")},
        {**of("pgbouncer_servers_active", B1, "10x30"), **of("pgbouncer_pool_size", B1, "20x30")},
        "pgbouncer-1 uses its connections of app: 85.0 %, the limit is 80 %", B1),
    ("PoolFull", "critical"): Case(
        60, {**of("pgbouncer_servers_active", B1, "19x30"), **of("pgbouncer_pool_size", B1, "20x30")},
        {**of("pgbouncer_servers_active", B1, "17x30"), **of("pgbouncer_pool_size", B1, "20x30")},
        "pgbouncer-1 uses its connections of app: 95.0 %, the limit is 90 %", B1),
    ("ConnectionsFull", "warning"): Case(
        120, {**of("pg_connections_count", {**P1, "role": "app"}, "150x30"),
              **of("pg_connections_count", {**P1, "role": "monitor"}, "20x30"),
              **of("pg_limits_connections", P1, "200x30")},
        {**of("pg_connections_count", {**P1, "role": "app"}, "100x30"), **of("pg_limits_connections", P1, "200x30")},
        "postgres-1 uses its connections: 85.0 %, the limit is 80 %", P1),
    ("ConnectionsFull", "critical"): Case(
        60,
        {**of("pg_connections_count", {**P1, "role": "app"}, "190x30"), **of("pg_limits_connections", P1, "200x30")},
        {**of("pg_connections_count", {**P1, "role": "app"}, "170x30"), **of("pg_limits_connections", P1, "200x30")},
        "postgres-1 uses its connections: 95.0 %, the limit is 90 %", P1),
    # -- Redis
    ("RedisSlotsUncovered", "critical"): Case(
        40, both("redis_cluster_slots_ok", "10923x23", "10923x23", (R1, R2)),
        both("redis_cluster_slots_ok", "10923x23", "16384x23", (R1, R2)),
        "5461 of 16384 slots have no master: their keys can't be reached", REDIS),
    ("RedisMasterAlone", "warning"): Case(
        90, {**of("redis_connected_slaves", R1, "0x30"), **of("redis_instance_info", {**R1, "role": "master"}, "1x30")},
        {**of("redis_connected_slaves", R1, "0x30"), **of("redis_instance_info", {**R1, "role": "slave"}, "1x30")},
        "redis-1 has no replica: were it lost, so were its keys", R1),
    ("RedisReplicaBroken", "warning"): Case(
        90, of("redis_master_link_up", R2, "1x3 0x30"), of("redis_master_link_up", R2, "0x3 1x30"),
        "redis-2 has lost its master: it can't take over with what was written since", R2),
    ("RedisMemoryFull", "warning"): Case(
        400, {**of("redis_memory_used_bytes", R1, "95x100"), **of("redis_memory_max_bytes", R1, "100x100")},
        {**of("redis_memory_used_bytes", R1, "85x100"), **of("redis_memory_max_bytes", R1, "100x100")},
        "redis-1 uses 95.0 % of its data memory, the limit is 90 %: keys with a TTL are evicted, then writes are "
        "refused", R1),
    ("CacheMisses", "warning"): Case(
        990, {**of("redis_keyspace_hits_total", R1, "0+50x200"), **of("redis_keyspace_misses_total", R1, "0+50x200")},
        {**of("redis_keyspace_hits_total", R1, "0+95x200"), **of("redis_keyspace_misses_total", R1, "0+5x200")},
        "only 50.0 % of the look-ups in Redis find something, the limit is 85 %", REDIS),
    # -- supervision
    ("NobodyLeads", "warning"): Case(
        60, of("evenkeel_supervisor_leads", S1, DOWN), of("evenkeel_supervisor_leads", S1, "1x3 0x3 1x20"),
        "no supervisor leads: they can't reach etcd and act without asking, or do not run", SUPERVISION),
    ("SupervisorBlind", "warning"): Case(
        60, of("evenkeel_supervisor_engine_seen_seconds", S1, "0x20"),
        of("evenkeel_supervisor_engine_seen_seconds", S1, "0+5x20"),
        "supervisor-1 has not seen the engine for 60 s: it notices no death", S1),
    ("FencerPowerless", "critical"): Case(
        60, of("evenkeel_supervisor_actions_total", {**S1, "action": "not released"}, "0x5 1x20"),
        of("evenkeel_supervisor_actions_total", {**S1, "action": "not released"}, "1x25"),
        "the primary is silent, and the fencer can't prove that it is dead: writes wait until its key expires",
        SUPERVISION),
    ("MemberKeepsDying", "warning"): Case(
        600, of("evenkeel_member_returns_total", R1, "0x20 1x20 2x20 3x20 4x20 5x20"),
        of("evenkeel_member_returns_total", R1, "0x60 1x60"),
        "redis-1 died 5 times within ten minutes", {**REDIS, "workload": "redis", "member": "redis-1"}),
    # -- the machine
    ("CpuBusy", "warning"): Case(
        1000, of("node_cpu_seconds_total", {**X1, "cpu": "0", "mode": "idle"}, "0+1x220"),
        of("node_cpu_seconds_total", {**X1, "cpu": "0", "mode": "idle"}, "0+1x100 100+3x100"),
        "the machine's processors are busy: 80.0 %, the limit is 70 %", {**MACHINE, "member": "exporters-1"}),
    ("CpuBusy", "critical"): Case(
        400, of("node_cpu_seconds_total", {**X1, "cpu": "0", "mode": "idle"}, "0+0.5x100"),
        of("node_cpu_seconds_total", {**X1, "cpu": "0", "mode": "idle"}, "0+1x100"),
        "the machine's processors are busy: 90.0 %, the limit is 85 %", {**MACHINE, "member": "exporters-1"}),
    ("MemoryFull", "warning"): Case(
        400, {**of("node_memory_MemAvailable_bytes", X1, "15x100"), **of("node_memory_MemTotal_bytes", X1, "100x100")},
        {**of("node_memory_MemAvailable_bytes", X1, "30x100"), **of("node_memory_MemTotal_bytes", X1, "100x100")},
        "the machine's memory is in use: 85.0 %, the limit is 80 %", {**X1, "tier": "machine"}),
    ("MemoryFull", "critical"): Case(
        90, {**of("node_memory_MemAvailable_bytes", X1, "5x100"), **of("node_memory_MemTotal_bytes", X1, "100x100")},
        {**of("node_memory_MemAvailable_bytes", X1, "15x100"), **of("node_memory_MemTotal_bytes", X1, "100x100")},
        "the machine's memory is in use: 95.0 %, the limit is 90 %", {**X1, "tier": "machine"}),
    ("DiskFull", "warning"): Case(
        400, {**of("node_filesystem_avail_bytes", {**X1, "device": "/dev/vda"}, "15x100"),
              **of("node_filesystem_size_bytes", {**X1, "device": "/dev/vda"}, "100x100")},
        {**of("node_filesystem_avail_bytes", {**X1, "device": "/dev/vda"}, "30x100"),
         **of("node_filesystem_size_bytes", {**X1, "device": "/dev/vda"}, "100x100")},
        "the machine's disk /dev/vda is in use: 85.0 %, the limit is 80 %", {**MACHINE, "device": "/dev/vda"}),
    ("DiskFull", "critical"): Case(
        90, {**of("node_filesystem_avail_bytes", {**X1, "device": "/dev/vda"}, "5x100"),
             **of("node_filesystem_size_bytes", {**X1, "device": "/dev/vda"}, "100x100")},
        {**of("node_filesystem_avail_bytes", {**X1, "device": "/dev/vda"}, "15x100"),
         **of("node_filesystem_size_bytes", {**X1, "device": "/dev/vda"}, "100x100")},
        "the machine's disk /dev/vda is in use: 95.0 %, the limit is 90 %", {**MACHINE, "device": "/dev/vda"}),
    # -- whether we would notice
    ("FiguresNotKept", "critical"): Case(
        50, of("up", R1, "1x3 _x20"), of("up", R1, "1x3 _x2 1x20"),
        "Prometheus has kept no figure for 15 s: its disk takes nothing more, or it asks nobody; until it does no "
        "other alert can be trusted, nor that one is over", {"tier": "monitoring"}),
    ("ExporterDown", "warning"): Case(
        60, of("up", {**R1, "exporter": "redis"}, "1x3 0x20"), of("up", {**R1, "exporter": "redis"}, "1x3 0x4 1x16"),
        "the exporter redis does not answer: nothing is known of those whom it asks",
        {**MONITORING, "exporter": "redis"}),
    ("RulesFailing", "warning"): Case(
        120, of("prometheus_rule_evaluation_failures_total", {**PROMETHEUS, "rule_group": "own"}, "0+1x40"),
        of("prometheus_rule_evaluation_failures_total", {**PROMETHEUS, "rule_group": "own"}, "3x40"),
        "rules can't be judged (own)", {**MONITORING, "rule_group": "own"}),
    ("ConfigurationRefused", "warning"): Case(
        60, of("prometheus_config_last_reload_successful", PROMETHEUS, DOWN),
        of("alertmanager_config_last_reload_successful", ALERTMANAGER, UP),
        "prometheus-1 refused its configuration and goes on with the one before", PROMETHEUS),
    ("AlertsNotTold", "critical"): Case(
        120, of("alertmanager_notifications_failed_total", {**ALERTMANAGER, "integration": "slack"}, "0+1x40"),
        of("alertmanager_notifications_failed_total", {**ALERTMANAGER, "integration": "slack"}, "2x40"),
        "alerts do not reach people by slack", {**MONITORING, "integration": "slack"}),
    ("MemberMemoryFull", "warning"): Case(
        400, {**of("evenkeel_member_memory_bytes", R1, "95x100"),
              **of("evenkeel_member_memory_limit_bytes", R1, "100x100")},
        {**of("evenkeel_member_memory_bytes", R1, "95x30 60x70"),
         **of("evenkeel_member_memory_limit_bytes", R1, "100x100")},
        "redis-1 uses 95 % of the memory that it may, the limit is 90 %: at 100 % the kernel ends it", R1),
    ("CheckFailing", "warning"): Case(
        60, both("probe_success", DOWN, DOWN, CHECKED), both("probe_success", DOWN, UP, CHECKED),
        "nobody {{can}} buy: the check checkout (/api/orders?limit=1) fails", {**APP, "check": "checkout"}),
    ("LogsWaiting", "warning"): Case(
        90, {**of("otelcol_exporter_queue_size", TO_LOKI, "60x40"),
             **of("otelcol_exporter_queue_capacity", TO_LOKI, "100x40")},
        {**of("otelcol_exporter_queue_size", TO_LOKI, "60x3 10x37"),
         **of("otelcol_exporter_queue_capacity", TO_LOKI, "100x40")},
        "Loki does not take what members say: 60 % of the buffer is full, the limit is 50 %; afterwards lines wait in "
        "the containers' own files, and the oldest of them go", MONITORING),
    ("LogsLost", "critical"): Case(
        300, of("otelcol_exporter_send_failed_log_records_total", COLLECTOR, "0x30 60x30"),
        of("otelcol_exporter_enqueue_failed_log_records_total", COLLECTOR, "5x60"),
        "lines that members said were refused and are lost: 60 within 5 min", MONITORING),
    ("TracesLost", "warning"): Case(
        400, of("otelcol_exporter_send_failed_spans_total", COLLECTOR, "0+10x90"),
        of("otelcol_exporter_enqueue_failed_spans_total", COLLECTOR, "5x90"),
        "Jaeger does not take where requests spend their time: 600 spans were lost within 5 min", MONITORING),
}
