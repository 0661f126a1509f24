"""The outbox file: how it is opened, and its errors in our words."""

import sqlite3
from pathlib import Path

import msgspec

from plant.errors import ConfigurationError, TransientError

_OF_THE_WORLD = {
    sqlite3.SQLITE_BUSY,
    sqlite3.SQLITE_LOCKED,
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_READONLY,
    sqlite3.SQLITE_PERM,
    sqlite3.SQLITE_NOMEM,
}
"""What a sound file may meet as well."""


class DamagedError(Exception):
    """What the file holds is not what was written."""


UNREADABLE = (sqlite3.Error, UnicodeDecodeError, msgspec.MsgspecError, DamagedError)
"""What reading a damaged file may raise; SQLite quotes damaged words in its messages."""


def open_file(file: Path, synchronous: str) -> sqlite3.Connection:
    """Open or make the file, in WAL mode and locked for this process alone."""
    connection = sqlite3.connect(file, timeout=2, isolation_level=None, check_same_thread=False)
    try:
        # Before WAL: entered in this mode it needs no shared memory beside the file, and nobody
        # else can get at the rows between two transactions either.
        connection.execute("pragma locking_mode = exclusive")
        connection.execute("pragma journal_mode = wal")
        connection.execute(f"pragma synchronous = {synchronous}")
        # A log that has grown once would keep its size, on a disk that may be small.
        connection.execute("pragma journal_size_limit = 16777216")
        # The outbox is written and read in order, so that more pages in memory gain nothing.
        connection.execute("pragma cache_size = -512")
    except UNREADABLE:
        connection.close()
        raise
    return connection


def claim(file: Path) -> sqlite3.Connection:
    """Return a lock on an empty file beside the outbox, held until it is closed.

    A damaged outbox is looked at and replaced without SQLite, so its own lock is not enough.
    """
    connection = sqlite3.connect(
        file.with_name(file.name + ".lock"), timeout=2, isolation_level=None,
        check_same_thread=False,
    )  # fmt: skip
    connection.execute("begin exclusive")
    return connection


def is_damage(exc: Exception) -> bool:
    """Return whether an error says that the file is not what was written.

    SQLite has one code for what it cannot parse and for a table that is not there: with our own
    statements both mean damage.
    """
    if not isinstance(exc, sqlite3.Error):
        return True
    # An extended code has the primary one in its low byte.
    return getattr(exc, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF not in _OF_THE_WORLD


def open_error(exc: sqlite3.Error, file: Path) -> ConfigurationError:
    """Return why the file cannot be opened, and what to do about it."""
    code = getattr(exc, "sqlite_errorcode", 0) & 0xFF
    if code in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}:
        return ConfigurationError(
            f"the outbox {file} is in use; only one agent may run with it: stop the other one"
        )
    return ConfigurationError(
        f"the outbox {file} cannot be written: {exc}; give this user the right to write the file "
        "and its folder, and free disk space"
    )


def run_error(exc: Exception, file: Path) -> TransientError:
    """Return the error for a change that failed, to be tried again."""
    return TransientError(f"the outbox {file} cannot be written: {exc}")


def no_outbox(file: Path) -> str:
    """Return what to do about a file in which nothing is ours."""
    return f"the outbox {file} is no outbox file; move it away, and a new one is made"
