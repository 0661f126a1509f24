"""Enrolling an edge and renewing its certificate: the key is made here and never leaves."""

from datetime import datetime

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey

from edge_agent.enrolment.exchange import Exchange
from edge_agent.enrolment.identity_file import IdentityFile
from edge_agent.settings import EdgeSettings
from plant.errors import ConfigurationError, ProtocolError
from plant.identity import (
    Identity,
    Validity,
    certificate_pem,
    holder_of,
    renewal_signature,
    signing_request,
)


class Enrolment:
    """The certificate of the edge that settings describe."""

    def __init__(self, settings: EdgeSettings, url: str | None = None) -> None:
        """Take note of the files; raises ConfigurationError when the settings name none."""
        tls = settings.broker.tls
        if tls is None or tls.certificate_file is None or tls.key_file is not None:
            raise ConfigurationError(
                "an edge that enrols keeps key and certificate in one file: set "
                "`broker.tls.ca_file` and `broker.tls.certificate_file`, and no `key_file`"
            )
        self.holder = settings.edge.address().identity
        self.ca_file = tls.ca_file
        self.certificate_file = tls.certificate_file
        self._file = IdentityFile(tls.certificate_file)
        address = url or (settings.enrolment.url if settings.enrolment else None)
        if address is None:
            raise ConfigurationError("set `enrolment.url`, the address of the platform's API")
        self._exchange = Exchange(address, tls.ca_file)

    @property
    def validity(self) -> Validity | None:
        """From when until when the certificate holds; None when there is none."""
        identity = self._file.read()
        return identity.validity if identity else None

    def enrol(self, token: str) -> Validity:
        """Get the first certificate, or a new one after a revocation, for a one-time token.

        Raises what `Exchange` raises.
        """
        key = self._file.pending_key()
        request = signing_request(key, self.holder)
        return self._take(key, *self._exchange.enrol(self.holder, token, request))

    def renew(self) -> Validity:
        """Get the next certificate, for a new key; the old key signs for it.

        Raises what `Exchange` raises; the old certificate is then still there.
        """
        old = self._file.read()
        if old is None:
            raise ConfigurationError(f"there is no {self.certificate_file}: enrol the edge first")
        key = self._file.pending_key()
        request = signing_request(key, self.holder)
        signature = renewal_signature(old.key, request)
        answer = self._exchange.renew(certificate_pem(old.certificate), request, signature)
        return self._take(key, *answer)

    def is_due(self, now: datetime) -> bool:
        """Tell whether two thirds of the certificate's life are over."""
        validity = self.validity
        return validity is not None and now >= validity.renew_at

    def _take(
        self, key: EllipticCurvePrivateKey, certificate: x509.Certificate, chain: bytes
    ) -> Validity:
        if certificate.public_key() != key.public_key() or holder_of(certificate) != self.holder:
            raise ProtocolError("the platform answers with the certificate of somebody else")
        identity = Identity(key, certificate)
        self._file.replace(identity, chain)
        return identity.validity
