from __future__ import annotations

from components.settings import Settings
from operations.benchmarks.bench_stack import merged
from operations.benchmarks.changes import CHANGES


def settings_after(count: int) -> Settings:
    config: dict = {}
    for change in CHANGES[:count]:
        config = merged(config, change.nested)
    return Settings.load(config, stack="bench", where="stacks/Pulumi.bench.yaml")


def test_every_change_is_one_and_is_accepted() -> None:
    for count in range(1, len(CHANGES) + 1):
        assert settings_after(count) != settings_after(count - 1), CHANGES[count - 1].setting


def test_every_tier_is_changed() -> None:
    assert {change.setting.partition(".")[0] for change in CHANGES} == {"edge", "app", "postgres", "redis"}
    assert len(CHANGES) >= 20


def test_settings_are_laid_over_each_other_key_by_key() -> None:
    under = {"app": {"image": "orders", "port": 1}}
    assert merged(under, {"app": {"port": 2}}) == {"app": {"image": "orders", "port": 2}}
