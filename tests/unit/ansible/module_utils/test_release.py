"""Which release is made, what an interrupted one becomes, and what the stack's file has to say."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from ansible_collections.evenkeel.platform.plugins.module_utils import release, stack_file
from ansible_collections.evenkeel.platform.plugins.module_utils.release import Release, ReleaseError, Step
from ansible_collections.evenkeel.platform.plugins.module_utils.rolling import Moving

SERVING = {"stack": "shop", "strategy": "blue-green", "active": "blue", "active_image": "shop:1", "last_serial": 3,
           "who": "ada", "now": 7.0}
UNDER_WAY = Release(4, "shop", "shop:2", "green", "shop:1", "blue", stage="verify", restores={"app.release": 3})
FILE = """# The shop.
config:
  evenkeel:app:
    image: shop:1 # ours
    port: 3000
  # The edge.
  evenkeel:edge:
    limits: {body_mib: 8}
"""


def begin(current: Release | None, image: str = "shop:2", **more: Any) -> tuple[Release, str]:
    known: dict[str, Any] = {**SERVING, **more}
    return release.begin(current, image=image, **known)


def test_a_release_fills_the_other_colour_under_the_next_serial() -> None:
    made, told = begin(replace(UNDER_WAY, state=release.DONE))
    assert (made.serial, made.colour, made.old_colour, made.old_image, told) == (4, "green", "blue", "shop:1", "")
    assert begin(None, active="green")[0].colour == "blue"


@pytest.mark.parametrize("stage", ["begin", "fill", "verify", "canary", "switch"])
def test_an_interrupted_release_of_the_same_image_goes_on_at_every_stage(stage: str) -> None:
    interrupted = replace(UNDER_WAY, stage=stage, percent=20)
    made, told = begin(interrupted)
    assert made == interrupted and f"`{stage}`; it goes on from there" in told


@pytest.mark.parametrize("stage", release.BEFORE_TRAFFIC)
def test_one_without_visitors_is_given_up_for_another_and_what_it_must_restore_is_kept(stage: str) -> None:
    made, told = begin(replace(UNDER_WAY, stage=stage), "shop:3")
    assert (made.serial, made.image, made.restores) == (5, "shop:3", {"app.release": 3})
    assert "given up" in told


@pytest.mark.parametrize("stage", ["canary", "switch"])
def test_one_with_visitors_is_not_given_up_and_the_way_out_is_named(stage: str) -> None:
    with pytest.raises(ReleaseError, match=r"`make rollback STACK=shop`"):
        begin(replace(UNDER_WAY, stage=stage, percent=20), "shop:3")


def test_filling_a_colour_pins_the_other_one_to_what_it_runs() -> None:
    assert release.declared(UNDER_WAY, "shop")["app.colours.blue.image"] == "shop:1"
    assert "app.colours.blue.image" not in release.declared(UNDER_WAY, "shop:1")


def test_a_canary_goes_up_in_steps_and_ends_with_everything() -> None:
    def shares(strategy: str, first: int = 5) -> list[int]:
        made = replace(UNDER_WAY, strategy=strategy)
        return [step.percent for step in release.steps(made, first, 15, Moving())]

    assert shares("canary") == [5, 20, 35, 50, 65, 80, 95, 100]
    assert shares("canary", 100) == shares("blue-green") == [100]


def test_a_rolling_release_says_for_each_step_how_many_workers_each_colour_has() -> None:
    made = replace(UNDER_WAY, strategy="rolling", capacity={"web": 2})
    steps = release.steps(made, 5, 15, Moving())
    green, blue = "app.colours.green.pool_workers.web", "app.colours.blue.pool_workers.web"
    assert steps == [Step(50, {green: 1, blue: 2}), Step(100, {green: 2, blue: 1})]
    assert release.ahead(steps, made) == steps and release.ahead(steps, replace(made, percent=100)) == steps[1:]


def test_a_record_of_a_later_version_can_be_read() -> None:
    assert release.read({**UNDER_WAY.as_dict(), "moon": "full"}) == UNDER_WAY


def test_the_file_keeps_its_comments_where_they_are_and_is_itself_again_afterwards() -> None:
    changes = release.declared(UNDER_WAY, "shop:0")
    edited = stack_file.edited(FILE, changes)
    assert [line for line in FILE.splitlines() if line not in edited.splitlines()] == []
    assert edited.index("# The edge.") + len("# The edge.\n") == edited.index("  evenkeel:edge:")
    assert stack_file.value_at(edited, "app.colours.green.image") == "shop:2"
    assert stack_file.edited(edited, {key: stack_file.value_at(FILE, key) for key in changes}) == FILE


def test_a_group_that_became_empty_is_taken_out() -> None:
    """`green: {}` would have workers, where no `green` at all has none."""
    edited = stack_file.edited(FILE, {"app.colours.green.image": "shop:2"})
    assert "colours" not in stack_file.edited(edited, {"app.colours.green.image": None})


def test_a_setting_in_place_of_a_group_is_told() -> None:
    with pytest.raises(ValueError, match=r"app\.image\.tag"):
        stack_file.edited(FILE, {"app.image.tag": "2"})
