"""A Prometheus that is made up, for the page: what it answers to each figure, on a platform that is otherwise well."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from components.alerts.app import P95
from components.alerts.edge import ERRORS, REQUESTS
from components.alerts.health import HEALTH, TIER_HEALTH
from components.alerts.members import MEMBER_UP
from components.settings import Settings
from operations.dashboard import sight
from operations.dashboard.sight import Asked, Sight
from operations.monitoring import api

AT = 1795705200.0
SETTINGS = Settings.load({"app": {"image": "orders", "metrics_path": "/metrics", "pools": {"web": {"workers": 2}}}},
                         stack="shop", where="test")
COUNTS = {"edge": {"haproxy": 2, "nginx": 2}, "app": {"web-blue": 2},
          "postgres": {"etcd": 3, "postgres": 3, "pgproxy": 2, "pgbouncer": 2}, "redis": {"redis": 6},
          "monitoring": {"exporters": 1, "alertmanager": 2, "prometheus": 1},
          "supervision": {"engineproxy": 2, "supervisor": 2}}
Rows = Sequence[tuple[Mapping[str, str], float]]


def member(name: str) -> dict[str, str]:
    return {"member": name}


def pooler(name: str) -> dict[str, str]:
    return {"member": name, "database": "app"}


WELL: Mapping[str, Rows] = {
    "door": [(member("nginx-1"), 14), (member("nginx-2"), 15.5)],
    "queue": [({"proxy": "web_blue_read"}, 0), ({"proxy": "web_blue_write"}, 0)],
    "queued": [({"proxy": "web_blue_read"}, 0)], "connect": [({"proxy": "web_blue_read"}, 1)],
    "answer": [({"proxy": "web_blue_read"}, 9), ({"proxy": "web_blue_write"}, 21)],
    "worker": [(member("web-blue-1"), 44), (member("web-blue-2"), 41)],
    "cpu": [(member("web-blue-1"), 22), (member("web-blue-2"), 24.4)],
    "edge-cpu": [(member("haproxy-1"), 9)], "pool-cpu": [(member("pgbouncer-1"), 3)],
    "postgres-cpu": [(member("postgres-1"), 12)], "redis-cpu": [(member("redis-1"), 4)],
    "in-flight": [(member("web-blue-1"), 2), (member("web-blue-2"), 1)],
    "told": [(member("web-blue-1"), 12), (member("web-blue-2"), 11)],
    "waiting": [(pooler("pgbouncer-1"), 0), (pooler("pgbouncer-2"), 0)],
    "longest-wait": [(pooler("pgbouncer-1"), 0)], "wait": [(pooler("pgbouncer-1"), 0.02)],
    "used": [(pooler("pgbouncer-1"), 10), (pooler("pgbouncer-2"), 5)],
    "transaction": [({**member("postgres-3"), "role": "app"}, 0.004), ({**member("postgres-1"), "role": "app"}, 0)],
    "open": [({**member("postgres-3"), "role": "app"}, 0.01)], "statement": [(pooler("pgbouncer-1"), 1.7)],
    "lock": [(member("postgres-3"), 0)], "active": [(member("postgres-3"), 2), (member("postgres-1"), 1)],
    "connections": [(member("postgres-3"), 21)],
    "lag": [({"replica": "postgres-1"}, 0), ({"replica": "postgres-2"}, 0.01)], "handed-over": [({}, 0)],
    "slots": [({}, 0)], "replicas": [(member(f"redis-{n}"), 1) for n in (1, 2, 3)],
    "role": [(member(f"redis-{n}"), 0) for n in range(1, 7)],
    "memory": [(member(f"redis-{n}"), 2.5) for n in range(1, 7)],
    "redis-told": [(member(f"redis-{n}"), 6) for n in range(1, 7)],
    "slow": [(member(f"redis-{n}"), 0) for n in range(1, 7)],
    "machine-cpu": [(member("exporters-1"), 37)], "machine-wait": [(member("exporters-1"), 11)],
    "machine-memory": [(member("exporters-1"), 54)], "disk": [({"device": "/dev/vda1"}, 41)],
    "colour-fit": [({"colour": "blue"}, 2), ({"colour": "green"}, 0)],
    "colour-requests": [({"colour": "blue"}, 52), ({"colour": "green"}, 0)],
    "colour-errors": [({"colour": "blue"}, 0.02)], "colour-p95": [({"colour": "blue"}, 43)],
}


@dataclass
class MadeUp:
    """``told`` replaces rows of ``WELL``; members of ``down`` are down, ``roles`` is what members are or were;
    ``alerts``: (name, severity, tier, member, summary). ``curves``: name of a record -> its hour's values."""

    told: Mapping[str, Rows] = field(default_factory=dict)
    down: Sequence[str] = ()
    returned: Sequence[str] = ()
    alerts: Sequence[tuple[str, str, str, str, str]] = ()
    roles: Mapping[str, str] = field(default_factory=lambda: {
        "postgres-3": "primary", **{f"redis-{n}": "master" if n < 4 else "slave" for n in range(1, 7)}})
    score: float = 100
    scores: Mapping[str, float] = field(default_factory=dict)
    curves: Mapping[str, Sequence[float]] = field(default_factory=dict)

    def several(self, questions: Sequence[api.Question]) -> list[api.Told]:
        return [self._answer(question) for question in questions]

    def _answer(self, question: api.Question) -> api.Told:
        if question.path == "/api/v1/alerts":
            return api.Told({"alerts": [self._alert(*one) for one in self.alerts]})
        expression = question.parameters["query"]
        if question.path == "/api/v1/query_range":
            return self._curve(expression, float(question.parameters["start"]), float(question.parameters["end"]))
        return api.Told({"result": [{"metric": dict(labels), "value": [AT, str(value)]}
                                    for labels, value in self._rows(expression)]})

    def _rows(self, expression: str) -> Rows:
        ups = [({"stack": "shop", "tier": tier, "workload": workload, "member": f"{workload}-{n}",
                 "domain": "abc"[(n - 1) % 3], **({"colour": "blue"} if tier == "app" else {})},
                float(f"{workload}-{n}" not in self.down))
               for tier, counts in COUNTS.items() for workload, count in counts.items() for n in range(1, count + 1)]
        known: dict[str, Rows] = {
            HEALTH: [({}, self.score)],
            TIER_HEALTH: [({"tier": tier}, self.scores.get(tier, 100)) for tier in (*COUNTS, "machine")],
            MEMBER_UP: ups, f"{MEMBER_UP} == 0": [row for row in ups if not row[1]],
            sight.RETURNS: [(member(name), 1) for name in self.returned],
            sight.ROLES: [({"member": name, "role": role}, 1) for name, role in self.roles.items()],
        }
        by_expression = {figure.expression: figure.key for figure in Asked(SETTINGS).figures}
        if expression in by_expression:
            key = by_expression[expression]
            return self.told.get(key, WELL[key])
        if expression.startswith("sum_over_time"):
            spent = "level_spent" in expression
            return [({"level": "availability"}, 400_000 if spent else 1_000_000),
                    ({"level": "answers"}, 90_000 if spent else 900_000)]
        return known[expression]

    def _curve(self, expression: str, begin: float, end: float) -> api.Told:
        usual = {REQUESTS: 50.0, ERRORS: 0.1, P95: 45.0}
        values = self.curves.get(expression) or [
            usual.get(expression, 0.0 if "_green_" in expression else 50.0) * (1 + 0.15 * math.sin(n / 5 + n % 7))
            for n in range(121)]
        step = (end - begin) / (len(values) - 1)
        return api.Told({"result": [{"metric": {}, "values": [
            [begin + n * step, str(value)] for n, value in enumerate(values)]}]})

    @staticmethod
    def _alert(name: str, severity: str, tier: str, about: str, summary: str) -> dict[str, Any]:
        labels = {"alertname": name, "severity": severity, "tier": tier, **({"member": about} if about else {})}
        return {"labels": labels, "state": "firing", "activeAt": "2026-11-26T15:00:00Z",
                "annotations": {"summary": summary, "runbook": "docs/runbooks/slow-answers.md"}}


def seen(made_up: MadeUp) -> Sight:
    """What the page sees of it."""
    return Asked(SETTINGS).see(made_up, "shop", AT)  # type: ignore[arg-type]


SLOW_QUERY = MadeUp(
    {"door": [(member("nginx-1"), 1450), (member("nginx-2"), 1310)],
     "answer": [({"proxy": "web_blue_read"}, 1820), ({"proxy": "web_blue_write"}, 260)],
     "worker": [(member("web-blue-1"), 2400), (member("web-blue-2"), 2350)],
     "in-flight": [(member("web-blue-1"), 38), (member("web-blue-2"), 41)],
     "waiting": [(pooler("pgbouncer-1"), 9), (pooler("pgbouncer-2"), 7)],
     "longest-wait": [(pooler("pgbouncer-1"), 1)],
     "used": [(pooler("pgbouncer-1"), 100), (pooler("pgbouncer-2"), 95)],
     "transaction": [({**member("postgres-1"), "role": "app"}, 12.4), ({**member("postgres-3"), "role": "app"}, 0.2)],
     "statement": [(pooler("pgbouncer-1"), 940), (pooler("pgbouncer-2"), 905)],
     "active": [(member("postgres-1"), 21), (member("postgres-3"), 4)],
     "colour-p95": [({"colour": "blue"}, 2390)], "machine-cpu": [(member("exporters-1"), 93)]},
    alerts=[("SlowAnswers", "critical", "app", "", "95 % of the requests are answered within: 2390.0 ms, the limit is "
             "2000 ms")],
    score=81, scores={"app": 50},
    curves={P95: [45.0] * 105 + [60, 300, 900, 1500, 1900, *[2390.0] * 11]})
SATURATED_WORKER = MadeUp(
    {"worker": [(member("web-blue-2"), 1900), (member("web-blue-1"), 52)],
     "cpu": [(member("web-blue-2"), 99), (member("web-blue-1"), 31)],
     "in-flight": [(member("web-blue-2"), 64), (member("web-blue-1"), 3)],
     "told": [(member("web-blue-2"), 1300), (member("web-blue-1"), 14)],
     "open": [({**member("postgres-3"), "role": "app"}, 1.9)],
     "machine-cpu": [(member("exporters-1"), 88)]},
    alerts=[("SlowAnswers", "warning", "app", "", "95 % of the requests are answered within: 1480.0 ms, the limit is "
             "1000 ms")], score=95, scores={"app": 80})
LOST_MASTER = MadeUp(
    {"replicas": [(member("redis-3"), 1), (member("redis-1"), 1), (member("redis-5"), 0)],
     "role": [(member("redis-5"), 1), *((member(f"redis-{n}"), 0) for n in (1, 3, 4, 6))],
     "machine-cpu": [(member("exporters-1"), 88)]},
    down=["redis-2"], score=96, scores={"redis": 83},
    alerts=[("MemberDown", "warning", "redis", "redis-2", "redis-2 (redis, domain b) does not answer or does not run"),
            ("ErrorRate", "critical", "edge", "", "requests are answered with 5xx: 8.1 %, the limit is 5 %")],
    roles={**MadeUp().roles, "redis-5": "master"})
