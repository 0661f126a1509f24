"""What the role of the API may write: only the tables of master data and reasons of stops."""

from store.connection import Connection
from store.queries import queries

_Q = queries("grant")


def grant_writes(connection: Connection) -> None:
    """Give the role `nhipmay_writer` its rights on the present tables, where there is the role.

    Running it again changes nothing; rights that are not listed here are taken away.
    """
    row = connection.execute(_Q["has_writer"]).fetchone()
    if row is None or not row[0]:
        return
    for name in _Q:
        if name != "has_writer":
            connection.execute(_Q[name])
