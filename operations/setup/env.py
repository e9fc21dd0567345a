"""The environment that `pulumi` needs, for our own use and for a shell: ``eval "$(make -s env)"``."""

from __future__ import annotations

import os
import secrets
import shlex
from collections.abc import Mapping
from pathlib import Path

from operations.setup import toolchain
from operations.setup.paths import STATE, VENV, private_folder

BACKEND = STATE / "state"
GARBAGE_PERCENT = "400"
"""How much the memory of Go's programs may grow, over what is in use, before they look for what can be thrown away. At
Go's own 100, `pulumi up` with nothing to do takes a tenth longer, and 45 MB less (200 instead of 155)."""
PASSPHRASE = STATE / "passphrase"


def pulumi_environment(base: Mapping[str, str] | None = None) -> dict[str, str]:
    """What to set over ``base`` (default: our own environment) so that `pulumi` finds its programs, state and
    passphrase. A backend or passphrase that ``base`` names already is kept.

    Raises ``SetupError`` before the first ``make up``.
    """
    given = os.environ if base is None else base
    choice = toolchain.chosen()
    ours = [str(VENV / "bin"), choice.folder]
    others = [folder for folder in given.get("PATH", os.defpath).split(os.pathsep) if folder not in ours]
    made = {"PATH": os.pathsep.join([*ours, *others]), "VIRTUAL_ENV": str(VENV), "PULUMI_SKIP_UPDATE_CHECK": "1",
            # `pulumi destroy` typed by hand keeps data and secrets as `make down` does (decision 8).
            "PULUMI_OPTION_EXCLUDE_PROTECTED": "true", "GOGC": given.get("GOGC", GARBAGE_PERCENT)}
    if choice.home:
        # Everything it needs was built: a question to a registry would only cost time.
        made |= {"PULUMI_HOME": choice.home, "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true"}
    if "PULUMI_BACKEND_URL" not in given:
        made["PULUMI_BACKEND_URL"] = f"file://{private_folder(STATE) / BACKEND.name}"
        BACKEND.mkdir(mode=0o700, exist_ok=True)
    if "PULUMI_CONFIG_PASSPHRASE" not in given and "PULUMI_CONFIG_PASSPHRASE_FILE" not in given:
        made["PULUMI_CONFIG_PASSPHRASE_FILE"] = str(passphrase_file())
    return made


def passphrase_file() -> Path:
    """The file with the passphrase of all stacks of this checkout, generated once; nobody else can read it."""
    private_folder(STATE)
    try:
        descriptor = os.open(PASSPHRASE, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return PASSPHRASE
    with os.fdopen(descriptor, "w") as file:
        file.write(secrets.token_urlsafe(32))
    return PASSPHRASE


def exports(environment: Mapping[str, str]) -> str:
    """``environment`` as lines for a shell."""
    return "".join(f"export {name}={shlex.quote(value)}\n" for name, value in environment.items())
