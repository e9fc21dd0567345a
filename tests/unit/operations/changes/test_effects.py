"""What a change does to whom, computed from two plans of the whole platform."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from operations.benchmarks.bench_stack import merged
from operations.changes.effects import compare
from operations.changes.words import Effect, Kind, listed
from tests.support.changes_page import BASE, planned


def effects(change: Mapping[str, Any], before: Mapping[str, Any] | None = None) -> list[Effect]:
    start = merged(BASE, before or {})
    return compare(planned(start), planned(merged(start, change)))


def kinds(found: list[Effect]) -> dict[str, set[Kind]]:
    by_workload: dict[str, set[Kind]] = {}
    for effect in found:
        by_workload.setdefault(effect.workload, set()).add(effect.kind)
    return by_workload


def test_nothing_changed_is_nothing_done() -> None:
    assert effects({}) == [] and listed([]) == ["Nothing that runs is touched."]


@pytest.mark.parametrize(("change", "expected"), [
    ({"edge": {"haproxy": {"queue": 9}}}, {"haproxy": {Kind.RELOAD}}),
    ({"edge": {"nginx": {"https_port": 9443}}}, {"nginx": {Kind.REPLACED}}),
    ({"app": {"environment": {"A": "b"}}}, {"web-blue": {Kind.REPLACED}}),
    ({"app": {"pools": {"web": {"cpus": 0.5, "memory_mib": 300}}}}, {"web-blue": {Kind.LIMITS}}),
    ({"postgres": {"parameters": {"work_mem": "8MB"}}}, {"postgres": {Kind.PARAMETERS}}),
    ({"postgres": {"max_connections": 250}}, {"postgres": {Kind.PAUSE}}),
    ({"postgres": {"etcd": {"log_level": "info"}}}, {"etcd": {Kind.RESTARTED}}),
    ({"redis": {"balance_domains": False}}, {"redis": {Kind.LATER}}),
    ({"images": {"postgres": "own/postgres:1"}}, {"postgres": {Kind.REFUSED}}),
    ({"postgres": {"members": 2}}, {"postgres": {Kind.REFUSED, Kind.RELOAD}}),
], ids=["reload", "port", "environment", "limits", "parameter", "postmaster", "restart", "later", "image", "fewer"])
def test_a_setting_has_its_effect(change: dict[str, Any], expected: dict[str, set[Kind]]) -> None:
    found = kinds(effects(change))
    assert {workload: found[workload] for workload in expected} == expected


def test_no_secret_and_no_value_is_ever_said() -> None:
    found = effects({"app": {"environment": {"COLOUR": "mauve"}, "secrets": ["TOKEN"]}})
    said = "\n".join(listed(found))
    assert "mauve" not in said and "password-of" not in said and "app-secret" not in said


def test_who_is_alone_can_not_take_turns() -> None:
    single = {"app": {"pools": {"web": {"workers": 1}}}}
    assert kinds(effects({"app": {"environment": {"A": "b"}}}, single)) == {"web-blue": {Kind.OUTAGE}}


def test_members_with_the_same_effect_share_a_sentence() -> None:
    assert listed(effects({"edge": {"haproxy": {"queue": 9}}})) == [
        "haproxy-1, haproxy-2: reloaded (haproxy.cfg); no connection is cut, no request waits."]


def test_what_is_refused_comes_first_and_says_what_to_do() -> None:
    said = listed(effects({"images": {"etcd": "own/etcd:1", "nginx": "own/nginx:1"}}))
    assert said[0].startswith("etcd-1, etcd-2, etcd-3: refused (image)") and "upgrade.yml" in said[0]
    assert said[1].startswith("nginx-1, nginx-2: replaced, one member at a time (image)")
