"""Every file that a password or the authority reaches, in every phase of a rotation."""

from __future__ import annotations

import functools
import hashlib
import json
from typing import Any

import pulumi
import pytest
import yaml

from components.generated import rotation
from tests.support import mocks

STEPS = {"steady": [], "introduced": ["introduce"], "switched": ["introduce", "switch"],
         "retired": ["introduce", "switch", "retire"]}

Contents = dict[str, dict[str, str]]


@functools.cache
def files(phase: str, *, by_file: bool = False) -> Contents:
    """Contents by member and path, with every password in this phase: ``old-NAME`` and ``new-NAME``."""

    def generated(args: pulumi.runtime.MockResourceArgs) -> dict[str, Any]:
        name = args.name
        if name == "authority":
            held: dict[str, Any] = {"certificate": "old-authority\n", "key": "old-key"}
            made = {"certificate": "new-authority\n", "key": "new-key"}
        elif "hosts" in args.inputs:
            return {"chain": f"leaf by {args.inputs['authority']}", "key": f"key of {name}\n"}
        elif args.inputs.get("name") == name:
            held, made = {"value": f"old-{name}"}, {"value": f"new-{name}"}
        else:
            return {}
        for step in STEPS[phase]:
            held = rotation.advance(held, step, tuple(made), lambda: made)
        return held

    settings: dict[str, Any] = {"edge": {"basic_auth": {"users": ["ann"]}}}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(mocks, "_generated", generated)
        recorder, _ = mocks.declare({**settings, "app": {"credentials": "files"}} if by_file else settings)
    return {resource.name.removesuffix("-config"):
            {**resource.inputs["files"], **resource.inputs["secretFiles"].get("value", {})}
            for resource in recorder.resources if resource.name.endswith("-config")}


def sha256(text: str) -> str:
    return f"#{hashlib.sha256(text.encode()).hexdigest()}"


ACCEPTED = pytest.mark.parametrize(("phase", "old", "new"), [
    ("steady", True, False), ("introduced", True, True), ("switched", True, True), ("retired", False, True)])
IN_USE = pytest.mark.parametrize(("phase", "used"), [
    ("steady", "old"), ("introduced", "old"), ("switched", "new"), ("retired", "new")])


@ACCEPTED
def test_servers_accept_both_values_between_introduction_and_retirement(phase: str, old: bool, new: bool) -> None:
    contents = files(phase)
    users = contents["redis-4"]["users.acl"]
    for name in ("cache", "session", "queue", "platform", "monitor"):
        assert (sha256(f"old-redis-{name}") in users, sha256(f"new-redis-{name}") in users) == (old, new), name
    pooled = contents["pgbouncer-2"]["pgbouncer/userlist.txt"]
    known = json.loads(contents["postgres-3"]["postgres/roles.json"])["roles"]
    roles = {role["name"]: role["password"] for role in known}
    for user, secret in (("app", "postgres-app"), ("app_readonly", "postgres-readonly")):
        assert (f'"{user}" "old-{secret}"' in pooled, f'"{user}_b" "new-{secret}"' in pooled) == (old, new)
        assert (roles[user], roles[f"{user}_b"]) == (f"old-{secret}" if old else None, f"new-{secret}" if new else None)
    nginx = contents["nginx-1"]
    assert (nginx["htpasswd-a"].startswith("ann:"), nginx["htpasswd-b"].startswith("ann:")) == (old, new)
    secured = {member: of_member for member, of_member in contents.items() if "tls/ca.pem" in of_member}
    assert contents.keys() - secured.keys() == {"alertmanager-1", "alertmanager-2"}, "they ask nobody of the platform"
    for member, of_member in secured.items():
        assert ("old-authority" in of_member["tls/ca.pem"], "new-authority" in of_member["tls/ca.pem"]) == (old, new), \
            member


@IN_USE
def test_clients_change_at_the_switch(phase: str, used: str) -> None:
    contents = files(phase)
    user = {"old": "app", "new": "app_b"}[used]
    assert contents["redis-1"]["platform.password"] == f"{used}-redis-platform"
    assert f"{used}-redis-monitor" in contents["exporters-1"]["redis-passwords.json"]
    assert f"masterauth {used}-redis-platform" in contents["redis-1"]["replication.conf"]
    assert f"dynamic-cookie-key {used}-edge-cookie-key" in contents["haproxy-1"]["secret.cfg"]
    patroni = yaml.safe_load(contents["postgres-1"]["patroni/passwords.yml"])
    assert patroni["restapi"]["authentication"]["password"] == f"{used}-postgres-api"
    given = contents["web-blue-1"]["secrets/environment"]
    assert f"postgresql://{user}:{used}-postgres-app@" in given
    assert f"REDIS_SESSION_PASSWORD={used}-redis-session" in given
    assert f"leaf by {used}-authority" in contents["etcd-1"]["tls/cert.pem"]
    assert f"leaf by {used}-authority" in contents["haproxy-2"]["tls/bundle.pem"]


@IN_USE
def test_files_for_applications_hold_user_and_password_together(phase: str, used: str) -> None:
    contents = files(phase, by_file=True)["web-blue-1"]
    user = {"old": "app_readonly", "new": "app_readonly_b"}[used]
    assert f"[reader]\nuser={user}\npassword={used}-postgres-readonly\n" in contents["secrets/pg_service.conf"]
    assert contents["secrets/database-read-replica-url"].startswith(f"postgresql://{user}:{used}-postgres-readonly@")
    assert contents["secrets/redis-cache"] == f"{used}-redis-cache"


def test_only_what_has_changed_its_mind_changes_its_files() -> None:
    """At the switch nobody whom others log in to has to reload for it."""
    introduced, switched = files("introduced"), files("switched")
    for member, paths in {"redis-1": ["users.acl", "tls/ca.pem"],
                          "pgbouncer-1": ["pgbouncer/hba.conf", "tls/ca.pem"],
                          "etcd-1": ["tls/ca.pem", "etcd/etcd.env"], "pgproxy-1": ["tls/ca.pem", "pgproxy.cfg"],
                          "nginx-1": ["htpasswd-a", "htpasswd-b", "htpasswd.map", "tls/ca.pem"]}.items():
        for path in paths:
            assert introduced[member][path] == switched[member][path], (member, path)


@pytest.mark.parametrize("by_file", [False, True], ids=["environment", "files"])
def test_no_old_value_is_left_anywhere(by_file: bool) -> None:
    left = [(member, path) for member, of_member in files("retired", by_file=by_file).items()
            for path, text in of_member.items() if "old-" in text]
    assert not left


def test_a_password_that_two_slots_share_with_nobody_is_asked_for_by_its_own_file() -> None:
    """Nginx' map: the second slot's credentials lead to its file, everything else to the first's."""
    from components.edge_nginx import htpasswd_map

    lines = htpasswd_map({"ann": {"a": "one", "b": "two"}, "bob": {"b": "three"}}).splitlines()
    assert lines == ["default a;", '"Basic YW5uOnR3bw==" b;', '"Basic Ym9iOnRocmVl" b;']
    assert htpasswd_map({"ann": {"b": "two"}}).splitlines() == ["default b;"]
