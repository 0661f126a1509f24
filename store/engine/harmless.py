"""Whether a harmless transaction works now: what tells a bad message from a bad moment.

An error's class says little about its cause. Out of locks, out of memory, an internal error: each
may be one message's doing, or the server's. Whoever was refused therefore tries what could not
possibly be refused, and where that works, it was the message.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg

from plant.errors import ConfigurationError
from plant.settings import DatabaseSettings
from store.engine.connection import Connection, first_line_of
from store.engine.queries import queries

_Q = queries("engine/harmless")


class Harmless:
    """Asks for one store whether a harmless transaction works."""

    def __init__(self, settings: DatabaseSettings) -> None:
        """Remember which database it is."""
        self._settings = settings
        self._was_full = False

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Note what a transaction failed with; to be entered around it."""
        try:
            yield
        except psycopg.errors.DiskFull:
            self._was_full = True
            raise

    def obstacle(self, connection: Connection) -> str | None:
        """Return what keeps a harmless transaction from being committed; None when nothing does.

        After a disk was full, also whether there is room on it: a row finds a place in what a table
        has already, where a message of many rows does not. Raises ConfigurationError when a right
        or a table is missing, which only a person can mend.
        """
        found = _obstacle_of(connection, self._settings)
        if found is None and self._was_full:
            found = _no_room(connection)
            self._was_full = found is not None
        return found


def _no_room(connection: Connection) -> str | None:
    try:
        with connection.transaction(force_rollback=True):
            connection.execute(_Q["bound_room"])
            connection.execute(_Q["harmless_room"])
    except psycopg.errors.ConfigurationLimitExceeded:
        # Files of work are bounded there (`temp_file_limit`), so nothing can be said.
        return None
    except psycopg.Error as exc:
        return first_line_of(exc)
    return None


def _obstacle_of(connection: Connection, settings: DatabaseSettings) -> str | None:
    try:
        with connection.transaction(force_rollback=True):
            connection.execute(_Q["bound_waiting"])
            row = connection.execute(_Q["missing_rights"]).fetchone()
            if row is not None and row[0]:
                raise ConfigurationError(
                    f"database {settings.name} at {settings.host}: user {settings.user} may not "
                    f"{row[0]}; grant it, or run `nhipmay migrate`"
                )
            connection.execute(_Q["harmless_number"])
            connection.execute(_Q["harmless_text"])
    except psycopg.errors.UndefinedTable as exc:
        words = f"database {settings.name} at {settings.host}: {first_line_of(exc)}"
        raise ConfigurationError(f"{words}; run `nhipmay migrate`") from exc
    except psycopg.Error as exc:
        return first_line_of(exc)
    return None
