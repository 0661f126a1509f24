"""A certificate authority of one level: nothing stands between it and those it signs for."""

import ipaddress
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID, ObjectIdentifier

from plant.identity.certificate import Identity, certificate_pem, subject
from plant.identity.request import new_key

EDGE_LIFE = timedelta(days=90)
SERVICE_LIFE = timedelta(days=365)
_OWN_LIFE = timedelta(days=3650)
_CLOCKS_DIFFER = timedelta(hours=1)
"""A certificate begins so much before it is made: a new edge's clock may be late."""


@dataclass(frozen=True, slots=True)
class Authority:
    """A self-signed certificate and the key that signs with its name."""

    identity: Identity

    @classmethod
    def create(cls, name: str, now: datetime) -> "Authority":
        """Return a new authority of that name, valid for ten years."""
        key = new_key()
        public = key.public_key()
        certificate = (
            _builder(name, public, now, _OWN_LIFE)
            .issuer_name(subject(name))
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(_usage(signs_certificates=True), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
            .sign(key, SHA256())
        )
        return cls(Identity(key, certificate))

    @classmethod
    def from_pem(cls, pem: bytes) -> "Authority":
        """Read key and certificate; raises ConfigurationError when they are not that."""
        return cls(Identity.from_pem(pem))

    @property
    def certificate_pem(self) -> bytes:
        """The certificate alone: what others need to check ours."""
        return certificate_pem(self.identity.certificate)

    def for_client(
        self, holder: str, key: EllipticCurvePublicKey, now: datetime, life: timedelta = EDGE_LIFE
    ) -> x509.Certificate:
        """Return a certificate with which its holder may connect, but not serve."""
        return self._issue(holder, key, now, life, ExtendedKeyUsageOID.CLIENT_AUTH, ())

    def for_server(
        self,
        holder: str,
        key: EllipticCurvePublicKey,
        now: datetime,
        addresses: Sequence[str],
        life: timedelta = SERVICE_LIFE,
    ) -> x509.Certificate:
        """Return a certificate of a server that is reached by these names and IP addresses."""
        return self._issue(holder, key, now, life, ExtendedKeyUsageOID.SERVER_AUTH, addresses)

    def issued(self, certificate: x509.Certificate) -> bool:
        """Tell whether a certificate is signed by this authority."""
        try:
            certificate.verify_directly_issued_by(self.identity.certificate)
        except (ValueError, TypeError, InvalidSignature):
            return False
        return True

    def revocation_list(self, revoked: Iterable[tuple[str, datetime]], now: datetime) -> bytes:
        """Return the list (CRL, PEM) of revoked serial numbers, in hexadecimal, and when.

        It does not go out of date before the authority does: a broker that reads an overdue list
        refuses everybody.
        """
        authority = self.identity.certificate
        builder = (
            x509.CertificateRevocationListBuilder()
            .issuer_name(authority.subject)
            .last_update(now - _CLOCKS_DIFFER)
            .next_update(authority.not_valid_after_utc)
            # Rises with every list, as the standard demands.
            .add_extension(x509.CRLNumber(int(now.timestamp() * 1000)), critical=False)
        )
        for serial, when in revoked:
            builder = builder.add_revoked_certificate(
                x509.RevokedCertificateBuilder()
                .serial_number(int(serial, 16))
                .revocation_date(when)
                .build()
            )
        return builder.sign(self.identity.key, SHA256()).public_bytes(Encoding.PEM)

    def listed(self, pem: bytes) -> set[str] | None:
        """Return the serial numbers of a list (CRL, PEM) of this authority; None of any other."""
        try:
            crl = x509.load_pem_x509_crl(pem)
        except ValueError:
            return None
        if not crl.is_signature_valid(self.identity.key.public_key()):
            return None
        return {f"{revoked.serial_number:x}" for revoked in crl}

    def _issue(
        self,
        holder: str,
        key: EllipticCurvePublicKey,
        now: datetime,
        life: timedelta,
        purpose: ObjectIdentifier,
        addresses: Sequence[str],
    ) -> x509.Certificate:
        own = self.identity.certificate
        builder = (
            _builder(holder, key, now, life)
            .issuer_name(own.subject)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_usage(signs_certificates=False), critical=True)
            .add_extension(x509.ExtendedKeyUsage([purpose]), critical=False)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(
                    own.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
                ),
                critical=False,
            )
        )
        if addresses:
            names = x509.SubjectAlternativeName([_address(text) for text in addresses])
            builder = builder.add_extension(names, critical=False)
        return builder.sign(self.identity.key, SHA256())


def _builder(
    holder: str, key: EllipticCurvePublicKey, now: datetime, life: timedelta
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject(holder))
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _CLOCKS_DIFFER)
        .not_valid_after(now + life)
    )


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        encipher_only=False,
        decipher_only=False,
    )


def _address(text: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(text))
    except ValueError:
        return x509.DNSName(text)
