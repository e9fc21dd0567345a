"""Rules of the user's are judged by the real promtool, in the platform's image, before anything is registered."""

from __future__ import annotations

from typing import Any

import pytest

from components.settings import Settings, SettingsError
from components.targets.docker import engine, own_rules

GOOD = {"alerts": {"CartEmpty": {"expression": "shop_carts == 0", "says": "{{ $labels.member }}: {{ $value }}"}},
        "records": {"shop:orders:rate5m": "sum(rate(shop_orders_total[5m]))"}}


def load(monitoring: dict[str, Any]) -> Settings:
    return Settings.load({"monitoring": monitoring}, stack="test", where="test")


def test_good_rules_pass_and_leave_nothing_behind() -> None:
    own_rules.check(load(GOOD), "test")
    assert not engine.client().containers.list(all=True, filters={"label": "evenkeel.helper=rules"})


@pytest.mark.parametrize(("wrong", "said"), [
    ({"alerts": {"CartEmpty": {"expression": "rate(", "says": "x"}}}, "CartEmpty"),
    ({"alerts": {"CartEmpty": {"expression": "up", "says": "{{ $labels.member"}}}, "CartEmpty"),
    ({"records": {"shop:orders:rate5m": "sum by (x"}}, "shop:orders:rate5m"),
    ({"answer_times": "{{"}, "unexpected"),
])
def test_wrong_ones_are_refused_in_promtools_words(wrong: dict[str, Any], said: str) -> None:
    with pytest.raises(SettingsError, match=r"promtool refuses") as raised:
        own_rules.check(load(wrong), "stacks/Pulumi.test.yaml")
    assert said in str(raised.value) and "Nothing was changed" in str(raised.value)


def test_without_rules_of_ones_own_nothing_is_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(own_rules, "_judge", lambda *_arguments: pytest.fail("nothing to judge"))
    own_rules.check(load({}), "test")
    own_rules.check(load({**GOOD, "enabled": False}), "test")
