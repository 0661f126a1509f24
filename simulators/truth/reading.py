"""Reading the ground truth back, also while it is being written."""

import sqlite3
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from plant.errors import ConfigurationError
from plant.measurement import Quality, Value
from simulators.registers import CLOCK_REGISTERS, RegisterField, field_from_row

UNPROVEN_US = 2_000_000
"""Reads this shortly (wall time) before a connection ended may never have reached the reader."""


@dataclass(frozen=True, slots=True)
class TrueTag:
    """A tag that the server offers; `path` is `enterprise/site/name`."""

    tag_id: int
    path: str
    work_unit: str
    role: str
    is_text: bool
    field: RegisterField | None
    """Modbus only."""
    deadband: float | None
    max_silence_us: int


@dataclass(frozen=True, slots=True)
class StateInterval:
    """A stretch `[start_us, end_us)` in which a machine did one thing."""

    start_us: int
    end_us: int
    state: str
    mode: str
    order_number: str
    product: str
    stop_kind: str | None
    stop_reason: str


@dataclass(frozen=True, slots=True)
class PlannedWindow:
    """A shift or a break of the calendar."""

    kind: str
    start_us: int
    end_us: int
    shift: str
    shift_start_us: int


@dataclass(frozen=True, slots=True)
class Part:
    """One finished part; `outcome` is the role of the counter that counts it."""

    time_us: int
    outcome: str
    product: str


@dataclass(frozen=True, slots=True)
class Reading:
    """One value that could be read; `proven` unless the reader may have missed it."""

    source_us: int
    value: Value
    quality: int
    proven: bool = True


class TruthReader:
    """One plant's ground truth. Use it as a context manager.

    Raises ConfigurationError when the file is no ground truth.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._readings: dict[int, list[Reading]] = {}
        try:
            self._connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
            self._connection.row_factory = sqlite3.Row
            self.meta: dict[str, str] = dict(
                map(tuple, self._connection.execute("select key, value from meta"))
            )
        except sqlite3.Error as exc:
            raise ConfigurationError(f"{path} is no ground truth of a simulator: {exc}") from exc

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        exc: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._connection.close()

    @property
    def site_path(self) -> str:
        """The path of the site, `enterprise/site`."""
        return f"{self.meta['enterprise']}/{self.meta['site']}"

    @property
    def is_modbus(self) -> bool:
        """Whether readers take what the registers hold when they ask, and miss what they do not."""
        return self.meta["driver"] == "modbus"

    @property
    def progress_us(self) -> int:
        """Up to when the truth is recorded."""
        return int(self.meta.get("progress_us", self.meta["origin_us"]))

    @cached_property
    def tags(self) -> tuple[TrueTag, ...]:
        """All tags."""
        return tuple(
            TrueTag(
                row["tag_id"],
                row["path"],
                row["work_unit"],
                row["role"],
                bool(row["is_text"]),
                None if row["first_register"] is None else field_from_row(dict(row)),
                row["deadband"],
                round(row["max_silence_s"] * 1_000_000),
            )
            for row in self._rows("select * from tag order by tag_id")
        )

    @cached_property
    def work_units(self) -> tuple[str, ...]:
        """Paths of the machines that have tags, in the order of the flow."""
        return tuple(dict.fromkeys(tag.work_unit for tag in self.tags))

    def tag_of(self, work_unit: str, role: str) -> TrueTag | None:
        """Return the tag with a role on a machine."""
        for tag in self.tags:
            if tag.work_unit == work_unit and tag.role == role:
                return tag
        return None

    def states(self, work_unit: str) -> list[StateInterval]:
        """Return what a machine did from the origin to the end of the record, without gaps."""
        rows = self._rows(
            "select * from state_change where work_unit = ? order by time_us", work_unit
        )
        ends = [row["time_us"] for row in rows[1:]] + [self.progress_us]
        return [
            StateInterval(
                row["time_us"],
                max(end, row["time_us"]),
                row["state"],
                row["mode"],
                row["order_number"],
                row["product"],
                row["stop_kind"],
                row["stop_reason"],
            )
            for row, end in zip(rows, ends, strict=True)
        ]

    def parts(self, work_unit: str) -> list[Part]:
        """Return the finished parts of a machine, oldest first."""
        return [
            Part(row["time_us"], row["outcome"], row["product"])
            for row in self._rows(
                "select * from part where work_unit = ? order by number", work_unit
            )
        ]

    def resets(self, work_unit: str, role: str) -> list[int]:
        """Return when a counter of a machine was set to zero by a power cycle."""
        return [
            row["time_us"]
            for row in self._rows(
                "select time_us from counter_event where work_unit = ? and role = ?"
                " and kind = 'reset' order by time_us",
                work_unit,
                role,
            )
        ]

    @cached_property
    def planned(self) -> tuple[PlannedWindow, ...]:
        """All shifts and breaks, by start."""
        return tuple(
            PlannedWindow(
                row["kind"], row["start_us"], row["end_us"], row["shift"], row["shift_start_us"]
            )
            for row in self._rows("select * from planned_window order by start_us, kind desc")
        )

    def run_time_s(self, work_unit: str, product: str, at_us: int) -> float | None:
        """Return the planned run time per item that is valid at a moment."""
        rows = self._rows(
            "select * from planned_run_time where work_unit = ? and product = ?"
            " and valid_from_us <= ? order by valid_from_us desc limit 1",
            work_unit,
            product,
            at_us,
        )
        if not rows or (rows[0]["valid_to_us"] is not None and rows[0]["valid_to_us"] <= at_us):
            return None
        return float(rows[0]["seconds"])

    def readings(self, tag: TrueTag) -> Sequence[Reading]:
        """Return what could be read of a tag, each source time once, by source time.

        OPC UA: everything issued. Modbus: what was in the snapshots that somebody read whole.
        """
        if tag.tag_id not in self._readings:
            self._readings[tag.tag_id] = self._read(tag)
        return self._readings[tag.tag_id]

    def settle(self, stored_us: Collection[int], start_us: int, end_us: int) -> None:
        """Let what is stored of `[start_us, end_us)` decide what was read in the end.

        A Modbus read shortly before its connection ended may never have arrived, and the simulator
        may have ended before it logged one. A snapshot was read if anything of it is stored.
        """
        if not self.is_modbus:
            return
        logged = {source_us for source_us, _, _ in self._served}
        unlogged = [
            (source_us, registers, False)
            for source_us, registers in self._snapshots.items()
            if source_us not in logged and start_us <= source_us < end_us and source_us in stored_us
        ]
        arrived = [
            (source_us, registers, proven)
            for source_us, registers, proven in self._served
            if proven or not start_us <= source_us < end_us or source_us in stored_us
        ]
        self._served = sorted(arrived + unlogged)
        self._readings.clear()

    def _read(self, tag: TrueTag) -> list[Reading]:
        if tag.field is None:
            return [
                Reading(row["source_us"], row["value"], row["quality"])
                for row in self._rows(
                    "select * from issued where tag_id = ? order by source_us", tag.tag_id
                )
            ]
        field = tag.field
        return [
            Reading(source_us, field.decode(registers, 0), Quality.GOOD.value, proven)
            for source_us, registers, proven in self._served
            if len(registers) >= (field.first + field.count) * 2
        ]

    def issued_times(self, tag: TrueTag) -> set[int]:
        """Return every source time that anyone may have seen of a tag, logged as read or not."""
        if tag.field is None:
            return {reading.source_us for reading in self.readings(tag)}
        return {row["source_us"] for row in self._rows("select source_us from snapshot")}

    def decoded(self, tag: TrueTag, source_us: int) -> Value:
        """Return what a snapshot holds of a Modbus tag."""
        assert tag.field is not None
        return tag.field.decode(self._snapshots[source_us], 0)

    @cached_property
    def _snapshots(self) -> dict[int, bytes]:
        return {row["source_us"]: row["registers"] for row in self._rows("select * from snapshot")}

    @cached_property
    def _served(self) -> list[tuple[int, bytes, bool]]:
        """Snapshots that a reader got together with their clock, by source time."""
        rows = self._rows("select * from served order by source_us, first_register")
        last_wall: dict[int, int] = {}
        for row in rows:
            connection = row["connection"]
            last_wall[connection] = max(last_wall.get(connection, 0), row["wall_us"])
        newest = max(last_wall, default=0)
        seen: dict[int, tuple[int, bool]] = {}
        for row in rows:
            if row["first_register"] > 0 or row["register_count"] < CLOCK_REGISTERS:
                continue  # A read without the clock tells nobody when its values were true.
            connection = row["connection"]
            proven = connection == newest or row["wall_us"] < last_wall[connection] - UNPROVEN_US
            length, before = seen.get(row["source_us"], (0, False))
            seen[row["source_us"]] = (max(length, row["register_count"]), before or proven)
        return [
            (source_us, self._snapshots[source_us][: length * 2], proven)
            for source_us, (length, proven) in sorted(seen.items())
        ]

    def _rows(self, statement: str, *values: Any) -> list[sqlite3.Row]:
        return self._connection.execute(statement, values).fetchall()
