"""The load that a stack's own file describes."""

from __future__ import annotations

import yaml

from components.settings import Settings
from components.stack_config import SECRETS
from operations.releases import trial
from operations.setup.paths import ROOT


def plan(stack: str, name: str, rate: int, sockets: int, owner: int) -> trial.Plan:
    """The load that ``app.load`` of the stack's file describes."""
    where = f"stacks/Pulumi.{stack}.yaml"
    config = (yaml.safe_load((ROOT / where).read_text()) or {}).get("config", {})
    plain = {key.removeprefix("evenkeel:"): value for key, value in config.items() if key.startswith("evenkeel:")}
    settings = Settings.load({key: value for key, value in plain.items() if not key.startswith(SECRETS)}, stack=stack,
                             where=where)
    nginx, load = settings.edge.nginx, settings.app.load
    urls = [f"https://localhost:{nginx.https_port + n}" for n in range(nginx.members)]
    return trial.Plan(urls=urls, rate=rate, run=name, read=load.read, write=load.write or "", body=load.body,
                      id_header=load.id_header, websocket=load.websocket or "", sockets=sockets,
                      owner=owner)
