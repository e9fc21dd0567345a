"""One supervisor with its proxy on the real engine, over containers of a stack that is none: no platform is needed."""

from __future__ import annotations

import contextlib
import json
import os
import ssl
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import httpx
from docker.models.containers import Container

from components.generated import x509
from components.supervision import PROXY, SUPERVISOR
from components.targets.docker import engine, engine_socket
from components.workload import CONFIG_DIR, ENGINE_SOCKET, USER_ID
from operations.setup.images import image_tag
from operations.setup.paths import ROOT
from tests.support.supervision_tier import declare
from tests.support.waiting import wait_until

STARTS_S = 10.0


def hunger(limit: int) -> str:
    """A Python program that exceeds a memory limit (bytes) by two processes, each well below it: the kernel ends who
    has the highest score, and that must not be one of these."""
    return f"import os, time; os.fork(); x = b'x' * {limit * 2 // 3}; time.sleep(5)"


class Rig:
    """``stack`` names everything; ``folder`` is for certificates and files."""

    def __init__(self, stack: str, folder: Path, members: list[str]) -> None:
        self.stack, self.folder, self.members = stack, folder, members
        self.process: subprocess.Popen[str] | None = None
        self._containers: list[Container] = []
        self.port = 0

    def name(self, member: str) -> str:
        return f"evenkeel-{self.stack}-{member}"

    def run(self, member: str, command: list[str], *, stack: str | None = None, start: bool = True,
            labels: Mapping[str, str] | None = None, **options: Any) -> Container:
        """A container as the platform would make it; of another stack where one is named."""
        owner = stack or self.stack
        made = engine.client().containers.create(
            image_tag("base"), command, name=f"evenkeel-{owner}-{member}", stop_signal="SIGTERM", labels={
                "evenkeel.stack": owner, "evenkeel.tier": "test", "evenkeel.workload": member.rpartition("-")[0],
                "evenkeel.member": member, **(labels or {})},
            restart_policy={"Name": "no" if labels else "unless-stopped"}, network_mode="none", **options)
        self._containers.append(made)
        if start:
            made.start()
        return made

    def start(self) -> None:
        """The proxy as the tier declares it, published on a port of its own, and one supervisor of this checkout."""
        self._write_files()
        proxy = declare(self.stack, self.members).workloads[PROXY]
        made = engine.client().containers.run(
            image_tag(proxy.image), list(proxy.command or ()), name=f"{self.stack}-{PROXY}", detach=True,
            user=f"{USER_ID}:{USER_ID}", group_add=[engine_socket.group()], read_only=True, cap_drop=["ALL"],
            security_opt=["no-new-privileges:true"], tmpfs={"/run": ""}, mem_limit="48m",
            volumes={str(self.folder): {"bind": CONFIG_DIR, "mode": "ro"},
                     engine_socket.path(): {"bind": ENGINE_SOCKET, "mode": "ro"}},
            ports={"2376/tcp": ("127.0.0.1", None)})
        self._containers.append(made)
        made.reload()
        self.port = int(made.ports["2376/tcp"][0]["HostPort"])
        wait_until(lambda: made.exec_run(list(proxy.health.command)).exit_code == 0 if proxy.health else True,
                   "the proxy reaches the engine", STARTS_S)
        self.start_supervisor()

    def start_supervisor(self) -> None:
        told = {"me": "supervisor-1", "rank": 0, "engines": [f"localhost:{self.port}"], "stores": ["localhost:1"],
                "settle_s": 1.0, "lease_s": 3, "steady_s": 30, "longest_pause_s": 60, "schedule_grace_s": 60}
        (self.folder / "supervisor.json").write_text(json.dumps(told))
        program = ("import sys; from pathlib import Path; from operations.supervisor import __main__, supervisor;"
                   f"supervisor.STATUS = Path({str(self.folder / 'status')!r});"
                   f"from operations.supervisor.settings import Settings;"
                   f"sys.exit(__main__.run(Settings.load(Path({str(self.folder)!r})), ()))")
        with (self.folder / "log").open("a") as log:
            self.process = subprocess.Popen([sys.executable, "-c", program], cwd=ROOT, stdout=log, text=True)
        wait_until(lambda: any(line.get("role") == "alone" for line in self.said()), "the supervisor acts", STARTS_S)

    def stop_supervisor(self) -> None:
        if self.process:
            self.process.terminate()
            self.process.wait(10)
        (self.folder / "log").unlink()

    def close(self) -> None:
        if self.process:
            self.process.kill()
            self.process.wait(10)
        for container in self._containers:
            with contextlib.suppress(Exception):
                container.remove(force=True)

    def said(self, action: str | None = None) -> list[dict[str, Any]]:
        """Lines of the supervisor's log."""
        lines = [json.loads(line) for line in (self.folder / "log").read_text().splitlines()]
        return [line for line in lines if action is None or line["action"] == action]

    def ask(self, method: str, path: str, client: str = SUPERVISOR, **options: Any) -> httpx.Response:
        """A request to the proxy, its path sent as it is."""
        trust = ssl.create_default_context(cafile=str(self.folder / "tls/ca.pem"))
        if client:
            trust.load_cert_chain(self.folder / "tls" / f"{client}.pem")
        with httpx.Client(verify=trust, timeout=5) as connection:
            url = httpx.URL(f"https://localhost:{self.port}").copy_with(raw_path=path.encode())
            return connection.request(method, url, **options)

    def _write_files(self) -> None:
        (self.folder / "tls").mkdir(parents=True)
        authority, key = x509.make_authority("Evenkeel test", 2)
        (self.folder / "tls/ca.pem").write_text(authority)
        for name in (PROXY, SUPERVISOR, "nginx"):
            issued = x509.issue({"commonName": name, "hosts": ["localhost"], "authority": authority,
                                 "authorityKey": key}, 1)
            both = issued["chain"] + issued["key"]
            (self.folder / "tls" / ("bundle.pem" if name == PROXY else f"{name}.pem")).write_text(both)
            if name == SUPERVISOR:
                (self.folder / "tls/cert.pem").write_text(issued["chain"])
                (self.folder / "tls/key.pem").write_text(issued["key"])
        for path, text in declare(self.stack, self.members).contents[f"{PROXY}-1"].items():
            if not path.startswith("tls/"):
                (self.folder / path).write_text(text)
        for path in (self.folder, *self.folder.rglob("*")):
            path.chmod(0o755 if path.is_dir() else 0o644)


@contextlib.contextmanager
def rig(folder: Path, members: list[str]) -> Iterator[Rig]:
    """A running rig, removed afterwards."""
    made = Rig(f"rig-{os.getpid()}", folder / "files", members)
    try:
        made.start()
        yield made
    finally:
        made.close()
