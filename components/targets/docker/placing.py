"""Writing a member's files into its config volume, and telling the member.

Files are staged beside their place by the engine and renamed into it by a short-lived helper container: a member
sees the old file or the new one, never half of one. A file the service's own checker refuses is taken back.
"""

from __future__ import annotations

import fcntl
import shlex
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import docker.errors
from docker.models.containers import Container

from components.targets.docker import engine
from components.workload import USER_ID, Effect

PLACE = "/place"
STAGING = ".staged"
RESTART_TIMEOUT_S = 120
STOP_S = 30
"""A member that names no grace of its own gets this one before it is killed."""


class PlacingError(Exception):
    """Files could not be put in place, or the service refused them; says which and what runs now."""


def create(props: dict[str, Any]) -> None:
    """Make the volume and fill it. Safe to run again after an interruption."""
    engine.client().volumes.create(props["volume"], labels=props["labels"])
    with _helper(props, command="true") as helper:
        helper.put_archive(PLACE, engine.archive(_files(props, _all(props))))


def update(old: dict[str, Any], new: dict[str, Any]) -> None:
    """Replace what changed, remove what is gone, then reload or restart the member if it runs."""
    before, after = _all(old), _all(new)
    moded = set(old.get("executables", ())) ^ set(new.get("executables", ()))
    changed = sorted(path for path in after if before.get(path) != after[path] or path in moded)
    gone = sorted(set(before) - set(after))
    _place(new, changed, gone)
    member = engine.find(new["container"])
    if member is None or member.status != "running":
        return
    effects = {new["effects"].get(path, Effect.RELOAD) for path in changed}
    try:
        if Effect.RESTART in effects:
            _restart(new, member)
        elif (Effect.RELOAD in effects or gone) and new["reload"]:
            _reload_in_turn(new, member)
    except PlacingError as error:
        _place(old, [path for path in changed if path in before] + gone, [p for p in changed if p not in before])
        raise PlacingError(f"{error}\nThe previous files are back in place; {new['container']} runs on with them.\n"
                           "Next: correct the setting and run `pulumi up` again.") from None


def remove_volume(name: str) -> None:
    """Remove a volume; one that is gone already is fine."""
    try:
        engine.client().volumes.get(name).remove()
    except docker.errors.NotFound:
        return


def _place(props: dict[str, Any], changed: list[str], gone: list[str]) -> None:
    moves = [f"mkdir -p {shlex.quote(str(Path(path).parent))} && "
             f"mv -f {shlex.quote(f'{STAGING}/{path}')} {shlex.quote(path)}" for path in changed]
    script = " && ".join(["set -e", f"cd {PLACE}", *moves, *(f"rm -f {shlex.quote(path)}" for path in gone),
                          f"rm -rf {STAGING}"])
    with _helper(props, command=script) as helper:
        files = _files(props, {path: _all(props)[path] for path in changed})
        try:
            helper.put_archive(PLACE, engine.archive(files, f"{STAGING}/"))
        except docker.errors.APIError as error:
            _unstage(props)
            what = f"{props['volume']}: {', '.join(changed)} could not be written: {error.explanation}"
            raise PlacingError(f"{what}\nThe files in place are the previous ones.\nNext: see `df` on the engine's "
                               "machine, make room, then run the same command again.") from None
        helper.start()
        code = helper.wait()["StatusCode"]
        if code != 0:
            raise PlacingError(f"{props['volume']}: {helper.logs().decode(errors='replace').strip()} (exit {code})")


def _unstage(props: dict[str, Any]) -> None:
    """Take away what was staged of a write that failed."""
    with _helper(props, command=f"rm -rf {PLACE}/{STAGING}") as helper:
        helper.start()
        helper.wait()


def _reload_in_turn(props: dict[str, Any], member: Container) -> None:
    """Reload; where clients have to connect anew after it, no two members of a tier at once."""
    if settle_s := float(props.get("reloadSettle", 0)):
        labels = props["labels"]
        with _one_at_a_time(f"{labels['evenkeel.stack']}/{labels['evenkeel.tier']}/reload"):
            _reload(props, member)
            time.sleep(settle_s)
    else:
        _reload(props, member)


def _reload(props: dict[str, Any], member: Container) -> None:
    for step in ("check", "reload"):
        if props[step]:
            code, output = engine.run_inside(member, props[step])
            if code != 0:
                said = f"{step} `{shlex.join(props[step])}` failed ({code}):\n{output}"
                raise PlacingError(f"{props['container']}: {said}")


def _restart(props: dict[str, Any], member: Container) -> None:
    """Restart, one member of a workload at a time, and wait until it is healthy."""
    with _one_at_a_time(props["workload"]):
        member.restart(timeout=member.attrs["Config"].get("StopTimeout") or STOP_S)
        deadline = time.monotonic() + RESTART_TIMEOUT_S
        output = ""
        while props["health"] and time.monotonic() < deadline:
            member.reload()
            if member.status == "running":
                code, output = engine.run_inside(member, props["health"])
                if code == 0:
                    return
            time.sleep(0.5)
        if props["health"]:
            raise PlacingError(f"{props['container']} is not healthy {RESTART_TIMEOUT_S} s after its restart: {output}")


@contextmanager
def _one_at_a_time(what: str) -> Iterator[None]:
    lock = Path(tempfile.gettempdir()) / f"evenkeel-{what.replace('/', '-')}.lock"
    with lock.open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


@contextmanager
def _helper(props: dict[str, Any], command: str) -> Iterator[Container]:
    container = engine.client().containers.create(
        props["helperImage"], entrypoint=["/bin/sh", "-c"], command=[command], network_mode="none", user="0:0",
        labels={"evenkeel.stack": props["labels"]["evenkeel.stack"], "evenkeel.helper": "config"},
        volumes={props["volume"]: {"bind": PLACE, "mode": "rw"}})
    try:
        yield container
    finally:
        container.remove(force=True)


def _all(props: dict[str, Any]) -> dict[str, str]:
    return {**props.get("files", {}), **props.get("secretFiles", {})}


def _files(props: dict[str, Any], contents: dict[str, str]) -> list[engine.PlacedFile]:
    placed = []
    for path, content in sorted(contents.items()):
        if path in props["secretFiles"]:
            placed.append(engine.PlacedFile(path, content.encode(), 0o400, USER_ID))
        else:
            mode = 0o555 if path in props["executables"] else 0o444
            placed.append(engine.PlacedFile(path, content.encode(), mode, 0))
    return placed
