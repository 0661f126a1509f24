"""The tables of an outbox file, within whatever transaction is open; errors are those of SQLite."""

import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from edge_agent.exception_report import Reported
from edge_agent.outbox.contract import AHEAD_US, Row
from edge_agent.outbox.file import UNREADABLE, DamagedError
from edge_agent.outbox.statements import statements
from edge_agent.outbox.stored_row import (
    AS_OF,
    Places,
    Stored,
    entry_sum,
    newest,
    row_sum,
    stored,
    value_of,
)
from plant.errors import ConfigurationError
from plant.measurement import Quality

FILE_VERSION = 4
"""From 2 on there may be holes among the ids; 3 counts the age of rows by its own clock; 4 has
checksums."""
_Q = statements()
_QUALITIES = tuple(Quality)
_TABLES = ("meta", "tag", "row", "cursor")


class Tables:
    """Rows, the names of their tags, and what else is remembered."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.connection = connection
        self.tag_ids: dict[str, int] = {}
        """As they were read last, and those added since."""
        self.names: dict[int, str] = {}
        """The other way round."""
        self.newest: dict[str, Reported] = {}
        """The newest row of each tag when they were read."""
        self.unsummed_to = 0
        """Rows up to this id are of an older version of the file, and may have no checksum."""

    def prepare(self, file: Path) -> None:
        """Make what is missing; raise ConfigurationError for the file of a newer version."""
        version = self.number("pragma user_version")
        if version > FILE_VERSION:
            if self._was_made_here():
                raise DamagedError("the number of its version")
            raise ConfigurationError(
                f"the outbox {file} was made by a newer nhipmay; upgrade this installation"
            )
        if version == 0:
            for name in _TABLES:
                self.connection.execute(_Q[f"create_{name}"])
            # A second time, with a checksum: `user_version` has none, and damage there would pass
            # for the file of a newer program.
            self.write_meta("version", FILE_VERSION)
        elif version < FILE_VERSION:
            self._add_checksums()
        if version < FILE_VERSION:
            self.connection.execute(f"pragma user_version = {FILE_VERSION}")

    def _was_made_here(self) -> bool:
        try:
            version = self.meta().get("version")
        except UNREADABLE:
            return False
        # Of a damaged file it may be of any type.
        return isinstance(version, int) and version <= FILE_VERSION

    def _add_checksums(self) -> None:
        for name in _TABLES:
            self.connection.execute(_Q[f"sum_{name}"])
        for key, value, _ in self.rows(_Q["read_meta"]).fetchall():
            self.write_meta(key, value)
        self.write_meta("version", FILE_VERSION)
        self.write_meta("unsummed_to", self.number(_Q["highest_id"]))
        self.write_cursors({source: place for source, place, _ in self.rows(_Q["read_cursors"])})
        for tag_id, *entry, _ in self.rows(_Q["read_tags"]).fetchall():
            check = entry_sum("tag", tag_id, *entry)
            self.connection.execute(_Q["sum_of_tag"], (check, tag_id))

    def meta(self) -> dict[str, str | int]:
        """Return everything that is remembered by name."""
        return dict(self._sound("meta", _Q["read_meta"]))

    def write_meta(self, key: str, value: str | int) -> None:
        """Remember a value by name."""
        self.connection.execute(_Q["write_meta"], (key, value, entry_sum("meta", key, value)))

    def cursors(self) -> dict[str, str]:
        """Return the reading positions by source."""
        known = dict(self._sound("cursor", _Q["read_cursors"]))
        known.pop(AS_OF, None)
        return known

    def write_cursors(self, cursors: Mapping[str, str]) -> None:
        """Remember reading positions."""
        self.connection.executemany(
            _Q["write_cursor"],
            [(name, place, entry_sum("cursor", name, place)) for name, place in cursors.items()],
        )

    def write_places(
        self, issued_id: int, changed: Mapping[str, str], cursors: Mapping[str, str]
    ) -> None:
        """Remember reading positions that have changed, and all of them a second time.

        They go with the rows up to an id; see `Places`.
        """
        self.write_cursors({**changed, AS_OF: str(issued_id)})
        places = Places(issued_id, dict(cursors))
        self.write_meta("places", msgspec.json.encode(places).decode())

    def read_tags(self) -> None:
        """Read the numbers of tags, and the newest row of each."""
        self.tag_ids, self.names, self.newest = {}, {}, {}
        for tag_id, name, time_us, kept, quality in self._sound("tag", _Q["read_tags"]):
            self.tag_ids[name], self.names[tag_id] = tag_id, name
            if time_us is not None and quality in _QUALITIES:
                self.newest[name] = Reported(time_us, value_of(kept), _QUALITIES[quality])

    def ids_of(self, names: Iterable[str]) -> dict[str, int]:
        """Return the numbers of tags, those of these names among them."""
        for name in sorted(set(names) - self.tag_ids.keys()):
            number = max(self.names, default=0) + 1
            entry = (name, None, None, None)
            check = entry_sum("tag", number, *entry)
            self.connection.execute(_Q["add_tag"], (number, *entry, check))
            self.tag_ids[name], self.names[number] = number, name
        return self.tag_ids

    def add_rows(self, rows: Sequence[Row], first_id: int, taken_s: int, now_us: int) -> None:
        """Append rows with consecutive ids, and note which are the newest of their tags."""
        until_us = now_us + AHEAD_US
        tag_ids = self.ids_of({row.tag for row in rows})

        def columns() -> Iterable[tuple[object, ...]]:
            for id_, (name, time_us, value, quality) in enumerate(rows, first_id):
                tag, kept = tag_ids[name], stored(value)
                check = row_sum(id_, tag, time_us, kept, quality)
                yield id_, tag, time_us, kept, quality, taken_s, check

        self.connection.executemany(_Q["add_row"], columns())
        self.connection.executemany(
            _Q["note_newest"],
            [
                (
                    time_us,
                    kept,
                    quality,
                    tag_id,
                    entry_sum("tag", tag_id, name, time_us, kept, quality),
                    until_us,
                )
                for name, (time_us, kept, quality, tag_id) in newest(
                    rows, tag_ids, until_us
                ).items()
            ],
        )

    def delete_up_to(self, id_: int) -> None:
        """Delete the rows up to an id, and remember that some are no longer there."""
        self.connection.execute(_Q["delete_rows"], (id_,))
        self.write_meta("forgotten", 1)

    def row(
        self, id_: int, tag: int, time_us: int, kept: Stored, quality: int, check: int | None
    ) -> Row | None:
        """Return a row as it was taken; None when it is damaged."""
        if check is None:
            sound = id_ <= self.unsummed_to and tag in self.names and quality in _QUALITIES
        else:
            sound = check == row_sum(id_, tag, time_us, kept, quality) and tag in self.names
        return Row(self.names[tag], time_us, value_of(kept), _QUALITIES[quality]) if sound else None

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

    def _sound(self, table: str, statement: str) -> Iterator[tuple[Any, ...]]:
        for *entry, check in self.rows(statement):
            if check != entry_sum(table, *entry):
                raise DamagedError(f"an entry of {table}")
            yield tuple(entry)
