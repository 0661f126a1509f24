"""Connections to the database, and its errors in our words."""

import os
import re
import select
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import psycopg
from psycopg.conninfo import make_conninfo
from psycopg_pool import ConnectionPool, PoolTimeout

from plant.errors import ConfigurationError, DataError, NhipmayError, StoreUnavailableError
from plant.settings import DatabaseSettings

Connection = psycopg.Connection[tuple[Any, ...]]

STORE_REFUSED = "store_refused"
"""Reason of what the database refuses, whatever it says."""

# Compiling a query takes longer than any of ours runs, and is done again for each plan.
SESSION = "-c TimeZone=UTC -c jit=off"
"""What every session of ours sets."""

# libpq reports a failed start-up without its SQLSTATE; these are the server's English words.
_START_UP_REFUSALS = (
    (
        re.compile("password authentication failed|no password supplied"),
        "the password for user {user} is wrong",
    ),
    (re.compile('role ".*" does not exist'), "there is no user {user}"),
    (
        re.compile(r"no pg_hba\.conf entry.*no encryption"),
        "it takes encrypted connections only: set `tls.ca_file`",
    ),
    (re.compile("no pg_hba.conf entry|is not permitted to log in"), "user {user} may not connect"),
    (
        re.compile("server does not support SSL"),
        "it does not speak TLS: leave `tls` out, or give the server a certificate",
    ),
    (
        re.compile("certificate verify failed|server certificate for"),
        "its certificate is not one of `tls.ca_file`, has expired, or is for another name",
    ),
    (
        re.compile("root certificate file|could not read root certificate"),
        "the `tls.ca_file` cannot be read",
    ),
    (re.compile('database ".*" does not exist'), "there is no database {name}"),
)


def conninfo(settings: DatabaseSettings) -> str:
    """Return the libpq connection string of the settings, its password included."""
    tls = settings.tls
    secured = {"sslmode": "verify-full", "sslrootcert": str(tls.ca_file)} if tls else {}
    addresses = settings.addresses
    if len(addresses) > 1:
        # One that was demoted, or is a standby, is passed over.
        secured["target_session_attrs"] = "read-write"
    return make_conninfo(
        host=",".join(host for host, _ in addresses),
        port=",".join(str(port) for _, port in addresses),
        dbname=settings.name,
        user=settings.user,
        password=settings.secret(),
        application_name="nhipmay",
        connect_timeout=10,
        # A server that vanished without a word is noticed within about a minute.
        keepalives_idle=30,
        keepalives_interval=10,
        keepalives_count=3,
        tcp_user_timeout=60_000,
        **secured,
    )


def connect(settings: DatabaseSettings, *, autocommit: bool = False) -> Connection:
    """Open one connection whose session speaks UTC.

    Raises ConfigurationError for a wrong password, user or database name and
    StoreUnavailableError when nothing answers.
    """
    with store_errors(settings):
        return psycopg.connect(conninfo(settings), autocommit=autocommit, options=SESSION)


def open_pool(settings: DatabaseSettings) -> ConnectionPool[Connection]:
    """Open a pool of UTC connections, after one trial connection that tells what is wrong."""
    connect(settings).close()
    return ConnectionPool(
        conninfo(settings),
        kwargs={"options": SESSION},
        min_size=1,
        max_size=settings.pool_size,
        timeout=10,
        check=ConnectionPool.check_connection,
        open=True,
    )


@contextmanager
def store_errors(settings: DatabaseSettings) -> Iterator[None]:
    """Turn the driver's errors into ours.

    A lost or refused connection becomes StoreUnavailableError (retry), a value that the database
    refuses DataError `store_refused`, missing rights or tables ConfigurationError.
    """
    try:
        yield
    except _TRANSLATED as exc:
        raise _translated(exc, settings) from exc


@contextmanager
def message_errors(settings: DatabaseSettings, connection: Connection) -> Iterator[None]:
    """Turn whatever the driver raises while messages are written into ours.

    StoreUnavailableError where trying again may help; the connection is closed where it leads to a
    server that ends it or may only read, so that the next one finds another. Anything else is
    DataError `store_refused`. Whether it was the message or the moment, neither of them says: see
    `store.engine.harmless`.
    """
    try:
        yield
    except psycopg.Error as exc:
        state = exc.sqlstate or ""
        said = first_line_of(exc)
        left = connection.closed or connection.broken or state.startswith(_SERVER_LEFT)
        if left:
            with suppress(psycopg.Error):
                connection.close()
        if left or not state or state.startswith(_PASSING):
            raise StoreUnavailableError(f"the {_named(settings)} cannot be used: {said}") from exc
        raise DataError(STORE_REFUSED, f"{said} (SQLSTATE {state})") from exc


def has_news(connection: Connection) -> bool:
    """Tell whether a connection that asks nothing has heard something, or has ended."""
    try:
        line = select.poll()
        line.register(connection.fileno(), select.POLLIN)
        return bool(line.poll(0))
    except (OSError, psycopg.Error):
        return True


def break_off(connection: Connection) -> None:
    """Let a connection fail at once, from another thread: a server may not even answer a cancel."""
    with suppress(OSError, psycopg.Error):
        handle = socket.socket(fileno=os.dup(connection.fileno()))
        with handle:
            handle.shutdown(socket.SHUT_RDWR)


_SERVER_LEFT = ("08", "57P", "25006")
"""Connection lost, server going or not yet there, a server that may only be read."""
_PASSING = ("40", "53", "55", "57", "58", *_SERVER_LEFT)
"""Rolled back for others, short of something, locked, cancelled, trouble with its disk."""


def first_line_of(exc: Exception) -> str:
    """Return the first line of what a driver's error says."""
    said = str(exc).strip()
    return said.splitlines()[0] if said else "no answer"


def _named(settings: DatabaseSettings) -> str:
    return f"database {settings.name} at {settings.host}:{settings.port}"


# Any other ProgrammingError is a fault of ours and stays loud.
_TRANSLATED = (
    PoolTimeout,
    psycopg.OperationalError,
    psycopg.InterfaceError,
    psycopg.InternalError,
    psycopg.DataError,
    psycopg.IntegrityError,
    psycopg.errors.InsufficientPrivilege,
    psycopg.errors.UndefinedTable,
    psycopg.errors.UndefinedColumn,
)


def _translated(exc: Exception, settings: DatabaseSettings) -> NhipmayError:
    said = str(exc).strip()
    first_line = first_line_of(exc)
    database = _named(settings)
    match exc:
        case psycopg.errors.InsufficientPrivilege():
            return ConfigurationError(f"{database}: user {settings.user}: {first_line}")
        case psycopg.errors.UndefinedTable() | psycopg.errors.UndefinedColumn():
            return ConfigurationError(f"{database}: {first_line}; run `nhipmay migrate`")
        case psycopg.DataError() | psycopg.IntegrityError():
            return DataError(STORE_REFUSED, first_line)
    for sign, meaning in _START_UP_REFUSALS:
        if sign.search(said):
            meant = meaning.format(user=settings.user, name=settings.name)
            return ConfigurationError(f"database at {settings.host}:{settings.port}: {meant}")
    return StoreUnavailableError(f"the {database} cannot be used: {first_line}")
