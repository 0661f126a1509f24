"""The edge's own certificate as an OPC UA application, and the servers that it trusts.

::

    FOLDER/own/certificate.der   to be put into the trust list of each server
    FOLDER/own/key.pem           stays here
    FOLDER/trusted/*.der         servers, or authorities that signed their certificates
    FOLDER/rejected/*.der        servers seen that are in neither; `nhipmay edge trust` moves them
"""

import os
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from plant.errors import ConfigurationError

_VALID = timedelta(days=3650)
"""Long: after a renewal somebody has to walk to every machine."""
_RENEWED_BEFORE = timedelta(days=60)


@dataclass(frozen=True, slots=True)
class OwnCertificate:
    """The certificate with which the edge shows itself to servers."""

    certificate: Path
    key: Path
    application_uri: str
    fingerprint: str


@dataclass(frozen=True, slots=True)
class Listed:
    """A certificate of the trust list, or one that was refused."""

    file: Path
    subject: str
    fingerprint: str
    until: datetime
    trusted: bool


def der_of(file: Path) -> bytes:
    """Return the certificate of a file, PEM or DER; ConfigurationError where it holds none."""
    try:
        content = file.read_bytes()
        is_pem = content.startswith(b"-----BEGIN")
        load = x509.load_pem_x509_certificate if is_pem else x509.load_der_x509_certificate
        return load(content).public_bytes(Encoding.DER)
    except (OSError, ValueError) as exc:
        raise ConfigurationError(f"{file} holds no certificate: {exc}") from exc


def fingerprint_of(der: bytes) -> str:
    """Return the SHA-256 of a certificate in hexadecimal digits, as servers show it."""
    return x509.load_der_x509_certificate(der).fingerprint(hashes.SHA256()).hex()


class Certificates:
    """The folder; see the module."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def own(self, now: datetime) -> OwnCertificate:
        """Return the edge's certificate; it is made, or renewed with the same key, when it is due.

        Raises ConfigurationError when the folder cannot be written or holds something else.
        """
        file, key_file = self.folder / "own" / "certificate.der", self.folder / "own" / "key.pem"
        try:
            key = self._key(key_file)
            certificate = self._certificate(file)
            if certificate is None or certificate.not_valid_after_utc - now < _RENEWED_BEFORE:
                uri = (
                    _uri_of(certificate)
                    if certificate
                    else f"urn:{socket.gethostname()}:nhipmay:edge"
                )
                certificate = _made(key, uri, now)
                _write(file, certificate.public_bytes(Encoding.DER), 0o644)
        except (OSError, ValueError) as exc:
            raise ConfigurationError(
                f"the certificate of the edge in {self.folder} cannot be used: {exc}"
            ) from exc
        fingerprint = certificate.fingerprint(hashes.SHA256()).hex()
        return OwnCertificate(file, key_file, _uri_of(certificate), fingerprint)

    def trusts(self, der: bytes, now: datetime) -> bool:
        """Return whether a server is trusted: itself listed, or signed by a listed authority.

        What is listed itself is trusted whatever its dates say: clocks of machines stand still.
        """
        certificate = x509.load_der_x509_certificate(der)
        for trusted in self._all("trusted"):
            if trusted == certificate:
                return True
            if trusted.subject == certificate.issuer and _is_authority(trusted):
                try:
                    certificate.verify_directly_issued_by(trusted)
                except (ValueError, TypeError, InvalidSignature):
                    continue
                if certificate.not_valid_before_utc <= now <= certificate.not_valid_after_utc:
                    return True
        return False

    def reject(self, der: bytes) -> Path:
        """Keep a server's certificate for somebody to look at; return its file."""
        file = self.folder / "rejected" / f"{fingerprint_of(der)}.der"
        _write(file, der, 0o644)
        return file

    def trust(self, der: bytes) -> Path:
        """Put a certificate into the trust list; return its file."""
        name = f"{fingerprint_of(der)}.der"
        file = self.folder / "trusted" / name
        _write(file, der, 0o644)
        (self.folder / "rejected" / name).unlink(missing_ok=True)
        return file

    def distrust(self, fingerprint: str) -> Listed:
        """Take a certificate out of the trust list; ConfigurationError where it is not there."""
        found = self._one(fingerprint, trusted=True)
        found.file.unlink()
        return found

    def trust_rejected(self, fingerprint: str) -> Listed:
        """Trust a server that was refused, by the beginning of its fingerprint."""
        found = self._one(fingerprint, trusted=False)
        self.trust(found.file.read_bytes())
        return found

    def listed(self) -> list[Listed]:
        """Return what is trusted and what was refused."""
        return [
            Listed(
                file,
                certificate.subject.rfc4514_string(),
                certificate.fingerprint(hashes.SHA256()).hex(),
                certificate.not_valid_after_utc,
                name == "trusted",
            )
            for name in ("trusted", "rejected")
            for file, certificate in self._files(name)
        ]

    def any_of(self, endpoint: str) -> bool:
        """Return whether a first certificate was seen of this endpoint."""
        return self._seen_file(endpoint).exists()

    def trust_first(self, endpoint: str, der: bytes) -> bool:
        """Trust the first certificate of an endpoint; return False when there was another."""
        if self.any_of(endpoint):
            return False
        self.trust(der)
        _write(self._seen_file(endpoint), fingerprint_of(der).encode(), 0o644)
        return True

    def _seen_file(self, endpoint: str) -> Path:
        return self.folder / "first" / "".join(c if c.isalnum() else "_" for c in endpoint)

    def _one(self, fingerprint: str, *, trusted: bool) -> Listed:
        wanted = fingerprint.lower().replace(":", "").replace(" ", "")
        found = [
            one
            for one in self.listed()
            if one.trusted is trusted and wanted and one.fingerprint.startswith(wanted)
        ]
        if len(found) != 1:
            where = "trusted" if trusted else "refused"
            raise ConfigurationError(
                f"{len(found)} {where} certificates begin with {fingerprint!r} in {self.folder}"
            )
        return found[0]

    def _all(self, name: str) -> Iterator[x509.Certificate]:
        for _file, certificate in self._files(name):
            yield certificate

    def _files(self, name: str) -> Iterator[tuple[Path, x509.Certificate]]:
        folder = self.folder / name
        for file in sorted(folder.iterdir()) if folder.is_dir() else ():
            content = file.read_bytes()
            try:
                is_pem = content.startswith(b"-----BEGIN")
                load = x509.load_pem_x509_certificate if is_pem else x509.load_der_x509_certificate
                yield file, load(content)
            except ValueError:
                # Somebody's note beside the certificates.
                continue

    def _key(self, file: Path) -> rsa.RSAPrivateKey:
        if file.exists():
            key = load_pem_private_key(file.read_bytes(), None)
            if not isinstance(key, rsa.RSAPrivateKey):
                raise ValueError(f"{file} is no RSA key")
            return key
        key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        _write(file, key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()), 0o600)
        return key

    def _certificate(self, file: Path) -> x509.Certificate | None:
        return x509.load_der_x509_certificate(file.read_bytes()) if file.exists() else None


def _made(key: rsa.RSAPrivateKey, uri: str, now: datetime) -> x509.Certificate:
    """Return a self-signed certificate of an application (OPC UA part 6, 6.2.2)."""
    name = x509.Name(
        [x509.NameAttribute(NameOID.COMMON_NAME, f"Nhip May edge {socket.gethostname()}"[:64])]
    )
    public = key.public_key()
    usage = x509.KeyUsage(
        digital_signature=True,
        content_commitment=True,
        key_encipherment=True,
        data_encipherment=True,
        key_agreement=False,
        key_cert_sign=True,
        crl_sign=False,
        encipher_only=False,
        decipher_only=False,
    )
    alternative: list[x509.GeneralName] = [
        x509.UniformResourceIdentifier(uri),
        x509.DNSName(socket.gethostname()),
    ]
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(public)
        .serial_number(x509.random_serial_number())
        # A machine whose clock is behind takes it all the same.
        .not_valid_before(now - timedelta(days=2))
        .not_valid_after(now + _VALID)
        .add_extension(x509.SubjectAlternativeName(alternative), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(
            x509.ExtendedKeyUsage(
                [ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.SERVER_AUTH]
            ),
            critical=False,
        )
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(public), critical=False)
        .sign(key, hashes.SHA256())
    )


def _uri_of(certificate: x509.Certificate) -> str:
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    return names.get_values_for_type(x509.UniformResourceIdentifier)[0]


def _is_authority(certificate: x509.Certificate) -> bool:
    try:
        return certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    except x509.ExtensionNotFound:
        return False


def _write(file: Path, content: bytes, mode: int) -> None:
    """Write a file all or nothing, readable as `mode` says from its first byte."""
    file.parent.mkdir(parents=True, exist_ok=True)
    beside = file.with_name(file.name + ".new")
    handle = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
    with os.fdopen(handle, "wb") as stream:
        stream.write(content)
    beside.replace(file)


def now_utc() -> datetime:
    """Return the time by the machine's clock, which certificates go by."""
    return datetime.now(UTC)
