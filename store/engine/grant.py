"""What the roles of the services may do; none of them owns anything.

A role that is not listed here may do nothing; a table that is not in a role's statements may only
be read by it.
"""

from store.engine.connection import Connection
from store.engine.queries import queries

ROLES = {
    "nhipmay_writer": "engine/grant_writer",
    "nhipmay_ingest": "engine/grant_ingest",
    "nhipmay_analytics": "engine/grant_analytics",
}
"""By role: the statements with its rights."""
_EXISTS = queries("engine/migration")["has_role"]


def grant_rights(connection: Connection) -> None:
    """Give each role its rights on the present tables, where there is the role.

    Running it again changes nothing; rights that are not listed are taken away. Raises
    ConfigurationError where the login is not the owner.
    """
    for role, group in ROLES.items():
        row = connection.execute(_EXISTS, {"role": role}).fetchone()
        if row is not None and row[0]:
            for statement in queries(group).values():
                connection.execute(statement)
