"""Writing the ground truth: a SQLite file that others may read meanwhile (WAL)."""

import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from typing import Any

from plant.calendar import ShiftInstance
from plant.clock import microseconds
from plant.errors import ConfigurationError

Row = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Identity:
    """What makes two runs the same plant; a record continues only its own."""

    enterprise: str
    site: str
    work_center: str
    driver: str
    seed: int
    origin_us: int
    disorder: str
    """The disorder settings as JSON."""


@dataclass(slots=True)
class Batch:
    """What happened in some ticks, in rows of the tables of the same names."""

    state_change: list[Row] = field(default_factory=list)
    part: list[Row] = field(default_factory=list)
    counter_event: list[Row] = field(default_factory=list)
    order_event: list[Row] = field(default_factory=list)
    planned_window: list[Row] = field(default_factory=list)
    issued: list[Row] = field(default_factory=list)
    snapshot: list[Row] = field(default_factory=list)

    def clear(self) -> None:
        """Empty it, to be filled again."""
        for rows in (getattr(self, table) for table in _INSERTS):
            rows.clear()


_INSERTS = {
    "state_change": "insert or ignore into state_change values (?, ?, ?, ?, ?, ?, ?, ?)",
    "part": "insert or ignore into part values (?, ?, ?, ?, ?, ?)",
    "counter_event": "insert or ignore into counter_event values (?, ?, ?, ?, ?)",
    "order_event": "insert or ignore into order_event values (?, ?, ?, ?, ?, ?)",
    "planned_window": "insert or ignore into planned_window values (?, ?, ?, ?, ?)",
    "issued": "insert or ignore into issued values (?, ?, ?, ?)",
    "snapshot": "insert or ignore into snapshot values (?, ?)",
}
_SERVED = "insert or ignore into served values (?, ?, ?, ?, ?)"
_TAG = "insert or ignore into tag values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
_RUN_TIME = "insert or ignore into planned_run_time values (?, ?, ?, ?, ?)"
_SET = "insert into meta values (?, ?) on conflict (key) do update set value = excluded.value"
_HISTORY = (
    "select source_us, value, quality from issued"
    " where tag_id = ? and source_us between ? and ? order by source_us {order} limit ?"
)
_HISTORY_FORWARD = _HISTORY.format(order="asc")
_HISTORY_BACKWARD = _HISTORY.format(order="desc")
_LATEST = (
    "select tag_id, max(source_us), value, quality from issued where quality = 0 group by tag_id"
)


class TruthFile:
    """The record of one plant, open for writing.

    Whatever a tick makes readable is written, and committed, before it becomes readable; so
    nothing that anyone has seen is ever missing here, even after a kill. `progress_tick` is
    the last tick that is recorded: a restarted simulator computes up to it in silence.
    """

    def __init__(self, connection: sqlite3.Connection, path: Path) -> None:
        """Assign; use `open`."""
        self._connection = connection
        self.path = path

    @classmethod
    def open(cls, folder: Path, identity: Identity) -> "TruthFile":
        """Open or begin the record of a plant.

        Raises ConfigurationError when the folder cannot be written, the file is no such record,
        or it is the record of another run (seed, origin, disorder).
        """
        path = folder / f"{identity.enterprise}.sqlite"
        try:
            folder.mkdir(parents=True, exist_ok=True)
            connection = sqlite3.connect(path, isolation_level=None)
            connection.execute("pragma journal_mode = wal")
            # Safe against the death of the process; a power cut may cost the last moments.
            connection.execute("pragma synchronous = normal")
            connection.executescript((files("simulators.truth") / "schema.sql").read_text("utf-8"))
        except OSError as exc:
            raise ConfigurationError(f"truth_folder {folder}: {exc.strerror}") from exc
        except sqlite3.Error as exc:
            raise ConfigurationError(
                f"{path} cannot be used ({exc}); make its folder writable, or remove the file if "
                "it is no record of a simulated plant"
            ) from exc
        truth = cls(connection, path)
        truth._adopt(identity)
        return truth

    @staticmethod
    def recorded_origin_us(folder: Path, enterprise: str) -> int | None:
        """Return the origin of a record that is already there, in microseconds."""
        path = folder / f"{enterprise}.sqlite"
        if not path.is_file():
            return None
        connection = sqlite3.connect(path)
        try:
            row = connection.execute("select value from meta where key = 'origin_us'").fetchone()
        except sqlite3.Error:
            return None  # `open` will say what is wrong with the file.
        finally:
            connection.close()
        return int(row[0]) if row else None

    @property
    def progress_tick(self) -> int:
        """The last recorded tick, -1 before the first."""
        row = self._connection.execute("select value from meta where key = 'tick'").fetchone()
        return int(row[0]) if row else -1

    def define(self, tags: Iterable[Row], run_times: Iterable[Row]) -> None:
        """Record the tags and planned run times."""
        self._connection.execute("begin immediate")
        self._connection.executemany(_TAG, tags)
        self._connection.executemany(_RUN_TIME, run_times)
        self._connection.execute("commit")

    def write(self, batch: Batch, tick: int, progress_us: int) -> None:
        """Record what happened up to and including a tick, in one transaction."""
        connection = self._connection
        connection.execute("begin immediate")
        for table, statement in _INSERTS.items():
            rows = getattr(batch, table)
            if rows:
                connection.executemany(statement, rows)
        connection.execute(_SET, ("tick", str(tick)))
        connection.execute(_SET, ("progress_us", str(progress_us)))
        connection.execute("commit")

    def write_served(self, rows: Sequence[Row]) -> None:
        """Record which registers were read."""
        self._connection.execute("begin immediate")
        self._connection.executemany(_SERVED, rows)
        self._connection.execute("commit")

    def history(
        self, tag_id: int, start_us: int, end_us: int, limit: int, *, backward: bool = False
    ) -> list[tuple[int, object, int]]:
        """Return (source time, value, quality) of a tag in `[start_us, end_us]`, by source time."""
        statement = _HISTORY_BACKWARD if backward else _HISTORY_FORWARD
        return self._connection.execute(statement, (tag_id, start_us, end_us, limit)).fetchall()

    def latest(self) -> list[tuple[int, int, object, int]]:
        """Return (tag, source time, value, quality) of the newest good reading of every tag."""
        return self._connection.execute(_LATEST).fetchall()

    def snapshot_times(self) -> list[int]:
        """Return the source times of all snapshots, oldest first."""
        rows = self._connection.execute("select source_us from snapshot order by source_us")
        return [row[0] for row in rows]

    def last_connection(self) -> int:
        """Return the highest number that a Modbus connection has had, 0 for none."""
        row = self._connection.execute("select max(connection) from served").fetchone()
        return int(row[0] or 0)

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    def _adopt(self, identity: Identity) -> None:
        wanted = {name: str(getattr(identity, name)) for name in Identity.__dataclass_fields__}
        found = dict(self._connection.execute("select key, value from meta"))
        if not found:
            self._connection.execute("begin immediate")
            self._connection.executemany(_SET, wanted.items())
            self._connection.execute("commit")
            return
        different = [name for name, value in wanted.items() if found.get(name) != value]
        if different:
            self.close()
            raise ConfigurationError(
                f"{self.path} is the record of another run (different: {', '.join(different)}); "
                "give this run another truth_folder or remove the file"
            )


def calendar_rows(shifts: Iterable[ShiftInstance]) -> list[Row]:
    """Return shifts and their breaks as rows of `planned_window`."""
    rows: list[Row] = []
    for shift in shifts:
        start = microseconds(shift.window.start)
        rows.append(("shift", start, microseconds(shift.window.end), shift.name, start))
        rows += [
            ("break", microseconds(pause.start), microseconds(pause.end), shift.name, start)
            for pause in shift.breaks
        ]
    return rows
