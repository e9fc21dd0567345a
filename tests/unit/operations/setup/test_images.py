"""Tags are a function of content: of all of it, and of nothing else."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from operations.setup import images, programs
from operations.setup.images import UnknownImageError, image_tag
from operations.setup.paths import ROOT


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A base, an image with a script and a lock, and an application."""
    for name, text in {
        "images/base/Dockerfile": "FROM scratch\n", "images/redis/Dockerfile": "FROM base\n",
        "images/redis/start": "#!/bin/sh\n", "images/redis/requirements.txt": "a==1\n",
        "examples/shop/Dockerfile": "FROM base\n", "examples/shop/shop/main.py": "print()\n",
    }.items():
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    return tmp_path


def test_a_tag_names_the_image_and_twelve_digits_of_its_content(checkout: Path) -> None:
    name, _, digits = image_tag("redis", checkout).partition(":")
    assert name == "evenkeel/redis"
    assert len(digits) == 12
    assert int(digits, 16) >= 0


def test_equal_checkouts_have_equal_tags(checkout: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    copy = tmp_path_factory.mktemp("copies") / "checkout"
    subprocess.run(["cp", "-r", checkout, copy], check=True)  # not -a: times differ between checkouts
    assert [image_tag(name, copy) for name in images.names(copy)] == \
           [image_tag(name, checkout) for name in images.names(checkout)]


@pytest.mark.parametrize("changed", ["images/redis/Dockerfile", "images/redis/start", "images/redis/requirements.txt",
                                     "images/base/Dockerfile"])
def test_whatever_goes_into_an_image_changes_its_tag(checkout: Path, changed: str) -> None:
    before = image_tag("redis", checkout)
    (checkout / changed).write_text("something else\n")
    assert image_tag("redis", checkout) != before


def test_a_package_that_an_image_ships_changes_its_tag_and_no_other(
        checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(images, "PACKAGES", {"redis": ("operations/watch",)})
    (checkout / "operations/watch").mkdir(parents=True)
    (checkout / "operations/watch/main.py").write_text("print()\n")
    before = [image_tag(name, checkout) for name in ("redis", "shop")]
    (checkout / "operations/watch/main.py").write_text("print(1)\n")
    after = [image_tag(name, checkout) for name in ("redis", "shop")]
    assert before[0] != after[0] and before[1] == after[1]


def test_an_executable_bit_and_a_name_count(checkout: Path) -> None:
    script = checkout / "images/redis/start"
    tags = {image_tag("redis", checkout)}
    script.chmod(0o755)
    tags.add(image_tag("redis", checkout))
    script.rename(script.with_name("begin"))
    tags.add(image_tag("redis", checkout))
    assert len(tags) == 3


def test_another_image_does_not_count(checkout: Path) -> None:
    before = image_tag("redis", checkout)
    (checkout / "examples/shop/shop/main.py").write_text("print(1)\n")
    assert image_tag("redis", checkout) == before


@pytest.mark.parametrize("beside", [
    "wheels/a.whl", "node_modules/a/index.js", "tests/test_it.py", "__pycache__/main.pyc", "shop/main.pyc"])
def test_caches_wheels_and_tests_do_not_count(checkout: Path, beside: str) -> None:
    before = image_tag("shop", checkout)
    file = checkout / "examples/shop" / beside
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("x")
    assert image_tag("shop", checkout) == before


def test_the_base_comes_first(checkout: Path) -> None:
    assert images.names(checkout) == ("base", "redis", "shop")


def test_a_stack_needs_the_platforms_images_and_the_examples_that_it_mentions(checkout: Path) -> None:
    for name in ("orders", "shopping"):
        (checkout / "examples" / name).mkdir()
        (checkout / "examples" / name / "Dockerfile").write_text("FROM base\n")
    file = checkout / "Pulumi.test.yaml"
    assert images.needed(file, checkout) == ("base", "orders", "redis"), "no file: the defaults"
    file.write_text("config:\n  evenkeel:app: {image: shop}\n")
    assert images.needed(file, checkout) == ("base", "orders", "redis", "shop")
    file.write_text("config:\n  evenkeel:app: {image: registry.example.com/mine:1}\n")
    assert images.needed(file, checkout) == ("base", "orders", "redis")


def test_an_unknown_image_is_refused_with_the_known_ones(checkout: Path) -> None:
    with pytest.raises(UnknownImageError, match="no image 'reddis'; this checkout makes base, redis, shop"):
        image_tag("reddis", checkout)


def test_tags_are_known_without_a_virtual_environment_or_an_engine() -> None:
    program = "from operations.setup.images import image_tag; print(image_tag('base'))"
    base = getattr(sys, "_base_executable", sys.executable)
    told = subprocess.run([base, "-I", "-c", f"import sys; sys.path.insert(0, {str(ROOT)!r}); {program}"], check=True,
                          env={"PATH": ""}, capture_output=True, text=True).stdout
    assert told.strip() == image_tag("base")


def test_what_only_drills_need_is_built_for_those_who_ask() -> None:
    assert set(images.names()) >= images.ON_DEMAND
    assert not images.ON_DEMAND & set(images.needed(ROOT / "stacks" / "Pulumi.local.yaml"))


def test_what_keeps_logs_and_traces_is_built_for_stacks_that_ask_for_it(checkout: Path) -> None:
    for name in images.MENTION:
        (checkout / "images" / name).mkdir()
        (checkout / "images" / name / "Dockerfile").write_text("FROM base\n")
    file = checkout / "Pulumi.test.yaml"
    assert "loki" not in images.needed(file, checkout) and "loki" not in images.usual(checkout)
    file.write_text("config:\n  evenkeel:monitoring:\n    # logs: another time\n    prometheus: {interval_s: 5}\n")
    assert "loki" not in images.needed(file, checkout)
    for text in ("  evenkeel:monitoring:\n    logs:\n      enabled: true\n",
                 "  evenkeel:monitoring: {logs: {enabled: true}}\n"):
        file.write_text(f"config:\n{text}")
        assert {"loki", "collector"} == images.MENTION.keys() & set(images.needed(file, checkout))
    file.write_text("config:\n  evenkeel:monitoring: {traces: {enabled: true}}\n")
    assert {"jaeger", "collector"} == images.MENTION.keys() & set(images.needed(file, checkout))
    assert images.MENTION.keys() == programs.BY_IMAGE.keys()


def test_a_program_that_an_image_ships_changes_its_tag(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = image_tag("redis", checkout)
    monkeypatch.setattr(images, "BY_IMAGE", {"redis": programs.K6})
    with_one = image_tag("redis", checkout)
    monkeypatch.setattr(images, "BY_IMAGE", {"redis": programs.LOKI})
    assert len({before, with_one, image_tag("redis", checkout)}) == 3
