"""TLS contexts from settings, with words for what a person must mend in the files."""

import ssl
from datetime import datetime
from pathlib import Path

from plant.clock import system_clock
from plant.errors import BrokerUnavailableError, ConfigurationError
from plant.settings import TlsSettings


def client_context(tls: TlsSettings) -> ssl.SSLContext:
    """Return the context of a client that checks the server and shows its own certificate.

    Raises ConfigurationError when a file is unreadable or key and certificate do not fit, and
    BrokerUnavailableError when the own certificate has expired: it may be renewed meanwhile.
    """
    context = authority_context(tls.ca_file)
    if tls.certificate_file is None:
        return context
    where = f"the certificate {tls.certificate_file}"
    try:
        context.load_cert_chain(tls.certificate_file, tls.key_file)
    except ssl.SSLError as exc:
        raise ConfigurationError(
            f"{where} cannot be used ({exc.reason or 'it is no PEM file'}): it and its key, "
            f"{tls.key_file or 'in the same file'}, must be PEM and belong together"
        ) from exc
    except OSError as exc:
        file = tls.certificate_file if tls.key_file is None else f"{where} or {tls.key_file}"
        raise ConfigurationError(f"{file} cannot be read: {exc.strerror}") from exc
    _check_time(tls.certificate_file, where, system_clock())
    return context


def authority_context(ca_file: Path) -> ssl.SSLContext:
    """Return the context of a client that trusts one authority and nobody else.

    Raises ConfigurationError when the file cannot be used.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_verify_locations(ca_file)
    except ssl.SSLError as exc:
        raise ConfigurationError(f"{ca_file} holds no certificates in PEM form") from exc
    except OSError as exc:
        raise ConfigurationError(f"{ca_file} cannot be read: {exc.strerror}") from exc
    return context


def _check_time(file: Path, where: str, now: datetime) -> None:
    # Late, because it takes memory that an edge without certificates does not need.
    from plant.identity import load_certificate, validity_of  # noqa: PLC0415

    validity = validity_of(load_certificate(file))
    if now > validity.end:
        raise BrokerUnavailableError(
            f"{where} expired on {validity.end:%Y-%m-%d %H:%M} UTC: it is to be "
            "renewed, or the edge enrolled again"
        )
    if now < validity.begin:
        raise BrokerUnavailableError(
            f"{where} is not valid before {validity.begin:%Y-%m-%d %H:%M} UTC: "
            "is the clock of this computer right?"
        )
