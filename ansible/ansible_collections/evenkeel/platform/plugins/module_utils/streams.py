"""How modules on the controller reach members: commands and open streams inside their containers (decision 9).

Nothing but the edge is published, and runtime sockets have no authentication: so everything goes through the engine.
A stream is opened before the moment that counts; from then on a question costs a round trip, not a program's start.
"""

from __future__ import annotations

import contextlib
import io
import select
import socket
import struct
import tarfile
import time
import traceback
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

DOCKER_IMPORT_ERROR: str | None = None
try:
    import docker
    import docker.errors
except ImportError:
    DOCKER_IMPORT_ERROR = traceback.format_exc()

HEADER = struct.Struct(">BxxxL")
"""What the engine puts before each piece of output: which of the two outputs, and its length in bytes."""
PIECE = 65536
CONNECT_S = 30
CODE_S = 10.0


class StreamError(Exception):
    """A member can't be reached or did not answer in its time; the message names it."""


@dataclass(frozen=True)
class Member:
    """One member as the engine lists it."""

    name: str
    workload: str
    tier: str
    domain: str
    container: str
    identity: str
    running: bool
    labels: dict[str, str] = field(default_factory=dict)
    stopped: bool = False
    """Its process has ended (a paused one has not)."""

    @property
    def ordinal(self) -> int:
        return int(self.name.rpartition("-")[2])


class Stream:
    """Standard input and output of a program inside a member, kept open."""

    def __init__(self, member: str, raw: socket.socket) -> None:
        self.member = member
        self._raw = raw
        self._frames = b""
        self._text = b""
        self._errors = b""

    def send(self, text: str) -> None:
        try:
            self._raw.sendall(text.encode())
        except OSError as error:
            raise StreamError(f"{self.member}: the stream is closed: {error}") from None

    def read_until(self, marker: str, timeout_s: float) -> str:
        """Output up to and without ``marker``. Raises ``StreamError`` when it doesn't come in ``timeout_s`` seconds."""
        wanted = marker.encode()
        deadline = time.monotonic() + timeout_s
        while wanted not in self._text:
            self._receive(max(0.0, deadline - time.monotonic()), timeout_s)
        before, _, self._text = self._text.partition(wanted)
        return before.decode(errors="replace")

    def ask(self, question: str, marker: str, timeout_s: float) -> str:
        self.send(question)
        return self.read_until(marker, timeout_s)

    def close(self) -> None:
        """The program sees the end of its input."""
        with contextlib.suppress(OSError):  # the program ended first
            self._raw.shutdown(socket.SHUT_RDWR)
        self._raw.close()

    def _receive(self, left_s: float, allowed_s: float) -> None:
        ready, _, _ = select.select([self._raw], [], [], left_s)
        if not ready:
            raise StreamError(f"{self.member} did not answer within {allowed_s:g} s{self._said()}")
        try:
            data = self._raw.recv(65536)
        except OSError as error:
            raise StreamError(f"{self.member}: {error}{self._said()}") from None
        if not data:
            raise StreamError(f"{self.member}: the program ended{self._said()}")
        self._frames += data
        while len(self._frames) >= HEADER.size:
            kind, length = HEADER.unpack_from(self._frames)
            if len(self._frames) < HEADER.size + length:
                return
            piece, self._frames = (self._frames[HEADER.size:HEADER.size + length],
                                   self._frames[HEADER.size + length:])
            if kind == 2:
                self._errors += piece
            else:
                self._text += piece

    def _said(self) -> str:
        said = (self._errors + self._text).decode(errors="replace").strip()
        return f"; it said: {said[-500:]}" if said else ""


class DockerStreams:
    """The members of one stack on a Docker engine (DOCKER_HOST, else the local socket)."""

    def __init__(self, stack: str) -> None:
        if DOCKER_IMPORT_ERROR:
            raise StreamError("the Python package `docker` is not installed for the interpreter that runs modules; "
                              "`make ansible` installs what is needed")
        self.stack = stack
        try:
            self._client = docker.from_env(timeout=120)
        except docker.errors.DockerException as error:
            raise StreamError(f"the Docker engine can't be reached: {error}") from None

    def members(self, workload: str = "") -> list[Member]:
        """Every member (of one workload), running or not, by workload and ordinal."""
        labels = [f"evenkeel.stack={self.stack}", *([f"evenkeel.workload={workload}"] if workload else [])]
        # A list costs one question; the SDK's objects cost one more for each container.
        found = self._client.api.containers(all=True, filters={"label": labels})
        members = [_member(container) for container in found if "evenkeel.member" in container["Labels"]]
        return sorted(members, key=lambda member: (member.tier, member.workload, member.ordinal))

    def health_of(self, member: Member) -> tuple[str, ...]:
        """Its health command; () where it has none, or is gone."""
        test = (self._inspected(member).get("Healthcheck") or {}).get("Test") or []
        return tuple(str(word) for word in test[1:])

    def image_of(self, member: Member) -> str:
        """The reference that it was made from; "" where it is gone."""
        return str(self._inspected(member).get("Image", ""))

    def _inspected(self, member: Member) -> dict[str, Any]:
        try:
            return dict(self._client.api.inspect_container(member.identity)["Config"])
        except docker.errors.NotFound:
            return {}

    def of(self, workload: str) -> list[Member]:
        """The members of one workload. Raises ``StreamError`` when there is none."""
        members = self.members(workload)
        if not members:
            raise StreamError(f"the stack {self.stack!r} has no member of {workload} on this engine. Next: "
                              f"`make up STACK={self.stack}`, or name the stack you mean with -e stack=NAME")
        return members

    def ask(self, member: Member, *command: str) -> tuple[int, str]:
        """Exit code and output of a command inside a member; 127 with the reason when it could not be run."""
        api = self._client.api
        try:
            execution = api.exec_create(member.identity, list(command))["Id"]
            said = b"".join(_output(api, execution))
            return _exit_code(api, execution), said.decode(errors="replace").strip()
        except docker.errors.APIError as error:
            return 127, str(error.explanation or error)

    def need(self, member: Member, *command: str) -> str:
        """Its output. Raises ``StreamError`` with what it said when it fails."""
        code, output = self.ask(member, *command)
        if code != 0:
            raise StreamError(f"{member.name}: `{command[0]}` failed ({code}): {output[-800:]}")
        return output

    def open(self, member: Member, *command: str) -> Stream:
        """Start a program inside a member and keep its input and output."""
        api = self._client.api
        try:
            started = api.exec_create(member.identity, list(command), stdin=True)
            answer = api.exec_start(started["Id"], socket=True)
        except docker.errors.APIError as error:
            raise StreamError(f"{member.name}: no stream: {error.explanation}") from None
        raw: Any = getattr(answer, "_sock", answer)
        raw.settimeout(None)
        return Stream(member.name, raw)

    def addresses(self, member: Member) -> list[str]:
        """Its addresses in all of its networks."""
        networks = self._client.containers.get(member.identity).attrs["NetworkSettings"]["Networks"]
        return [str(network["IPAddress"]) for network in networks.values() if network["IPAddress"]]

    def processes(self, member: Member) -> list[str]:
        """Command lines running inside a member."""
        try:
            top = self._client.api.top(member.identity, ps_args="-eo pid,args")
        except docker.errors.APIError:
            return []
        return [str(row[-1]) for row in top.get("Processes") or ()]

    def put(self, member: Member, folder: str, files: Mapping[str, str], owner: int) -> None:
        """Write files (mode 0644) into a folder of a member, running or not: file name -> text. Not atomic."""
        buffer = io.BytesIO()
        with tarfile.open(fileobj=buffer, mode="w") as tar:
            for name, text in files.items():
                entry = tarfile.TarInfo(name)
                entry.size, entry.uid, entry.gid = len(text.encode()), owner, owner
                tar.addfile(entry, io.BytesIO(text.encode()))
        try:
            self._client.containers.get(member.identity).put_archive(folder, buffer.getvalue())
        except docker.errors.APIError as error:
            raise StreamError(f"{member.name}: {folder} can't be written: {error.explanation}") from None

    def log_since(self, member: Member, since: float, most: int | None = None) -> list[str]:
        """What it has said on standard output since a moment (seconds since 1970): all of it, or the last ``most``
        lines. The engine looks for the moment from the log's beginning, half a second of a core for 30 MB; with
        ``most`` it begins at the end."""
        try:
            log: bytes = self._client.api.logs(member.identity, since=since, stderr=False,
                                               tail="all" if most is None else most)
        except docker.errors.APIError as error:
            raise StreamError(f"{member.name}: its log can't be read: {error.explanation}") from None
        return log.decode(errors="replace").splitlines()

    def last_lines(self, member: Member, count: int = 12) -> list[str]:
        """The end of its log."""
        try:
            log: bytes = self._client.containers.get(member.identity).logs(tail=count)
        except docker.errors.APIError:
            return []
        return log.decode(errors="replace").splitlines()


def _output(api: Any, execution: str) -> Iterator[bytes]:
    """Start a program; what it says. Asked without an upgrade, the engine sends that as the body of an ordinary answer;
    the SDK's ``exec_run`` loses what arrives together with the headers (docker/docker-py issue 2042)."""
    url = f"{api.base_url}/v{api.api_version}/exec/{execution}/start"
    with api.post(url, json={"Detach": False, "Tty": False}, stream=True, timeout=(CONNECT_S, None)) as answer:
        if answer.status_code >= 400:
            raise docker.errors.APIError(answer.reason, response=answer, explanation=answer.text.strip())
        held = b""
        for piece in iter(lambda: answer.raw.read1(PIECE), b""):
            held += piece
            while len(held) >= HEADER.size and len(held) >= (end := HEADER.size + HEADER.unpack_from(held)[1]):
                yield held[HEADER.size:end]
                held = held[end:]


def _exit_code(api: Any, execution: str) -> int:
    """The output ends a moment before the engine knows how the program ended."""
    deadline = time.monotonic() + CODE_S
    while time.monotonic() < deadline:
        found = api.exec_inspect(execution)
        if not found["Running"] and found["ExitCode"] is not None:
            return int(found["ExitCode"])
        time.sleep(0.02)
    raise StreamError(f"a program's output has ended, and the engine says for {CODE_S:g} s that it runs")


def _member(listed: dict[str, Any]) -> Member:
    labels, state = dict(listed["Labels"]), listed["State"]
    return Member(labels["evenkeel.member"], labels["evenkeel.workload"], labels["evenkeel.tier"],
                  labels["evenkeel.domain"], listed["Names"][0].lstrip("/"), listed["Id"], state == "running", labels,
                  state in ("exited", "created", "dead"))
