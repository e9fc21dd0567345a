"""The client that runs Pulumi for one stack of the project, as its user would type it."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import socket
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

LOCKED = re.compile(r"created by \S+@(?P<host>\S+) \(pid (?P<pid>\d+)\)")
NICENESS = 10
AUTOGROUP = Path("/proc/self/autogroup")
"""Linux weighs sessions, too: between them a process' own niceness says nothing."""
PERMIT = "EVENKEEL_REPLACE"
"""Names the members that this very run may replace; the program refuses all others."""


class PulumiError(Exception):
    """Pulumi failed; the message is what its user needs to read."""


class Pulumi:
    """``project`` is the folder with Pulumi.yaml. Needs the environment that ``make env`` prints."""

    def __init__(self, project: str, stack: str) -> None:
        self.project = Path(project)
        self.stack = stack
        if not (self.project / "Pulumi.yaml").exists():
            raise PulumiError(f"{project} is no Evenkeel project: it has no Pulumi.yaml. Next: run this in the "
                              "checkout, or name it with -e project=FOLDER")
        if not shutil.which("pulumi") or "PULUMI_BACKEND_URL" not in os.environ:
            raise PulumiError("Pulumi's environment is not set here. Next: eval \"$(make -s env)\", then run the same "
                              "command again (`make upgrade` does it for you)")

    def preview(self, permitted: Sequence[str] = (), *, refresh: bool = False) -> str:
        """The output of ``pulumi preview --json`` with every member of ``permitted`` replaceable."""
        return self._run(["preview", "--json"], permitted, refresh)

    def up(self, members: Sequence[str] = (), *, refresh: bool = False, settle: bool = False, wait: bool = True) -> str:
        """``pulumi up``, by which no other members are replaced than these; returns what it printed. ``settle``: of
        nothing but the wait at its end, which then knows the containers that run, those of ``members`` among them.
        Without ``wait`` it doesn't wait until everybody serves.

        Never of single containers by ``--target``: members of a pair depend, in Pulumi's state, on the partner that
        went first the last time; in another order it fails over that, or writes a state that it can't read."""
        narrowed = ["--target", "**::ready"] if settle else [] if wait else ["--exclude", "**::ready"]
        arguments = ["up", "--yes", "--skip-preview", "--suppress-outputs", *narrowed]
        try:
            return self._run(arguments, members, refresh)
        except PulumiError as error:
            if not self._release_dead_lock(str(error)):
                raise
        return self._run(arguments, members, refresh)

    def unprotect(self, members: Sequence[str]) -> None:
        """Let the next ``up`` delete the data volumes of members that go."""
        for urn in protected_in(self._run(["stack", "export"], ()), members):
            self._run(["state", "unprotect", urn, "--yes"], ())

    def output(self, name: str = "", *, secrets: bool = False) -> Any:
        """The stack's outputs, or one of them; without ``secrets`` a secret one reads ``[secret]``."""
        return json.loads(self._run(["stack", "output", "--json", *([name] if name else []),
                                     *(["--show-secrets"] if secrets else [])], ()))

    def passwords(self) -> dict[str, str]:
        """The generated passwords by name. Secret: for the moment of their use."""
        return passwords_in(self._run(["stack", "export", "--show-secrets"], ()))

    def repair(self) -> dict[str, Any]:
        """Put right what an interrupted run left: ``said`` (sentences) and ``refresh`` (Pulumi must look anew)."""
        done = subprocess.run(["python", "-m", "operations.setup.cli", "repair", f"STACK={self.stack}", "FORMAT=json"],
                              check=False, cwd=self.project, text=True, stdin=subprocess.DEVNULL, capture_output=True)
        begin = done.stdout.find("{")
        if done.returncode != 0 or begin < 0:
            raise PulumiError((done.stdout + done.stderr).strip())
        return dict(json.loads(done.stdout[begin:]))

    def _run(self, arguments: list[str], permitted: Sequence[str], refresh: bool = False) -> str:
        command = ["nice", "-n", str(NICENESS), "pulumi", *arguments, *(["--refresh"] if refresh else []),
                   "--stack", self.stack, "--non-interactive", "--color", "never"]
        environment = {**os.environ, PERMIT: ",".join(permitted)} if permitted else dict(os.environ)
        with behind():
            done = subprocess.run(command, check=False, cwd=self.project, env=environment, text=True,
                                  stdin=subprocess.DEVNULL, capture_output=True)
        if done.returncode != 0:
            raise PulumiError(f"`pulumi {arguments[0]}` failed:\n{said(done.stdout, done.stderr)}")
        return done.stdout

    def _release_dead_lock(self, message: str) -> bool:
        """Release Pulumi's own lock when a process of this machine took it that is gone; True when it was so."""
        holder = LOCKED.search(message)
        if not holder or holder["host"] != socket.gethostname() or Path(f"/proc/{holder['pid']}").exists():
            return False
        self._run(["cancel", "--yes"], ())
        return True


@contextlib.contextmanager
def behind() -> Iterator[None]:
    """This session behind everybody else's. Pulumi takes a core for half a minute, and may share the machine with what
    serves: there the kernel weighs its session as much as all containers together, whose health checks then fail. Only
    for root: anybody else is refused within a tenth of a second after another such word, so it could stay as it is. An
    earlier run that was killed may have left it."""
    try:
        usable = os.geteuid() == 0 and "nice" in AUTOGROUP.read_text()
        if usable:
            AUTOGROUP.write_text(str(NICENESS))
    except OSError:
        usable = False
    try:
        yield
    finally:
        if usable:
            AUTOGROUP.write_text("0")


def protected_in(export: str, members: Sequence[str]) -> list[str]:
    """From ``pulumi stack export``: the URNs of protected volumes of these members."""
    return [resource["urn"] for resource in json.loads(export)["deployment"].get("resources", ())
            if resource.get("protect") and (resource.get("outputs") or {}).get("volume")
            and resource["urn"].rsplit("::", 1)[-1].rpartition("-")[0] in members]


def passwords_in(export: str) -> dict[str, str]:
    """From ``pulumi stack export --show-secrets``: the values in use, by name."""
    found = {}
    for resource in json.loads(export)["deployment"].get("resources", ()):
        name, outputs = resource["urn"].rsplit("::", 1)[-1], resource.get("outputs") or {}
        value = outputs.get("value")
        if resource["type"].startswith("pulumi-python:dynamic") and outputs.get("name") == name and value:
            found[name] = str(json.loads(value["plaintext"]) if isinstance(value, dict) else value)
    return found


def said(output: str, errors: str) -> str:
    """What the user needs to read of a failed run: the diagnostics, or the end of all of it."""
    text = output
    if output.lstrip().startswith("{"):
        try:
            steps = json.JSONDecoder().raw_decode(output.lstrip())[0]
        except ValueError:
            steps = {}
        found = [entry["message"].strip() for entry in steps.get("diagnostics", ()) if entry.get("severity") == "error"]
        text = "\n".join(dict.fromkeys(found)) or output
    elif "Diagnostics:" in output:
        text = output.partition("Diagnostics:")[2].partition("\nResources:")[0]
    return "\n".join(part for part in (text.strip(), errors.strip()) if part)[-4000:]
