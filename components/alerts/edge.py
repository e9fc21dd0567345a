"""What visitors notice: the front door, errors, whether a worker is there for them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from components.alerts.rule import CRITICAL, WARNING, Alert, Group, Record, above
from components.pools import COLOURS
from components.settings import Settings
from components.workload import Workload

FEW_REQUESTS = 0.5
"""Requests a second below which a share says nothing: one error among three requests is 33 %."""
ERRORS, REQUESTS = "evenkeel:errors:percent", "evenkeel:requests:rate1m"
ANSWERED = 'haproxy_frontend_http_responses_total{proxy="edge"'


def group(settings: Settings, declared: Sequence[Workload]) -> Group:
    """Answers are counted by HAProxy; what never reached it, the probes see."""
    limits = settings.monitoring.thresholds
    days = "min by (stack, tier, workload) (probe_ssl_earliest_cert_expiry - time()) / 86400"
    return Group("edge", [
        Record(REQUESTS, f"sum by (stack) (rate({ANSWERED}}}[1m]))"),
        Record(ERRORS, f'100 * sum by (stack) (rate({ANSWERED}, code="5xx"}}[1m])) / {REQUESTS} '
                       f"and {REQUESTS} > {FEW_REQUESTS}"),
    ], [
        Alert("EdgeFailing", WARNING, 'probe_success{exporter="blackbox"} == 0',
              "a request through {{ $labels.member }} is not served; clients that are sent there have to try the other "
              "edge", "edge-lost", labels={"tier": "edge"}),
        Alert("FrontDoorClosed", CRITICAL, 'max by (stack) (probe_success{exporter="blackbox"}) == 0',
              "no edge serves a request: visitors see nothing", "front-door-closed", labels={"tier": "edge"}),
        *above("ErrorRate", ERRORS, (limits.errors_warning, limits.errors_critical),
               "requests are answered with 5xx", "errors", unit="%", for_s=(120, 15), labels={"tier": "edge"}),
        *(Alert("CertificateExpiring", severity, f"{days} < {limit:g}",
                'the certificate that {{ $labels.workload }} shows expires in {{ $value | printf "%.1f" }} days, the '
                f"limit is {limit:g} days", "certificate-expiring", 60)
          for severity, limit in ((WARNING, limits.certificate_warning), (CRITICAL, limits.certificate_critical))),
        *_workers(declared),
    ])


def _workers(declared: Sequence[Workload]) -> Iterator[Alert]:
    """Whom the load balancers find fit, against who should be there."""
    served = [workload for workload in declared if "pool" in workload.labels and workload.ports]
    for workload in served:
        pool, colour = workload.labels["pool"], workload.labels["colour"]
        labels = {"tier": workload.tier, "workload": workload.name, "pool": pool, "colour": colour}
        if workload.count:
            yield Alert("WorkersMissing", WARNING, f"{_fit(f'{pool}_{colour}_read')} < {workload.count}",
                        f"the load balancers find {{{{ $value }}}} of {workload.count} workers of {workload.name} fit",
                        "worker-lost", 30, labels)
    for pool in sorted({workload.labels["pool"] for workload in served}):
        either = "|".join(f"{pool}_{colour}_read" for colour in COLOURS)
        yield Alert("NoWorker", CRITICAL, f"{_fit(either)} == 0",
                    f"no worker of the pool {pool} is fit, in either colour: its requests are refused", "worker-lost",
                    labels={"tier": "app", "pool": pool})


def _fit(backends: str) -> str:
    return f'max by (stack) (sum by (stack, member) (haproxy_backend_active_servers{{proxy=~"{backends}"}}))'
