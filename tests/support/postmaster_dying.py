"""Runs inside a member of Postgres: our Patroni's HA loop ran beside a Postgres (a `sleep`) that is then killed.

Prints how many milliseconds later the loop was woken; ten seconds at most.
"""

from __future__ import annotations

import subprocess
import threading
import time
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader
from types import SimpleNamespace

import patroni.dcs.etcd3  # noqa: F401 - before `ha`: its parts import each other
from patroni.ha import Ha

Ha.run_cycle = lambda self: "no action"  # type: ignore[method-assign]
loader = SourceFileLoader("patroni_patched", "/usr/local/bin/patroni-patched")
loader.exec_module(module_from_spec(spec_from_loader(loader.name, loader)))  # type: ignore[arg-type]
woken = threading.Event()
postgres = subprocess.Popen(["sleep", "60"])
member = SimpleNamespace(state_handler=SimpleNamespace(_postmaster_proc=postgres), wakeup=woken.set)
for _ in range(2):
    assert Ha.run_cycle(member) == "no action"  # type: ignore[arg-type]
assert not woken.wait(0.2), "it lives"
began = time.monotonic()
postgres.kill()
woken.wait(10)
print("woken after", round(1000 * (time.monotonic() - began)), "ms;", threading.active_count() - 1, "still watching")
