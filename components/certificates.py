"""The platform's certificate authority and the certificates it issues to workloads.

The authority is generated once and protected like the passwords, and rotated like them: a second one is trusted beside
it, then issues all certificates anew, then is trusted alone. Certificates are issued again, in place, when the
authority in use or the names they must cover change, or when less than ``RENEW_BEFORE_DAYS`` remain at the time of a
``pulumi up``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi
from pulumi.dynamic import CreateResult, DiffResult, Resource, ResourceProvider, UpdateResult

from components.generated import rotation

AUTHORITY = "authority"
"""The name under which the authority is rotated."""

AUTHORITY_DAYS = 3650
CERTIFICATE_DAYS = 398
"""The longest life that browsers accept since 2020 (CA/Browser Forum ballot SC31)."""
RENEW_BEFORE_DAYS = 60


@dataclass(frozen=True)
class Issued:
    """A certificate chain (leaf, then authority) and its private key, PEM."""

    chain: pulumi.Input[str]
    key: pulumi.Input[str]


class Certificates:
    """One authority and one certificate per workload."""

    def __init__(self, stack: str, parent: pulumi.Resource | None = None, *,
                 steps: Mapping[str, str] | None = None) -> None:
        self._parent = parent
        options = pulumi.ResourceOptions(parent=parent, protect=True, additional_secret_outputs=["key", "otherKey"])
        self._authority = CertificateAuthority(AUTHORITY, f"Evenkeel {stack}", (steps or {}).get(AUTHORITY), options)
        self._issued: dict[str, Certificate] = {}

    @property
    def authority(self) -> pulumi.Output[str]:
        """What clients trust, PEM: the authority's certificate; two, one after the other, while it is rotated."""
        return pulumi.Output.all(self._authority.certificate, self._authority.otherCertificate,
                                 self._authority.slot).apply(lambda known: "".join(rotation.by_slot(*known).values()))

    @property
    def phases(self) -> dict[str, pulumi.Output[str | None]]:
        """Where the authority stands. No secret."""
        return {AUTHORITY: self._authority.phase}

    def issue(self, workload: str, hosts: Sequence[str]) -> Issued:
        """A certificate for ``hosts`` plus localhost, for servers and clients alike. Once per workload."""
        if workload in self._issued:
            raise ValueError(f"a certificate for {workload} was issued already: pass the files on instead")
        options = pulumi.ResourceOptions(parent=self._parent, additional_secret_outputs=["key"])
        wanted = sorted({*hosts, "localhost", "127.0.0.1"})
        certificate = Certificate(workload, self._authority, wanted, options)
        self._issued[workload] = certificate
        return Issued(certificate.chain, certificate.key)


class CertificateAuthority(Resource):
    """A self-signed authority. ``certificate`` is public, ``key`` secret; both are of the one that issues.
    ``otherCertificate`` is trusted as well (empty: none is)."""

    certificate: pulumi.Output[str]
    key: pulumi.Output[str]
    otherCertificate: pulumi.Output[str | None]  # noqa: N815 - Pulumi's spelling of outputs
    otherKey: pulumi.Output[str | None]  # noqa: N815
    slot: pulumi.Output[str | None]
    phase: pulumi.Output[str | None]

    def __init__(self, name: str, common_name: str, step: str | None, opts: pulumi.ResourceOptions) -> None:
        made = dict.fromkeys(("certificate", "key", "otherCertificate", "otherKey", "slot", "phase"))
        super().__init__(AuthorityProvider(), name, {"commonName": common_name, "step": step, **made}, opts)


class Certificate(Resource):
    """A certificate that ``authority`` signed."""

    chain: pulumi.Output[str]
    key: pulumi.Output[str]

    def __init__(self, name: str, authority: CertificateAuthority, hosts: list[str],
                 opts: pulumi.ResourceOptions) -> None:
        inputs = {"commonName": name, "hosts": hosts, "authority": authority.certificate,
                  "authorityKey": authority.key, "chain": None, "key": None, "expires": None}
        super().__init__(CertificateProvider(), name, inputs, opts)


class AuthorityProvider(ResourceProvider):
    """Generates once; only the steps of a rotation change it."""

    def create(self, props: dict) -> CreateResult:
        from components.generated import authority

        return CreateResult(id_=props["commonName"], outs=authority.create(props["commonName"], AUTHORITY_DAYS))

    def diff(self, _id: str, olds: dict, news: dict) -> DiffResult:
        from components.generated import rotation

        return DiffResult(changes=rotation.changes(olds, news.get("step")))

    def update(self, _id: str, olds: dict, news: dict) -> UpdateResult:
        from components.generated import authority

        return UpdateResult(outs=authority.update(olds, news.get("step"), AUTHORITY_DAYS))


class CertificateProvider(ResourceProvider):
    """Issues, and issues again in place."""

    def create(self, props: dict) -> CreateResult:
        from components.generated import x509

        return CreateResult(id_=props["commonName"], outs=x509.issue(props, CERTIFICATE_DAYS))

    def diff(self, _id: str, olds: dict, news: dict) -> DiffResult:
        from components.generated import renewal

        return DiffResult(changes=renewal.is_due(olds, news, RENEW_BEFORE_DAYS))

    def update(self, _id: str, _olds: dict, news: dict) -> UpdateResult:
        from components.generated import x509

        return UpdateResult(outs=x509.issue(news, CERTIFICATE_DAYS))
