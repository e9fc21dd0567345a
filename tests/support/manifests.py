"""The whole platform rendered for Kubernetes, on mocks, with every Pulumi output known."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pulumi

from components.platform import Platform
from components.settings import Settings
from components.targets.kubernetes.pods import Images
from components.targets.kubernetes.target import KubernetesTarget
from operations.changes.declared import on_mocks
from tests.support.redis_tier import Generating

IMAGES = Images(reference=lambda name: name if ":" in name else f"evenkeel/{name}:0123456789ab",
                entry=lambda _reference: (["/usr/bin/tini", "--"], ["run"]))


def render(config: Mapping[str, Any] | None = None, stack: str = "test") -> list[dict[str, Any]]:
    """Manifests of the platform with these settings; raises what the program raises."""
    rendered: list[dict[str, Any]] = []

    def program() -> None:
        settings = Settings.load(config or {}, stack=stack, where="test")
        target = KubernetesTarget(stack, IMAGES)
        Platform(stack, settings, target)
        pulumi.Output.from_input(target.manifests).apply(rendered.extend)

    on_mocks(Generating(), program, stack)
    assert rendered
    return rendered
