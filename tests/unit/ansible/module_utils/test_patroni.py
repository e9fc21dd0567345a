"""Who leads, who may take over, and what keeps a Postgres cluster from being whole."""

from __future__ import annotations

import json
from typing import Any

import pytest
from ansible_collections.evenkeel.platform.plugins.module_utils import patroni

ALL = ("postgres-1", "postgres-2", "postgres-3")


def cluster(**changes: dict[str, Any]) -> patroni.Cluster:
    """Three members, the first leads; ``changes`` by member with _ for -, None: it isn't listed."""
    members = {"postgres-1": {"role": "leader", "state": "running", "timeline": 3}}
    for name in ALL[1:]:
        members[name] = {"role": "quorum_standby", "state": "streaming", "lag": 0, "timeline": 3}
    for name, change in changes.items():
        members[name.replace("_", "-")] |= change
    return patroni.read(json.dumps({"members": [{"name": name, **member} for name, member in members.items()]}))


def test_a_whole_cluster_has_no_problems() -> None:
    assert patroni.problems(cluster(), ALL) == []


@pytest.mark.parametrize(("changes", "said"), [
    ({"postgres_1": {"state": "starting"}}, "no leader"),
    ({"postgres_2": {"state": "starting"}}, "postgres-2 is not streaming from postgres-1 (state starting)"),
    ({"postgres_2": {"role": "replica"}}, "postgres-2 does not count for the quorum yet"),
    ({"postgres_2": {"role": "replica"}, "postgres_3": {"role": "replica"}}, "the quorum is not in force"),
])
def test_what_is_missing_is_named(changes: dict[str, Any], said: str) -> None:
    assert said in "; ".join(patroni.problems(cluster(**changes), ALL))


def test_a_member_that_nobody_lists_is_missed() -> None:
    assert patroni.problems(cluster(), [*ALL, "postgres-4"]) == ["Patroni doesn't list postgres-4"]


def test_a_tolerated_replica_may_be_away_but_does_not_make_the_quorum() -> None:
    away = {"state": "stopped", "role": "replica"}
    assert patroni.problems(cluster(postgres_2=away), ALL, ["postgres-2"]) == []
    assert "quorum" in patroni.problems(cluster(postgres_3=away), ALL, ["postgres-2"])[1]


def test_of_two_members_the_only_replica_may_be_tolerated() -> None:
    assert patroni.problems(cluster(), ALL[:2], ["postgres-2"]) == []


def test_the_best_replica_takes_over() -> None:
    assert patroni.candidate(cluster(), ["postgres-1"])[0].name == "postgres-2"
    assert patroni.candidate(cluster(postgres_2={"lag": 4096}), ["postgres-1"])[0].name == "postgres-3"
    assert patroni.candidate(cluster(postgres_2={"lag": 4096}), [], ["postgres-2"])[0].name == "postgres-2"


@pytest.mark.parametrize(("change", "reason"), [
    ({"state": "starting"}, "postgres-2 is not streaming (starting)"),
    ({"role": "replica"}, "postgres-2 is no synchronous standby"),
    ({"lag": "unknown"}, "postgres-2 has an unknown lag (at most 16 MiB)"),
    ({"lag": 64 * 2**20}, "postgres-2 has 64 MiB of lag (at most 16 MiB)"),
    ({"tags": {"nofailover": True}}, "postgres-2 is tagged nofailover"),
])
def test_who_could_lose_a_write_does_not_take_over(change: dict[str, Any], reason: str) -> None:
    chosen, why_not = patroni.candidate(cluster(postgres_2=change), ["postgres-1", "postgres-3"])
    assert chosen is None
    assert why_not == f"{reason}; postgres-3 is to be avoided"


STATE = """1
# be_id be_name srv_id srv_name srv_addr srv_op_state srv_admin_state
4 primary 1 postgres-1 192.168.144.17 {0} 0 1 1
4 primary 2 postgres-2 192.168.144.18 {1} 0 1 1
"""


def test_a_proxy_knows_one_primary_or_none() -> None:
    assert patroni.primary_at(STATE.format(2, 0)) == "postgres-1"
    assert patroni.primary_at(STATE.format(0, 2)) == "postgres-2"
    assert patroni.up_at(STATE.format(2, 2)) == ["postgres-1", "postgres-2"]
    assert patroni.primary_at(STATE.format(0, 0)) == patroni.primary_at(STATE.format(2, 2)) == ""


def leaderless(**changes: dict[str, Any]) -> patroni.Cluster:
    """The primary is gone; the replicas run, and stream from nobody."""
    gone = {"postgres_1": {"state": "stopped", "role": "replica"}}
    running = {name: {"state": "running"} for name in ("postgres_2", "postgres_3")}
    return cluster(**gone, **{name: {**running[name], **changes.get(name, {})} for name in running})


def test_where_nobody_leads_one_whose_confirmation_counted_takes_over() -> None:
    assert patroni.successor(leaderless())[0].name == "postgres-2"
    assert patroni.successor(leaderless(postgres_2={"lag": 4096}))[0].name == "postgres-3"
    assert patroni.successor(leaderless(), "postgres-3")[0].name == "postgres-3"


def test_where_no_replica_is_fit_a_failover_is_refused_with_the_reason_and_the_lag() -> None:
    chosen, why = patroni.successor(leaderless(postgres_2={"role": "replica", "lag": 3 * 2**20},
                                               postgres_3={"lag": 40 * 2**20}))
    assert chosen is None
    assert why == ("postgres-1 is stopped; postgres-2 may lack acknowledged writes (replica, 3.0 MiB of lag); "
                   "postgres-3 has 40.0 MiB of lag (at most 16 MiB)")


@pytest.mark.parametrize(("changes", "name", "force", "needed", "said"), [
    ({"postgres_2": {"state": "start failed"}}, "postgres-2", False, True, "is cloned anew from postgres-1"),
    ({}, "postgres-2", False, False, "nothing to clone"),
    ({}, "postgres-2", True, True, "is cloned anew"),
    ({}, "postgres-1", True, None, "is the primary"),
    ({"postgres_1": {"state": "stopped"}}, "postgres-2", True, None, "no primary to copy from"),
    ({}, "postgres-9", False, None, "doesn't list postgres-9"),
])
def test_only_a_replica_that_cannot_follow_is_cloned_anew(changes: dict[str, Any], name: str, force: bool,
                                                          needed: bool | None, said: str) -> None:
    found, why = patroni.needs_cloning(cluster(**changes), name, force=force)
    assert found is needed and said in why
