"""``docs/changes.md``: every setting varied in turn, and what that would do to whom.

Computed with the same functions as a preview, so the page can't drift from the platform; a test compares the two.
"""

from __future__ import annotations

import typing
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

import pulumi
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from components.settings import Settings
from components.settings.documentation import model_of
from operations.benchmarks.bench_stack import merged
from operations.changes.effects import compare
from operations.changes.words import SO, WHAT, Effect, Kind
from operations.setup.paths import ROOT
from tests.support.planned import plan

BASE: Mapping[str, Any] = {"app": {"image": "orders", "credentials": "files"}}


@dataclass(frozen=True)
class Variation:
    """Values to set in place of the default, on a platform that also has the settings ``given``."""

    values: Sequence[Any]
    given: Mapping[str, Any] | None = None


def _one(value: Any, **given: Any) -> Variation:
    return Variation([value], given or None)


def _class(name: str, **changed: Any) -> Variation:
    """Another class of routes, whose ``paths`` and ``limit`` have no default of their own."""
    whole = {"paths": [f"/{name}"], "limit": 9, "window_s": 60, "key": "ip"}
    given = {"edge": {"rate_limits": {name: whole}}}
    return Variation(list(changed.values()), given)


def _classes() -> dict[str, Variation]:
    changed = {"paths": ["/other"], "limit": 8, "window_s": 30, "key": "user"}
    return {f"edge.rate_limits.{name}.{key}": _class(name, value=value)
            for name in ("api", "auth", "upload", "static") for key, value in changed.items()}


def _route(kind: str) -> dict[str, Any]:
    given = {"email": {"to": ["a@example.org"], "sender": "a@example.org", "server": "mail.example.org:587"},
             "webhook": {"url": "https://a.example.org"}, "heartbeat": {"url": "https://a.example.org"}}
    return {"monitoring": {"routes": {"web": {"kind": kind, **given.get(kind, {})}}}}


POOL = "app.pools.NAME"
JOB = "app.jobs.NAME"
STATIC = {"app": {"pools": {"web": {"static": {}}}}}
NIGHTLY = {"app": {"jobs": {"web": {"schedule": "0 3 * * *", "command": ["tidy"]}}}}
ALERT = "monitoring.alerts.NAME"
ROUTE = "monitoring.routes.NAME"
LATENCY = "monitoring.service_levels.latency.NAME"
OWN_ALERT = {"monitoring": {"alerts": {"web": {"expression": "shop_carts == 0", "says": "nobody buys"}}}}
OWN_LEVEL = {"monitoring": {"service_levels": {"latency": {"web": {"within_ms": 200}}}}}
KEPT = {"monitoring": {"logs": {"enabled": True}}}
TRACED = {"monitoring": {"traces": {"enabled": True}}}
CHECK = "monitoring.checks.NAME"
HOOK = "monitoring.healing.NAME"
OWN_CHECK = {"monitoring": {"checks": {"web": {"url": "/shop"}}}}
OWN_HOOK = {"monitoring": {"healing": {"web": {"alert": "CpuBusy", "playbook": "mine.yml"}}}}
USERS = {"edge": {"basic_auth": {"users": ["anne"]}}}
SECRETS = ("app-secret-TOKEN", "edge-certificate", "edge-certificate-key", "alert-web")

VARIATIONS: Mapping[str, Variation] = {
    "network.address": _one("0.0.0.0"),
    "network.edge_subnet": _one("10.99.0.0/24"),
    "images": Variation([{"nginx": "own/nginx:1"}, {"haproxy": "own/haproxy:1"}, {"pgproxy": "own/pgproxy:1"},
                         {"pgbouncer": "own/pgbouncer:1"}, {"postgres": "own/postgres:1"}, {"etcd": "own/etcd:1"},
                         {"redis": "own/redis:1"}, {"prometheus": "own/prometheus:1"},
                         {"alertmanager": "own/alertmanager:1"}, {"exporters": "own/exporters:1"}]),
    "edge.nginx.members": Variation([3, 1]),
    "edge.nginx.https_port": _one(9443),
    "edge.nginx.http_port": _one(9080),
    "edge.nginx.trusted_proxies": _one(["192.0.2.1"]),
    "edge.nginx.private_paths": _one(["/internal"]),
    "edge.haproxy.members": Variation([3, 1]),
    "edge.haproxy.testers": _one({"team": "green"}),
    "edge.tls.hostnames": _one(["www.example.org"]),
    "edge.tls.hsts_s": _one(60, edge={"tls": {"hostnames": ["www.example.org"]}}),
    "edge.tls.ocsp_stapling": _one(True, edge={"tls": {"own_certificate": True}}),
    "edge.cache.coalesced_paths": _one(["/media/"]),
    "edge.cache.ttl_s_by_path": _one({"/media/": 60}),
    "edge.cache.session_cookies": _one(["visit"]),
    "edge.headers.content_security_policy": _one("default-src 'self'"),
    "edge.basic_auth.users": Variation([["anne"]]),
    "edge.basic_auth.realm": _one("Staging", **USERS),
    "edge.rate_limits.tiers": _one({"gold": 10}),
    "edge.rate_limits.tier_header": _one("X-Tier", edge={"rate_limits": {"tiers": {"gold": 10}}}),
    "edge.rate_limits.user_header": _one("X-User", edge={"rate_limits": {"api": {"paths": ["/"], "limit": 9,
                                                                                "key": "user"}}}),
    **_classes(),
    "edge.haproxy.sticky_cookie": _one("visitor", app={"pools": {"web": {"sticky": "cookie"}}}),
    "secrets.sources": _one({"redis-*": "file"}),
    "secrets.environment.prefix": _one("SHOP_", secrets={"source": "environment"}),
    "secrets.file.folder": _one("/run/passwords", secrets={"source": "file"}),
    "secrets.vault.address": _one("https://vault.example.com", secrets={"source": "vault"}),
    "secrets.vault.namespace": _one("team", secrets={"source": "vault"}),
    "secrets.vault.ca_file": _one("/etc/ssl/vault.pem", secrets={"source": "vault"}),
    "app.uptake": _one("reread", app={"credentials": "files"}),
    "app.image": _one("own/application:1"),
    "app.health_command": _one(["true"]),
    "app.environment": _one({"NAME": "value"}),
    "app.secrets": _one(["TOKEN"]),
    "app.stop_signal": _one("SIGINT"),
    "app.writable_paths": _one(["/work"]),
    "app.load.read": _one(["/shop"]),
    "app.load.write": _one("/orders"),
    "app.load.websocket": _one("/feed"),
    "app.colours.blue.image": _one("own/application:1"),
    "app.colours.blue.workers": Variation([3, 1]),
    "app.colours.blue.pool_workers": Variation([{"web": 3}, {"web": 1}]),
    "app.colours.green.pool_workers": Variation([{"web": 1}, {"web": 3}],
                                                {"app": {"colours": {"green": {"workers": 2}}}}),
    "app.colours.green.image": _one("own/application:1", app={"colours": {"green": {"workers": 2}}}),
    "app.colours.green.workers": Variation([1, 3], {"app": {"colours": {"green": {"workers": 2}}}}),
    f"{POOL}.image": _one("own/frontend:1"),
    f"{POOL}.health_path": _one("/ready"),
    f"{POOL}.static.ttl_s": _one(60, **STATIC),
    f"{POOL}.static.fallback": _one("/index.html", **STATIC),
    f"{POOL}.command": _one(["serve"]),
    f"{POOL}.workers": Variation([3, 1]),
    f"{POOL}.port": _one(9000),
    f"{POOL}.paths": _one(["/shop"]),
    f"{POOL}.health_command": _one(["true"]),
    f"{JOB}.schedule": _one("0 4 * * *", **NIGHTLY),
    f"{JOB}.command": _one(["tidy", "--all"], **NIGHTLY),
    f"{JOB}.image": _one("own/jobs:1", **NIGHTLY),
    f"{JOB}.timeout_s": _one(60, **NIGHTLY),
    f"{JOB}.memory_mib": _one(128, **NIGHTLY),
    f"{JOB}.cpus": _one(0.5, **NIGHTLY),
    "postgres.version": _one(16),
    "postgres.pgbouncer.query_timeout_s": _one(20),
    "postgres.members": Variation([4, 2]),
    "postgres.database": _one("shop"),
    "postgres.user": _one("shop"),
    "postgres.ttl_s": _one(25),
    "postgres.loop_wait_s": _one(3),
    "postgres.retry_timeout_s": _one(6),
    "postgres.parameters": Variation([{"work_mem": "8MB"}, {"max_worker_processes": 16}]),
    "postgres.storage_gib": _one(20),
    "postgres.etcd.members": Variation([5, 1]),
    "postgres.etcd.log_level": _one("info"),
    "postgres.pgproxy.members": Variation([3, 1]),
    "postgres.pgbouncer.members": Variation([1]),
    "redis.masters": Variation([4], {"redis": {"masters": 3}}),
    "redis.replicas_per_master": Variation([2]),
    "redis.writes_need_replicas": _one(1),
    "app.metrics_path": _one("/metrics"),
    f"{POOL}.metrics_path": _one("/metrics"),
    "monitoring.alertmanager.members": Variation([3, 1]),
    **{f"monitoring.logs.{name}": _one(value, **KEPT) for name, value in (
        ("retention_days", 8), ("rate_mib_s", 9), ("size_gib", 6), ("buffer_mib", 257), ("loki_memory_mib", 385),
        ("loki_cpus", 1), ("collector_memory_mib", 193), ("collector_cpus", 1))},
    **{f"monitoring.traces.{name}": _one(value, **TRACED) for name, value in (
        ("share", 0.2), ("slow_s", 2), ("retention_hours", 73), ("size_gib", 3), ("memory_mib", 385), ("cpus", 1))},
    "monitoring.probe.statuses": _one([200]),
    f"{ROUTE}.kind": _one("pagerduty", **_route("slack")),
    f"{ROUTE}.severities": _one(["critical"], **_route("slack")),
    f"{ROUTE}.channel": _one("#shop", **_route("slack")),
    f"{ROUTE}.to": _one(["b@example.org"], **_route("email")),
    f"{ROUTE}.sender": _one("c@example.org", **_route("email")),
    f"{ROUTE}.server": _one("mail.example.org:25", **_route("email")),
    f"{ROUTE}.user": _one("anne", **_route("email")),
    f"{ROUTE}.url": _one("https://b.example.org", **_route("webhook")),
    f"{ROUTE}.token": _one(True, **_route("webhook")),
    f"{ROUTE}.every_s": _one(300, **_route("heartbeat")),
    f"{ALERT}.expression": _one("shop_carts < 5", **OWN_ALERT),
    f"{ALERT}.says": _one("few buy", **OWN_ALERT),
    f"{ALERT}.for_s": _one(30, **OWN_ALERT),
    f"{ALERT}.severity": _one("critical", **OWN_ALERT),
    f"{ALERT}.runbook": _one("https://wiki.example.com/carts", **OWN_ALERT),
    **{f"{CHECK}.{name}": _one(value, **OWN_CHECK) for name, value in (
        ("url", "/other"), ("statuses", [204]), ("contains", "word"), ("interval_s", 20), ("for_s", 31),
        ("severity", "critical"), ("says", "nobody buys"), ("tier", "edge"),
        ("runbook", "https://wiki.example.com/shop"))},
    **{f"{HOOK}.{name}": _one(value, **OWN_HOOK) for name, value in (
        ("alert", "MemoryFull"), ("playbook", "other.yml"), ("severities", ["critical"]), ("labels", {"tier": "app"}),
        ("after_s", 61), ("pause_s", 601), ("most_a_day", 4), ("extra", {"more": "yes"}))},
    "monitoring.records": _one({"shop:orders:rate5m": "rate(shop_orders_total[5m])"}),
    "monitoring.thresholds.cpu_warning": _one(60),
    "monitoring.service_levels.availability": _one(99.5),
    f"{LATENCY}.paths": _one(["/shop"], **OWN_LEVEL),
    f"{LATENCY}.within_ms": _one(500, **OWN_LEVEL),
    f"{LATENCY}.percent": _one(95, **OWN_LEVEL),
    "policies.levels": _one({"three-domains": "off"}),
}
"""Settings whose default can't be varied by rule, or where one variation would not tell everything."""

OUTSIDE = {"target": "refused: this version deploys to one target"}
"""Settings that no plan of one target can show."""

HEAD = """# Changing a running platform

1. Edit `stacks/Pulumi.<stack>.yaml` (every key: [settings.md](settings.md)).
2. `make preview STACK=<stack>` says who would notice what, by which rule, at what cost, then shows the diff. It changes
   nothing. [previews.md](previews.md) has it as a comment in pull requests.
3. `make up STACK=<stack>`, or `pulumi up` typed by hand: the rules below hold for both.

Cut off at any time, the same command goes on from there.

## What a change does

What an update does to a running platform when one setting is changed. Generated by `make docs`: each setting is varied
in turn and the platform planned before and after; a test compares this page with the platform.

| effect | so |
|---|---|
"""

AFTER_WORDS = """
A refused update ends before anything is registered, and says which members, why, and what to type instead. For members
of a cluster (Postgres, etcd, Redis) that is `ansible-playbook ansible/playbooks/upgrade.yml -e stack=<stack>`, which
replaces them one at a time, in the right order, while the platform serves. For another number of Redis members it is
`redis_scale.yml` ([redis.md](redis.md)).

A member that is replaced leads its clients to the others first: workers fail their health check and finish what they
have, load balancers and proxies stop listening and let go of their connections when these are idle. A client that is
refused by one edge has to try the other, as browsers do where a name has two addresses.

What somebody changed by hand (limits, a stopped or deleted container) `make preview` says and `make up` puts back.
"""


def markdown() -> str:
    """The whole page. Takes about a quarter of a minute."""
    words = "".join(f"| {WHAT[kind]} | {SO[kind]} |\n" for kind in Kind if SO[kind])
    return HEAD + words + AFTER_WORDS + "".join(_sections())


def _sections() -> Iterator[str]:
    tier = ""
    for path, field in leaves(Settings):
        section = path.partition(".")[0] if "." in path else "evenkeel"
        if section != tier:
            tier = section
            title = tier if tier == "evenkeel" else f"evenkeel:{tier}"
            yield f"\n## `{title}`\n\n| setting | effect |\n|---|---|\n"
        yield f"| `{path}` | {OUTSIDE.get(path) or row(path, field)} |\n"


def leaves(model: type[BaseModel], prefix: str = "") -> Iterator[tuple[str, FieldInfo]]:
    """Every setting by its path; members of a mapping under ``NAME``."""
    nested: list[tuple[str, type[BaseModel]]] = []
    for name, field in model.model_fields.items():
        inner = model_of(field.annotation)
        if inner is None:
            yield f"{prefix}{name}", field
        else:
            step = f"{name}.NAME" if typing.get_origin(field.annotation) is dict else name
            nested.append((f"{prefix}{step}.", inner))
    for path, inner in nested:
        yield from leaves(inner, path)


def row(path: str, field: FieldInfo) -> str:
    """What happens when this setting changes."""
    variation = VARIATIONS.get(path) or Variation([_other(path, field)])
    before = merged(BASE, variation.given or {})
    effects: dict[str, Effect] = {}
    for value in variation.values:
        after = merged(before, _nested(path.replace("NAME", "web").split("."), value))
        found = compare(planned(before), planned(after))
        # What is refused has no other effect.
        for effect in [effect for effect in found if effect.kind is Kind.REFUSED] or found:
            effects.setdefault(_said(effect), effect)
    ranked = sorted(effects, key=lambda said: (-effects[said].kind.weight, said))
    return "; ".join(ranked) or WHAT[Kind.NOTHING]


def _said(effect: Effect) -> str:
    if effect.kind is Kind.REFUSED:
        return f"{effect.cell()} ({effect.because[0]})"
    return effect.cell()


_plans: dict[str, Any] = {}


def planned(config: Mapping[str, Any]) -> Any:
    """The plan of these settings, each made once; secrets of the user's own are there."""
    key = repr(config)
    if key not in _plans:
        pulumi.runtime.set_all_config({f"evenkeel:{name}": f"<{name}>" for name in SECRETS},
                                      [f"evenkeel:{name}" for name in SECRETS])
        _plans[key] = plan(config)
    return _plans[key]


def _other(path: str, field: FieldInfo) -> Any:
    """A valid value that is not the default, by the setting's type and bounds."""
    default = _default_at(path)
    kind = field.annotation
    if isinstance(default, bool):
        return not default
    if isinstance(default, Enum) and isinstance(kind, type):
        return next(value.value for value in kind if value is not default)
    if isinstance(default, int | float):
        most = next((constraint.le for constraint in field.metadata if hasattr(constraint, "le")), None)
        return default - 1 if most is not None and default + 1 > most else default + 1
    if isinstance(default, str):
        return f"{default}x"
    raise LookupError(f"{path}: say in VARIATIONS which other value to try (default: {default!r})")


def _default_at(path: str) -> Any:
    at: Any = Settings.load(BASE, stack="test", where="test")
    for step in path.replace("NAME", "web").split("."):
        at = at[step] if isinstance(at, dict) else getattr(at, step)
    return at


def _nested(steps: list[str], value: Any) -> dict[str, Any]:
    for step in reversed(steps):
        value = {step: value}
    return typing.cast(dict[str, Any], value)


if __name__ == "__main__":
    (ROOT / "docs" / "changes.md").write_text(markdown())
    print("written: docs/changes.md")
