#!/usr/bin/python
"""Module ``evenkeel.platform.release_load``."""

from __future__ import annotations

DOCUMENTATION = r"""
module: release_load
short_description: Let a constant load run across a release, and make its receipt
version_added: 1.1.0
description:
  - V(running) starts a load (k6, at a constant rate, whatever becomes of earlier requests) through every edge, by
    C(app.load) of the stack's settings, and keeps what every load balancer counted until then.
  - V(ended) ends it, reconciles what the client saw with what the load balancers counted, and writes
    C(receipt.json) and C(receipt.md) into C(build/releases/NAME).
options:
  project:
    description: The folder with Pulumi.yaml.
    type: path
    required: true
  name:
    description: The release's name.
    type: str
    required: true
  state:
    description: Whether the load shall run.
    type: str
    choices: [running, ended]
    required: true
  rate:
    description: Requests a second.
    type: int
    default: 20
  sockets:
    description: WebSockets that stay open beside, where the application has some.
    type: int
    default: 10
  outlive:
    description: Let it go on when the run ends that started it, an hour at most. Otherwise it ends then.
    type: bool
    default: false
  before_s:
    description: How long the load goes on before the module returns, in seconds, for figures from before the switch.
    type: float
    default: 3.0
extends_documentation_fragment:
  - evenkeel.platform.stack
attributes:
  check_mode:
    support: full
  diff_mode:
    support: none
    details: It changes nothing of the platform.
author:
  - Evenkeel (@evenkeel)
"""

EXAMPLES = r"""
- name: Fifty requests a second from now on
  evenkeel.platform.release_load:
    stack: local
    project: /srv/shop
    name: local-0007
    state: running
    rate: 50
"""

RETURN = r"""
receipt:
  description: What the receipt says.
  returned: when a load has ended
  type: dict
narration:
  description: The same as sentences.
  returned: always
  type: list
  elements: str
"""

import json
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ansible_collections.evenkeel.platform.plugins.module_utils import (
    analysis,
    balancing,
    edge_log,
    haproxy,
    lock,
    release_store,
    running,
)
from ansible_collections.evenkeel.platform.plugins.module_utils.prepared import Prepared
from ansible_collections.evenkeel.platform.plugins.module_utils.streams import DockerStreams, StreamError

EDGE = "nginx"
FIGURES = ("sent", "dropped", "wrong", "switch_ms", "rollback_ms")
"""Of the receipt, for the history."""
LOG_FLUSH_S = 1.5
"""Nginx writes its log at least once a second."""


def main() -> None:
    """Read arguments, start or end."""
    module = running.module(
        project={"type": "path", "required": True}, name={"type": "str", "required": True},
        state={"type": "str", "choices": ["running", "ended"], "required": True}, rate={"type": "int", "default": 20},
        sockets={"type": "int", "default": 10}, outlive={"type": "bool", "default": False},
        before_s={"type": "float", "default": 3.0})
    asked = module.params

    def work(streams: DockerStreams) -> dict[str, Any]:
        folder = Path(asked["project"]) / "build" / "releases" / asked["name"]
        if module.check_mode:
            return {"changed": asked["state"] == "running" or (folder / "load.pid").exists(), "narration": []}
        return start(streams, asked, folder) if asked["state"] == "running" else end(streams, asked, folder)

    running.perform(module, work)


def start(streams: DockerStreams, asked: dict[str, Any], folder: Path) -> dict[str, Any]:
    """Count, then let it run."""
    owner = 0 if asked["outlive"] else lock.our_run() or 0
    with operation(asked, "start", f"RATE={asked['rate']}", f"SOCKETS={asked['sockets']}", f"OWNER={owner}") as load:
        before = count(streams)
        started = load.go().strip() == "started"
    if started:
        (folder / "after.json").unlink(missing_ok=True)
        (folder / "before.json").write_text(json.dumps(before))
        time.sleep(asked["before_s"])
    what = f"{asked['rate']} requests/s run across it" + ("" if started else " already")
    return {"changed": started, "narration": [f"load: {what}"]}


def end(streams: DockerStreams, asked: dict[str, Any], folder: Path) -> dict[str, Any]:
    """Let it end, count, and write the receipt."""
    if not (folder / "load.events").exists():
        return {"changed": False, "narration": []}
    running_still = (folder / "load.pid").exists()
    with operation(asked, "end") as load:
        load.said()
        ended, flushed = time.time(), time.monotonic() + LOG_FLUSH_S
        store = release_store.Releases(streams)
        current = store.current()
        if running_still or not (folder / "after.json").exists():  # a run that died had not counted yet
            after = count(streams)
            try:
                # Most of it while the rest is still on its way: the log of minutes takes the engine a second.
                lines = logged(streams, asked["name"], (folder / "load.json").stat().st_mtime)
                time.sleep(max(0.0, flushed - time.monotonic()))
                lines |= logged(streams, asked["name"], ended, analysis.MOST_LINES)
                after["edges"] = {"requests": len(lines), "numbers": [number for _, number in lines],
                                  "tried_again": sum(1 for attempts in lines.values() if attempts > 1)}
            except StreamError as error:
                after["edges"] = {"problem": str(error)}
            (folder / "after.json").write_text(json.dumps(after))
        mine = current is not None and current.name == asked["name"]
        if current is not None and mine:
            (folder / "release.json").write_text(json.dumps(current.as_dict()))
        receipt = json.loads(load.go())
    if current is not None and mine:
        store.figure(current, {name: receipt[name] for name in FIGURES if receipt[name] is not None})
    return {"changed": running_still, "receipt": receipt, "narration": receipt["words"]}


def count(streams: DockerStreams) -> dict[str, Any]:
    """What every load balancer within reach counted until now."""
    with balancing.Balancers(streams).opened() as (opened, out_of_reach):
        counted = balancing.counters(opened)
        return {"at": time.time(), "processes": balancing.processes(opened), "out_of_reach": out_of_reach,
                "frontend": {name: asdict(found.get("edge", haproxy.Counters())) for name, found in counted.items()},
                "colours": {name: {colour: asdict(counter) for colour, counter in haproxy.by_colour(found).items()}
                            for name, found in counted.items()}}


def logged(streams: DockerStreams, name: str, since: float, most: int | None = None) -> dict[tuple[str, int], int]:
    """What the edges' logs say of the load's own requests: edge and number -> how often it was tried there. Raises
    ``StreamError``."""
    return {(member.name, int(line.request_id.rpartition("-")[2])): line.attempts for member in streams.of(EDGE)
            for line in edge_log.read(streams.log_since(member, since - 1, most))
            if line.request_id.startswith(f"{name}-")}


def operation(asked: dict[str, Any], command: str, *more: str) -> Prepared:
    """A command of `operations.releases.load`: it knows k6 and the settings."""
    return Prepared(["python", "-m", "operations.releases.load", command, f"STACK={asked['stack']}",
                     f"NAME={asked['name']}", *more], asked["project"], str(Path(asked["project"]) / "ansible"))


if __name__ == "__main__":
    main()
