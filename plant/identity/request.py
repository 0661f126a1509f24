"""How an edge asks for a certificate: the key stays with it, only the signed request travels."""

from dataclasses import dataclass

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ec import (
    ECDSA,
    SECP256R1,
    EllipticCurvePrivateKey,
    EllipticCurvePublicKey,
    generate_private_key,
)
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding

from plant.errors import ConfigurationError
from plant.identity.certificate import holder_of, subject

RENEWAL_PURPOSE = b"nhipmay certificate renewal 1\n"
"""Before what the old key signs, so that the signature means nothing anywhere else."""


@dataclass(frozen=True, slots=True)
class SigningRequest:
    """What a request asks for, its own signature checked."""

    holder: str
    key: EllipticCurvePublicKey


def new_key() -> EllipticCurvePrivateKey:
    """Return a new key on the curve P-256."""
    return generate_private_key(SECP256R1())


def signing_request(key: EllipticCurvePrivateKey, holder: str) -> bytes:
    """Return a request (PKCS #10, PEM) for a certificate of the key."""
    builder = x509.CertificateSigningRequestBuilder().subject_name(subject(holder))
    return builder.sign(key, SHA256()).public_bytes(Encoding.PEM)


def read_request(pem: bytes) -> SigningRequest:
    """Return what a request asks for; raises ConfigurationError when it is not one of ours.

    Whatever else it asks for (extensions, being an authority) is not looked at and not given.
    """
    try:
        request = x509.load_pem_x509_csr(pem)
        key = request.public_key()
        genuine = request.is_signature_valid
    except ValueError as exc:
        raise ConfigurationError(f"no signing request in PEM form: {exc}") from exc
    if not isinstance(key, EllipticCurvePublicKey) or not isinstance(key.curve, SECP256R1):
        raise ConfigurationError("the key is to be one on the curve P-256")
    if not genuine:
        raise ConfigurationError("the request is not signed by its own key")
    return SigningRequest(holder_of(request), key)


def renewal_signature(old_key: EllipticCurvePrivateKey, request_pem: bytes) -> bytes:
    """Return the old key's signature under the request for a new key's certificate."""
    return old_key.sign(RENEWAL_PURPOSE + request_pem, ECDSA(SHA256()))


def signature_is_of(certificate: x509.Certificate, request_pem: bytes, signature: bytes) -> bool:
    """Tell whether `renewal_signature` was made with the key of the certificate."""
    key = certificate.public_key()
    if not isinstance(key, EllipticCurvePublicKey):
        return False
    try:
        key.verify(signature, RENEWAL_PURPOSE + request_pem, ECDSA(SHA256()))
    except InvalidSignature:
        return False
    return True
