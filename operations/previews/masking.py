"""Secrets are taken out of everything that is shown, wherever they turn up.

Pulumi masks fields that it knows to be secret. A value that moved into another field (a password put into the
environment) is plain to it. So every secret value that the state, the configuration or the environment has is looked
for in everything.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import quote

MASK = "[secret]"
SIGNATURE = "4dabf18193072939515e22adb298388d"
SECRET = "1b47061264138c4ac30d75fd1eb44270"  # noqa: S105 - by this Pulumi marks a secret in a state
SHORTEST = 4
"""Shorter values are words of everyday: masking them would hide everything and protect nothing."""
KEY_LINE = re.compile(r"^[A-Za-z0-9+/=]{8,}$")
"""One line of a key: in a diff each stands on its own."""
MASKED_LINES = re.compile(rf"^([+ -]*{re.escape(MASK)}\n)\1+", re.MULTILINE)
NAMES = re.compile(r"TOKEN|PASSPHRASE|PASSWORD|SECRET|ACCESS_KEY|PRIVATE_KEY", re.IGNORECASE)
"""Variables whose values are secrets."""


def in_state(node: Any) -> set[str]:
    """Every secret text in an exported state whose secrets were decrypted."""
    if isinstance(node, Mapping):
        if node.get(SIGNATURE) == SECRET:
            plain = node.get("plaintext")
            return texts(json.loads(plain)) if isinstance(plain, str) else set()
        return set().union(*map(in_state, node.values()))
    if isinstance(node, list):
        return set().union(*map(in_state, node))
    return set()


def texts(value: Any) -> set[str]:
    """All texts in a value, however deep; numbers as they are written."""
    if isinstance(value, Mapping):
        return set().union(*map(texts, value.values()))
    if isinstance(value, list | tuple):
        return set().union(*map(texts, value))
    if isinstance(value, bool) or value is None:
        return set()
    return {str(value)}


def in_environment(environment: Mapping[str, str]) -> set[str]:
    """The values of variables whose names say that they are secret, except names of files."""
    return {value for name, value in environment.items() if NAMES.search(name) and not name.endswith("_FILE")}


class Masker:
    """Takes ``secrets`` out of texts, also as base64, percent-encoded or escaped for JSON, and the lines of keys."""

    def __init__(self, secrets: Iterable[str]) -> None:
        found: set[str] = set()
        for secret in secrets:
            lines = secret.strip().splitlines()
            found |= {line for line in lines if KEY_LINE.match(line)} if "-----BEGIN" in secret else set()
            found.add(secret.strip())
        known = {text for text in found if len(text) >= SHORTEST}
        known |= {form for text in known for form in _forms(text)}
        longest_first = sorted(known, key=lambda text: (-len(text), text))
        self._pattern = re.compile("|".join(map(re.escape, longest_first))) if longest_first else None

    def text(self, text: str) -> str:
        """``text`` with each secret replaced."""
        return self._pattern.sub(MASK, text) if self._pattern else text

    def everything(self, value: Any) -> Any:
        """The same for every text in a value made of mappings, lists and texts; keys too."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, Mapping):
            return {self.text(str(key)): self.everything(item) for key, item in value.items()}
        if isinstance(value, list | tuple):
            return [self.everything(item) for item in value]
        return value


def collapsed(diff: str) -> str:
    """Masked lines that follow each other as one: how many there are tells something of a secret."""
    return MASKED_LINES.sub(r"\1", diff)


def _forms(text: str) -> Iterable[str]:
    escaped = json.dumps(text)[1:-1]
    yield from {escaped, json.dumps(text, ensure_ascii=False)[1:-1], quote(text, safe="")}
    raw = text.encode()
    yield base64.b64encode(raw).decode().rstrip("=")
