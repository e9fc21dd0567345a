"""A stack's outputs as groups and variables."""

from __future__ import annotations

from ansible_collections.evenkeel.platform.plugins.module_utils import inventory

WORKER = {"member": "web-blue-2", "workload": "web-blue", "tier": "app", "domain": "b", "stateful": False,
          "colour": "blue", "pool": "web"}


def test_a_member_is_in_groups_of_everything_that_is_said_of_it() -> None:
    assert inventory.groups_of(WORKER) == {
        "tier_app": "platform", "web_blue": "tier_app", "domain_b": "platform", "stateless": "platform",
        "colour_blue": "platform", "pool_web": "platform"}


def test_parents_come_first() -> None:
    groups = list(inventory.groups_of(WORKER))
    assert groups.index("tier_app") < groups.index("web_blue")


def test_a_member_knows_its_container() -> None:
    known = inventory.variables_of("shop", WORKER)
    assert known["evenkeel_container"] == "evenkeel-shop-web-blue-2"
    assert known["evenkeel_domain"] == "b"


def test_whatever_holds_a_secret_is_left_out() -> None:
    outputs = {"url": "https://localhost", "password": "[secret]", "deep": {"inner": ["[secret]"]}, "members": [WORKER]}
    assert inventory.without_secrets(outputs) == {"url": "https://localhost", "members": [WORKER]}
