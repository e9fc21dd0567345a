"""`pulumi up`: settings -> Platform -> outputs."""

from __future__ import annotations

import pulumi

from components.generated.rotation import RotationError
from components.platform import Platform
from components.settings import Settings, SettingsError
from components.stack_config import read_config
from components.targets.docker import guard, preflight
from components.targets.docker.target import DockerTarget


def main() -> None:
    stack = pulumi.get_stack()
    where = f"stacks/Pulumi.{stack}.yaml"
    try:
        settings = Settings.load(read_config(), where=where, stack=stack)
        preflight.check(stack, settings, where)
    except SettingsError as error:
        raise pulumi.RunError(str(error)) from None
    target = DockerTarget(stack, settings, guard.look(stack))
    try:
        platform = Platform(stack, settings, target)
    except RotationError as error:
        raise pulumi.RunError(str(error)) from None
    target.finish()
    if refused := target.guard.refused():
        guard.end(guard.explain(refused, where))
    for name, value in platform.outputs().items():
        pulumi.export(name, value)


main()
