"""The writer of master data for services that keep running: one connection, opened again."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any

import psycopg

from plant.errors import DataError, StoreUnavailableError
from plant.mes.kinds.mapping import ImportMapping
from plant.mes.parsing import Parsed
from plant.mes.problem import Report
from plant.settings import DatabaseSettings
from store.engine.connection import (
    Connection,
    break_off,
    connect,
    message_errors,
    store_errors,
)
from store.engine.harmless import Harmless
from store.engine.migration import check_migrated
from store.engine.queries import queries
from store.mes.reading import stored_mapping
from store.mes.writing import Provenance, write_documents
from store.rejection.rejection import Rejection, write_rejections

_Q = queries("mes/mes")


class MesStore:
    """Writes documents, rejections and how far a foreign table has been read."""

    def __init__(self, settings: DatabaseSettings) -> None:
        self._settings = settings
        self._harmless = Harmless(settings)
        self._connection: Connection | None = None

    def write(self, parsed: Iterable[Parsed], provenance: Provenance, **options: Any) -> Report:
        """Write documents; options and errors are those of `store.mes.writing.write_documents`."""
        with self._usable() as connection:
            return write_documents(connection, parsed, provenance, **options)

    def reject(self, rejections: Sequence[Rejection]) -> None:
        """Keep what could not be accepted."""
        with self._usable() as connection, connection.transaction():
            write_rejections(connection, rejections)

    def high_water(self, name: str) -> str | None:
        """Return until where the foreign table of a poll has been read."""
        with self._usable() as connection:
            row = connection.execute(_Q["high_water"], {"name": name}).fetchone()
        return None if row is None else str(row[0])

    def mapping(self, enterprise: str, name: str) -> ImportMapping:
        """Return a confirmed mapping; raises ConfigurationError for one that is not there."""
        with self._usable() as connection:
            return stored_mapping(connection, enterprise, name)

    def obstacle(self) -> str | None:
        """Return what keeps a harmless transaction from working now; see `DeliveryStore`."""
        try:
            found = self._harmless.obstacle(self._connected())
        except (StoreUnavailableError, DataError) as exc:
            found = str(exc)
        if found is not None:
            self.close()
        return found

    def break_off(self) -> None:
        """End, from another thread, whatever the connection waits for."""
        if self._connection is not None:
            break_off(self._connection)

    def close(self) -> None:
        """Close the connection; the next use opens another."""
        if self._connection is not None:
            with suppress(psycopg.Error):
                self._connection.close()
            self._connection = None

    @contextmanager
    def _usable(self) -> Iterator[Connection]:
        connection = self._connected()
        with message_errors(self._settings, connection), self._harmless.watching():
            yield connection

    def _connected(self) -> Connection:
        with store_errors(self._settings):
            if self._connection is None or self._connection.closed:
                self._connection = connect(self._settings, autocommit=True)
                check_migrated(self._connection)
            return self._connection


def save_high_water(
    connection: Connection, name: str, high_water: str, provenance: Provenance
) -> None:
    """Remember until where a foreign table has been read, within a transaction."""
    connection.execute(
        _Q["save_high_water"], {"name": name, "high_water": high_water, "now": provenance.now}
    )
