"""The Docker engine: used if it runs, else installed and started where root allows, else the commands to type."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

from operations.setup import apt
from operations.setup.commands import Commands, answer
from operations.setup.errors import SetupError
from operations.setup.paths import LOGS, STATE, private_folder
from operations.setup.tasks import Say

START_TIMEOUT_S = 60
PID_FILE = STATE / "engine" / "dockerd.pid"
LOG = LOGS / "dockerd.log"


def version() -> str | None:
    """The running engine's version; None if none answers."""
    code, output = answer(["docker", "version", "--format", "{{.Server.Version}}"])
    return output.splitlines()[-1] if code == 0 and output else None


def plan() -> str:
    """What ``ensure`` will find or do, in words. Raises ``SetupError`` where it may do nothing."""
    running = version()
    if running:
        return f"Docker {running} runs"
    _refuse_what_is_not_ours()
    missing = shutil.which("dockerd") is None
    return "Docker will be installed and started" if missing else "Docker will be started"


def ensure(commands: Commands, say: Say) -> str | None:
    """Make sure that an engine answers. Raises ``SetupError`` with the commands to type where we may not."""
    if version():
        return None
    _refuse_what_is_not_ours()
    if shutil.which("dockerd") is None or shutil.which("docker") is None:
        say("installing docker.io")
        apt.install(commands, "docker.io", purpose="The platform runs on Docker, which")
    if version() is None:  # Debian's package may have started it.
        _start(commands, say)
    return f"Docker {version()} runs"


def stop() -> str:
    """End the engine that ``ensure`` started by hand from this checkout; any other is left alone. A sentence."""
    if not PID_FILE.exists():
        return "no engine was started from this checkout"
    pid = int(PID_FILE.read_text())
    command = Path(f"/proc/{pid}/cmdline")
    if command.exists() and command.read_bytes().startswith(b"dockerd"):
        os.kill(pid, signal.SIGTERM)
        deadline = time.monotonic() + START_TIMEOUT_S
        while command.exists() and time.monotonic() < deadline:
            time.sleep(0.25)
    PID_FILE.unlink()
    return f"dockerd (process {pid}) was stopped"


def _refuse_what_is_not_ours() -> None:
    host = os.environ.get("DOCKER_HOST")
    if host:
        raise SetupError(f"No Docker engine answers at DOCKER_HOST={host}.",
                         then="unset DOCKER_HOST   # or start that engine\nmake up")
    code, output = answer(["docker", "version"])
    if code != 127 and "permission denied" in output.lower():
        raise SetupError("The Docker engine runs, but this user may not use it.",
                         then="sudo usermod -aG docker $USER && newgrp docker\nmake up")
    if os.geteuid() != 0:
        install = "" if shutil.which("dockerd") else "sudo apt-get install --no-install-recommends docker.io\n"
        raise SetupError("No Docker engine runs here, and only root may start one.",
                         then=f"{install}sudo systemctl enable --now docker\nsudo usermod -aG docker $USER && "
                              "newgrp docker\nmake up")


def _start(commands: Commands, say: Say) -> None:
    if Path("/run/systemd/system").is_dir():
        say("starting docker.service")
        commands.run(["systemctl", "enable", "--now", "docker"], log="dockerd", what="The Docker engine did not start",
                     then="journalctl --unit docker --lines 50")
        process = None
    else:
        say(f"starting dockerd (no systemd here); its log: {LOG}")
        process = _start_by_hand()
    deadline = time.monotonic() + START_TIMEOUT_S
    while version() is None:
        ended = process is not None and process.poll() is not None
        if ended or time.monotonic() > deadline:
            last = LOG.read_text(errors="replace").splitlines()[-10:] if LOG.exists() else []
            raise SetupError("The Docker engine " + ("ended right after its start." if ended else
                                                     f"did not answer within {START_TIMEOUT_S} s."),
                             why="\n".join(last), where=str(LOG), then="dockerd   # shows why\nmake up")
        time.sleep(0.25)


def _start_by_hand() -> subprocess.Popen[bytes]:
    """Start dockerd so that it outlives us; its process id is kept beside Pulumi's state."""
    LOG.parent.mkdir(parents=True, exist_ok=True)
    private_folder(PID_FILE.parent)
    with LOG.open("ab") as output:
        process = subprocess.Popen(["dockerd"], cwd="/", stdin=subprocess.DEVNULL, stdout=output,
                                   stderr=subprocess.STDOUT, start_new_session=True)
    PID_FILE.write_text(f"{process.pid}\n")
    return process
