"""Two setups at once: the second waits, and says for whom."""

from __future__ import annotations

import os
import threading
from pathlib import Path

from operations.setup import lock


def test_the_second_waits_for_the_first(tmp_path: Path) -> None:
    told: list[str] = []
    entered = threading.Event()

    def second() -> None:
        with lock.held(tmp_path / "lock", told.append):
            entered.set()

    with lock.held(tmp_path / "lock", told.append):
        thread = threading.Thread(target=second)
        thread.start()
        assert not entered.wait(0.3)
        assert told == [f"another setup is under way (process {os.getpid()}): waiting until it ends"]
    assert entered.wait(5)
    thread.join()


def test_it_can_be_held_again(tmp_path: Path) -> None:
    for _ in range(2):
        with lock.held(tmp_path / "lock", lambda _: None):
            assert (tmp_path / "lock").read_text().strip() == str(os.getpid())
