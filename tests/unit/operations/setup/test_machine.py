"""Shortages are refused before anything is changed, all of them at once."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from operations.setup import machine
from operations.setup.errors import SetupError
from operations.setup.machine import GIB, Machine

ENOUGH = Machine("Linux", "x86_64", (3, 11), debian=True, cores=2, memory=8 * GIB, disks={Path("/"): 50 * GIB})


def test_enough_of_everything_passes() -> None:
    machine.check(ENOUGH)


@pytest.mark.parametrize(("lacking", "words"), [
    (replace(ENOUGH, memory=3 * GIB), "3.0 GiB of memory: 4 GiB are needed"),
    (replace(ENOUGH, disks={Path("/srv"): 9 * GIB}), "9.0 GiB free at /srv: 10 GiB are needed"),
    (replace(ENOUGH, python=(3, 9)), "Python 3.9: 3.11 or newer is needed"),
    (replace(ENOUGH, system="Darwin"), "Darwin on x86_64: Linux"),
    (replace(ENOUGH, architecture="riscv64"), "Linux on riscv64"),
])
def test_a_shortage_is_named_with_what_is_there_and_what_is_needed(lacking: Machine, words: str) -> None:
    with pytest.raises(SetupError) as failure:
        machine.check(lacking)
    assert words in str(failure.value)
    assert "Nothing was changed" in str(failure.value)


def test_all_shortages_are_named_at_once() -> None:
    with pytest.raises(SetupError) as failure:
        machine.check(replace(ENOUGH, memory=GIB, python=(3, 9)))
    assert "memory" in str(failure.value)
    assert "Python" in str(failure.value)


def test_a_machine_on_which_everything_is_built_needs_little_disk() -> None:
    machine.check(replace(ENOUGH, disks={Path("/"): 2 * GIB}), everything_is_built=True)


def test_this_machine_is_read() -> None:
    found = machine.look()
    assert found.cores >= 1
    assert found.memory > 0
    assert all(free > 0 for free in found.disks.values())
