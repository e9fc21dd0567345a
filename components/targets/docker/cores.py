"""Setting CPU limits of running containers."""

from __future__ import annotations

from typing import Any

from components.targets.docker import engine

NANO = 1_000_000_000


def limit(members: dict[str, Any]) -> None:
    """Give every member its cores. A container that is gone is somebody else's worry: the next run makes it."""
    for wanted in members.values():
        container = engine.find(wanted["id"])
        nano = round(float(wanted["cpus"]) * NANO)
        if container is None or container.attrs["HostConfig"]["NanoCpus"] == nano:
            continue
        # The SDK's own method for it knows no NanoCpus.
        api: Any = engine.client().api
        answer = api._post_json(api._url("/containers/{0}/update", container.id), data={"NanoCpus": nano})
        api._raise_for_status(answer)
