"""Settings of the platform's own passwords: generated here, or read from a store of yours.

A store is asked when a password is made first and when a rotation introduces a new value, never by a plain update: a
value that changed in the store is taken over by ``make rotate``, with the old one accepted until everybody has the new.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import StrEnum
from typing import Any, Self

from pydantic import model_validator

from components.settings.base import Model, knob

NAME = re.compile(r"^[a-z][A-Za-z0-9_.-]*\*?$")


class Source(StrEnum):
    """Where a value comes from."""

    GENERATED = "generated"
    ENVIRONMENT = "environment"
    FILE = "file"
    VAULT = "vault"


class Environment(Model):
    """Variables of the environment in which `pulumi` runs."""

    prefix: str = knob("EVENKEEL_SECRET_", "What a variable's name begins with; then the secret's in capitals with "
                                           "underscores: EVENKEEL_SECRET_REDIS_CACHE.", pattern="^[A-Z][A-Z0-9_]*$")


class File(Model):
    """Files where `pulumi` runs."""

    folder: str = knob("/run/secrets", "Folder with a file per secret, named as it; a line break at its end is no part "
                                       "of it.", pattern="^/")


class Vault(Model):
    """HashiCorp Vault (or OpenBao), key/value engine version 2. How to log in is in environment variables of the
    machine where `pulumi` runs, never here: VAULT_TOKEN, or VAULT_ROLE_ID and VAULT_SECRET_ID."""

    address: str = knob("", "Its address, `https://vault.example.com:8200`; empty: the variable VAULT_ADDR.",
                        pattern="^(https?://[^/]+)?$")
    mount: str = knob("secret", "Where the key/value engine is mounted.", pattern="^[A-Za-z0-9_./-]+$")
    path: str = knob("evenkeel", "Folder of the secrets below the mount, each a secret of its own name there.",
                     pattern="^[A-Za-z0-9_./-]+$")
    field: str = knob("value", "Field of the secret that holds the value.", pattern="^[A-Za-z0-9_.-]+$")
    namespace: str = knob("", "Vault Enterprise's namespace; empty: the variable VAULT_NAMESPACE, or none.")
    ca_file: str = knob("", "File with the authority of its certificate; empty: the variable VAULT_CACERT, or the "
                            "system's authorities.")
    approle_mount: str = knob("approle", "Where AppRole authentication is mounted.", pattern="^[A-Za-z0-9_./-]+$")
    timeout_s: float = knob(5, "How long to wait for an answer.", unit="s", gt=0, le=60)


class Secrets(Model):
    """Where the platform's own passwords come from. Names: `redis-cache`, `redis-session`, `redis-queue`,
    `redis-platform`, `redis-monitor`, `postgres-app`, `postgres-readonly`, `postgres-api`, `edge-cookie-key`,
    `edge-USER`."""

    source: Source = knob(
        Source.GENERATED, "Of every password that `sources` doesn't name: generated, environment, file or vault.")
    sources: dict[str, Source] = knob(
        dict, "Name, or beginning of names with a `*` (`redis-*`), -> source. The longest one that fits decides.")
    environment: Environment = knob(Environment, "The source `environment`.")
    file: File = knob(File, "The source `file`.")
    vault: Vault = knob(Vault, "The source `vault`.")

    @model_validator(mode="after")
    def _names_are_names(self) -> Self:
        for name in self.sources:
            if not NAME.match(name):
                raise ValueError(f"sources: {name!r}: a secret's name, or the beginning of names and then `*`")
        return self

    def source_of(self, name: str) -> Mapping[str, Any] | None:
        """What ``components/generated/stores.py`` needs to read the value of ``name``, without any secret; None: it is
        generated."""
        fitting = [key for key in self.sources
                   if key == name or (key.endswith("*") and name.startswith(key.removesuffix("*")))]
        best = max(fitting, key=lambda key: (key == name, len(key)), default=None)
        source = self.sources[best] if best else self.source
        stores = {Source.ENVIRONMENT: self.environment, Source.FILE: self.file, Source.VAULT: self.vault}
        return {"kind": source.value, **stores[source].model_dump()} if source in stores else None
