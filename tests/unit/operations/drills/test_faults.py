"""Faults are undone whatever happens, and their helpers know their end."""

from __future__ import annotations

import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from operations.drills import faults
from operations.drills.errors import DrillError
from operations.drills.faults import Gone, applied
from operations.setup import holds
from operations.setup.paths import ROOT


@dataclass
class Recorded:
    victims: tuple[str, ...] = ("postgres-1",)
    happened: list[str] = field(default_factory=list)
    refuses: int = 0

    def apply(self, platform: Any) -> None:
        self.happened.append("apply")

    def undo(self, platform: Any) -> None:
        self.happened.append("undo")
        if self.refuses:
            self.refuses -= 1
            raise holds.HoldError("etcd does not answer yet")


@pytest.mark.parametrize("error", [KeyboardInterrupt, RuntimeError])
def test_an_aborted_drill_undoes_its_fault(error: type[BaseException]) -> None:
    fault = Recorded()
    with pytest.raises(error), applied(fault, object()):  # type: ignore[arg-type]
        raise error
    assert fault.happened == ["apply", "undo"]


def test_undoing_is_tried_until_it_is_done(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(faults, "UNDO_PAUSE_S", 0)
    fault = Recorded(refuses=3)
    with applied(fault, object()):  # type: ignore[arg-type]
        pass
    assert fault.happened == ["apply", *["undo"] * 4]


def test_a_second_fault_follows_the_first_and_both_are_undone() -> None:
    first, second = Recorded(("postgres-1",)), Recorded(("etcd-2",), refuses=1)
    both = faults.Staggered(first, second, 0)
    assert list(both.victims) == ["postgres-1", "etcd-2"]
    both.apply(object())  # type: ignore[arg-type]
    with pytest.raises(holds.HoldError):
        both.undo(object())  # type: ignore[arg-type]
    assert first.happened == second.happened == ["apply", "undo"]


class Platform:
    """Members that may be killed and started; one of them is refused."""

    stack = "test"

    def __init__(self, refused: str = "") -> None:
        self.refused = refused
        self.happened: list[str] = []

    def container(self, member: str) -> Any:
        platform = self

        class Container:
            def kill(self) -> None:
                if member == platform.refused:
                    raise DrillError("gone")
                platform.happened.append(f"kill {member}")

            def start(self) -> None:
                platform.happened.append(f"start {member}")

        return Container()


def test_what_is_to_stay_dead_is_held_first_and_started_before_the_hold_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    """Holds are kept in etcd, which may be what is dead. A half of it that failed is undone, too."""
    platform = Platform(refused="etcd-3")
    monkeypatch.setattr(holds, "hold", lambda stack, name, seconds, why: platform.happened.append(f"hold {name}"))
    monkeypatch.setattr(holds, "unhold", lambda stack, name: platform.happened.append(f"unhold {name}"))
    with pytest.raises(DrillError), applied(Gone(["etcd-2", "etcd-3"], 10), platform):  # type: ignore[arg-type]
        pass
    assert platform.happened == ["hold etcd-2", "hold etcd-3", "kill etcd-2", "start etcd-2", "start etcd-3",
                                 "unhold etcd-2", "unhold etcd-3"]


def test_the_helper_that_freezes_wakes_again_when_it_is_stopped_and_when_its_time_is_over() -> None:
    freeze = ROOT / "images" / "faults" / "freeze"

    def stopped(pid: int) -> bool:
        return Path(f"/proc/{pid}/stat").read_text().split()[2] == "T"

    victim = subprocess.Popen(["sleep", "60"])
    try:
        for end in ("stopped", "over"):
            helper = subprocess.Popen([str(freeze), "6" if end == "over" else "60", str(victim.pid)],
                                      stdout=subprocess.PIPE, text=True, start_new_session=True)
            assert helper.stdout and helper.stdout.readline() == "applied\n"
            for _ in range(500):  # the kernel takes its time
                if stopped(victim.pid):
                    break
                time.sleep(0.02)
            assert stopped(victim.pid)
            if end == "stopped":
                helper.terminate()
            helper.wait(20)
            for _ in range(500):
                if not stopped(victim.pid):
                    break
                time.sleep(0.02)
            assert not stopped(victim.pid)
    finally:
        victim.kill()
        victim.wait()
