"""The tables of an outbox file, within whatever transaction is open; errors are those of SQLite."""

import sqlite3
from collections.abc import Iterable
from pathlib import Path

from edge_agent.outbox.statements import statements
from plant.errors import ConfigurationError

FILE_VERSION = 3
"""From 2 on there may be holes among the ids; 3 counts the age of rows by its own clock."""
_Q = statements()


class Tables:
    """Rows, the names of their tags, and what else is remembered."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.connection = connection
        self.tag_ids: dict[str, int] = {}
        """As they were read last, and those added since."""

    def prepare(self, file: Path) -> None:
        """Make what is missing; raise ConfigurationError for the file of a newer version."""
        version = self.number("pragma user_version")
        if version > FILE_VERSION:
            raise ConfigurationError(
                f"the outbox {file} was made by a newer nhipmay; upgrade this installation"
            )
        if version == 0:
            for name in ("create_meta", "create_tag", "create_row", "create_cursor"):
                self.connection.execute(_Q[name])
        if version < FILE_VERSION:
            self.connection.execute(f"pragma user_version = {FILE_VERSION}")

    def meta(self) -> dict[str, str | int]:
        """Return everything that is remembered by name."""
        return dict(self.rows(_Q["read_meta"]))

    def write_meta(self, key: str, value: str | int) -> None:
        """Remember a value by name."""
        self.connection.execute(_Q["write_meta"], (key, value))

    def read_tag_ids(self) -> None:
        """Read the numbers of tags."""
        self.tag_ids = {name: number for number, name in self.rows(_Q["read_tags"])}

    def ids_of(self, names: Iterable[str]) -> dict[str, int]:
        """Return the numbers of tags, those of these names among them."""
        for name in sorted(set(names) - self.tag_ids.keys()):
            number = len(self.tag_ids) + 1
            self.connection.execute(_Q["add_tag"], (number, name))
            self.tag_ids[name] = number
        return self.tag_ids

    def delete_up_to(self, id_: int) -> None:
        """Delete the rows up to an id, and remember that some are no longer there."""
        self.connection.execute(_Q["delete_rows"], (id_,))
        self.write_meta("forgotten", 1)

    def used_bytes(self) -> int:
        """Return how much of the file is in use."""
        pages = self.number("pragma page_count") - self.number("pragma freelist_count")
        return pages * self.number("pragma page_size")

    def number(self, statement: str) -> int:
        """Return the one number that a statement yields."""
        row = self.connection.execute(statement).fetchone()
        return int(row[0])

    def rows(self, statement: str, *parameters: int) -> sqlite3.Cursor:
        """Return the rows of a statement."""
        return self.connection.execute(statement, parameters)
