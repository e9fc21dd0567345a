"""Certificates with ``cryptography``: ECDSA P-256, which every TLS 1.2 client accepts and which is cheap to sign."""

from __future__ import annotations

import ipaddress
from datetime import UTC, datetime, timedelta
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

CLOCK_SKEW = timedelta(hours=1)
"""Certificates begin a little in the past: members' clocks differ."""


def make_authority(common_name: str, days: int) -> tuple[str, str]:
    """A self-signed authority: certificate and key, PEM."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])
    builder = _builder(name, name, key.public_key(), days)
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
    builder = builder.add_extension(_usage(sign_certificates=True), critical=True)
    return _pem(builder.sign(key, hashes.SHA256())), _key_pem(key)


def issue(wanted: dict[str, Any], days: int) -> dict[str, Any]:
    """Sign a certificate for ``wanted["hosts"]`` (DNS names or IP addresses); the outputs of the resource."""
    authority = x509.load_pem_x509_certificate(wanted["authority"].encode())
    signer = serialization.load_pem_private_key(wanted["authorityKey"].encode(), password=None)
    if not isinstance(signer, ec.EllipticCurvePrivateKey):
        raise TypeError(f"the authority's key must be an elliptic curve key, not {type(signer).__name__}")
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, wanted["commonName"])])
    builder = _builder(subject, authority.subject, key.public_key(), days)
    builder = builder.add_extension(x509.SubjectAlternativeName([_general_name(h) for h in wanted["hosts"]]), False)
    builder = builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
    builder = builder.add_extension(_usage(sign_certificates=False), critical=True)
    purposes = [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]
    builder = builder.add_extension(x509.ExtendedKeyUsage(purposes), critical=False)
    builder = builder.add_extension(
        x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False)
    certificate = builder.sign(signer, hashes.SHA256())
    inputs = {name: wanted[name] for name in ("commonName", "hosts", "authority", "authorityKey")}
    return {**inputs, "chain": _pem(certificate) + wanted["authority"], "key": _key_pem(key),
            "expires": certificate.not_valid_after_utc.isoformat()}


def _builder(subject: x509.Name, issuer: x509.Name, public_key: ec.EllipticCurvePublicKey,
             days: int) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (x509.CertificateBuilder().subject_name(subject).issuer_name(issuer).public_key(public_key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - CLOCK_SKEW).not_valid_after(now + timedelta(days=days))
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(public_key), critical=False))


def _usage(*, sign_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(digital_signature=not sign_certificates, key_cert_sign=sign_certificates,
                         crl_sign=sign_certificates, content_commitment=False, key_encipherment=False,
                         data_encipherment=False, key_agreement=False, encipher_only=False, decipher_only=False)


def _general_name(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def _pem(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(serialization.Encoding.PEM).decode()


def _key_pem(key: ec.EllipticCurvePrivateKey) -> str:
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
                             serialization.NoEncryption()).decode()
