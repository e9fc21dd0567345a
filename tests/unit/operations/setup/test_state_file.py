"""What Pulumi keeps of a stack in a file backend, and for how long."""

from __future__ import annotations

from pathlib import Path

import pytest

from operations.setup import state_file


@pytest.fixture
def pulumi(tmp_path: Path) -> Path:
    """A backend with 25 earlier states of `shop` and of `shop-2`."""
    for name in ("shop", "shop-2"):
        for kind in ("backups", "history"):
            folder = tmp_path / ".pulumi" / kind / "evenkeel" / name
            folder.mkdir(parents=True)
            for number in range(25):
                file = folder / f"{name}.17958046057277824{number:02}.json"
                file.write_text("{}")
                file.with_suffix(".json.attrs").write_text("{}")
    return tmp_path


def kept(backend: Path, name: str) -> list[str]:
    return sorted(file.name[-7:-5] for file in (backend / ".pulumi/backups/evenkeel" / name).glob("*.json"))


def test_the_newest_states_are_kept(pulumi: Path) -> None:
    state_file.prune("shop", f"file://{pulumi}")
    assert kept(pulumi, "shop") == [f"{number:02}" for number in range(5, 25)]
    assert len(list((pulumi / ".pulumi/backups/evenkeel/shop").iterdir())) == 40
    assert len(kept(pulumi, "shop-2")) == 25


def test_of_a_deleted_stack_nothing_is_kept_and_of_others_everything(pulumi: Path) -> None:
    state_file.forget("shop", f"file://{pulumi}")
    assert sorted(folder.name for folder in pulumi.glob(".pulumi/*/evenkeel/*")) == ["shop-2", "shop-2"]


def test_a_backend_elsewhere_is_left_alone() -> None:
    state_file.prune("shop", "s3://states")
    state_file.forget("shop", "s3://states")
