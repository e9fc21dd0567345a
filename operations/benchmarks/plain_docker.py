"""What our start is compared with: the same networks and containers, made and started one after the other in dependency
order by nothing but the engine. Volumes and what is in them are there already."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from docker.models.containers import Container

from components.targets.docker import engine
from operations.setup import engine_state

ORDER = ("etcd", "postgres", "pgproxy", "pgbouncer", "redis", "web-blue", "web-green", "haproxy", "nginx")
"""Others, for whom no order waits (monitoring, the supervisor), come after these."""


@dataclass(frozen=True)
class Taken:
    """What was removed: the containers in their order, the networks as the engine described them."""

    containers: Sequence[Container]
    networks: Sequence[dict[str, Any]]


def take_away(stack: str) -> Taken:
    """Remove every container and network of ``stack``, keeping its volumes; what is needed to make them again."""
    members = engine_state.containers(stack)
    for container in members:
        container.remove(force=True)
    networks = engine.client().networks.list(filters={"label": f"evenkeel.stack={stack}"})
    for network in networks:
        network.remove()
    return Taken(in_order(members), [network.attrs for network in networks])


def in_order(members: Iterable[Container]) -> list[Container]:
    """As they depend on each other."""
    places = {workload: place for place, workload in enumerate(ORDER)}
    return sorted(members, key=lambda one: (places.get(one.labels["evenkeel.workload"], len(ORDER)), one.name))


def run(taken: Taken) -> None:
    """Make and start equal ones. They are new to Pulumi: `make down` removes them as unknown."""
    api = engine.client().api
    for network in taken.networks:
        api.create_network(network["Name"], driver=network["Driver"], ipam=network["IPAM"],
                           internal=network["Internal"], labels=network["Labels"])
    for container in taken.containers:
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
