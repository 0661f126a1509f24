"""The outbox file: how it is opened, and its errors in our words."""

import sqlite3
from pathlib import Path

from plant.errors import ConfigurationError, TransientError

_UNSOUND = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}


def open_file(file: Path, synchronous: str) -> sqlite3.Connection:
    """Open or make the file, in WAL mode and locked for this process alone."""
    connection = sqlite3.connect(file, timeout=2, isolation_level=None, check_same_thread=False)
    connection.execute("pragma locking_mode = exclusive")
    connection.execute("pragma journal_mode = wal")
    connection.execute(f"pragma synchronous = {synchronous}")
    connection.execute("pragma journal_size_limit = 16777216")
    # The outbox is written and read in order, so that more pages in memory gain nothing.
    connection.execute("pragma cache_size = -512")
    return connection


def open_error(exc: sqlite3.Error, file: Path) -> ConfigurationError:
    """Return why the file cannot be opened, and what to do about it."""
    code = getattr(exc, "sqlite_errorcode", 0) & 0xFF
    if code in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}:
        return ConfigurationError(
            f"the outbox {file} is in use; only one agent may run with it: stop the other one"
        )
    return _unsound(exc, file) or ConfigurationError(
        f"the outbox {file} cannot be written: {exc}; give this user the right to write the file "
        "and its folder, and free disk space"
    )


def run_error(exc: sqlite3.Error, file: Path) -> ConfigurationError | TransientError:
    """Return the error for a change that failed: to be tried again, unless the file is broken."""
    return _unsound(exc, file) or TransientError(f"the outbox {file} cannot be written: {exc}")


def _unsound(exc: sqlite3.Error, file: Path) -> ConfigurationError | None:
    if getattr(exc, "sqlite_errorcode", 0) & 0xFF not in _UNSOUND:
        return None
    return ConfigurationError(
        f"the outbox {file} is no sound outbox file ({exc}); move it away, and a new one is made"
    )
