"""The Redis tier: what it runs, and what its members find in their files."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import pytest
from pydantic import ValidationError

from components import connections
from components.redis import PORT, PURPOSES
from components.settings.redis import RECOVERY_PLANS
from components.settings.redis import Redis as RedisSettings
from components.workload import Effect, Zone
from tests.support.redis_tier import Declared, declare


@pytest.fixture(scope="module")
def declared() -> Declared:
    return declare()


def test_six_members_in_the_data_zone_over_three_domains(declared: Declared) -> None:
    workload = declared.workload
    assert (workload.name, workload.count, workload.zones) == ("redis", 6, (Zone.DATA,))
    assert [member.domain for member in workload.members] == ["a", "b", "c", "a", "b", "c"]
    assert workload.stateful and workload.health is not None and workload.reload


def test_every_member_has_every_file_it_reads(declared: Declared) -> None:
    for contents in declared.contents.values():
        assert set(contents) == {"redis.conf", "runtime.conf", "replication.conf", "users.acl", "formation.json",
                                 "platform.password", "tls/ca.pem", "tls/cert.pem", "tls/key.pem"}


def test_passwords_are_in_secret_files_alone(declared: Declared) -> None:
    files, contents = declared.files["redis-1"], declared.contents["redis-1"]
    passwords = [f"pass-redis-{name}" for name in ("platform", *(purpose.name for purpose in PURPOSES))]
    for path, content in contents.items():
        assert files[path].secret or not any(password in content for password in passwords), path
    assert not any(password in contents["users.acl"] for password in passwords), "hashes are enough there"
    for password in passwords:
        assert f"#{hashlib.sha256(password.encode()).hexdigest()}" in contents["users.acl"]
    assert files["users.acl"].secret and files["tls/key.pem"].secret
    assert not declared.workload.environment


def test_the_formation_knows_every_member_by_its_engine_name(declared: Declared) -> None:
    formation = json.loads(declared.contents["redis-5"]["formation.json"])
    assert formation["me"] == "redis-5"
    assert [member["host"] for member in formation["members"]] == [f"redis-{n}.members.example" for n in range(1, 7)]
    assert [member["domain"] for member in formation["members"]] == list("abcabc")
    assert "cluster-announce-hostname redis-5.members.example" in declared.contents["redis-5"]["redis.conf"]


def test_only_what_needs_a_restart_restarts(declared: Declared) -> None:
    effects = {path: file.effect for path, file in declared.files["redis-1"].items()}
    assert [path for path, effect in effects.items() if effect is Effect.RESTART] == ["redis.conf"]
    assert effects["formation.json"] is Effect.NONE
    assert effects["runtime.conf"] is effects["users.acl"] is effects["tls/cert.pem"] is Effect.RELOAD


def test_a_setting_that_redis_takes_over_at_once_leaves_the_fixed_file_alone(declared: Declared) -> None:
    changed = declare(memory={"data_mib": 256}, recovery_plan="wide", max_clients=100)
    before, after = declared.contents["redis-1"], changed.contents["redis-1"]
    assert before["redis.conf"] == after["redis.conf"]
    assert before["runtime.conf"] != after["runtime.conf"]


def test_nobody_listens_without_tls_and_nobody_is_anonymous(declared: Declared) -> None:
    lines = declared.contents["redis-1"]["redis.conf"].splitlines()
    assert {"port 0", f"tls-port {PORT}", "tls-cluster yes", "tls-replication yes"} <= set(lines)
    assert "user default reset off" in declared.contents["redis-1"]["users.acl"]


def test_a_member_may_use_more_memory_than_its_data(declared: Declared) -> None:
    assert declared.workload.resources.memory_mib >= 2 * 128
    assert "maxmemory 128mb" in declared.contents["redis-1"]["runtime.conf"]


def test_applications_are_told_the_users_that_exist() -> None:
    assert tuple(purpose.name for purpose in PURPOSES) == connections.REDIS_PURPOSES
    assert connections.REDIS_PORT == PORT


@pytest.mark.parametrize("purpose", PURPOSES, ids=lambda purpose: purpose.name)
def test_no_purpose_may_harm_or_list_another(purpose: Any) -> None:
    words = purpose.rules.split()
    granted_after = words[words.index("-@dangerous"):]
    assert {"-@dangerous", "-@admin", "-scan", "-function"} <= set(words)
    assert not any(word.startswith("+@") for word in granted_after), "a category after the ban would lift it"
    assert {word for word in words if word[0] == "~"} == {
        f"~{purpose.name}:*", f"~{{{purpose.name}}}:*", f"~{{{purpose.name}:*"}
    assert "allchannels" not in words and "allkeys" not in words


def test_every_recovery_plan_suspects_before_it_tears_down() -> None:
    for timings in RECOVERY_PLANS.values():
        assert timings.replica_ping_s * 2 <= timings.replication_timeout_s
        assert timings.node_timeout_ms >= 500, "below, a busy machine looks dead"


def test_waiting_for_replicas_that_do_not_exist_is_refused() -> None:
    with pytest.raises(ValidationError, match="no write would ever be accepted"):
        RedisSettings(writes_need_replicas=2)


def test_evicting_queued_jobs_cannot_be_asked_for() -> None:
    with pytest.raises(ValidationError):
        RedisSettings.model_validate({"memory": {"eviction": "allkeys-lru"}})
