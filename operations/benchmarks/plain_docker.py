"""What our start is compared with: the same containers made and started one after the other, in dependency order, by
nothing but the engine."""

from __future__ import annotations

from collections.abc import Sequence

from docker.models.containers import Container

from components.targets.docker import engine
from operations.setup import engine_state

ORDER = ("etcd", "postgres", "pgproxy", "pgbouncer", "redis", "web-blue", "web-green", "haproxy", "nginx")


def take_away(stack: str) -> Sequence[Container]:
    """Remove every container of ``stack``, keeping its volumes; what is needed to make them again, in ``ORDER``."""
    members = engine_state.containers(stack)
    for container in members:
        container.remove(force=True)
    return sorted(members, key=lambda one: ORDER.index(one.labels["evenkeel.workload"]))


def run(containers: Sequence[Container]) -> None:
    """Make and start equal containers. They are new ones for Pulumi: `make down` removes them as unknown."""
    api = engine.client().api
    for container in containers:
        attributes = container.attrs
        networks = attributes["NetworkSettings"]["Networks"]
        first, *others = sorted(networks)
        config = {**attributes["Config"], "HostConfig": attributes["HostConfig"],
                  "NetworkingConfig": {"EndpointsConfig": {first: _endpoint(networks[first])}}}
        created = api.create_container_from_config(config, container.name)  # type: ignore[no-untyped-call]
        for name in others:
            endpoint = _endpoint(networks[name])
            address = (endpoint["IPAMConfig"] or {}).get("IPv4Address")
            api.connect_container_to_network(created["Id"], name, aliases=endpoint["Aliases"], ipv4_address=address)
        api.start(created["Id"])


def _endpoint(network: dict) -> dict:
    return {"Aliases": network["Aliases"], "IPAMConfig": network.get("IPAMConfig")}
