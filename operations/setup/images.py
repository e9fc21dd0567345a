"""Which images the platform has and what each is tagged, known from the checkout alone: no engine is asked.

A tag is a digest of everything that goes into the image, so equal sources have equal tags and a changed source is a new
image. The Pulumi program asks here, too.
"""

from __future__ import annotations

import re
from pathlib import Path

from operations.setup import content
from operations.setup.paths import ROOT
from operations.setup.programs import BY_IMAGE

BASE = "base"
PACKAGES = {"supervisor": ("operations/supervisor",)}
"""Image -> folders of this checkout that it ships besides its own; they have the same path in the build context."""
ON_DEMAND = frozenset({"faults"})
"""No stack runs them: they are built for those who ask."""
MENTION = {name: re.compile(rf"^[^#\n]*\b({setting})\b", re.MULTILINE)
           for name, setting in {"loki": "logs", "collector": "logs|traces", "jaeger": "traces"}.items()}
"""Images of what is off unless a stack's file says otherwise -> what such a file says. Their programs take minutes."""
DEFAULT_EXAMPLE = "orders"
"""What runs where no setting names another application."""


class UnknownImageError(LookupError):
    """No folder of this checkout makes an image of that name."""


def folder(name: str, root: Path = ROOT) -> Path:
    """The build context of an image: ``images/<name>``, or ``examples/<name>`` for an application.

    Raises ``UnknownImageError``.
    """
    for parent in ("images", "examples"):
        if (root / parent / name / "Dockerfile").is_file():
            return root / parent / name
    raise UnknownImageError(f"there is no image {name!r}; this checkout makes {', '.join(names(root)) or 'none'}")


def names(root: Path = ROOT) -> tuple[str, ...]:
    """Every image this checkout makes, the base first."""
    found = sorted(file.parent.name for parent in ("images", "examples")
                   for file in (root / parent).glob("*/Dockerfile"))
    return tuple(sorted(found, key=lambda name: name != BASE))


def usual(root: Path = ROOT) -> tuple[str, ...]:
    """Every image but those whose program takes minutes to build."""
    return tuple(name for name in names(root) if name not in BY_IMAGE)


def needed(stack_file: Path, root: Path = ROOT) -> tuple[str, ...]:
    """The images that a stack needs: all of the platform's own but those that only some stacks run, and those examples
    and others that its file mentions.

    A mention that is none (a comment) builds one too many, which is better than the other way round.
    """
    text = stack_file.read_text() if stack_file.exists() else ""
    return tuple(name for name in names(root) if name not in ON_DEMAND and _runs(name, text, root))


def _runs(name: str, stack_file: str, root: Path) -> bool:
    if mention := MENTION.get(name):
        return bool(mention.search(stack_file))
    return ((root / "images" / name).is_dir() or name == DEFAULT_EXAMPLE
            or bool(re.search(rf"\b{re.escape(name)}\b", stack_file)))


def image_tag(name: str, root: Path = ROOT) -> str:
    """``evenkeel/<name>:<12 hexadecimal digits>`` of an image's folder, its lock, the packages and the program it ships
    and the base it stands on.

    Raises ``UnknownImageError``.
    """
    below = () if name == BASE else (image_tag(BASE, root),)
    shipped = [f"{path} {content.digest(root / path)}" for path in PACKAGES.get(name, ())]
    program = (BY_IMAGE[name].key,) if name in BY_IMAGE else ()
    return f"evenkeel/{name}:{content.digest(folder(name, root), (*below, *shipped, *program))}"
