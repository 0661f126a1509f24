"""Whether a harmless transaction works now: what tells a bad message from a bad moment.

An error's class says little about its cause. Out of locks, out of memory, an internal error: each
may be one message's doing, or the server's. Whoever was refused therefore tries what could not
possibly be refused, and where that works, it was the message.
"""

import psycopg

from plant.errors import ConfigurationError
from plant.settings import DatabaseSettings
from store.engine.connection import Connection, first_line_of
from store.engine.queries import queries

_Q = queries("engine/harmless")


def obstacle_of(connection: Connection, settings: DatabaseSettings) -> str | None:
    """Return what keeps a harmless transaction from being committed; None when nothing does.

    Raises ConfigurationError when a right or a table is missing, which only a person can mend.
    """
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
