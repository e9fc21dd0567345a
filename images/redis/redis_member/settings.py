"""The files that the platform gives a member: who is in the cluster, and how to log in."""

from __future__ import annotations

import json
import ssl
from dataclasses import dataclass
from pathlib import Path

CONFIG = Path("/etc/evenkeel")


@dataclass(frozen=True)
class Member:
    """An expected member. ``ordinal`` counts from 1; ``host`` is its DNS name and what it announces to clients."""

    name: str
    ordinal: int
    host: str
    domain: str


@dataclass(frozen=True)
class Settings:
    """``formation.json`` and where the rest lies."""

    me: str
    members: tuple[Member, ...]
    masters: int
    port: int
    user: str
    node_timeout_s: float
    balance_domains: bool
    directory: Path = CONFIG

    @classmethod
    def load(cls, directory: Path = CONFIG) -> Settings:
        known = json.loads((directory / "formation.json").read_text(encoding="utf-8"))
        members = tuple(Member(**member) for member in known.pop("members"))
        return cls(members=members, directory=directory, **known)

    @property
    def password(self) -> str:
        """Read anew each time: it may be rotated while a formation waits."""
        return (self.directory / "platform.password").read_text(encoding="utf-8").strip()

    def tls(self) -> ssl.SSLContext:
        """Trusts the platform's authority alone and shows this member's own certificate."""
        tls = self.directory / "tls"
        context = ssl.create_default_context(cafile=str(tls / "ca.pem"))
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.load_cert_chain(tls / "cert.pem", tls / "key.pem")
        return context
