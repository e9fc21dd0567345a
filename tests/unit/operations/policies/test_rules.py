"""Every rule: what it finds, and that the platform as it is declared has nothing for it."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from components.settings.policies import Policies, Rule
from components.workload import Effect
from operations.changes import parameters
from operations.changes.declared import plan
from operations.changes.plan import Plan, PlannedFile, PlannedMember
from operations.policies import judge, rules
from operations.policies.subject import Subject


def member(name: str, *, tier: str = "app", clustered: bool = False, domain: str = "a", files: Any = None,
           **container: Any) -> PlannedMember:
    made = {"image": "shop:1.4.2", "memory": 64, "cpus": "0.5", "ulimits": [{"name": "nofile", "soft": 1}],
            "envs": [], "labels": {"evenkeel.domain": domain}, **container}
    return PlannedMember(name, name.rpartition("-")[0], tier, clustered, made, files or {})


def subject(*members: PlannedMember, **known: Any) -> Subject:
    protected = known.pop("protected", frozenset())
    return Subject("test", Plan({one.name: one for one in members}, protected), **known)


def said(check: rules.Check, *members: PlannedMember, **known: Any) -> list[str]:
    return list(check(subject(*members, **known)))


def test_each_rule_is_a_setting_and_each_setting_a_rule() -> None:
    assert [definition.rule for definition in rules.ALL] == list(Rule)


def test_the_platform_obeys_all_rules() -> None:
    whole = Subject("test", plan({"app": {"image": "orders", "credentials": "files"}}))
    assert judge.everything(whole) == []


def test_members_of_a_cluster_are_not_replaced() -> None:
    before, after = (Plan({"redis-1": member("redis-1", clustered=True, image=image)}) for image in ("r:1", "r:2"))
    assert list(rules.clustered_kept(Subject("test", after, before=before))) == ["redis-1: refused (image)"]
    assert not list(rules.clustered_kept(Subject("test", after, before=after)))
    assert not list(rules.clustered_kept(Subject("test", after))), "without what runs nothing is compared"


def test_what_is_protected_is_not_deleted() -> None:
    after = Plan({})
    before = dataclasses.replace(after, protected=frozenset({"haproxy-2-state"}))
    assert list(rules.clustered_kept(Subject("test", after, before=before))) == [
        "haproxy-2-state: refused (protected, would be deleted)"]


@pytest.mark.parametrize(("change", "words"), [
    ({"memory": 0}, "memory"), ({"cpus": None}, "CPU"), ({"cpus": "0.0"}, "CPU"), ({"ulimits": []}, "open files"),
    ({"memory": None, "cpus": None}, "memory and CPU"),
])
def test_a_member_without_a_limit_is_found(change: dict[str, Any], words: str) -> None:
    assert said(rules.limits_set, member("web-1", **change)) == [
        f"web-1: no limit of {words}; its workload's `resources` set them"]


def test_only_the_edge_publishes() -> None:
    ports = [{"internal": 5432, "external": 5432}]
    assert said(rules.only_edge_published, member("nginx-1", tier="edge", ports=ports)) == []
    assert "postgres-1: publishes 5432" in said(rules.only_edge_published, member("postgres-1", ports=ports))[0]


@pytest.mark.parametrize("entry", [
    "DB_PASSWORD=hunter22", "API_TOKEN=x", "url=postgres://app:hunter22@db/app", "COLOUR=known-secret-value",
    "SHOWN=[secret]", "STRIPE_API_KEY=sk",
])
def test_a_secret_in_the_environment_is_found_and_not_repeated(entry: str) -> None:
    found = said(rules.no_secret_in_environment, member("web-1", envs=[entry]),
                 secrets=frozenset({"known-secret-value"}))
    assert len(found) == 1 and entry.partition("=")[0] in found[0] and entry.partition("=")[2] not in found[0]


@pytest.mark.parametrize("entry", [
    "DB_PASSWORD_FILE=/etc/evenkeel/secrets/db", "DB_PASSWORD=", "TOKEN_TTL=60", "PASSWORD=/run/secret",
    "DATABASE_URL=postgresql://pgbouncer:6432/app?service=writer", "PORT=8000",
])
def test_names_of_files_and_ordinary_values_are_no_secrets(entry: str) -> None:
    assert said(rules.no_secret_in_environment, member("web-1", envs=[entry]), secrets=frozenset({"8000"})) == []


@pytest.mark.parametrize(("image", "found"), [
    ("shop", True), ("shop:latest", True), ("registry:5000/shop", True), ("shop:1.4", False), ("", True),
    (f"registry:5000/shop@sha256:{'0' * 64}", False), ("registry:5000/shop:1", False),
])
def test_images_are_pinned(image: str, found: bool) -> None:
    assert bool(said(rules.images_pinned, member("web-1", image=image))) is found


def test_an_even_etcd_is_found() -> None:
    members = [member(f"etcd-{n}", clustered=True) for n in (1, 2, 3, 4)]
    assert said(rules.etcd_odd, *members) == ["etcd: 4 members; use 3 or 5"]
    assert said(rules.etcd_odd, *members[:3]) == [] == said(rules.etcd_odd)


def test_clusters_are_spread_over_three_domains() -> None:
    members = [member(f"etcd-{n}", clustered=True, domain=domain) for n, domain in ((1, "a"), (2, "b"), (3, "c"))]
    assert said(rules.three_domains, *members) == []
    assert "etcd: its members are in 2 of 3" in said(rules.three_domains, *members[:2])[0]
    assert said(rules.three_domains, member("web-1")) == [], "only clusters have a majority to lose"


@pytest.mark.parametrize(("mode", "found"), [("off", True), ("on", False), ("always", False), (None, True)])
def test_without_an_archive_backups_are_off(mode: str | None, found: bool) -> None:
    given = f"{{archive_mode: '{mode}'}}" if mode else "{}"
    file = PlannedFile(f"bootstrap: {{dcs: {{postgresql: {{parameters: {given}}}}}}}", Effect.RELOAD)
    assert bool(said(rules.backups_on, member("postgres-1", files={parameters.PATRONI_FILE: file}))) is found


def test_volumes_of_clusters_are_protected() -> None:
    volumes = [{"volume_name": "evenkeel-test-redis-1-data"}, {"volume_name": "evenkeel-test-redis-1-config"}]
    one = member("redis-1", clustered=True, volumes=volumes)
    assert said(rules.deletion_protected, one, protected=frozenset({"redis-1-data"})) == []
    assert said(rules.deletion_protected, one) == [
        "redis-1: its volume redis-1-data is not protected; `Volume(protected=True)` does"]


def test_a_production_stack_is_told_that_there_are_no_backups() -> None:
    declared = plan({"app": {"image": "orders"}})
    verdicts = judge.everything(Subject("test", declared, Policies(production=True)))
    assert [(one.rule, one.level.value) for one in verdicts] == [(Rule.BACKUPS_ON, "advisory")]
    assert "nothing is archived" in verdicts[0].message
