"""A stack that a benchmark has for itself: settings, commands as a user types them, and its end."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Mapping
from copy import deepcopy
from functools import cached_property
from types import TracebackType
from typing import Any

import yaml

from components.settings.published import default_ports
from operations.setup.env import pulumi_environment
from operations.setup.paths import ROOT

EDGES = 2


class BenchStack:
    """``with BenchStack() as stack: ...``; everything of it is gone afterwards, its file included."""

    def __init__(self, settings: Mapping[str, Any] | None = None) -> None:
        self.name = f"bench-{os.getpid()}"
        self._file = ROOT / "stacks" / f"Pulumi.{self.name}.yaml"
        self._settings = deepcopy(dict(settings or {}))

    def __enter__(self) -> BenchStack:
        local = yaml.safe_load((ROOT / "stacks" / "Pulumi.local.yaml").read_text())["config"]
        self._file.write_text(yaml.safe_dump({"config": merged(local, _prefixed(self._settings))}, sort_keys=False))
        return self

    def __exit__(self, _: type[BaseException] | None, __: BaseException | None, ___: TracebackType | None) -> None:
        self.make("down", "DATA=delete")
        self._file.unlink(missing_ok=True)

    @cached_property
    def environment(self) -> dict[str, str]:
        return {**os.environ, **pulumi_environment()}

    @property
    def urls(self) -> list[str]:
        """Both edges' HTTPS, known from the settings alone."""
        first = default_ports(self.name)[0]
        return [f"https://localhost:{first + n}" for n in range(EDGES)]

    def set(self, change: Mapping[str, Any]) -> None:
        """Edit the stack's file: ``change`` is laid over it, key by key (nested)."""
        known = yaml.safe_load(self._file.read_text())
        known["config"] = merged(known["config"], _prefixed(change))
        self._file.write_text(yaml.safe_dump(known, sort_keys=False))

    def make(self, *arguments: str) -> str:
        return self.run("make", *arguments, f"STACK={self.name}")

    def pulumi(self, *arguments: str) -> str:
        return self.run("pulumi", *arguments, "--non-interactive", "--color", "never", "--stack", self.name)

    def up(self) -> str:
        """`pulumi up` as typed by hand."""
        return self.pulumi("up", "--yes", "--skip-preview")

    def status(self) -> list[dict[str, Any]]:
        """Every member as `make status` tells it, whether it serves or not."""
        done = self._run("make", "-s", "status", f"STACK={self.name}", "FORMAT=json")
        return list(json.loads(done.stdout))

    def run(self, *command: str) -> str:
        """What a command printed. Raises ``RuntimeError`` with it when the command fails."""
        done = self._run(*command)
        if done.returncode != 0:
            raise RuntimeError(f"`{' '.join(command)}` failed ({done.returncode}):\n{done.stdout}")
        return done.stdout

    def _run(self, *command: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(command, check=False, cwd=ROOT, env=self.environment, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT)


def merged(under: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """``over`` laid over ``under``, mappings key by key."""
    made = dict(under)
    for key, value in over.items():
        below = made.get(key)
        made[key] = merged(below, value) if isinstance(value, Mapping) and isinstance(below, Mapping) else value
    return made


def _prefixed(settings: Mapping[str, Any]) -> dict[str, Any]:
    return {f"evenkeel:{key}": value for key, value in settings.items()}

