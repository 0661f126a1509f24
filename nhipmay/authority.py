"""Commands of the administrator: authorities, certificates of services, who comes and who goes."""

import getpass
import hashlib
import os
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from threading import Event
from typing import Annotated

import structlog
import yaml
from pydantic import Field

from ingest.broker.expulsion import expel
from plant.clock import system_clock
from plant.errors import ConfigurationError, NhipmayError, StoreUnavailableError
from plant.identity import Authority, Identity, new_key
from plant.settings import BrokerSettings, DatabaseSettings, ServiceSettings, StrictModel
from store.edge.identity import EdgeStanding, IdentityTransaction, identities

_log = structlog.get_logger()

SERVICES = "authority-services"
ADMINISTRATION = "authority-administration"
EDGES = "authority-edges"
REVOKED = "edges-revoked.pem"
NAMES = "service-names"
CLIENTS = ("ingest", "ingest-mes", "ingest-push", "ingest-sparkplug", "health")
"""Sessions of services at the broker, each with a certificate of its own."""
ADMINISTRATOR = "administrator"
SERVERS = {
    "broker": ("broker", "localhost", "127.0.0.1"),
    "api": ("api", "localhost", "127.0.0.1"),
    "database": ("database", "localhost", "127.0.0.1"),
}


class AuthorityBlock(StrictModel):
    """The authority of edges, and what goes to those who enrol."""

    file: Path
    """Key and certificate (PEM) of the authority that signs for edges."""
    revocation_list: Path
    """The list (CRL) that the broker reads."""
    services_file: Path
    """Certificate (PEM) of the authority of the platform's own services."""
    api_url: Annotated[str, Field(pattern=r"^https://[^\s/?#@]+/?$")]
    """Address of the API as edges reach it."""


class AdministrationSettings(ServiceSettings):
    """Settings of `nhipmay edge invite` and `nhipmay edge revoke`."""

    broker: BrokerSettings = BrokerSettings()
    """The broker, by a way on which any client id may be used."""
    database: DatabaseSettings = DatabaseSettings()
    """The database, by a login that may write."""
    authority: AuthorityBlock


def create_authority(
    folder: Path, addresses: Sequence[str], now: datetime | None = None
) -> list[str]:
    """Make what is missing of authorities and certificates of services; return what was made.

    A certificate of a service is made again when two thirds of its life are over. `addresses` are
    `service=name`: by which more names or addresses a server is reached.
    """
    now = now or system_clock()
    more = _more_addresses(addresses)
    made: list[str] = []
    services = _authority(folder, SERVICES, "nhipmay services", now, made)
    edges = _authority(folder, EDGES, "nhipmay edges", now, made)
    # Of its own: the broker's way in for the administrator is open to no service.
    administration = _authority(folder, ADMINISTRATION, "nhipmay administration", now, made)
    if not (folder / REVOKED).exists():
        # The broker writes nothing here, and everybody may know who was turned out.
        _write(folder / REVOKED, edges.revocation_list([], now), 0o444, made)
    for service, name in _service_names(folder / NAMES, made).items():
        authority = administration if service == ADMINISTRATOR else services
        if _is_due(folder / f"tls-{service}", name, authority, now):
            key = new_key()
            signed = authority.for_client(name, key.public_key(), now, timedelta(days=365))
            # Readable to the users inside the containers; the folder keeps other people out.
            _write(folder / f"tls-{service}", Identity(key, signed).to_pem(), 0o444, made)
    for name, usual in SERVERS.items():
        if _is_due(folder / f"tls-{name}", name, services, now):
            key = new_key()
            reached = (*usual, *more.get(name, ()))
            signed = services.for_server(name, key.public_key(), now, reached)
            _write(folder / f"tls-{name}", Identity(key, signed).to_pem(), 0o444, made)
    return made


def invite(
    settings: AdministrationSettings, edge: str, life: timedelta, token_file: Path | None = None
) -> dict[str, str]:
    """Make a one-time token for an edge; return its invitation.

    A token given as a file is registered as it is; a second time that does nothing.
    """
    now = system_clock()
    token = _token(token_file) if token_file else secrets.token_urlsafe(32)
    with identities(settings.database, now) as book:
        standing = _known(book, edge)
        fresh = book.put_token(
            standing.edge_id, hashlib.sha256(token.encode()).digest(), now + life
        )
        if fresh:
            until = f"{now + life:%Y-%m-%d %H:%M} UTC"
            book.record(standing.edge_id, _who(), "invited", f"token until {until}")
    return {
        "edge": edge,
        "url": settings.authority.api_url,
        "token": token,
        "authority": _read(settings.authority.services_file).decode(),
    }


@dataclass(frozen=True, slots=True)
class Revocation:
    """What a revocation did."""

    certificates: int
    """How many certificates of the edge were good until now."""
    thrown_out_after_s: float
    """Seconds from the command to the end of its connection."""
    returns: int
    """How often it came in again before the broker had read the list."""


def revoke(
    settings: AdministrationSettings,
    edge: str,
    reason: str,
    *,
    watch_s: float = 12.0,
    give_up_s: float = 60.0,
    on_thrown_out: Callable[[float], None] = lambda _: None,
) -> Revocation:
    """Turn an edge out: its certificates, its tokens, its data, and its present connection.

    Raises ConfigurationError for an edge that is not known, and BrokerUnavailableError when the
    revocation is written but the broker cannot be told.
    """
    began = system_clock()
    authority = Authority.from_pem(_read(settings.authority.file))
    with identities(settings.database, began) as book:
        standing = _known(book, edge)
        serials = book.revoke(standing.edge_id)
        book.record(standing.edge_id, _who(), "revoked", reason)
        # Written before the commit and in its turn: no later list can lack what this one has.
        _publish_list(settings.authority.revocation_list, authority, book, began)
    before = (system_clock() - began).total_seconds()
    expelled = expel(
        settings.broker,
        edge,
        watch_s=watch_s,
        give_up_s=give_up_s,
        on_thrown_out=lambda after_s: on_thrown_out(before + after_s),
    )
    done = Revocation(len(serials), expelled.thrown_out_after_s, expelled.returns)
    return replace(done, thrown_out_after_s=before + done.thrown_out_after_s)


def write_list(settings: AdministrationSettings) -> int:
    """Write the revocation list again from the database; return how many it names.

    One that names the same certificates is left as it is: each new one restarts the broker.
    """
    authority = Authority.from_pem(_read(settings.authority.file))
    now = system_clock()
    file = settings.authority.revocation_list
    with identities(settings.database, now) as book:
        revoked = book.revoked()
        if not file.exists() or authority.listed(_read(file)) != {serial for serial, _ in revoked}:
            _publish_list(file, authority, book, now)
        return len(revoked)


def keep_list(settings: AdministrationSettings, every_s: float, stop: Event) -> None:
    """Write the list whenever a certificate is revoked or retires, until `stop` is set."""
    while True:
        try:
            count = write_list(settings)
        except StoreUnavailableError as exc:
            _log.warning("revocation list not written", reason=str(exc))
        else:
            _log.debug("revocation list is right", certificates=count)
        if stop.wait(every_s):
            return


def _publish_list(
    file: Path, authority: Authority, book: IdentityTransaction, now: datetime
) -> None:
    _write(file, authority.revocation_list(book.revoked(), now), 0o444, [])


def _known(book: IdentityTransaction, edge: str) -> EdgeStanding:
    standing = book.edge(edge)
    if standing is None:
        raise ConfigurationError(
            f"there is no edge {edge}: write enterprise/site/edge as in the plant description, "
            "and load that with `nhipmay migrate --plant`"
        )
    return standing


def _authority(folder: Path, name: str, title: str, now: datetime, made: list[str]) -> Authority:
    file, certificate_file = folder / name, folder / f"{name}.pem"
    if file.exists():
        authority = Authority.from_pem(_read(file))
    else:
        authority = Authority.create(title, now)
        _write(file, authority.identity.to_pem(), 0o444, made)
    if not certificate_file.exists():
        _write(certificate_file, authority.certificate_pem, 0o444, made)
    return authority


def _service_names(file: Path, made: list[str]) -> dict[str, str]:
    """Return the name in the certificate of each service, made up where it has none yet.

    Names end in a secret number: another authority that the broker trusts cannot sign for one.
    """
    lines = file.read_text("ascii").splitlines() if file.exists() else ()
    known = dict(line.split() for line in lines)
    services = (*CLIENTS, ADMINISTRATOR)
    names = {name: known.get(name) or f"{name}-{secrets.token_hex(16)}" for name in services}
    if names != known:
        text = "".join(f"{service} {name}\n" for service, name in names.items())
        _write(file, text.encode("ascii"), 0o444, made)
    return names


def _is_due(file: Path, name: str, authority: Authority, now: datetime) -> bool:
    """Tell whether a certificate is to be made: not there, nearly over, or not what it is to be."""
    if not file.exists():
        return True
    identity = Identity.from_pem(file.read_bytes())
    same = identity.holder == name and authority.issued(identity.certificate)
    return not same or identity.validity.renew_at <= now


def _more_addresses(texts: Sequence[str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for text in texts:
        service, _, address = text.partition("=")
        if service not in SERVERS or not address:
            raise ConfigurationError(
                f"{text!r} is no address of a service: write {'|'.join(SERVERS)}=NAME"
            )
        found.setdefault(service, []).append(address)
    return found


def write_invitation(file: Path, invitation: dict[str, str]) -> None:
    """Write an invitation to a file that only its owner can read, and that was not there."""
    text = yaml.safe_dump(invitation, allow_unicode=True, sort_keys=False)
    try:
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as exc:
        raise ConfigurationError(f"{file} cannot be written: {exc.strerror}") from exc
    with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
        stream.write(text)


def _write(file: Path, content: bytes, mode: int, made: list[str]) -> None:
    beside = file.with_name(f".{file.name}.new")
    try:
        beside.unlink(missing_ok=True)
        with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out:
            out.write(content)
            out.flush()
            os.fsync(out.fileno())
        beside.chmod(mode)
        beside.replace(file)
    except OSError as exc:
        raise NhipmayError(f"{file} cannot be written: {exc.strerror}") from exc
    made.append(str(file))


def _read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as exc:
        raise ConfigurationError(f"{file} cannot be read: {exc.strerror}") from exc


def _token(file: Path) -> str:
    token = _read(file).decode("ascii", "replace").strip()
    if len(token) < 32:
        raise ConfigurationError(f"the token in {file} is to have 32 characters or more")
    return token


def _who() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        # A container's user need not have a name.
        return f"user {os.getuid()}"
