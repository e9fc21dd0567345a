"""The namespace and its network segments: a pod reaches pods that share a zone with it, and is reached by no others."""

from __future__ import annotations

from typing import Any

from components.targets.kubernetes import labels, names
from components.workload import Workload, Zone

DNS_PORT = 53


def foundation(stack: str) -> list[dict[str, Any]]:
    """What a stack needs before its first workload."""
    return [_namespace(stack), _deny_by_default(stack), *(_zone_policy(stack, zone) for zone in Zone)]


def workload_policies(stack: str, workload: Workload) -> list[dict[str, Any]]:
    """Published ports are open to everybody."""
    published = [port for port in workload.ports if port.published]
    if not published:
        return []
    return [{
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": labels.metadata(stack, workload, names.public_service(workload.name)),
        "spec": {
            "podSelector": {"matchLabels": labels.selector(stack, workload)},
            "policyTypes": ["Ingress"],
            "ingress": [{"ports": [{"port": port.number, "protocol": "TCP"} for port in published]}],
        },
    }]


def _namespace(stack: str) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": {"name": names.namespace(stack), "labels": {
            "app.kubernetes.io/part-of": "evenkeel", "app.kubernetes.io/instance": stack,
            "pod-security.kubernetes.io/enforce": "restricted"}},
    }


def _deny_by_default(stack: str) -> dict[str, Any]:
    """Nobody reaches a pod that no other policy opens."""
    return _policy(stack, "deny-by-default", {"podSelector": {}, "policyTypes": ["Ingress"], "ingress": []})


def _zone_policy(stack: str, zone: Zone) -> dict[str, Any]:
    """Members of a zone reach each other. Who is in internal zones alone reaches nothing else but the DNS server; edge
    and application may call out, as on Docker, where only the others are internal."""
    here = {"podSelector": {"matchLabels": labels.zone(zone)}}
    dns = {"ports": [{"port": DNS_PORT, "protocol": protocol} for protocol in ("UDP", "TCP")]}
    return _policy(stack, f"zone-{zone.value}", {
        **here,
        "policyTypes": ["Ingress", "Egress"],
        "ingress": [{"from": [here]}],
        "egress": [{"to": [here]}, dns] if zone.internal else [{}],
    })


def _policy(stack: str, name: str, spec: dict[str, Any]) -> dict[str, Any]:
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"name": name, "namespace": names.namespace(stack), "labels": {
            "app.kubernetes.io/part-of": "evenkeel", "app.kubernetes.io/instance": stack}},
        "spec": spec,
    }
