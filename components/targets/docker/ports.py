"""Host ports: who holds them already. Asked before anything is changed."""

from __future__ import annotations

import socket
from collections.abc import Mapping

from components.settings import SettingsError
from components.targets.docker import engine


def check(stack: str, address: str, wanted: Mapping[str, int], where: str) -> None:
    """Raise ``SettingsError`` that names who holds a port of ``wanted`` (setting -> port), unless it is us."""
    holders = _published()
    for key, port in wanted.items():
        holder = holders.get(port)
        if holder == stack:
            continue
        if holder is not None:
            who = f"the stack {holder!r}" if holder else "a container that is not Evenkeel's"
        elif _is_free(address, port):
            continue
        else:
            who = "another process on this machine"
        raise SettingsError(f"{where}: port {port} on {address} ({key}) is in use by {who}.\nNothing was changed. "
                            f"Next: choose another with `pulumi config set --path {key} PORT`, or see who it is with "
                            f"`ss -ltnp 'sport = :{port}'`.")


def _published() -> dict[int, str]:
    """Host port -> stack ("" for a stranger's container), running containers only."""
    held: dict[int, str] = {}
    for container in engine.client().api.containers():
        for port in container["Ports"]:
            if "PublicPort" in port:
                held[port["PublicPort"]] = container["Labels"].get("evenkeel.stack", "")
    return held


def _is_free(address: str, port: int) -> bool:
    with socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address, port))
        except OSError:
            return False
        return True
