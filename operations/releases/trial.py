"""The load across a release: a k6 of its own, what it saw event by event, and the process that keeps it.

The load outlives the playbook's single tasks, so it is a process of its own, known by a file in the release's folder.
It ends by SIGTERM, or when its time is over.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from operations.setup import toolchain
from operations.setup.errors import SetupError
from operations.setup.paths import BUILD

SCRIPT = Path(__file__).parent / "k6" / "release.js"
LONGEST_S = 3600
"""No load outlives this."""
END_S = 45
"""k6 waits for what is under way, at most this long."""
FIRST_ANSWER_S = 20
CANCELLED = "context canceled"
"""What k6 says of a request under way when it is told to end."""
CLOSED = "websocket: close "
"""k6 calls every close but the plainest an error, and then tells of the close itself."""
CLOCK_S = 0.1
PROCESS, CONSOLE, PLAN, ENDED = "load.pid", "load.events", "load.json", "load.ended"


@dataclass(frozen=True)
class Plan:
    """``rate`` in requests a second, or else ``clients`` that ask again as soon as they have an answer; ``run`` begins
    the id of every request."""

    urls: list[str]
    rate: int
    run: str
    read: list[str]
    write: str = ""
    body: str = "{}"
    id_header: str = "Idempotency-Key"
    websocket: str = ""
    sockets: int = 0
    seconds: int = LONGEST_S
    clients: int = 0
    owner: int = 0
    """The process of the run that it belongs to: it ends with that. 0: with nobody."""

    def variables(self) -> dict[str, str]:
        """What the script asks for."""
        return {"EDGES": ",".join(self.urls), "RATE": str(self.rate), "CLIENTS": str(self.clients),
                "DURATION": f"{min(self.seconds, LONGEST_S)}s", "READ": ",".join(self.read), "WRITE": self.write,
                "BODY": self.body, "ID_HEADER": self.id_header, "SOCKET": self.websocket,
                "SOCKETS": str(self.sockets if self.websocket else 0), "RUN": self.run}


def folder(name: str) -> Path:
    """Where a release's receipt lies."""
    return BUILD / "releases" / name


def start(name: str, plan: Plan) -> bool:
    """Start the load and return when the first answer came; False: it ran already. Raises ``SetupError``."""
    place = folder(name)
    if _process(place):
        return False
    if toolchain.k6() is None:
        raise SetupError("The load generator is not here.", then="python3 -m operations.setup load-tools")
    place.mkdir(parents=True, exist_ok=True)
    for file in (CONSOLE, ENDED):
        (place / file).unlink(missing_ok=True)
    (place / PLAN).write_text(json.dumps(asdict(plan)))
    with (place / "load.log").open("w") as log:
        keeper = subprocess.Popen([sys.executable, "-m", "operations.releases.load", "keep", str(place)],
                                  stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT,
                                  start_new_session=True)
    (place / PROCESS).write_text(str(keeper.pid))
    deadline = time.monotonic() + FIRST_ANSWER_S
    while not _answered(place):
        if keeper.poll() is not None or time.monotonic() > deadline:
            stop(name)
            raise SetupError("The load across the release got no first answer.",
                             why=(place / "load.log").read_text()[-1000:], then="make status")
        time.sleep(0.1)
    return True


def stop(name: str) -> bool:
    """End the load and return when it has; False: there was none. Its events stay in the release's folder."""
    place = folder(name)
    number = _process(place)
    if number:
        os.kill(number, signal.SIGTERM)
        deadline = time.monotonic() + END_S + 5
        while _process(place) and time.monotonic() < deadline:
            time.sleep(0.1)
    (place / PROCESS).unlink(missing_ok=True)
    return bool(number)


def keep(place: Path) -> int:
    """The process that keeps k6: until SIGTERM or the end of its time."""
    plan = Plan(**json.loads((place / PLAN).read_text()))
    found = toolchain.k6()
    assert found
    command = [str(found), "run", "--quiet", "--no-usage-report", "--no-color", "--address", "",
               "--summary-mode=disabled", "--log-format", "raw", "--console-output", str(place / CONSOLE),
               *(part for name, value in plan.variables().items() for part in ("-e", f"{name}={value}")), str(SCRIPT)]
    ended: list[float] = []
    signal.signal(signal.SIGTERM, lambda *_: ended.append(time.time()))
    process, told = subprocess.Popen(command), False
    try:
        while process.poll() is None:
            if plan.owner and not Path(f"/proc/{plan.owner}").exists():
                ended.append(time.time())  # nobody is left who would end it
            if ended and not told:
                process.send_signal(signal.SIGINT)
                told = True
            if ended and time.time() > ended[0] + END_S:
                process.kill()
            time.sleep(0.1)
    finally:
        (place / ENDED).write_text(str(ended[0] if ended else time.time() - 1))
    return 0


def _answered(place: Path) -> bool:
    return (place / CONSOLE).exists() and any(line.startswith("q ") for line in
                                              (place / CONSOLE).read_text().splitlines())


def _process(place: Path) -> int:
    """The keeper's process id while it lives, else 0."""
    try:
        number = int((place / PROCESS).read_text())
        command = Path(f"/proc/{number}/cmdline").read_bytes().split(b"\0")
        state = Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()[0]
    except (OSError, ValueError):
        return 0
    return number if str(place).encode() in command and state != "Z" else 0


@dataclass(frozen=True)
class Request:
    """One request as the client saw it. ``sent`` in seconds since 1970; ``status`` 0: no answer."""

    number: int
    sent: float
    took_ms: float
    status: int
    colour: str
    kind: str
    connected: bool
    elsewhere: bool
    cached: bool
    error: str


@dataclass(frozen=True)
class SocketEvent:
    """``what``: ``open``, ``close`` or ``error``; ``code``: with what the server closed."""

    at: float
    what: str
    code: int = 0
    text: str = ""


@dataclass(frozen=True)
class Events:
    """Everything that a load saw until it was ``ended``; ``cancelled`` are requests that it broke off itself then."""

    requests: tuple[Request, ...]
    sockets: tuple[SocketEvent, ...]
    ended: float
    cancelled: int = 0


def events(name: str) -> Events | None:
    """What the load of a release saw; None when there was none."""
    place = folder(name)
    if not (place / CONSOLE).exists():
        return None
    ended = float((place / ENDED).read_text()) if (place / ENDED).exists() else time.time()
    return parsed((place / CONSOLE).read_text(), ended)


def parsed(text: str, ended: float) -> Events:
    """From the console's lines. What WebSockets did after ``ended`` was the load's own doing."""
    requests, sockets = [], []
    whole, _, _ = text.rpartition("\n")  # a line may have been cut off in the middle
    for line in whole.splitlines():
        if line.startswith("q "):
            requests.append(_request(line.split(maxsplit=10)[1:]))
        elif line[:2] in ("o ", "c ", "e "):
            event = _socket(line.split(maxsplit=2))
            if event.at < ended and not event.text.startswith(CLOSED):
                sockets.append(event)
    finished = tuple(one for one in requests if not (one.error.startswith(CANCELLED) and one.sent + one.took_ms / 1000
                                                     >= ended - CLOCK_S))
    return Events(finished, tuple(sockets), ended, len(requests) - len(finished))


def _request(part: list[str]) -> Request:
    return Request(int(part[0]), int(part[1]) / 1000, float(part[2]), int(part[3]), part[4], part[5], part[6] == "1",
                   part[7] == "1", part[8] == "1", part[9] if len(part) > 9 else "")


def _socket(part: list[str]) -> SocketEvent:
    at = int(part[1]) / 1000
    if part[0] == "o":
        return SocketEvent(at, "open")
    if part[0] == "c":
        return SocketEvent(at, "close", int(part[2]))
    return SocketEvent(at, "error", text=part[2] if len(part) > 2 else "")

