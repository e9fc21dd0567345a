"""`pulumi up`: settings -> Platform -> outputs."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Mapping
from typing import Any

import pulumi

from components.generated.rotation import RotationError
from components.platform import Platform
from components.settings import Settings, SettingsError
from components.stack_config import read_config
from components.targets.docker import guard, preflight
from components.targets.docker.target import DockerTarget


async def main() -> Mapping[str, Any]:
    # It lasts seconds. Pulumi keeps a task for every output meanwhile; looking through them again and again for what
    # could be thrown away was a tenth of a run with nothing to do.
    gc.disable()
    stack = pulumi.get_stack()
    where = f"stacks/Pulumi.{stack}.yaml"
    try:
        settings = Settings.load(read_config(), where=where, stack=stack)
        preflight.check(stack, settings, where)
    except SettingsError as error:
        raise pulumi.RunError(str(error)) from None
    target = DockerTarget(stack, settings, guard.look(stack))
    # What is registered is asked for once this waits. The networks take longest, and the engine's provider has to be
    # started for them: both go on while the tiers are rendered.
    await asyncio.sleep(0.02)
    try:
        platform = Platform(stack, settings, target)
    except RotationError as error:
        raise pulumi.RunError(str(error)) from None
    ready = target.finish()
    if refused := target.guard.refused():
        guard.end(guard.explain(refused, where))
    # Pulumi waits for what is left when this ends, and asks each of a thousand tasks whenever one of them is done. Here
    # most of them end without being asked. Whatever becomes of the last resource, Pulumi tells it afterwards.
    await asyncio.wait([asyncio.ensure_future(ready.urn.future())])
    return platform.outputs()


pulumi.run(main)
