"""The desk where edges get their certificates: what is checked before one is signed."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from http import HTTPStatus
from pathlib import Path

import structlog
from cryptography import x509

from api.http.problems import ProblemError
from api.settings import ApiSettings, EnrolmentSettings
from plant.clock import Clock, system_clock
from plant.errors import ConfigurationError
from plant.identity import (
    Authority,
    SigningRequest,
    certificate_pem,
    holder_of,
    key_hash_of,
    read_request,
    serial_of,
    signature_is_of,
    validity_of,
)
from plant.settings import DatabaseSettings
from store.edge.identity import (
    Action,
    CertificateRow,
    CertificateStanding,
    IdentityTransaction,
    identities,
)

_log = structlog.get_logger()

GRACE = timedelta(days=1)
"""How long a certificate holds on once it has been renewed."""


@dataclass(frozen=True, slots=True)
class Issued:
    """A certificate, and that of the authority which signed it; both PEM."""

    certificate: str
    authority: str


class EnrolmentDesk:
    """Signs for edges that show a token or an old key.

    Methods raise ProblemError `enrolment-refused` with the reason, and the errors of the database.
    Certificates live by the wall's clock, whatever the plant's is: TLS looks at no other.
    """

    def __init__(
        self,
        settings: EnrolmentSettings,
        database: DatabaseSettings,
        clock: Clock = system_clock,
        on_reuse: Callable[[], None] = lambda: None,
    ) -> None:
        """Read the authority; raises ConfigurationError when it cannot be used.

        `on_reuse` is told of every renewal that was asked for with a renewed certificate.
        """
        self._on_reuse = on_reuse
        self._authority = Authority.from_pem(_content(settings.authority_file))
        self._life = settings.life
        self._database = database
        self._clock = clock

    def enrol(self, edge: str, token: str, request_pem: str, who: str) -> Issued:
        """Return the certificate for a one-time token of the edge.

        With the same token and key the same certificate is given again: the first answer may have
        been lost on the way.
        """
        request = self._request(edge, request_pem)
        token_hash = hashlib.sha256(token.encode()).digest()
        now = self._clock()
        with identities(self._database, now) as book:
            row = book.token(token_hash)
            if row is None:
                raise _refused("There is no such token; ask the administrator for an invitation.")
            standing = book.edge(edge)
            if standing is None or standing.edge_id != row.edge_id:
                raise _refused(f"This token is not for {edge}.")
            given = book.certificate_of_key(row.edge_id, key_hash_of(request.key))
            if given is not None and given[1] == token_hash:
                return self._issued(given[0])
            if row.used_at is not None:
                raise _refused("This token was used before; ask the administrator for another.")
            if now >= row.expires_at:
                raise _refused("This token has expired; ask the administrator for another.")
            book.use_token(token_hash)
            book.readmit(row.edge_id)
            return self._sign(book, row.edge_id, request, token_hash, ("enrolled", who))

    def renew(self, old_pem: str, request_pem: str, signature: bytes, who: str) -> Issued:
        """Return the certificate of a new key, for the holder of one that is still good."""
        try:
            old = x509.load_pem_x509_certificate(old_pem.encode())
        except ValueError as exc:
            raise _refused("That is no certificate in PEM form.") from exc
        now = self._clock()
        validity = validity_of(old)
        if not self._authority.issued(old):
            raise _refused("The old certificate is not one of this platform.")
        if not signature_is_of(old, request_pem.encode(), signature):
            raise _refused("The request is not signed with the old certificate's key.")
        if not validity.begin <= now < validity.end:
            raise _refused("The old certificate has expired; the edge is to be enrolled again.")
        edge = holder_of(old)
        request = self._request(edge, request_pem)
        with identities(self._database, now) as book:
            standing = book.edge(edge)
            if standing is None:
                raise _refused(f"There is no edge {edge}.")
            good = book.standing_of(standing.edge_id, serial_of(old))
            given = book.certificate_of_key(standing.edge_id, key_hash_of(request.key))
            if good is CertificateStanding.VOID:
                raise _refused("The old certificate was revoked; the edge is to be enrolled again.")
            # The same key again: the first answer was lost on its way.
            if given is not None:
                return self._issued(given[0])
            if good is CertificateStanding.GOOD:
                return self._sign(book, standing.edge_id, request, None, ("renewed", who))
            # Kept although it is refused: two hold the key of this certificate.
            detail = f"certificate {serial_of(old)} was to be renewed again, with another key"
            book.record(standing.edge_id, who, "reused", detail)
        self._on_reuse()
        _log.error("certificate_reused", edge=edge, serial=serial_of(old), address=who)
        raise _refused(
            "The old certificate was renewed before, with another key: if that was not this edge, "
            "somebody has its key. The administrator is to revoke the edge and invite it again."
        )

    def _request(self, edge: str, pem: str) -> SigningRequest:
        try:
            request = read_request(pem.encode())
        except ConfigurationError as exc:
            raise _refused(f"The request cannot be used: {exc}.") from exc
        if request.holder != edge:
            raise _refused(f"The request is for {request.holder}, not for {edge}.")
        return request

    def _sign(
        self,
        book: IdentityTransaction,
        edge_id: int,
        request: SigningRequest,
        token_hash: bytes | None,
        event: tuple[Action, str],
    ) -> Issued:
        certificate = self._authority.for_client(
            request.holder, request.key, self._clock(), self._life
        )
        pem = certificate_pem(certificate).decode()
        validity = validity_of(certificate)
        row = CertificateRow(
            serial=serial_of(certificate),
            edge_id=edge_id,
            key_hash=key_hash_of(request.key),
            token_hash=token_hash,
            begins_at=validity.begin,
            expires_at=validity.end,
            pem=pem,
        )
        if not book.put_certificate(row):
            raise _refused("This key had a certificate before; make a new one.")
        # The edge may still be connected by the old one, and the answer may be lost on its way.
        book.retire_others(edge_id, row.serial, self._clock() + GRACE)
        action, who = event
        detail = f"certificate {row.serial} until {row.expires_at:%Y-%m-%d %H:%M} UTC"
        book.record(edge_id, who, action, detail)
        _log.info("certificate_issued", edge=request.holder, serial=row.serial, why=action)
        return self._issued(pem)

    def _issued(self, pem: str) -> Issued:
        return Issued(pem, self._authority.certificate_pem.decode())


def make_desk(settings: ApiSettings, on_reuse: Callable[[], None]) -> Callable[[], EnrolmentDesk]:
    """Return what gives the desk of an installation, if it has one.

    Raises ConfigurationError when the authority cannot be used; what is returned raises
    ProblemError where there is none.
    """
    if settings.enrolment is None:

        def closed() -> EnrolmentDesk:
            raise ProblemError(
                HTTPStatus.NOT_FOUND,
                "no-enrolment",
                "No enrolment here",
                "This installation gives out no certificates: set `enrolment.authority_file`.",
            )

        return closed
    desk = EnrolmentDesk(settings.enrolment, settings.writing(), on_reuse=on_reuse)
    return lambda: desk


def _refused(detail: str) -> ProblemError:
    _log.warning("certificate_refused", reason=detail)
    return ProblemError(HTTPStatus.FORBIDDEN, "enrolment-refused", "Enrolment refused", detail)


def _content(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as exc:
        raise ConfigurationError(
            f"the authority file {file} cannot be read: {exc.strerror}"
        ) from exc
