"""Pulumi and its plugins: on PATH, else the official download, else built from Go modules into the user's cache."""

from __future__ import annotations

import contextlib
import functools
import json
import os
import shutil
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from operations.setup import content, golang, official, programs
from operations.setup.commands import Commands, answer
from operations.setup.errors import SetupError
from operations.setup.paths import STATE, TOOLCHAIN, cache, private_folder
from operations.setup.programs import BUILT_FROM_GO, CLI, DOCKER_PROVIDER, K6, SCRIPTS, SCRIPTS_MODULE, Program
from operations.setup.tasks import Say, Task

CHOICE = STATE / "tools.json"
AGAIN = "make up   # goes on where it was"
NO_LOG = "Keeps Pulumi from logging here. Next: to see what it does, `pulumi -v=9 --logtostderr` and its command.\n"


@dataclass(frozen=True)
class Choice:
    """Which Pulumi this checkout uses. ``folder``: its programs. ``home``: PULUMI_HOME, where ours keeps its plugins;
    None: the user's own."""

    folder: str
    home: str | None = None

    @property
    def usable(self) -> bool:
        return (Path(self.folder) / "pulumi").exists()


def chosen() -> Choice:
    """The choice that ``tasks`` recorded. Raises ``SetupError`` before the first ``make up``."""
    try:
        choice = Choice(**json.loads(CHOICE.read_text()))
    except FileNotFoundError:
        choice = None
    if choice is None or not choice.usable:
        raise SetupError("Pulumi has not been set up in this checkout.", then="make tools   # or: make up")
    return choice


def ready() -> Choice | None:
    """What is there already and needs no work."""
    folder = official.on_path() or official.downloaded()
    if folder is not None:
        return Choice(str(folder)) if official.has_docker_plugin(folder) else None
    ours = _set_folder()
    return _ours() if (ours / "bin" / "pulumi").exists() else None


def plan() -> str:
    """What the tasks will find or do, in words."""
    if choice := ready():
        return f"in {choice.folder}"
    if folder := official.on_path() or official.downloaded():
        return f"in {folder}; its Docker plugin will be downloaded, or built where that fails"
    missing = [program for program in BUILT_FROM_GO if not program.finished.exists()]
    minutes = sum(program.minutes for program in missing)
    return f"{programs.pulumi_version()} will be downloaded, or built where that fails (about {minutes:.0f} minutes)"


def tasks(commands: Commands, environment_task: str, also: Sequence[Program] = ()) -> list[Task]:
    """What brings Pulumi here, and the programs of ``also``, in tasks that other work may run beside."""
    others = [program for program in also if not program.finished.exists()]
    if choice := ready():
        _record(choice)
        if choice.home:
            _keep_no_log(Path(choice.home))
        return _build_tasks(others, commands, environment_task)
    # Asked here, not in a task: the answer decides which tasks there are, and costs three seconds at most.
    expected = None if official.on_path() or official.downloaded() else official.published()
    if official.on_path() or official.downloaded() or expected:
        return [Task("pulumi", lambda say: _ready_made(expected, commands, say), after=(environment_task,)),
                *_build_tasks(others, commands, environment_task)]
    return [*_build_tasks((*BUILT_FROM_GO, *others), commands, environment_task),
            Task("pulumi", _assemble, after=tuple(build_task(program) for program in BUILT_FROM_GO))]


def _ready_made(expected: str | None, commands: Commands, say: Say) -> str:
    """Pulumi as its publisher makes it; its Docker plugin downloaded or, where only that fails, built."""
    folder = official.on_path() or official.downloaded()
    if folder is None and expected:
        say(f"downloading Pulumi {programs.pulumi_version()}")
        folder = official.download(expected, commands)
    if folder is None:
        raise SetupError("The Pulumi that was here is gone.", then=AGAIN)
    how = "downloaded"
    if not official.has_docker_plugin(folder) and not official.fetch_docker_plugin(folder, commands):
        golang.ensure(commands, say)
        _compile(DOCKER_PROVIDER, commands, say)
        official.hand_over_docker_plugin(folder, DOCKER_PROVIDER.finished, commands)
        how = "built here"
    _record(Choice(str(folder)))
    return f"the one in {folder}, its Docker plugin {how}"


def load_tasks(commands: Commands, environment_task: str) -> list[Task]:
    """What brings the load generator here: `k6` on PATH, else built."""
    return [] if k6() else _build_tasks((K6,), commands, environment_task)


def k6() -> Path | None:
    """The load generator; None while it is not here."""
    found = shutil.which("k6")
    return Path(found) if found else K6.finished if K6.finished.exists() else None


def _build_tasks(programs: Sequence[Program], commands: Commands, environment_task: str) -> list[Task]:
    """Sources of the next program are fetched while the last one compiles; two compilers at once gain nothing. For no
    program nothing, not even Go."""
    if not programs:
        return []
    # A Go that is to be fetched needs the environment's pip; one that is there needs nobody.
    go = Task("go", functools.partial(golang.ensure, commands), after=() if golang.find() else (environment_task,))
    made = [go]
    for program in programs:
        fetch: Callable[[Say], str | None] = functools.partial(_fetch, program, commands)
        build: Callable[[Say], str | None] = functools.partial(_compile, program, commands)
        made.append(Task(f"{program.name} sources", fetch, after=("go",), lane="fetch"))
        made.append(Task(build_task(program), build, after=(f"{program.name} sources",), lane="compile"))
    return made


def build_task(program: Program) -> str:
    """The name of the task that ends when a program is there."""
    return f"{program.name} build"


def _go() -> Path:
    go = golang.find()
    if go is None:
        raise SetupError("Go vanished while it was needed.", then=AGAIN)
    return go


def _fetch(program: Program, commands: Commands, say: Say) -> str | None:
    """Bring the modules that the build needs, and no others, into Go's module cache."""
    if program.finished.exists():
        return None
    tags = ("-tags", program.tags) if program.tags else ()
    say("fetching Go modules")
    commands.run([_go(), "list", "-mod=readonly", *tags, "-deps", "-f", "{{with .Error}}{{.}}{{end}}", program.package],
                 log=program.name, cwd=program.module, environment=golang.build_environment(),
                 what=f"The sources of {program.name} could not be fetched", then=AGAIN)
    return "sources are here"


def _compile(program: Program, commands: Commands, say: Say) -> str | None:
    target = program.finished
    if target.exists():
        return None
    say("compiling")
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_name(f"{target.name}.partial")
    commands.run([_go(), "build", *program.flags, "-o", partial, program.package], log=program.name,
                 cwd=program.module, environment=golang.build_environment(),
                 what=f"{program.name} could not be built", then=AGAIN)
    partial.rename(target)
    return f"built, {target.stat().st_size / 2**20:.0f} MiB"


def _set_folder() -> Path:
    """Where our programs lie side by side: one folder for one content of ``toolchain/``."""
    return cache() / "tools" / f"set-{content.digest(TOOLCHAIN, [str(program.finished) for program in BUILT_FROM_GO])}"


def _ours() -> Choice:
    return Choice(str(_set_folder() / "bin"), str(_set_folder() / "home"))


def _assemble(say: Say) -> str:
    """Lay what was built side by side, as Pulumi looks for it: hard links, since it looks beside its real file."""
    say("laying the programs side by side")
    target = _set_folder()
    partial = target.with_name(f"{target.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    plugin = partial / "home" / "plugins" / f"resource-docker-v{programs.docker_plugin_version()}"
    plugin.mkdir(parents=True)
    (partial / "bin").mkdir()
    _keep_no_log(partial / "home")
    for program in BUILT_FROM_GO:
        folder = plugin if program is DOCKER_PROVIDER else partial / "bin"
        os.link(program.finished, folder / program.name)
    code, sources = answer([_go(), "list", "-mod=readonly", "-m", "-f", "{{.Dir}}", SCRIPTS_MODULE], cwd=CLI.module,
                           environment=golang.build_environment(), timeout_s=60)
    if code != 0 or not sources:
        raise SetupError(f"The sources of {SCRIPTS_MODULE} are not in Go's module cache.", why=sources, then=AGAIN)
    for script in SCRIPTS:
        copied = shutil.copyfile(Path(sources.splitlines()[-1]) / script, partial / "bin" / Path(script).name)
        copied.chmod(0o755)
    shutil.rmtree(target, ignore_errors=True)
    partial.rename(target)
    _record(_ours())
    return f"Pulumi {programs.pulumi_version()} in {target / 'bin'}"


def _keep_no_log(home: Path) -> None:
    """Pulumi writes what it would say to someone who debugs it into a folder of its home, at every command: up to 500
    MB, which nobody here reads, and a third of the engine's own processor time. It has no switch for that, but does
    without where the folder can't be made."""
    log = home / "logs"
    if not log.is_file():
        shutil.rmtree(log, ignore_errors=True)
        with contextlib.suppress(OSError):  # somebody else's Pulumi has just made it: the next time, then
            log.write_text(NO_LOG)


def _record(choice: Choice) -> None:
    private_folder(STATE)
    partial = CHOICE.with_suffix(".partial")
    partial.write_text(json.dumps(asdict(choice), indent=1) + "\n")
    partial.replace(CHOICE)
