"""A file of an older release, or one that takes the workers from under their visitors, is refused."""

from __future__ import annotations

from dataclasses import replace

import pytest

from components.targets.docker import guard, traffic
from components.targets.docker.guard import Guard, Present
from components.targets.docker.traffic import Traffic
from components.workload import HealthCheck, Resources, Workload, Zone

BLUE = Workload(name="web-blue", tier="app", image="shop:1", count=2, zones=(Zone.APP,),
                resources=Resources(memory_mib=64, cpus=1), health=HealthCheck(("ok",)))
GREEN = replace(BLUE, name="web-green")


def refusal(known: Traffic | None, serial: int, *workloads: Workload) -> str:
    guarding = Guard("shop", Present(traffic=known), None)
    guarding.declare_release(serial)
    for workload in workloads:
        for member in workload.members:
            guarding.declare(workload, member, workload.image, "made")
    refused = guarding.refused()
    return guard.explain(refused, "stacks/Pulumi.shop.yaml") if refused else ""


def test_an_older_release_is_refused_with_both_serials_and_the_way_out() -> None:
    said = refusal(Traffic(7, "shop:2"), 6, BLUE)
    assert "this file describes release 6, and release 7 (shop:2) runs" in said
    assert "Next: take the file of the newest release" in said


@pytest.mark.parametrize("serial", [7, 8])
def test_the_same_release_and_a_newer_one_are_not(serial: int) -> None:
    assert refusal(Traffic(7, "shop:2"), serial, BLUE) == ""


def test_a_new_platform_has_nothing_to_compare_with() -> None:
    assert refusal(None, 0, BLUE) == refusal(Traffic(), 0, BLUE) == ""


def test_a_colour_with_visitors_keeps_its_workers() -> None:
    known = traffic.read("web 100\n", "")
    assert "the load balancers send 100 % of its pool's requests there" in refusal(known, 0, BLUE)
    assert refusal(known, 0, BLUE, GREEN) == refusal(known, 0, GREEN) == ""
    assert "web-green: the load balancers send 5 %" in refusal(traffic.read("web 5\n", ""), 0, BLUE)


def test_a_pool_that_is_gone_altogether_is_not_missed() -> None:
    assert refusal(traffic.read("web 0\nshop 100\n", ""), 0, BLUE) == ""


def test_what_cannot_be_read_was_never_written() -> None:
    assert traffic.read("", "") == Traffic()
    assert traffic.read("web x\n", "{") == Traffic()
    assert traffic.read("web 20\n", '{"serial": 3, "image": "shop:2"}') == Traffic(
        3, "shop:2", {"web-blue": 80, "web-green": 20})
