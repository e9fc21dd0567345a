"""Which members an update would replace, and which of that is refused."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from components.targets.docker import guard, inputs
from components.targets.docker.guard import Fate, Guard, Present, Running
from components.targets.docker.target import DockerTarget
from components.workload import HealthCheck, Member, Port, Resources, Workload, Zone

CLUSTER = Workload(name="store", tier="data", image="store", count=3, zones=(Zone.DATA,), clustered=True,
                   resources=Resources(memory_mib=64, cpus=1), health=HealthCheck(("ok",)))
PAIR = replace(CLUSTER, name="door", count=2, clustered=False)


def made(workload: Workload, ordinal: int, image: str = "one", **more: Any) -> dict[str, Any]:
    member = Member(workload.name, ordinal)
    return inputs.container(workload, member, **{
        "name": f"evenkeel-t-{member.name}", "image": image, "command": None, "labels": {"evenkeel.stack": "t"},
        "volumes": [], "networks": [], "ports": [], **more})


def running(workload: Workload, image: str = "one", count: int | None = None) -> dict[str, Running]:
    return {f"{workload.name}-{n}": Running(f"{workload.name}-{n}", workload.name, image,
                                            inputs.fingerprint(made(workload, n, image)), workload.clustered)
            for n in range(1, (count or workload.count) + 1)}


def declare(guarding: Guard, workload: Workload, image: str = "one") -> list[Fate]:
    return [guarding.declare(workload, member, image, inputs.fingerprint(made(workload, member.ordinal, image)))
            for member in workload.members]


def judge(workload: Workload, present: Present, image: str = "one",
          permitted: frozenset[str] | None = None) -> tuple[list[Fate], str]:
    guarding = Guard("t", present, permitted)
    fates = declare(guarding, workload, image)
    refused = guarding.refused()
    return fates, guard.explain(refused, "stacks/Pulumi.t.yaml") if refused else ""


def test_what_runs_as_it_is_wanted_stays() -> None:
    assert judge(CLUSTER, Present(running(CLUSTER))) == ([Fate.UNTOUCHED] * 3, "")


def test_at_a_first_start_there_is_nothing_to_protect() -> None:
    assert judge(CLUSTER, Present()) == ([Fate.UNTOUCHED] * 3, "")


def test_limits_are_no_reason_for_another_container() -> None:
    bigger = replace(CLUSTER, resources=Resources(memory_mib=128, cpus=2))
    assert judge(bigger, Present(running(CLUSTER))) == ([Fate.UNTOUCHED] * 3, "")


def test_a_pair_is_replaced() -> None:
    assert judge(PAIR, Present(running(PAIR)), "two") == ([Fate.REPLACED] * 2, "")


def test_members_of_a_cluster_are_refused_with_their_reason_and_the_command() -> None:
    _, said = judge(CLUSTER, Present(running(CLUSTER)), "two")
    assert "store-1, store-2, store-3: would be replaced: image one -> two." in said
    assert "ansible-playbook ansible/playbooks/upgrade.yml -e stack=t" in said and "nothing was changed" in said


def test_the_reason_is_in_words() -> None:
    with_file_limit = replace(CLUSTER, resources=Resources(memory_mib=64, cpus=1, open_files=99), stop_signal="SIGINT")
    assert "limit of open files" in judge(with_file_limit, Present(running(CLUSTER)))[1]
    assert "stop signal" in judge(with_file_limit, Present(running(CLUSTER)))[1]


def test_a_container_without_a_fingerprint_counts_as_another_one() -> None:
    members = {name: replace(now, fingerprint=guard.ANY) for name, now in running(CLUSTER).items()}
    assert "by another version of this program, or by hand" in judge(CLUSTER, Present(members))[1]


def test_named_members_are_replaced_and_all_others_held() -> None:
    fates, said = judge(CLUSTER, Present(running(CLUSTER)), "two", frozenset({"store-2"}))
    assert fates == [Fate.HELD, Fate.REPLACED, Fate.HELD] and not said


@pytest.mark.parametrize(("value", "named"), [
    ("", None), (" ", None), ("store-2", {"store-2"}), ("store-2, door-1,", {"store-2", "door-1"})])
def test_members_are_named_by_the_environment(value: str, named: set[str] | None) -> None:
    assert guard.permitted({guard.PERMITTED_VARIABLE: value}) == named


def test_fewer_members_of_a_cluster_are_refused() -> None:
    _, said = judge(replace(CLUSTER, count=2), Present(running(CLUSTER)))
    assert "store-3: 2 store members are wanted" in said and "back to 3" in said


def test_a_fixed_cluster_refuses_further_members_but_takes_back_a_lost_one() -> None:
    fixed = replace(CLUSTER, can_grow=False)
    two = running(fixed, count=2)
    assert "store-3" in judge(fixed, Present(two))[1]
    assert judge(fixed, Present(two, {"evenkeel-t-store-3-data": "store-3"}))[1] == ""
    assert judge(CLUSTER, Present(two))[1] == ""


def test_a_cluster_with_a_playbook_for_it_names_that_and_lets_the_playbook_do_it() -> None:
    resized = replace(CLUSTER, can_grow=False, resized_by="scale.yml")
    volumes = {"evenkeel-t-store-3-data": "store-3"}
    for count, present in ((3, Present(running(resized, count=2))), (2, Present(running(resized), volumes))):
        _, said = judge(replace(resized, count=count), present)
        assert "`ansible-playbook ansible/playbooks/scale.yml -e stack=t` does it" in said and "back to" in said
        assert judge(replace(resized, count=count), present, permitted=frozenset({"store-3"}))[1] == ""
        assert judge(replace(resized, count=count), present, permitted=frozenset({"store-1"}))[1] != ""


def test_protected_volumes_are_not_deleted() -> None:
    _, said = judge(replace(PAIR, count=1), Present(running(PAIR), {"evenkeel-t-door-2-state": "door-2"}))
    assert "door-2: its protected volume evenkeel-t-door-2-state" in said and "pulumi state unprotect" in said


@pytest.mark.parametrize(("members", "refused"), [(running(PAIR), True), ({}, False)])
def test_a_network_is_not_moved_under_its_members(members: Mapping[str, Running], refused: bool) -> None:
    guarding = Guard("t", Present(members, subnets={"evenkeel-t-edge": "10.64.0.0/24"}), None)
    declare(guarding, PAIR)
    guarding.declare_network("evenkeel-t-edge", "10.65.0.0/24")
    assert bool(guarding.refused()) is refused


def test_every_input_has_a_name_for_people() -> None:
    assert set(inputs.replacing(made(PAIR, 1))) <= set(inputs.WORDS)


@pytest.mark.parametrize(("first", "order"), [(8443, [1, 2]), (8444, [2, 1]), (8442, [1, 2]), (9443, [1, 2])])
def test_a_member_that_wants_its_neighbours_port_comes_after_it(first: int, order: list[int]) -> None:
    """Two published ports, 8443 and 8444, moved by one: the one that frees a port goes first."""
    now = {name: replace(each, ports=frozenset({8442 + n})) for n, (name, each) in enumerate(running(PAIR).items(), 1)}
    target = DockerTarget.__new__(DockerTarget)
    target.guard = Guard("t", Present(now), None)
    moved = replace(PAIR, ports=(Port("https", 8443, first),))
    assert [member.ordinal for member in target._in_order(moved)] == order
