"""Ordered, forward-only, checksummed migrations in plain SQL."""

import hashlib
from dataclasses import dataclass
from importlib.resources import files
from typing import LiteralString

from plant.errors import ConfigurationError
from plant.settings import DatabaseSettings
from store.engine import edition
from store.engine.connection import Connection, connect, store_errors
from store.engine.grant import grant_rights
from store.engine.queries import queries

_Q = queries("engine/migration")


@dataclass(frozen=True, slots=True)
class Migration:
    """One file of `store/migrations`, named `NNNN_noun.sql`."""

    number: int
    name: str
    sql: LiteralString

    @property
    def checksum(self) -> str:
        """SHA-256 of the file's text; a migration that has run may not change any more."""
        return hashlib.sha256(self.sql.encode()).hexdigest()


def migrations() -> list[Migration]:
    """Return all migrations in order."""
    folder = files("store") / "migrations"
    return [
        Migration(int(file.name[:4]), file.name, file.read_text("utf-8"))
        for file in sorted(folder.iterdir(), key=lambda file: file.name)
        if file.name.endswith(".sql")
    ]


def migrate(settings: DatabaseSettings) -> list[str]:
    """Bring the database to the present schema and return the names of what was applied.

    All pending migrations are one transaction under an advisory lock, so that several services
    may start at once and a failure leaves nothing half done. Run by a database user that may
    create the extension, where the server has TimescaleDB. Raises ConfigurationError when an
    applied migration's file has changed or the database is newer than this program.
    """
    with store_errors(settings), connect(settings) as connection:
        connection.execute(_Q["lock"])
        found = edition.prepare(connection)
        applied = _apply_pending(connection)
        edition.apply(connection, found)
    with store_errors(settings), connect(settings, autocommit=True) as connection:
        # A lock of the session: there is no transaction here, as continuous aggregates cannot be
        # made within one.
        connection.execute(_Q["lock_session"])
        edition.apply_outside_transaction(connection, found)
        # Last, as it names what all of the above made.
        grant_rights(connection)
    return applied


def check_migrated(connection: Connection) -> None:
    """Raise ConfigurationError unless the database has exactly this program's schema."""
    row = connection.execute(_Q["has_history"]).fetchone()
    pending = _pending(connection) if row is not None and row[0] else migrations()
    if pending:
        raise ConfigurationError(
            f"the database lacks {', '.join(migration.name for migration in pending)}: "
            "run `nhipmay migrate`"
        )


def _pending(connection: Connection) -> list[Migration]:
    done: dict[int, str] = dict(connection.execute(_Q["history"]).fetchall())
    known = migrations()
    for unknown in sorted(set(done) - {migration.number for migration in known}):
        raise ConfigurationError(
            f"the database has migration {unknown:04}, which this program does not know: "
            "it was made by a newer nhipmay; upgrade this installation"
        )
    for migration in known:
        if migration.number in done:
            _check_unchanged(migration, done[migration.number])
    return [migration for migration in known if migration.number not in done]


def _apply_pending(connection: Connection) -> list[str]:
    connection.execute(_Q["create_history"])
    pending = _pending(connection)
    if pending:
        # Views hold on to the columns of their tables; `make_tenants` makes them anew.
        connection.execute(_Q["drop_views"])
    for migration in pending:
        connection.execute(migration.sql)
        connection.execute(
            _Q["record"],
            {
                "number": migration.number,
                "name": migration.name,
                "checksum": migration.checksum,
            },
        )
    return [migration.name for migration in pending]


def _check_unchanged(migration: Migration, checksum: str) -> None:
    if migration.checksum != checksum:
        raise ConfigurationError(
            f"migration {migration.name} has changed since it was applied to this database; "
            "migrations are forward-only: restore the file and write a new migration"
        )
