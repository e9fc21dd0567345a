"""Certificates are valid for what they must cover, and are renewed when due, not before."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from cryptography import x509 as library
from cryptography.hazmat.primitives.asymmetric import ec

from components.generated import renewal, x509

HOSTS = ["127.0.0.1", "localhost", "redis", "redis-1"]


def issued(days: int = 398) -> dict:
    certificate, key = x509.make_authority("Evenkeel test", 3650)
    return x509.issue({"commonName": "redis", "hosts": HOSTS, "authority": certificate, "authorityKey": key}, days)


def test_a_certificate_covers_names_and_addresses_and_is_signed_by_the_authority() -> None:
    outputs = issued()
    leaf, authority = library.load_pem_x509_certificates(outputs["chain"].encode())
    names = leaf.extensions.get_extension_for_class(library.SubjectAlternativeName).value
    assert names.get_values_for_type(library.DNSName) == ["localhost", "redis", "redis-1"]
    assert [str(ip) for ip in names.get_values_for_type(library.IPAddress)] == ["127.0.0.1"]
    key = authority.public_key()
    assert isinstance(key, ec.EllipticCurvePublicKey)
    assert leaf.signature_hash_algorithm is not None
    key.verify(leaf.signature, leaf.tbs_certificate_bytes, ec.ECDSA(leaf.signature_hash_algorithm))


def test_renewal_is_due_late_and_when_names_change() -> None:
    outputs = issued()
    now = datetime.now(UTC)
    assert not renewal.is_due(outputs, outputs, 60, now)
    assert not renewal.is_due(outputs, outputs, 60, now + timedelta(days=337))
    assert renewal.is_due(outputs, outputs, 60, now + timedelta(days=339))
    assert renewal.is_due(outputs, {**outputs, "hosts": [*HOSTS, "redis-2"]}, 60, now)
