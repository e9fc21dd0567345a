"""The engine's own socket on this machine: where it is, and as a member of which group it may be used."""

from __future__ import annotations

import os
from pathlib import Path

from components.settings import SettingsError

DEFAULT = "unix:///var/run/docker.sock"
OFF = ("\nNothing was changed. Next: `pulumi config set --path evenkeel:supervision.enabled false`: what `docker kill` "
       "ends then stays down until the next `make up`, and nothing runs by a schedule.")


def path() -> str:
    """Raises ``SettingsError`` where the engine is reached in another way than by a socket of this machine."""
    host = os.environ.get("DOCKER_HOST") or DEFAULT
    if not host.startswith("unix://"):
        raise SettingsError(f"DOCKER_HOST={host}: the supervisors need the socket of an engine on this machine, "
                            f"`unix://...`.{OFF}")
    return host.removeprefix("unix://")


def group() -> str:
    """The number of the group that may use the socket, mostly that of `docker`, as a member sees it. With it a process
    that is not root needs nothing else. Raises ``SettingsError``."""
    try:
        found = Path(path()).stat()
    except OSError as error:
        raise SettingsError(f"The engine's socket can't be looked at: {error}{OFF}") from None
    if found.st_mode & 0o060 != 0o060:
        raise SettingsError(f"{path()} has mode {found.st_mode & 0o777:o}: its group may not use it, and supervisors "
                            "do not run as root. dockerd gives it to the group that its option `--group` names."
                            f"{OFF}")
    # A rootless engine's socket belongs to its user, whose own group is the members' group 0.
    return "0" if found.st_uid != 0 else str(found.st_gid)
