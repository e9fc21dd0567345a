"""Services: under which names and addresses members answer."""

from __future__ import annotations

from typing import Any

from components.targets.kubernetes import labels, names
from components.workload import Workload


def services(stack: str, workload: Workload) -> list[dict[str, Any]]:
    """All Services of a workload; none for one that listens nowhere."""
    if not workload.ports:
        return []
    selector = labels.selector(stack, workload)
    found = [_service(stack, workload, workload.name, selector, headless=True)]
    found += [_service(stack, workload, alias, selector) for alias in workload.aliases]
    if workload.has_identity:
        members = _service(stack, workload, names.members_service(workload.name), selector, headless=True)
        members["spec"]["publishNotReadyAddresses"] = True
        found.append(members)
    if workload.stable_address:
        found += [_service(stack, workload, member.name, {**selector, labels.POD_NAME: member.name})
                  for member in workload.members]
    published = [port for port in workload.ports if port.published]
    if published:
        public = _service(stack, workload, names.public_service(workload.name), selector)
        public["spec"] |= {
            "type": "LoadBalancer",
            "externalTrafficPolicy": "Local",  # keeps the client's address, by which the edge limits rates
            "ports": [{"name": port.name, "port": port.published, "targetPort": port.name, "protocol": "TCP"}
                      for port in published],
        }
        found.append(public)
    return found


def _service(stack: str, workload: Workload, name: str, selector: dict[str, str], *,
             headless: bool = False) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": labels.metadata(stack, workload, name),
        "spec": {
            "selector": selector,
            "ports": [{"name": port.name, "port": port.number, "targetPort": port.name, "protocol": "TCP"}
                      for port in workload.ports],
            **({"clusterIP": "None"} if headless else {}),
        },
    }
