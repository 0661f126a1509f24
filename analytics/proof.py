"""Computing everything again from the measurements, and proof that it changes nothing."""

from dataclasses import dataclass
from datetime import datetime

from analytics.service import compute_pass
from analytics.settings import AnalyticsSettings
from plant.errors import ConfigurationError
from store import check_migrated, connect, store_errors
from store.figure import derived as figure
from store.figure import recomputation
from store.figure.recomputation import Comparison


@dataclass(frozen=True, slots=True)
class RecomputationReport:
    """What a full recomputation computed and changed."""

    unit_hours: int
    """Hours of work units computed again."""
    tables: dict[str, Comparison]
    """Rows compared and rows that differ, by table."""

    @property
    def identical(self) -> bool:
        """Whether not a single row changed."""
        return all(table.differing == 0 for table in self.tables.values())


def recompute_from_raw(
    settings: AnalyticsSettings,
    place: str | None = None,
    start: datetime | None = None,
    end: datetime | None = None,
) -> RecomputationReport:
    """Compute the figures at or below a place (None: everywhere) in `[start, end)` again.

    Every row is derived from the measurements anew and compared with what was there; without a
    start or an end, as far as figures reach. Rows that differ mean that data had come and not yet
    been computed, or a fault; final figures that change leave restatements as always.

    Raises ConfigurationError when analytics works on the database at the same time, or when there
    is no such place with figures.
    """
    with (
        store_errors(settings.database),
        connect(settings.database, autocommit=True) as connection,
    ):
        check_migrated(connection)
        if not figure.try_lock(connection):
            raise ConfigurationError(
                "analytics works on this database: stop it, then compute everything again"
            )
        units = recomputation.computed_units(connection, place)
        if not units:
            raise ConfigurationError(f"there are no figures at {place or 'any place'}")
        clock = settings.make_clock()
        first = start or min(unit.first for unit in units)
        # What lies beyond the end of the figures belongs to time that has not been computed yet.
        reach = min(unit.last for unit in units)
        last = min(end, reach) if end is not None else reach
        ids = [unit.unit_id for unit in units]
        recomputation.keep(connection, ids, first, last)
        recomputation.mark(connection, ids, first, last, clock())
        hours, complete = 0, False
        while not complete:
            report = compute_pass(connection, settings, clock())
            hours, complete = hours + report.unit_hours, report.complete
        return RecomputationReport(hours, recomputation.compare(connection, ids, first, last))
