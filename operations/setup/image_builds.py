"""Builds the images whose tags (see ``images``) the engine does not have yet."""

from __future__ import annotations

import functools
import shutil
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from operations.setup import content, debian, environment, node, toolchain
from operations.setup.commands import Commands, answer
from operations.setup.images import BASE, PACKAGES, folder, image_tag, usual
from operations.setup.paths import BUILD, ROOT
from operations.setup.programs import BY_IMAGE, Program
from operations.setup.tasks import Say, Task

BASE_FOR_HANDS = "evenkeel/base:local"
"""What a Dockerfile's own default names, for `docker build` typed by hand."""
LOCK = "requirements.txt"
PYTHON_IN_IMAGES = "3.11"
"""Debian bookworm's."""


def tasks(commands: Commands, engine_task: str, environment_task: str,
          wanted: Sequence[str] | None = None) -> list[Task]:
    """The base first, then every other image of ``wanted`` (None: the usual ones), two at a time: most of it is
    unpacking packages. Those with wheels begin, as they take longest. Listed after the builds of ``programs``."""
    base = f"image {BASE}"
    made = [Task(base, functools.partial(_build, BASE, commands), after=(engine_task,))]
    others = sorted((name for name in _chosen(wanted) if name != BASE), key=lambda name: not _has_wheels(name))
    for number, name in enumerate(others):
        # Wheels are fetched by the environment's pip.
        after = (base, *((environment_task,) if _has_wheels(name) else ()),
                 *(toolchain.build_task(program) for program in programs([name]) if not program.finished.exists()))
        action: Callable[[Say], str | None] = functools.partial(_build, name, commands)
        made.append(Task(f"image {name}", action, after=after, lane=f"image-{number % 2}"))
    return made


def programs(wanted: Sequence[str] | None = None) -> list[Program]:
    """What has to be compiled for the images of ``wanted`` that the engine does not have yet."""
    return [BY_IMAGE[name] for name in _chosen(wanted) if name in BY_IMAGE and not exists(image_tag(name))]


def plan(wanted: Sequence[str] | None = None) -> str:
    """What the tasks will find or do, in words."""
    chosen = _chosen(wanted)
    missing = [name for name in chosen if not exists(image_tag(name))]
    if not missing:
        return f"all {len(chosen)} are there"
    minutes = sum(program.minutes for program in programs(missing) if not program.finished.exists())
    return f"{', '.join(missing)} will be built" + (f" (about {minutes:.0f} minutes)" if minutes else "")


def _chosen(wanted: Sequence[str] | None) -> Sequence[str]:
    return usual() if wanted is None else wanted


def exists(reference: str) -> bool:
    """Whether the engine has an image."""
    return answer(["docker", "image", "inspect", "--format", "{{.Id}}", reference])[0] == 0


def _has_wheels(name: str) -> bool:
    return (folder(name) / LOCK).exists()


def _build(name: str, commands: Commands, say: Say) -> str | None:
    tag = image_tag(name)
    if exists(tag):
        return None
    below = f"DEBIAN={debian.ensure(commands, say)}" if name == BASE else f"BASE={image_tag(BASE)}"
    BUILD.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=BUILD, prefix=f"image-{name}-") as temporary:
        context = Path(temporary)
        _copy(folder(name), context)
        for path in PACKAGES.get(name, ()):
            _copy(ROOT / path, context / path)
        if name in BY_IMAGE:
            shutil.copy2(BY_IMAGE[name].finished, context / name)
        if (context / LOCK).exists():
            say("fetching wheels")
            _fetch_wheels(name, context, commands)
        if (context / node.LOCK).exists():
            say("fetching packages for Node.js")
            node.install(context, commands, log=f"image-{name}", development=False)
        say("building")
        also = ("--tag", BASE_FOR_HANDS) if name == BASE else ()
        commands.run(["docker", "build", "--build-arg", below, "--tag", tag, *also, context], log=f"image-{name}",
                     what=f"The image {name} could not be built", then="make images   # tries again")
    return f"built {tag}"


def _copy(source: Path, target: Path) -> None:
    """Copy what the tag's digest covers, and nothing else."""
    for path in content.files(source):
        copied = target / path.relative_to(source)
        copied.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(path, copied)


def _fetch_wheels(name: str, context: Path, commands: Commands) -> None:
    """On the host, whose pip knows the way to an index; a build may not (certificates, proxies)."""
    commands.run([environment.PYTHON, "-m", "pip", "download", "--quiet", "--no-input", "--disable-pip-version-check",
                  "--no-deps", "--require-hashes", "--only-binary=:all:", "--python-version", PYTHON_IN_IMAGES,
                  "--requirement", context / LOCK, "--dest", context / "wheels"], log=f"image-{name}",
                 what=f"The wheels of the image {name} could not be fetched", then="make images   # tries again")
