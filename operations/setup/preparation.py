"""`make up`'s first half: tools, virtual environment, engine and images, side by side; afterwards Pulumi can run."""

from __future__ import annotations

import functools
from collections.abc import Callable, Collection, Sequence

from operations.setup import engine, environment, image_builds, lock, machine, node, tasks, toolchain
from operations.setup.commands import Commands
from operations.setup.env import pulumi_environment
from operations.setup.images import needed, usual
from operations.setup.paths import ROOT, cache
from operations.setup.progress import Progress
from operations.setup.tasks import Task

ENVIRONMENT, ENGINE = "environment", "engine"


def prepare(progress: Progress, *, images: bool = True, development: bool = False,
            ansible: bool = False, stack: str | None = None, also: Collection[str] = ()) -> dict[str, str]:
    """Bring everything here that `pulumi up` needs (``images`` False: all but the engine and the images; ``stack``: of
    the images only those it uses, else the usual ones; and those of ``also``), and say what is done. Returns
    ``pulumi_environment()``.

    Safe to interrupt and to run again: what is finished stays finished. Raises ``SetupError``.
    """
    commands = Commands()
    wanted = (*(usual() if stack is None else needed(ROOT / "stacks" / f"Pulumi.{stack}.yaml")), *also)
    with lock.held(cache() / "setup.lock", progress.line):
        found = machine.look()
        progress.line(f"machine: {found}")
        machine.check(found, everything_is_built=toolchain.ready() is not None)
        _say_plan(progress, images=images, development=development, ansible=ansible, wanted=wanted)
        planned = [Task(ENVIRONMENT, functools.partial(environment.ensure, commands, development=development,
                                                       ansible=ansible))]
        planned += toolchain.tasks(commands, ENVIRONMENT, image_builds.programs(wanted) if images else ())
        if images:
            planned.append(Task(ENGINE, functools.partial(engine.ensure, commands)))
            planned += image_builds.tasks(commands, ENGINE, ENVIRONMENT, wanted)
        if development:
            planned.append(Task("node packages", functools.partial(node.prepare_examples, commands)))
        tasks.run(planned, progress, commands.stop)
    return pulumi_environment()


def _say_plan(progress: Progress, *, images: bool, development: bool, ansible: bool,
              wanted: Sequence[str] | None) -> None:
    progress.line(f"environment: {environment.plan(development=development, ansible=ansible)}")
    progress.line(f"pulumi: {toolchain.plan()}")
    if images:
        progress.line(f"engine: {engine.plan()}")
        if engine.version():
            progress.line(f"images: {image_builds.plan(wanted)}")


def prepare_images(progress: Progress) -> None:
    """The engine and the images alone. Raises ``SetupError``."""
    _beside_the_environment(progress, lambda commands: [
        Task(ENGINE, functools.partial(engine.ensure, commands)), *image_builds.tasks(commands, ENGINE, ENVIRONMENT)])
    progress.line(f"images: {image_builds.plan()}")


def prepare_load(progress: Progress) -> None:
    """The load generator alone. Raises ``SetupError``."""
    _beside_the_environment(progress, lambda commands: toolchain.load_tasks(commands, ENVIRONMENT))
    progress.line(f"load generator: {toolchain.k6()}")


def prepare_environment(progress: Progress, *, development: bool) -> None:
    """The virtual environment alone; with what linters need where ``development`` says so. Raises ``SetupError``."""
    _beside_the_environment(progress, lambda _commands: [], development=development)


def _beside_the_environment(progress: Progress, plan: Callable[[Commands], list[Task]], *,
                            development: bool = False) -> None:
    """Run the planned tasks and the one of the virtual environment, as the only setup of this user."""
    commands = Commands()
    with lock.held(cache() / "setup.lock", progress.line):
        own = Task(ENVIRONMENT, functools.partial(environment.ensure, commands, development=development))
        tasks.run([own, *plan(commands)], progress, commands.stop)
