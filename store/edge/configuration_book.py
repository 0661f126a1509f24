"""What edges were told to read: one transaction per push."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

from plant.errors import ConfigurationError
from plant.settings import DatabaseSettings
from store.engine.connection import Connection, connect, store_errors
from store.engine.migration import check_migrated
from store.engine.queries import queries

_Q = queries("reading/fleet")


@dataclass(frozen=True, slots=True)
class ConfigurationPage:
    """The next version of one edge's configuration, as long as its transaction is open."""

    _connection: Connection
    _edge_id: int
    version: int
    work_units: frozenset[str]
    """Paths of the machines that the edge's site has."""

    def write(self, sources: str, sha256: str, now: datetime, who: str, why: str) -> None:
        """Enter what is pushed."""
        self._connection.execute(
            _Q["add_configuration"],
            {
                "edge_id": self._edge_id,
                "version": self.version,
                "sources": sources,
                "sha256": sha256,
                "now": now,
                "who": who,
                "why": why,
            },
        )


@contextmanager
def configuration_page(settings: DatabaseSettings, edge: str) -> Iterator[ConfigurationPage]:
    """Open the next version for an edge (its path); commits on a regular exit.

    Nobody else can push to that edge meanwhile. Raises ConfigurationError when it is not enrolled.
    """
    with store_errors(settings), connect(settings) as connection:
        check_migrated(connection)
        connection.execute(_Q["lock_configurations"], {"edge": edge})
        row = connection.execute(_Q["open_configuration"], {"edge": edge}).fetchone()
        if row is None:
            raise ConfigurationError(
                f"no edge {edge} is enrolled: write enterprise/site/edge as the plant file has them"
            )
        units = connection.execute(_Q["work_units"], {"edge": edge}).fetchall()
        edge_id, version = row
        paths = frozenset(path for (path,) in units)
        yield ConfigurationPage(connection, edge_id, version, paths)
