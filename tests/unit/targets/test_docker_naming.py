"""Everything a stack is called on Docker derives from its name."""

from __future__ import annotations

import ipaddress

import pytest

from components.targets.docker import naming
from components.targets.docker.inputs import duration
from components.targets.docker.naming import DockerNames
from components.workload import Member

SUBNET = ipaddress.IPv4Network("10.64.7.0/24")


def test_names_of_two_stacks_never_meet() -> None:
    member = Member("postgres", 2)
    assert naming.container("local", member) == "evenkeel-local-postgres-2"
    assert naming.container("a", member) != naming.container("b", member)
    assert naming.edge_subnet("a") != naming.edge_subnet("b")


@pytest.mark.parametrize("stack", ["local", "staging", "x" * 30])
def test_the_edge_subnet_lies_in_the_range_set_aside(stack: str) -> None:
    assert naming.edge_subnet(stack).subnet_of(ipaddress.IPv4Network("10.64.0.0/10"))
    assert naming.edge_subnet(stack).prefixlen == 24


def test_stable_addresses_stay_out_of_the_engines_range() -> None:
    names = DockerNames("test", SUBNET)
    addresses = [names.stable_address(workload, n) for workload in ("haproxy", "other") for n in (1, 2)]
    assert addresses == ["10.64.7.17", "10.64.7.18", "10.64.7.33", "10.64.7.34"]
    assert names.stable_address("haproxy", 1) == "10.64.7.17"
    assert not any(ipaddress.ip_address(address) in naming.dynamic_range(SUBNET) for address in addresses)


def test_too_many_stable_addresses_name_the_setting() -> None:
    with pytest.raises(ValueError, match=r"network\.edge_subnet"):
        DockerNames("test", SUBNET).stable_address("haproxy", naming.STABLE_BLOCK)


@pytest.mark.parametrize(("seconds", "spelled"), [(5, "5s"), (60, "1m0s"), (125, "2m5s"), (3600, "1h0m0s")])
def test_durations_are_spelled_as_the_engine_returns_them(seconds: int, spelled: str) -> None:
    assert duration(seconds) == spelled


def test_members_are_spread_over_three_failure_domains() -> None:
    assert [Member("redis", n).domain for n in range(1, 7)] == ["a", "b", "c", "a", "b", "c"]
