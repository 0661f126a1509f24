"""What evidence is computed from: sums, stops and counts of machines over a window.

All calls take paths of machines and answer for those alone; the login decides whether it may.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from psycopg.rows import class_row

from store.engine.connection import Connection
from store.engine.queries import queries

_Q = queries("assessment/production")


@dataclass(frozen=True, slots=True)
class DayRow:
    """Sums of a machine over a working day; milliseconds, parts, kWh; `None` is not known."""

    work_unit: str
    day: date
    planned_ms: int
    known_ms: int
    run_ms: int
    ordered_ms: int | None
    setup_ms: int
    delay_ms: int
    down_ms: int
    pri_pq_ms: float | None
    pri_gq_ms: float | None
    produced: float | None
    good: float | None
    scrap: float | None
    energy_kwh: float | None
    idle_kwh: float | None
    inspected: int
    passed_first: int
    counted: int
    formula_version: str
    last_formula_version: str


@dataclass(frozen=True, slots=True)
class StopSum:
    """Stops of a machine and kind in a window; milliseconds."""

    work_unit: str
    kind: str
    number: int
    length_ms: int
    with_reason_ms: int
    by_hand: int


@dataclass(frozen=True, slots=True)
class AlarmRow:
    """A deviation, when somebody first said something of it, and whether it was confirmed."""

    event_id: str
    opened_at: datetime
    said_at: datetime | None
    ended_at: datetime | None
    verdict: str | None


class Production:
    """Machines of an enterprise over a window `[start, end)` of aware moments."""

    def __init__(
        self,
        connection: Connection,
        enterprise: str,
        units: Sequence[str],
        start: datetime,
        end: datetime,
    ) -> None:
        self._connection = connection
        self.values: dict[str, Any] = {
            "enterprise": enterprise,
            "units": list(units),
            "start": start,
            "end": end,
        }

    def days(self) -> list[DayRow]:
        """Return sums per machine and working day."""
        with self._connection.cursor(row_factory=class_row(DayRow)) as cursor:
            return cursor.execute(_Q["days"], self.values).fetchall()

    def products(self) -> list[tuple[str, float]]:
        """Return good parts by product; no product is an empty code."""
        return self._all("products")

    def stops(self) -> list[StopSum]:
        """Return unplanned stops by machine and kind."""
        return [StopSum(*row) for row in self._all("stops")]

    def bookings(self) -> dict[str, int]:
        """Return how many parts were booked by hand, by machine."""
        return dict(self._all("bookings"))

    def lags(self) -> dict[int, int]:
        """Return the histogram of the time from source to commit; see `plant.delivery.lag`."""
        return dict(self._all("lags"))

    def source_weeks(self) -> int:
        """Return in how many weeks systems sent documents, added up over the systems."""
        return int(self._all("sources")[0][0])

    def modes(self) -> list[tuple[str, str, int]]:
        """Return producing milliseconds by machine and mode."""
        return self._all("modes")

    def traces(self) -> list[tuple[str, int]]:
        """Return parts met at two machines or more, by product."""
        return self._all("traces")

    def alarms(self) -> list[AlarmRow]:
        """Return deviations."""
        return [AlarmRow(*row) for row in self._all("alarms")]

    def tags(self) -> tuple[int, int, int]:
        """Return how many signals there are, are described, have a role."""
        row = self._all("tags")[0]
        return int(row[0]), int(row[1]), int(row[2])

    def lots(self) -> tuple[int, int]:
        """Return how many lots there are, and were inspected."""
        row = self._all("lots")[0]
        return int(row[0]), int(row[1])

    def edges(self) -> tuple[int, float | None]:
        """Return how many gateways there are, and the largest present clock error in ms."""
        row = self._all("edges")[0]
        return int(row[0]), row[1]

    def waiting_hours(self) -> int:
        """Return how many hours of the window wait to be computed."""
        return int(self._all("dirty")[0][0])

    def _all(self, query: str) -> list[Any]:
        return self._connection.execute(_Q[query], self.values).fetchall()


def machines_of(connection: Connection, enterprise: str) -> dict[str, str]:
    """Return the machines that there are by path, with their names."""
    return dict(connection.execute(_Q["units"], {"enterprise": enterprise}).fetchall())


def zone_of(connection: Connection, enterprise: str) -> str | None:
    """Return the time zone of the enterprise's first site."""
    row = connection.execute(_Q["zone"], {"enterprise": enterprise}).fetchone()
    return None if row is None else row[0]
