"""A certificate authority of the tests' own, and servers' certificates by it, good and bad."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

NOW = datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Authority:
    folder: Path
    name: x509.Name
    key: ec.EllipticCurvePrivateKey
    trust: ssl.SSLContext

    @classmethod
    def make(cls, folder: Path) -> Authority:
        name, key = _named("Authority of the tests"), ec.generate_private_key(ec.SECP256R1())
        basic = x509.BasicConstraints(ca=True, path_length=None)
        certificate = _begin(name, name, key, NOW + timedelta(days=1)).add_extension(basic, critical=True).sign(key, SHA256())
        return cls(folder, name, key, ssl.create_default_context(cadata=certificate.public_bytes(Encoding.PEM).decode()))

    def server(self, *, until: datetime = NOW + timedelta(days=1), address: str = "127.0.0.1") -> ssl.SSLContext:
        """What a server at `address` shows."""
        key = ec.generate_private_key(ec.SECP256R1())
        names = x509.SubjectAlternativeName([x509.IPAddress(IPv4Address(address))])
        certificate = _begin(_named("shop"), self.name, key, until).add_extension(names, critical=False).sign(self.key, SHA256())
        file = self.folder / f"{address}-{until:%Y%m%d}.pem"
        private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        file.write_bytes(certificate.public_bytes(Encoding.PEM) + private)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(file)
        return context


def _named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _begin(subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey, until: datetime) -> x509.CertificateBuilder:
    builder = x509.CertificateBuilder().subject_name(subject).issuer_name(issuer).public_key(key.public_key())
    return builder.serial_number(x509.random_serial_number()).not_valid_before(until - timedelta(days=90)).not_valid_after(until)
