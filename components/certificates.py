"""The platform's certificate authority and the certificates it issues to workloads.

The authority is generated once and protected like the passwords; certificates are issued again, in place, when the
names they must cover change or when less than ``RENEW_BEFORE_DAYS`` remain at the time of a ``pulumi up``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
from pulumi.dynamic import CreateResult, DiffResult, Resource, ResourceProvider, UpdateResult

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

    def __init__(self, stack: str, parent: pulumi.Resource | None = None) -> None:
        self._parent = parent
        options = pulumi.ResourceOptions(parent=parent, protect=True, additional_secret_outputs=["key"])
        self._authority = CertificateAuthority("authority", f"Evenkeel {stack}", options)
        self._issued: dict[str, Certificate] = {}

    @property
    def authority(self) -> pulumi.Input[str]:
        """The authority's certificate, PEM: what clients trust."""
        return self._authority.certificate

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
    """A self-signed authority. ``certificate`` is public, ``key`` secret."""

    certificate: pulumi.Output[str]
    key: pulumi.Output[str]

    def __init__(self, name: str, common_name: str, opts: pulumi.ResourceOptions) -> None:
        super().__init__(AuthorityProvider(), name, {"commonName": common_name, "certificate": None, "key": None}, opts)


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
    """Generates once; nothing changes it."""

    def create(self, props: dict) -> CreateResult:
        from components.generated import x509

        certificate, key = x509.make_authority(props["commonName"], AUTHORITY_DAYS)
        return CreateResult(id_=props["commonName"],
                            outs={"commonName": props["commonName"], "certificate": certificate, "key": key})

    def diff(self, _id: str, _olds: dict, _news: dict) -> DiffResult:
        return DiffResult(changes=False)


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
