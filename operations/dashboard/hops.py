"""Every figure of the page, in the order in which a request meets those whom it is about.

Limits are the alerts' own (``monitoring.thresholds``) where there are such. The others derive from what a whole
request may take (``p95_warning``): a single hop is unusual when it takes a tenth of that, a transaction when it takes
all of it.
"""

from __future__ import annotations

from components.alerts.redis import SLOTS
from components.settings import Settings
from operations.dashboard.figure import Figure, Hop, Limits, Peers

WORKERS = 3
HOPS = (
    Hop("edge", "Front door", "Nginx and HAProxy take a request and choose a worker", 1),
    Hop("app", "Workers", "the application answers it", WORKERS),
    Hop("pool", "PgBouncer", "lends the worker a connection to Postgres", 4),
    Hop("postgres", "Postgres", "runs its statements", 5),
    Hop("redis", "Redis", "keeps sessions, cache and queues", 5),
    Hop("machine", "The machine", "carries all of them", 2),
)
BACKENDS = 'proxy=~".+_(blue|green)_(read|write)"'
MIB = 2**20
STATEMENTS = "make logs TIER=postgres SINCE=5m QUERY=duration:"
POOLERS = 'workload=~"pgbouncer|pgproxy"'
SATURATED = "it is saturated: what waits for it waits for its processor"
AVERAGED = "the average of the last 1,024 requests"


def figures(settings: Settings) -> list[Figure]:
    """All of them."""
    return [*_edge(settings), _processor("edge", 'tier="edge"', settings), *_app(settings),
            *_pool(settings), _processor("pool", POOLERS, settings),
            *_postgres(settings), _processor("postgres", 'workload=~"postgres|etcd"', settings),
            *_redis(settings), _processor("redis", 'tier="redis"', settings), *_machine(settings)]


def _processor(hop: str, matcher: str, settings: Settings) -> Figure:
    return Figure(f"{hop}-cpu", hop, "processor, of what it may use", _taken(matcher), "%", limits=_saturated(settings),
                  means=SATURATED, then="make status", runbook="slow-answers")


def _taken(matcher: str) -> str:
    # Supervisors take turns in telling it.
    return (f"100 * max by (member, workload) (rate(evenkeel_member_cpu_seconds_total{{{matcher}}}[1m])) "
            f"/ max by (member, workload) (evenkeel_member_cpu_limit_cores{{{matcher}}})")


def _saturated(settings: Settings) -> Limits:
    return Limits(settings.monitoring.thresholds.cpu_warning, settings.monitoring.thresholds.cpu_critical)


def _edge(settings: Settings) -> list[Figure]:
    limits = settings.monitoring.thresholds
    tenth = Limits(limits.p95_warning / 10, limits.p95_warning)
    busy = "and on (member, proxy) sum by (member, proxy) (rate(haproxy_backend_http_responses_total[1m])) > 0"

    def average(what: str) -> str:
        return f"1000 * max by (proxy) (haproxy_backend_{what}_time_average_seconds{{{BACKENDS}}} {busy})"

    return [
        Figure("door", "edge", "a request of our own through the front door",
               '1000 * probe_duration_seconds{exporter="blackbox"}', "ms",
               limits=Limits(limits.p95_warning, limits.p95_critical), means="this is what visitors feel",
               runbook="slow-answers"),
        Figure("queue", "edge", "requests that wait for a free worker",
               f"sum by (proxy) (haproxy_backend_current_queue{{{BACKENDS}}}) "
               "and on (proxy) sum by (proxy) (haproxy_backend_active_servers) > 0", "", ("proxy",), Limits(0),
               means="every worker has as many requests as it may: they are too slow, or too few",
               runbook="slow-answers"),
        Figure("queued", "edge", "time in HAProxy's queue", average("queue"), "ms", ("proxy",), tenth,
               means=f"requests wait before any worker sees them ({AVERAGED})", runbook="slow-answers",
               only_under_load=True),
        Figure("connect", "edge", "time to connect to a worker", average("connect"), "ms", ("proxy",), tenth,
               means=f"workers accept connections late ({AVERAGED})", runbook="slow-network", only_under_load=True),
        Figure("answer", "edge", "time until the worker's answer begins", average("response"), "ms", ("proxy",),
               Limits(limits.p95_warning, limits.p95_critical),
               means=f"the workers, or those whom they ask, take this long ({AVERAGED})", runbook="slow-answers",
               only_under_load=True),
    ]


def _app(settings: Settings) -> list[Figure]:
    limits, series = settings.monitoring.thresholds, settings.monitoring.answer_times
    pools = {name: pool for name, pool in settings.app.pools.items() if pool.port != 0}
    # A worker with one thread has used up what it can at one core, whatever more it may have.
    cores = " or ".join('100 * sum by (member, workload, pool) (rate(process_cpu_seconds_total{tier="app", '
                        f'pool="{name}"}}[1m])) / {min(1.0, pool.cpus):g}' for name, pool in pools.items())
    taken = _taken('tier="app"')
    places = min((pool.max_connections for pool in pools.values()), default=1)
    return [
        Figure("worker", "app", "95 % of a worker's answers within",
               f"1000 * histogram_quantile(0.95, sum by (member, workload, le) (rate({series}[2m])))", "ms",
               peers=Peers(3, limits.p95_warning / 10),
               means="this worker is slow while the others are not: it is saturated, or hangs",
               runbook="worker-lost", only_under_load=True),
        Figure("cpu", "app", "processor, of one core or of what it may use",
               f"max by (member, workload) ({cores} or {taken})", "%", limits=_saturated(settings),
               peers=Peers(3, limits.cpu_warning / 2), means=SATURATED, then="make status", runbook="slow-answers"),
        Figure("in-flight", "app", "requests in flight",
               'sum by (member, workload) ({__name__=~"(.+_)?http_requests_in_flight", tier="app"})', "",
               limits=Limits(places * limits.pool_warning / 100), peers=Peers(3, 10),
               means="requests pile up in it", runbook="worker-lost"),
        Figure("told", "app", "time to tell Prometheus its figures",
               '1000 * max by (member, workload) (scrape_duration_seconds{tier="app"})', "ms",
               limits=Limits(limits.p95_warning), peers=Peers(5, limits.p95_warning / 5),
               means="it is too busy even for a question that needs no database", runbook="worker-lost"),
    ]


def _pool(settings: Settings) -> list[Figure]:
    limits = settings.monitoring.thresholds
    holder = "make ask QUERY='pg_connections_count > 0'"
    return [
        Figure("waiting", "pool", "clients that wait for a connection", "pgbouncer_clients_waiting", "",
               ("member", "database"), Limits(0), means="all connections to Postgres are in use", then=holder,
               runbook="pool-full"),
        Figure("longest-wait", "pool", "longest wait for a connection just now", "pgbouncer_longest_wait_seconds", "s",
               ("member", "database"), Limits(0), means="somebody has waited for a second or longer", then=holder,
               runbook="pool-full"),
        Figure("wait", "pool", "wait for a connection, on average",
               "rate(pgbouncer_wait_microseconds_total[1m]) / rate(pgbouncer_queries_total[1m]) / 1000", "ms",
               ("member", "database"), Limits(limits.p95_warning / 10, limits.p95_warning),
               means="statements wait before Postgres sees them", then=holder, runbook="pool-full",
               only_under_load=True),
        Figure("used", "pool", "connections in use", "100 * pgbouncer_servers_active / (pgbouncer_pool_size > 0)", "%",
               ("member", "database"), Limits(limits.pool_warning, limits.pool_critical),
               means="they are held longer than usual, or more work comes", then=holder, runbook="pool-full",
               alert="PoolFull"),
    ]


def _postgres(settings: Settings) -> list[Figure]:
    limits = settings.monitoring.thresholds
    slow_s = limits.p95_warning / 1000
    activity = "sum by (stack, tier, workload, member, domain)"
    return [
        Figure("transaction", "postgres", "longest transaction at work", _longest('state="active"'), "s",
               ("member", "role"), Limits(slow_s, 10 * slow_s),
               means="a slow statement, or one that waits for a lock; it holds its connection meanwhile",
               then=STATEMENTS, runbook="slow-answers"),
        Figure("open", "postgres", "longest transaction left open", _longest('state=~"idle in.*"'), "s",
               ("member", "role"), Limits(slow_s, 10 * slow_s),
               means="the application began it and does something else: it holds a connection, and its locks",
               then="make ask QUERY='pg_connections_longest_transaction_seconds > 0'", runbook="slow-answers",
               depth=WORKERS),
        Figure("statement", "postgres", "a statement, on average",
               "rate(pgbouncer_query_microseconds_total[1m]) / rate(pgbouncer_queries_total[1m]) / 1000", "ms",
               ("member", "database"), Limits(limits.p95_warning / 10, limits.p95_warning),
               means="Postgres takes long for what it is asked: seen by this PgBouncer", then=STATEMENTS,
               runbook="slow-answers", only_under_load=True),
        Figure("lock", "postgres", "statements that wait for a lock",
               "sum by (member) (pg_connections_waiting_for_lock)", "", limits=Limits(0),
               means="another transaction holds what they need: most likely the longest one", then=STATEMENTS,
               runbook="slow-answers"),
        Figure("active", "postgres", "connections at work",
               'sum by (member) (pg_connections_count{state="active"})', ""),
        Figure("connections", "postgres", "connections, of those it takes",
               f"100 * {activity} (pg_connections_count) / {activity} (pg_limits_connections)", "%",
               limits=Limits(limits.pool_warning, limits.pool_critical), means="soon it takes no more",
               runbook="pool-full", alert="ConnectionsFull"),
        Figure("lag", "postgres", "what a replica has yet to replay", f"pg_replication_lag_bytes / {MIB}", "MiB",
               ("replica",), Limits(limits.lag_warning, limits.lag_critical),
               means="whoever reads there reads what is old", runbook="replication-lag", alert="ReplicationLag"),
        Figure("handed-over", "postgres", "changes of the primary within 10 min",
               "count by (stack) (max_over_time(patroni_primary[10m]) == 1) - 1", "", (), Limits(0),
               means="the primary ended or handed over: writes paused meanwhile",
               then="make logs TIER=postgres SINCE=15m QUERY=promot", runbook="primary-node-killed", over=True),
    ]


def _longest(matcher: str) -> str:
    # Where there is none just now, the figure is that of all others: 0.
    return (f"max by (member, role) (pg_connections_longest_transaction_seconds{{{matcher}}}) or 0 * max by (member, "
            "role) (pg_connections_longest_transaction_seconds)")


def _redis(settings: Settings) -> list[Figure]:
    limits = settings.monitoring.thresholds
    # Members begin as masters: only one that was a replica has taken somebody's place.
    promoted = ('max by (member) (max_over_time(redis_instance_info{role="slave"}[10m]) and on (stack, member) '
                'redis_instance_info{role="master"}) or 0 * max by (member) (redis_instance_info)')
    return [
        Figure("slots", "redis", "slots without a master", f"{SLOTS} - max by (stack) (redis_cluster_slots_ok)", "",
               (), Limits(0, 0), means="their keys can't be reached", runbook="redis-slots-uncovered",
               alert="RedisSlotsUncovered"),
        Figure("replicas", "redis", "replicas of a master",
               'max by (member) (redis_connected_slaves and on (stack, member) redis_instance_info{role="master"})', "",
               limits=Limits(1, below=True) if settings.redis.replicas_per_master else None,
               means="it stands alone: its partner is lost", then="make status", runbook="redis-master-lost",
               alert="RedisMasterAlone"),
        Figure("role", "redis", "replicas that became masters within 10 min", promoted, "",
               limits=Limits(0), means="its master was lost or handed its slots over, and it took the place",
               then="make logs TIER=redis SINCE=15m", runbook="redis-master-lost", over=True),
        Figure("memory", "redis", "data memory in use",
               "100 * redis_memory_used_bytes / (redis_memory_max_bytes > 0)", "%",
               limits=Limits(limits.memory_warning, limits.memory_critical), means="soon keys are evicted",
               runbook="redis-memory-full", alert="RedisMemoryFull"),
        Figure("redis-told", "redis", "time to tell its figures",
               '1000 * max by (member) (scrape_duration_seconds{exporter="redis"})', "ms",
               limits=Limits(limits.p95_warning), peers=Peers(5, limits.p95_warning / 5),
               means="it answers late: a slow command, or no processor for it", runbook="redis-master-lost"),
        Figure("slow", "redis", "slow commands within 5 min", "delta(redis_slowlog_length[5m])", "", limits=Limits(20),
               means="commands that go through many keys keep all others waiting"),
    ]


def _machine(settings: Settings) -> list[Figure]:
    limits = settings.monitoring.thresholds
    return [
        Figure("machine-cpu", "machine", "processors busy",
               '100 * (1 - avg by (member) (rate(node_cpu_seconds_total{mode="idle"}[1m])))', "%",
               limits=Limits(limits.cpu_critical), means="everybody on it waits for a processor",
               then="make status", runbook="machine-busy", alert="CpuBusy"),
        Figure("machine-wait", "machine", "time in which somebody waits for a processor",
               "100 * rate(node_pressure_cpu_waiting_seconds_total[1m])", "%", limits=Limits(limits.cpu_critical),
               means="there is more work than processors", then="make status", runbook="machine-busy"),
        Figure("machine-memory", "machine", "memory in use",
               "100 * (1 - node_memory_MemAvailable_bytes / node_memory_MemTotal_bytes)", "%",
               limits=Limits(limits.memory_warning, limits.memory_critical), means="soon members are ended for want "
               "of it", runbook="machine-busy", alert="MemoryFull"),
        Figure("disk", "machine", "a disk in use",
               "100 * (1 - min by (member, device) (node_filesystem_avail_bytes / node_filesystem_size_bytes))", "%",
               ("device",), Limits(limits.disk_warning, limits.disk_critical), means="soon nothing can be written",
               runbook="disk-full", alert="DiskFull"),
    ]
