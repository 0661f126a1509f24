"""A certificate and its key in one PEM text, and what can be read from a certificate."""

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ec import (
    EllipticCurvePrivateKey,
    EllipticCurvePublicKey,
)
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import NameOID

from plant.errors import ConfigurationError

LONGEST_NAME = 64
"""Characters of a certificate's common name, by X.520."""


@dataclass(frozen=True, slots=True)
class Validity:
    """From when until when a certificate holds; aware UTC."""

    begin: datetime
    end: datetime

    @property
    def renew_at(self) -> datetime:
        """When two thirds of the life are over: from then on it is to be renewed."""
        return self.begin + (self.end - self.begin) * 2 / 3

    def days_left(self, now: datetime) -> float:
        """Return the days until the end; negative afterwards."""
        return (self.end - now) / timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Identity:
    """A key and its certificate. They are kept in one file, so that they always fit together."""

    key: EllipticCurvePrivateKey
    certificate: x509.Certificate

    @classmethod
    def from_pem(cls, pem: bytes) -> "Identity":
        """Read a key and its certificate; raises ConfigurationError when they are not that."""
        try:
            key = load_pem_private_key(pem, None)
            certificate = x509.load_pem_x509_certificate(pem)
        except (ValueError, TypeError) as exc:
            raise ConfigurationError(f"no key with its certificate in PEM form: {exc}") from exc
        if not isinstance(key, EllipticCurvePrivateKey):
            raise ConfigurationError("the key is no elliptic-curve key, as all of ours are")
        if key.public_key() != certificate.public_key():
            raise ConfigurationError("the certificate is that of another key")
        return cls(key, certificate)

    @property
    def holder(self) -> str:
        """The name in the certificate."""
        return holder_of(self.certificate)

    @property
    def validity(self) -> Validity:
        """From when until when the certificate holds."""
        return validity_of(self.certificate)

    def to_pem(self) -> bytes:
        """Return key and certificate as one PEM text."""
        return key_pem(self.key) + certificate_pem(self.certificate)


def key_pem(key: EllipticCurvePrivateKey) -> bytes:
    """Return a key in PEM form, not encrypted: the file's mode is what protects it."""
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def certificate_pem(certificate: x509.Certificate) -> bytes:
    """Return a certificate in PEM form."""
    return certificate.public_bytes(Encoding.PEM)


def load_certificate(file: Path) -> x509.Certificate:
    """Return the first certificate of a PEM file; raises ConfigurationError when there is none."""
    try:
        return x509.load_pem_x509_certificate(file.read_bytes())
    except OSError as exc:
        raise ConfigurationError(f"{file} cannot be read: {exc.strerror}") from exc
    except ValueError as exc:
        raise ConfigurationError(f"{file} holds no certificate in PEM form") from exc


def validity_of(certificate: x509.Certificate) -> Validity:
    """Return from when until when a certificate holds."""
    return Validity(certificate.not_valid_before_utc, certificate.not_valid_after_utc)


def holder_of(certificate: x509.Certificate | x509.CertificateSigningRequest) -> str:
    """Return the one common name; raises ConfigurationError when there is none or another part."""
    names = list(certificate.subject)
    if len(names) != 1 or names[0].oid != NameOID.COMMON_NAME:
        raise ConfigurationError("the subject is to be one common name (CN) and nothing else")
    return str(names[0].value)


def server_names(file: Path) -> list[str]:
    """Return the names (not addresses) for which a server's certificate (PEM) is good.

    Of one for `*.example.vn` the ending `.example.vn`. Empty where it cannot be read: what is wrong
    with it is told by whoever serves with it.
    """
    try:
        certificate = x509.load_pem_x509_certificate(file.read_bytes())
        found = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    except (OSError, ValueError, x509.ExtensionNotFound):
        return []
    return [name.removeprefix("*") for name in found.value.get_values_for_type(x509.DNSName)]


def serial_of(certificate: x509.Certificate) -> str:
    """Return a certificate's number in hexadecimal digits."""
    return f"{certificate.serial_number:x}"


def key_hash_of(key: EllipticCurvePublicKey) -> bytes:
    """Return the SHA-256 digest of a public key (32 bytes)."""
    info = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return hashlib.sha256(info).digest()


def subject(name: str) -> x509.Name:
    """Return a subject of one common name; raises ConfigurationError for one that is too long."""
    if not 0 < len(name) <= LONGEST_NAME:
        raise ConfigurationError(
            f"{name!r} has {len(name)} characters, a certificate's name at most {LONGEST_NAME}: "
            "choose shorter codes for enterprise, site and edge"
        )
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
