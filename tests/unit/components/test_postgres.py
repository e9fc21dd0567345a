"""The Postgres tier's decisions: what its settings refuse, and what it declares."""

from __future__ import annotations

import json
from typing import Any

import pytest
import yaml
from pydantic import ValidationError

from components.postgres import dynamic_settings
from components.settings.postgres import PLANS, Postgres, RecoveryPlan
from components.workload import Zone
from tests.support.postgres_tier import Declared, declare


@pytest.fixture(scope="module")
def default() -> Declared:
    return declare()


@pytest.mark.parametrize(("settings", "reason"), [
    ({"etcd": {"members": 2}}, "2 is even"),
    ({"etcd": {"members": 4}}, "use 3 or 5"),
    ({"etcd": {"members": 0}}, "greater than or equal to 1"),
    ({"members": 0}, "greater than or equal to 1"),
    ({"pgbouncer": {"members": 0}}, "greater than or equal to 1"),
    ({"ttl_s": 19}, "greater than or equal to 20"),
    ({"loop_wait_s": 11}, "11 + 2 x 5 = 21 s"),
    ({"recovery_plan": "cautious", "ttl_s": 30}, "ttl_s 30 is too short"),
    ({"recovery_plan": "instant"}, "'fast', 'normal' or 'cautious'"),
    ({"max_connections": 100}, "= 150"),
    ({"pgbouncer": {"members": 4}}, "max_connections 200 is too low"),
    ({"shared_buffers_mib": 400}, "over half of memory_mib"),
    ({"statement_timeout_ms": 20_000}, "would hang up first"),
    ({"parameters": {"max_connections": 300}}, "has a setting of its own: postgres.max_connections"),
    ({"parameters": {"Synchronous_Standby_Names": ""}}, "decided by the platform"),
    ({"parameters": {"work_mem; drop": "1"}}, "no name of a Postgres parameter"),
    ({"database": "App; --"}, "should match pattern"),
    ({"user": "replicator"}, "names a role of the platform"),
    ({"database": "postgres"}, "Postgres' own"),
])
def test_settings_that_cannot_work_are_refused_with_the_reason(settings: dict[str, Any], reason: str) -> None:
    with pytest.raises(ValidationError) as refused:
        Postgres.model_validate(settings)
    assert reason in str(refused.value)


@pytest.mark.parametrize("plan", list(RecoveryPlan))
def test_every_recovery_plan_keeps_patronis_rule(plan: RecoveryPlan) -> None:
    timing = PLANS[plan]
    assert timing.rto_s <= timing.deadline_s and timing.pool_wait_s < timing.deadline_s, "a pause, not an error"
    assert timing.silent_rto_s >= timing.ttl_s + timing.loop_wait_s + timing.check_falls * timing.check_ms / 1000
    assert timing.loop_wait_s + 2 * timing.retry_timeout_s <= timing.ttl_s
    assert Postgres(recovery_plan=plan).timing == timing


def test_a_timing_of_ones_own_overrides_the_plan() -> None:
    timing = Postgres(recovery_plan=RecoveryPlan.NORMAL, ttl_s=40).timing
    assert (timing.ttl_s, timing.loop_wait_s) == (40, PLANS[RecoveryPlan.NORMAL].loop_wait_s)


def test_timeouts_may_be_switched_off() -> None:
    assert Postgres.model_validate({"statement_timeout_ms": 0}).statement_timeout_ms == 0
    assert Postgres.model_validate({"statement_timeout_ms": 60_000, "pgbouncer": {"query_timeout_s": 0}})


def test_a_single_member_does_not_wait_for_a_replica() -> None:
    alone, replicated = dynamic_settings(Postgres(members=1)), dynamic_settings(Postgres(members=2))
    assert (alone["synchronous_mode"], alone["synchronous_mode_strict"]) == (False, False)
    assert (replicated["synchronous_mode"], replicated["synchronous_mode_strict"]) == ("quorum", True)


def test_own_parameters_win_over_the_defaults() -> None:
    parameters = dynamic_settings(Postgres(parameters={"jit": True, "work_mem": "8MB"}))["postgresql"]["parameters"]
    assert (parameters["jit"], parameters["work_mem"], parameters["max_connections"]) == (True, "8MB", 200)


def test_the_tier_stays_in_the_data_zone_and_publishes_nothing(default: Declared) -> None:
    counts = {name: workload.count for name, workload in default.workloads.items()}
    assert counts == {"etcd": 3, "postgres": 3, "pgproxy": 2, "pgbouncer": 2}
    assert {name for name, workload in default.workloads.items() if workload.stateful} == {"etcd", "postgres"}
    for workload in default.workloads.values():
        assert workload.zones == (Zone.DATA,)
        assert not any(port.published for port in workload.ports)
        assert not workload.environment
        assert workload.health


def test_passwords_are_in_secret_files_only(default: Declared) -> None:
    found = {path for files in default.contents.values() for path, content in files.items()
             if "pass-postgres-" in content}
    assert found == {"patroni/passwords.yml", "postgres/roles.json", "pgbouncer/userlist.txt"}
    assert found < default.secret_paths


def test_the_pooler_and_postgres_agree_on_passwords(default: Declared) -> None:
    roles = {role["name"]: role["password"] for role in json.loads(
        default.contents["postgres-1"]["postgres/roles.json"])["roles"]}
    lines = default.contents["pgbouncer-2"]["pgbouncer/userlist.txt"].splitlines()
    pooled = {line.split('"')[1]: line.split('"')[3] for line in lines if line}
    assert pooled.pop("exporters") == "", "it comes by certificate alone"
    login = yaml.safe_load(default.contents["postgres-1"]["patroni/passwords.yml"])["restapi"]["authentication"]
    operator = {login["username"]: login["password"]}
    assert pooled == {name: roles[name] for name in ("app", "app_readonly")} | operator
    assert {name for name, password in roles.items() if password} == {"app", "app_readonly"}, "others have certificates"


def test_members_differ_by_name_only_where_they_must(default: Declared) -> None:
    first, second = (yaml.safe_load(default.contents[name]["patroni/patroni.yml"])
                     for name in ("postgres-1", "postgres-2"))
    assert first["name"] == "postgres-1"
    assert first["postgresql"]["connect_address"] == "postgres-1.members.example:5432"
    assert first["bootstrap"] == second["bootstrap"]
    assert first["etcd3"]["hosts"] == [f"etcd-{n}.members.example:2379" for n in (1, 2, 3)]


def test_nobody_logs_in_without_tls_and_proof_but_the_members_own_user(default: Declared) -> None:
    patroni = yaml.safe_load(default.contents["postgres-1"]["patroni/patroni.yml"])["postgresql"]
    rules = patroni["pg_hba"]
    for rule in rules:
        assert (rule.startswith("hostssl ") and (" cert map=" in rule or rule.endswith(" scram-sha-256"))) or \
            (rule.startswith("local ") and rule.endswith(" peer map=member")), rule
    maps = {rule.rpartition("map=")[2] for rule in rules if "map=" in rule}
    assert maps == {line.split()[0] for line in patroni["pg_ident"]}, "a map without lines would let nobody in"
    assert not [rule for rule in rules if rule.startswith("hostssl") and " postgres all" in rule], "a remote superuser"
