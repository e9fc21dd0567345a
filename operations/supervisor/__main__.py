"""``python3 -m operations.supervisor run``, and what operators ask of it: ``hold NAME SECONDS WHY``, ``unhold NAME``,
``holds``."""

from __future__ import annotations

import json
import signal
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

from operations.supervisor import figures, holds
from operations.supervisor.engine import Engine
from operations.supervisor.etcd import Etcd
from operations.supervisor.fencer import Fencer
from operations.supervisor.holds import Hold
from operations.supervisor.pair import HOLDS, PREFIX, Pair
from operations.supervisor.report import Report
from operations.supervisor.rescue import Rescue
from operations.supervisor.settings import Settings
from operations.supervisor.supervisor import LOOK_S, Supervisor
from operations.supervisor.usage import Measuring

KEYS = PREFIX + HOLDS
WORKERS = 4
"""Members brought back at once."""
BLIND_AFTER_S = 4 * LOOK_S
"""Without a look at the engine for so long, the partner should lead."""


def run(settings: Settings, _arguments: Sequence[str]) -> int:
    """Watch until SIGTERM."""
    say = Report(settings.me)
    made: list[Supervisor] = []

    def sees_the_engine() -> bool:
        return bool(made) and time.monotonic() - made[0].last_look < BLIND_AFTER_S

    def current_holds() -> dict[str, Hold]:
        return {name: holds.parse(text) for name, text in Etcd(settings.stores, settings.tls).below(KEYS).items()}

    def engine() -> Engine:
        return Engine(settings.engines, settings.tls)

    def etcd() -> Etcd:
        return Etcd(settings.stores, settings.tls)

    pair = Pair(settings.me, settings.lease_s, etcd(), sees_the_engine)
    told = figures.Figures(pair.role)
    say.count = told.count
    fencer = Fencer(settings.fencing, engine, etcd, pair.role, say) if settings.fencing else None
    rescue = Rescue(engine, pair, current_holds, settings.longest_pause_s, say,
                    release=fencer.release if fencer else None)
    made.append(Supervisor(settings, engine(), pair, rescue,
                           pool=ThreadPoolExecutor(WORKERS), say=say, fencer=fencer, figures=told))
    stopped = threading.Event()
    signal.signal(signal.SIGTERM, lambda _number, _frame: stopped.set())
    server = figures.serve(told, settings.directory)
    Measuring(engine(), pair.role, told).start(stopped)
    pair.start()
    made[0].run(stopped)
    pair.stop()
    server.shutdown()
    return 0


def hold(settings: Settings, arguments: Sequence[str]) -> int:
    """Leave a member, workload, tier or ``all`` alone for some seconds."""
    name, seconds, why = arguments[0], int(arguments[1]), " ".join(arguments[2:]) or "no reason given"
    if not 1 <= seconds <= holds.LONGEST_S:
        print(f"{seconds} s: a hold lasts 1 s at least and {holds.LONGEST_S} s at most", file=sys.stderr)
        return 2
    etcd = Etcd(settings.stores, settings.tls)
    etcd.put(KEYS + name, Hold(time.time() + seconds, why).text(), etcd.grant(seconds))
    print(f"{name} is left alone for {seconds} s: {why}")
    return 0


def unhold(settings: Settings, arguments: Sequence[str]) -> int:
    """End a hold."""
    ended = Etcd(settings.stores, settings.tls).delete(KEYS + arguments[0])
    print(f"{arguments[0]} is watched again" if ended else f"{arguments[0]} was not held")
    return 0


def list_holds(settings: Settings, _arguments: Sequence[str]) -> int:
    """All holds as JSON: name -> until (seconds since 1970) and why."""
    found = Etcd(settings.stores, settings.tls).below(KEYS)
    print(json.dumps({name: json.loads(text) for name, text in sorted(found.items())}))
    return 0


COMMANDS: Mapping[str, tuple[Callable[[Settings, Sequence[str]], int], int]] = {
    "run": (run, 0), "hold": (hold, 2), "unhold": (unhold, 1), "holds": (list_holds, 0)}
"""Command -> what does it, and how many arguments it needs at least."""


def main(arguments: Sequence[str]) -> int:
    """The exit status."""
    command, *rest = arguments or [""]
    if command not in COMMANDS or len(rest) < COMMANDS[command][1]:
        print("usage: operations.supervisor run | hold NAME SECONDS WHY | unhold NAME | holds", file=sys.stderr)
        return 2
    try:
        return COMMANDS[command][0](Settings.load(), rest)
    except OSError as error:
        print(f"etcd, which keeps the holds, does not answer: {error}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
