"""The environment of `pulumi`: complete, private, and obedient to what the user has set."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

from operations.setup import env, toolchain
from operations.setup.errors import SetupError


@pytest.fixture
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout's state folder in which built tools were chosen."""
    folder = tmp_path / "state of it"
    monkeypatch.setattr(env, "STATE", folder)
    monkeypatch.setattr(env, "BACKEND", folder / "state")
    monkeypatch.setattr(env, "PASSPHRASE", folder / "passphrase")
    monkeypatch.setattr(toolchain, "CHOICE", folder / "tools.json")
    programs = tmp_path / "bin"
    programs.mkdir()
    (programs / "pulumi").touch()
    folder.mkdir()
    (folder / "tools.json").write_text(json.dumps({"folder": str(programs), "home": str(tmp_path / "home")}))
    return folder


def test_it_names_programs_state_passphrase_and_home(state: Path, tmp_path: Path) -> None:
    made = env.pulumi_environment({"PATH": "/usr/bin:/bin"})
    assert made["PATH"] == f"{env.VENV}/bin:{tmp_path}/bin:/usr/bin:/bin"
    assert made["PULUMI_HOME"] == str(tmp_path / "home")
    assert made["PULUMI_BACKEND_URL"] == f"file://{state}/state"
    assert made["PULUMI_CONFIG_PASSPHRASE_FILE"] == f"{state}/passphrase"


def test_applied_twice_it_is_the_same(state: Path) -> None:
    once = {"PATH": "/usr/bin"} | env.pulumi_environment({"PATH": "/usr/bin"})
    assert env.pulumi_environment(once)["PATH"] == once["PATH"]


def test_the_passphrase_is_generated_once_and_only_its_owner_can_read_it(state: Path) -> None:
    first = env.passphrase_file().read_text()
    assert len(first) >= 32
    assert env.passphrase_file().read_text() == first
    assert env.PASSPHRASE.stat().st_mode & 0o777 == 0o600
    assert state.stat().st_mode & 0o777 == 0o700


def test_a_ready_made_pulumi_keeps_its_own_home_and_may_fetch_plugins(state: Path, tmp_path: Path) -> None:
    (state / "tools.json").write_text(json.dumps({"folder": str(tmp_path / "bin"), "home": None}))
    made = env.pulumi_environment({"PATH": "/usr/bin"})
    assert "PULUMI_HOME" not in made
    assert "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION" not in made


def test_a_backend_and_a_passphrase_of_the_users_own_are_kept(state: Path) -> None:
    given = {"PATH": "/usr/bin", "PULUMI_BACKEND_URL": "s3://states", "PULUMI_CONFIG_PASSPHRASE": "mine"}
    made = env.pulumi_environment(given)
    assert "PULUMI_BACKEND_URL" not in made
    assert "PULUMI_CONFIG_PASSPHRASE_FILE" not in made
    assert not env.PASSPHRASE.exists()


def test_before_the_first_make_up_it_says_what_to_type(state: Path) -> None:
    (state / "tools.json").unlink()
    with pytest.raises(SetupError) as failure:
        env.pulumi_environment({})
    assert "Next:  make tools" in str(failure.value)


def test_a_shell_reads_back_what_was_exported(state: Path) -> None:
    made = env.pulumi_environment({"PATH": os.environ["PATH"]})
    read = subprocess.run(["sh", "-c", f"{env.exports(made)}printf %s \"$PULUMI_BACKEND_URL\""], check=True,
                          capture_output=True, text=True).stdout
    assert read == f"file://{state}/state"
