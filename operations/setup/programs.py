"""What is built from Go modules: Pulumi when it can't be had ready-made, the load generator, and what keeps logs and
traces. Which module makes which program, and under which name."""

from __future__ import annotations

import json
import platform
import re
from dataclasses import dataclass
from pathlib import Path

from operations.setup import content
from operations.setup.paths import TOOLCHAIN, cache

VERSION_VARIABLE = "github.com/pulumi/pulumi/sdk/v3/go/common/version.Version"
BUILD_FLAGS = ("-mod=readonly", "-trimpath", "-buildvcs=false")


@dataclass(frozen=True)
class Program:
    """One program. ``module``: its folder in ``toolchain/``; ``package``: what to build there; ``minutes``: measured
    cold on two cores, said to the user."""

    name: str
    package: str
    minutes: float
    tags: str = ""
    versioned: bool = False

    @property
    def module(self) -> Path:
        return TOOLCHAIN / self.name

    @property
    def flags(self) -> tuple[str, ...]:
        linker = "-s -w" + (f" -X {VERSION_VARIABLE}=v{pulumi_version()}" if self.versioned else "")
        return (*BUILD_FLAGS, *(("-tags", self.tags) if self.tags else ()), "-ldflags", linker)

    @property
    def key(self) -> str:
        """Another source, flag or machine is another program."""
        return content.digest(self.module, (*self.flags, platform.machine()))

    @property
    def finished(self) -> Path:
        """Where the program lies once it is built."""
        return cache() / "tools" / f"{self.name}-{self.key}" / self.name


def pulumi_version() -> str:
    """The version of Pulumi that ``toolchain/pulumi/go.mod`` pins."""
    text = (TOOLCHAIN / "pulumi" / "go.mod").read_text()
    match = re.search(r"^require github\.com/pulumi/pulumi/pkg/v3 v(\S+)", text, re.MULTILINE)
    if match is None:
        raise ValueError(f"{TOOLCHAIN / 'pulumi' / 'go.mod'} does not require github.com/pulumi/pulumi/pkg/v3")
    return match[1]


def docker_plugin_version() -> str:
    """The version of pulumi-docker whose programs our Docker provider serves."""
    return str(json.loads((TOOLCHAIN / "pulumi-resource-docker" / "schema.json").read_text())["version"])


CLI = Program("pulumi", "github.com/pulumi/pulumi/pkg/v3/cmd/pulumi", 5, versioned=True)
LANGUAGE_HOST = Program("pulumi-language-python", "github.com/pulumi/pulumi/sdk/v3/python/cmd/pulumi-language-python",
                        0.5)
DOCKER_PROVIDER = Program("pulumi-resource-docker", ".", 3, tags="no_compose")
BUILT_FROM_GO = (LANGUAGE_HOST, CLI, DOCKER_PROVIDER)
K6 = Program("k6", "go.k6.io/k6", 2)
"""Makes load at a constant arrival rate (decision 15). Built only for what measures under load."""
LOKI = Program("loki", "github.com/grafana/loki/v3/cmd/loki", 6.5)
COLLECTOR = Program("collector", ".", 3)
"""OpenTelemetry's, with the parts that we configure and no others (``toolchain/collector/main.go``)."""
JAEGER = Program("jaeger", "github.com/jaegertracing/jaeger/cmd/jaeger", 6.5)
BY_IMAGE = {program.name: program for program in (LOKI, COLLECTOR, JAEGER)}
"""Image -> the program that it ships. Built only for stacks that keep their logs or traces."""

SCRIPTS_MODULE = "github.com/pulumi/pulumi/sdk/v3"
SCRIPTS = ("python/cmd/pulumi-language-python-exec", "python/dist/pulumi-resource-pulumi-python")
"""Python's half of the language host, and the host of dynamic providers: files of Pulumi's SDK module."""
