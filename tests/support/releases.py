"""What tests of releases share: images that differ from the example by a line, and a platform as it was before."""

from __future__ import annotations

import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from components.targets.docker import engine
from operations.setup.images import image_tag
from tests.support.running import RunningPlatform

RUNTIME = "socat - UNIX-CONNECT:/run/haproxy.sock"
DATA = "/var/lib/evenkeel"
PATCH = "/opt/orders/sitecustomize.py"
FAILS = ("import itertools, orders.order_routes as r\\nwas, turn = r.OrderRoutes.latest, itertools.count()\\n"
         "async def no(*given):\\n    if next(turn) %% 2: raise RuntimeError\\n    return await was(*given)\\n"
         "r.OrderRoutes.latest = no\\n")
"""Healthy, and every second list of orders is answered 500: never so many in a row that a circuit breaker opens, whose
answers are the load balancers'."""
NOTHING = ('import orders.middleware as m\nwas = m.Witness.__call__\n'
           'async def no(self, scope, receive, send):\n'
           '    if scope["type"] != "http" or scope["path"].startswith(("/health", "/metrics")):\n'
           '        return await was(self, scope, receive, send)\n'
           '    await send({"type": "http.response.start", "status": 500, "headers": []})\n'
           '    await send({"type": "http.response.body", "body": b""})\nm.Witness.__call__ = no\n'
           ).replace("\n", "\\n")
"""Healthy, and everything else is answered 500. Who gets that is drawn anew the next time."""
SLOW = ("import asyncio, orders.order_routes as r\\nwas = r.OrderRoutes.latest\\nasync def late(self, request):\\n"
        "    await asyncio.sleep(0.6)\\n    return await was(self, request)\\nr.OrderRoutes.latest = late\\n")


def build(tag: str, *lines: str) -> str:
    """An image like the example's but for these lines of a Dockerfile; its reference."""
    reference = f"evenkeel-test/orders:{tag}"
    recipe = "\n".join([f"FROM {image_tag('orders')}", "USER 0", *lines, "USER 10001:10001", f"LABEL test={tag}", ""])
    engine.client().images.build(fileobj=io.BytesIO(recipe.encode()), tag=reference, rm=True, forcerm=True)
    return reference


def patched(tag: str, code: str) -> str:
    """One whose workers run ``code`` (a line of `printf`) when they start."""
    return build(tag, f"RUN printf '{code}' > {PATCH}")


def split_of(platform: RunningPlatform) -> dict[str, tuple[str, str]]:
    """Load balancer -> what its file and its process say of the pool ``web``."""
    found = {}
    for balancer in ("haproxy-1", "haproxy-2"):
        file = platform.inside(balancer, "cat", f"{DATA}/split.map").split()
        shown = platform.inside(balancer, "sh", "-c", f"echo 'show map {DATA}/split.map' | {RUNTIME}").split()
        found[balancer] = (file[1], shown[2])
    return found


def as_before(platform: RunningPlatform, settings: Mapping[str, Any]) -> None:
    """Everything to blue, no release remembered, and the settings that the other tests expect."""
    for balancer in ("haproxy-1", "haproxy-2"):
        platform.inside(balancer, "sh", "-c", f"echo 'set map {DATA}/split.map web 0' | {RUNTIME} && "
                                              f"echo web 0 >{DATA}/split.map && rm -f {DATA}/release.json")
    platform.inside("etcd-1", "etcdctl", "del", "--prefix", "/evenkeel-operations/release")
    platform.write_settings(settings)
    platform.up()


def variables(folder: Path, **values: Any) -> list[str]:
    """Arguments that hand variables of the role over."""
    file = folder / "variables.yml"
    file.write_text(yaml.safe_dump(values))
    return ["-e", f"@{file}"]
