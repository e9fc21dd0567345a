"""Which stacks a change touches."""

from __future__ import annotations

import pytest

from operations.previews import touched

KNOWN = ["local", "shop"]


@pytest.mark.parametrize(("paths", "stacks"), [
    (["stacks/Pulumi.shop.yaml"], ["shop"]),
    (["stacks/Pulumi.gone.yaml", "docs/x.md", "tests/unit/test_x.py", "README.md"], []),
    (["components/redis.py"], KNOWN), (["templates/redis/redis.conf.j2"], KNOWN), (["images/redis/Dockerfile"], KNOWN),
    (["__main__.py"], KNOWN), (["requirements.txt"], KNOWN), (["operations/supervisor/pair.py"], KNOWN),
    (["operations/previews/text.py"], []), (["examples/orders/tests/test_x.py"], []), ([], []),
    (["docs/stacks/Pulumi.shop.yaml"], []),
])
def test_paths_touch_stacks(paths: list[str], stacks: list[str]) -> None:
    assert touched.stacks(paths, KNOWN) == stacks


def test_the_stacks_of_this_checkout_are_known() -> None:
    assert {"local", "visits"} <= set(touched.known())
