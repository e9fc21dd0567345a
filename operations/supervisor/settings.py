"""What the platform tells a supervisor: ``supervisor.json`` and the TLS files beside it."""

from __future__ import annotations

import json
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

CONFIG = Path("/etc/evenkeel")


@dataclass(frozen=True)
class Fencing:
    """``key``: where Patroni keeps who leads. ``members``: by name, the engine's name of each one's container."""

    key: str
    members: Mapping[str, str]

    @classmethod
    def load(cls, directory: Path) -> Fencing | None:
        """None where no key is to be released."""
        file = directory / "fencing.json"
        known = json.loads(file.read_text(encoding="utf-8")) if file.exists() else None
        return cls(known["key"], known["members"]) if known else None


@dataclass(frozen=True)
class Settings:
    """Times in seconds. ``rank`` counts from 0: who acts first while etcd can't say who leads."""

    me: str
    rank: int
    engines: tuple[str, ...]
    """``host:port`` of the proxies of the engine's socket."""
    stores: tuple[str, ...]
    """``host:port`` of etcd's members."""
    settle_s: float
    lease_s: int
    steady_s: float
    longest_pause_s: float
    schedule_grace_s: float
    directory: Path = CONFIG
    fencing: Fencing | None = None
    """Whose leader key is released when its holder is proved dead; None: nobody's."""

    @classmethod
    def load(cls, directory: Path = CONFIG) -> Settings:
        known = json.loads((directory / "supervisor.json").read_text(encoding="utf-8"))
        engines, stores = tuple(known.pop("engines")), tuple(known.pop("stores"))
        return cls(engines=engines, stores=stores, directory=directory, fencing=Fencing.load(directory), **known)

    def tls(self) -> ssl.SSLContext:
        """Trusts the platform's authority alone and shows this member's own certificate. The files are read at each
        call, so that rotated ones are used by the next connection."""
        files = self.directory / "tls"
        context = ssl.create_default_context(cafile=str(files / "ca.pem"))
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.load_cert_chain(files / "cert.pem", files / "key.pem")
        return context
