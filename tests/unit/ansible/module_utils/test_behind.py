"""While Pulumi runs, its session is behind what serves; afterwards it is as everybody's, whatever a killed run left."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.evenkeel.platform.plugins.module_utils import pulumi


@pytest.fixture
def session(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    file = tmp_path / "autogroup"
    file.write_text("/autogroup-7 nice 10\n")
    monkeypatch.setattr(pulumi, "AUTOGROUP", file)
    return file


def test_root_puts_the_session_behind_and_takes_it_back(session: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pulumi.os, "geteuid", lambda: 0)
    with pytest.raises(KeyError), pulumi.behind():
        assert session.read_text() == "10"
        raise KeyError
    assert session.read_text() == "0"


def test_nobody_else_does_since_taking_it_back_may_be_refused(session: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pulumi.os, "geteuid", lambda: 1000)
    with pulumi.behind():
        assert session.read_text() == "/autogroup-7 nice 10\n"


def test_a_kernel_that_weighs_no_sessions_is_left_alone(session: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pulumi.os, "geteuid", lambda: 0)
    session.unlink()
    with pulumi.behind():
        assert not session.exists()
