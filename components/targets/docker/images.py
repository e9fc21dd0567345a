"""Images on this machine's engine: which reference a name means, whether it is there, what it runs."""

from __future__ import annotations

from collections.abc import Mapping

import docker.errors

from components.settings import SettingsError
from components.targets.docker import engine
from operations.setup.images import UnknownImageError, image_tag


def reference(name: str, replacements: Mapping[str, str]) -> str:
    """The reference to run for one of our image names (replaced by setting, or as this checkout builds it), or a full
    reference as it is."""
    if name in replacements:
        return replacements[name]
    if ":" in name or "/" in name:
        return name
    try:
        return image_tag(name)
    except UnknownImageError as error:
        raise SettingsError(f"{error}. Yours are named with their tag: `{name}:1.0`.\nNothing was changed. Next: "
                            "correct the name in the stack's file, then run the same command again.") from None


def check(wanted: str, key: str, where: str) -> None:
    """Raise ``SettingsError`` when an image is neither here nor to be had, before anything is changed."""
    client = engine.client()
    try:
        client.images.get(wanted)
        return
    except docker.errors.ImageNotFound:
        pass
    if wanted.startswith("evenkeel/"):
        raise SettingsError(f"the image {wanted} is not on this engine.\nNext: `make images` builds it, then run the "
                            "same command again.")
    try:
        client.images.get_registry_data(wanted)
    except docker.errors.APIError as error:
        raise SettingsError(f"{where}: evenkeel:{key}: the image {wanted!r} is not on this engine and its registry "
                            f"does not give it: {error.explanation}\nNothing was changed. Next: correct the name, or "
                            f"build it (`docker build -t {wanted} .`), then run the same command again.") from None


def entry(wanted: str) -> tuple[list[str], list[str]]:
    """Entrypoint and command of an image; it is pulled if it is not here."""
    client = engine.client()
    try:
        image = client.images.get(wanted)
    except docker.errors.ImageNotFound:
        image = client.images.pull(wanted)
    config = image.attrs["Config"]
    return list(config.get("Entrypoint") or ()), list(config.get("Cmd") or ())
