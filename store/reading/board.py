"""What boards read; each method a named query of `store/reading/board.sql`."""

from collections.abc import Sequence
from dataclasses import fields
from datetime import date, datetime
from typing import Any, TypeVar

from psycopg.rows import class_row, dict_row

from plant.kpi import BaseSums
from plant.kpi.target import Target
from store.engine.connection import Connection
from store.engine.queries import queries
from store.reading.board_row import (
    AsOfRow,
    ChangeoverRow,
    FaultRow,
    OrderRow,
    ShiftRow,
    SliceRow,
    StateTimeRow,
    ValueRow,
)

_Q = queries("reading/board")
_SUMS = tuple(field.name for field in fields(BaseSums))
R = TypeVar("R")


class BoardReading:
    """The questions, asked over one connection within one transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def slices(self, units: Sequence[int], start: datetime, end: datetime) -> list[SliceRow]:
        """Return the base sums of work units (place ids) in the hours that begin in the window."""
        with self._connection.cursor(row_factory=dict_row) as cursor:
            rows = cursor.execute(
                _Q["slices"], {"units": list(units), "start": start, "end": end}
            ).fetchall()
        return [_slice(row) for row in rows]

    def targets(self, place: str) -> list[Target]:
        """Return the targets that may hold for a place, in the order in which they outrank."""
        return self._rows(Target, "targets", place=place)

    def state_times(
        self, units: Sequence[int], start: datetime, end: datetime
    ) -> list[StateTimeRow]:
        """Return the time of work units by hour, element, kind of stop and reason."""
        return self._rows(StateTimeRow, "state_times", units=list(units), start=start, end=end)

    def shifts(self, places: Sequence[int], first: date, last: date) -> list[ShiftRow]:
        """Return the shifts of business days, both days included, that places had, in order."""
        return self._rows(ShiftRow, "shifts", places=list(places), first=first, last=last)

    def orders(
        self,
        units: Sequence[int],
        *,
        since: datetime | None = None,
        order: str | None = None,
        limit: int,
    ) -> list[OrderRow]:
        """Return orders that work units executed: one, or all since a moment; newest first."""
        asked = {"units": list(units), "since": since, "order": order, "limit": limit}
        return self._rows(OrderRow, "orders", **asked)

    def faults(self, places: Sequence[int], start: datetime, end: datetime) -> list[FaultRow]:
        """Return what is wrong or missing in shift figures that overlap the window."""
        return self._rows(FaultRow, "faults", places=list(places), start=start, end=end)

    def process_values(
        self, tag_id: int, start: datetime, end: datetime, *, limit: int
    ) -> list[ValueRow]:
        """Return good values of a number tag while its machine produced, in time order."""
        return self._rows(
            ValueRow, "process_values", tag_id=tag_id, start=start, end=end, limit=limit
        )

    def changeovers(
        self, units: Sequence[int], start: datetime, end: datetime
    ) -> list[ChangeoverRow]:
        """Return the changes of product on work units in the window, in time order."""
        return self._rows(ChangeoverRow, "changeovers", units=list(units), start=start, end=end)

    def as_of(self, place: int, start: datetime, end: datetime) -> AsOfRow:
        """Return how far the figures of a place go."""
        return self._rows(AsOfRow, "as_of", place=place, start=start, end=end)[0]

    def _rows(self, row: type[R], query: str, /, **values: Any) -> list[R]:
        with self._connection.cursor(row_factory=class_row(row)) as cursor:
            return cursor.execute(_Q[query], values).fetchall()


def _slice(row: dict[str, Any]) -> SliceRow:
    return SliceRow(
        place=row["place"],
        start=row["slice_start"],
        end=row["slice_end"],
        hour=row["hour"],
        business_date=row["business_date"],
        shift=row["shift"],
        shift_start=row["shift_start"],
        product=row["product_code"],
        run_time_s=row["run_time_s"],
        # Columns and fields have the same names.
        sums=BaseSums(**{name: row[name] for name in _SUMS if name in row}),
        marks=tuple(row["marks"]),
    )
