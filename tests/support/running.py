"""A real platform for tests: what `make up`, `make down` and a shell would do, in Python."""

from __future__ import annotations

import os
import ssl
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import docker.errors
import httpx
import yaml
from docker.models.containers import Container
from pulumi import automation
from rich.console import Console

from components.targets.docker import engine
from operations.setup import deploy, engine_state, holds, stack, teardown
from operations.setup.env import pulumi_environment
from operations.setup.paths import ROOT

SETTINGS: Mapping[str, Any] = {
    "app": {"image": "orders", "credentials": "files", "uptake": "reread", "keep_alive_s": 75,
            "environment": {"ORDERS_FAULTS": "1"}},
    # As on the stack `local`: every request comes from one address. The class `auth` keeps its limit.
    "edge": {"rate_limits": {"api": {"paths": ["/"], "limit": 0}}, "limits": {"connections_per_client": 20000}},
    # test_monitoring has a platform with it.
    "monitoring": {"enabled": False},
}


@dataclass
class RunningPlatform:
    """One stack. ``up`` may be called again; ``delete`` leaves nothing behind, the stack file included."""

    stack: str
    console: Console = field(default_factory=Console)

    @cached_property
    def environment(self) -> dict[str, str]:
        return {**os.environ, **pulumi_environment()}

    @property
    def file(self) -> Path:
        return ROOT / "stacks" / f"Pulumi.{self.stack}.yaml"

    def write_settings(self, settings: Mapping[str, Any] = SETTINGS, *, secrets: bool = False) -> None:
        """Write the stack file; keeps Pulumi's own lines (the salt), with ``secrets`` also the encrypted values."""
        kept = yaml.safe_load(self.file.read_text()) if self.file.exists() else {}
        own = {key: value for key, value in kept.get("config", {}).items()
               if secrets and isinstance(value, dict) and "secure" in value}
        kept["config"] = {**{f"evenkeel:{key}": value for key, value in settings.items()}, **own}
        self.file.write_text(yaml.safe_dump(kept, sort_keys=False))

    def settings(self) -> dict[str, Any]:
        """What the stack file says now."""
        config = yaml.safe_load(self.file.read_text())["config"]
        return {key.removeprefix("evenkeel:"): value for key, value in config.items()}

    def up(self) -> automation.UpResult:
        return deploy.deploy(self.stack, self.environment, self.console)

    def down(self) -> None:
        teardown.stop(self.stack, self.environment, self.console, delete_data=False)

    def delete(self) -> None:
        teardown.stop(self.stack, self.environment, self.console, delete_data=True)
        self.file.unlink(missing_ok=True)

    def pulumi(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """What a user types; never raises."""
        return subprocess.run(["pulumi", *arguments, "--stack", self.stack, "--non-interactive", "--color", "never"],
                              check=False, cwd=ROOT, env=self.environment, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=300)

    @cached_property
    def outputs(self) -> dict[str, Any]:
        found = stack.select(self.stack, self.environment).outputs()
        return {name: output.value for name, output in found.items()}

    @property
    def urls(self) -> list[str]:
        """HTTPS of every edge."""
        return [url for url in self.outputs["urls"] if url.startswith("https")]

    def trust(self) -> ssl.SSLContext:
        return ssl.create_default_context(cadata=self.outputs["authority"])

    def client(self, edge: int = 1, **options: Any) -> httpx.Client:
        """An HTTP client of edge 1 or 2 through its published port."""
        return httpx.Client(base_url=self.urls[edge - 1], verify=self.trust(), timeout=10, **options)

    @contextmanager
    def held(self, name: str, why: str, seconds: int = 600) -> Iterator[None]:
        """Nobody brings a member, workload or tier back meanwhile, as with `make hold`."""
        holds.hold(self.stack, name, seconds, why)
        try:
            yield
        finally:
            holds.unhold(self.stack, name)

    def container(self, member: str) -> Container:
        found = engine.find(f"evenkeel-{self.stack}-{member}")
        assert found is not None, f"no container of {member}"
        return found

    def containers(self) -> list[Container]:
        return engine_state.containers(self.stack)

    def inside(self, member: str, *command: str) -> str:
        """Output of a command run inside a member; fails on a non-zero exit."""
        code, output = engine.run_inside(self.container(member), list(command))
        assert code == 0, f"{member}: {' '.join(command)}: {output}"
        return output

    def fit(self, member: str) -> bool:
        """Whether its own health check says so now; the engine asks once a minute only."""
        container = self.container(member)
        try:
            return engine.run_inside(container, engine.health_command(container))[0] == 0
        except docker.errors.APIError:  # it does not run
            return False


@contextmanager
def brought_up(stack: str, settings: Mapping[str, Any] = SETTINGS) -> Iterator[RunningPlatform]:
    """A platform for the block; gone afterwards, unless EVENKEEL_TEST_KEEP is set."""
    running = RunningPlatform(stack)
    running.write_settings(settings)
    try:
        running.up()
        yield running
    finally:
        if "EVENKEEL_TEST_KEEP" not in os.environ:
            running.delete()


@contextmanager
def settled(stack: str, settings: Mapping[str, Any]) -> Iterator[RunningPlatform]:
    """A platform that runs, with these settings for the block; with the usual ones, afterwards."""
    running = RunningPlatform(stack)  # with outputs of its own
    running.write_settings(settings)
    try:
        running.up()
        yield running
    finally:
        running.write_settings()
        running.up()
