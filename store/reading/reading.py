"""What the API reads: one method per question, each a query named in `reading.sql` beside it."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any, TypeVar, cast
from weakref import WeakKeyDictionary

import psycopg
from psycopg import errors
from psycopg.rows import class_row
from psycopg_pool import ConnectionPool, PoolTimeout

from plant.errors import NhipmayError
from plant.settings import DatabaseSettings
from store.engine import edition
from store.engine.connection import SESSION, Connection, connect, conninfo, has_news, store_errors
from store.engine.queries import queries
from store.reading.board import BoardReading
from store.reading.export import ExportReading
from store.reading.fleet import FleetReading
from store.reading.kpi import EVERYTHING, Chosen, KpiReading
from store.reading.newest import NewestReading
from store.reading.result_table import ResultTable, result_table
from store.reading.rollup import RollupReading
from store.reading.row import (
    CorrectionRow,
    HourRow,
    JudgedReading,
    MeasurementRow,
    OeeRow,
    ParetoRow,
    PlaceRow,
    ProgressRow,
    ReasonRow,
    StateRow,
    StopRow,
    TagKey,
    TagRow,
    TrendRow,
    UnitEdgeRow,
)

_Q = queries("reading/reading")
_READ_ONLY = f"{SESSION} -c default_transaction_read_only=on"
_PATIENCE_S = 15.0
_FIRST_LOOK = timedelta(hours=1)
_WIDER = 4
_LONGEST_STATEMENT_OF_EXPORT = "1h"
_LENT_LATELY_S = 5.0
_CHECKED_AFTER_S = 5.0
R = TypeVar("R")


class QueryTooLongError(NhipmayError):
    """The database took too long to answer; ask for a shorter window or fewer places."""


class _KeptPlaces:
    """The places as they were at a version, and what was made of them."""

    def __init__(self, version: int, rows: list[PlaceRow]) -> None:
        self.version = version
        self.rows = rows
        self.made: dict[object, object] = {}


class Reading:
    """The questions, asked over one connection; each sees what is committed when it is asked."""

    def __init__(
        self,
        connection: Connection,
        kept: "list[_KeptPlaces] | None" = None,
        newest: NewestReading | None = None,
    ) -> None:
        """With `kept`, a list for the reader's whole life, places are read when they change.

        So is `newest`: what is newest is looked for from where it was found last.
        """
        self._connection = connection
        self._newest = NewestReading() if newest is None else newest
        self._kept = [] if kept is None else kept

    @property
    def connection(self) -> Connection:
        """The connection, for the questions of other rooms; it reads only."""
        return self._connection

    def kpi(
        self,
        units: Sequence[int],
        zones: Sequence[str],
        by: str,
        start: datetime,
        end: datetime,
        chosen: Chosen = EVERYTHING,
    ) -> KpiReading:
        """Return the questions about base sums of one window; see `store.reading.kpi`."""
        return KpiReading(self._connection, units, zones, by, start, end, chosen)

    @property
    def boards(self) -> BoardReading:
        """The questions of boards, over the same connection."""
        return BoardReading(self._connection)

    @property
    def fleet(self) -> FleetReading:
        """The questions about edges, over the same connection."""
        return FleetReading(self._connection)

    def places(self) -> list[PlaceRow]:
        """Return every place, parents first, machines in the order of the flow."""
        return self._places().rows

    def of_places(self, make: Callable[[list[PlaceRow]], R]) -> R:
        """Return what `make` makes of every place, kept until places change; not to be altered."""
        places = self._places()
        if make not in places.made:
            places.made[make] = make(places.rows)
        return cast("R", places.made[make])

    def _places(self) -> _KeptPlaces:
        row = self._connection.execute(_Q["place_version"]).fetchone()
        version = int(row[0]) if row else 0
        # Read after it: what is kept is of that version, or newer and read again next time.
        if not self._kept or self._kept[0].version != version:
            self._kept[:] = [_KeptPlaces(version, self._rows(PlaceRow, "places"))]
        return self._kept[0]

    def untold_sites(self) -> set[int]:
        """Return the sites (place ids) of too few machines to be told of outside."""
        return {row[0] for row in self._connection.execute(_Q["untold_sites"])}

    def tags(self, units: Sequence[int]) -> list[TagRow]:
        """Return the tags of work units (place ids) with their newest measurements."""
        known = self.of_places(_by_id)
        rows = self._connection.execute(_Q["tags"], {"units": list(units)}).fetchall()
        newest = self._newest.of(self._connection, [(row[0], row[5]) for row in rows])
        found = [
            (
                known[unit].position,
                TagRow(
                    tag_id,
                    f"{known[site].path}/{name}",
                    name,
                    known[site].path,
                    known[unit].path,
                    f"{known[site].path}/{code}",
                    *others,
                    *newest.get(tag_id, (None, None, None, None)),
                ),
            )
            for tag_id, site, unit, code, name, *others in rows
        ]
        return [row for _, row in sorted(found, key=lambda one: one[0])]

    def count_tags(self, units: Sequence[int]) -> int:
        """Return how many tags work units (place ids) have."""
        row = self._connection.execute(_Q["count_tags"], {"units": list(units)}).fetchone()
        return int(row[0]) if row else 0

    def find_tag(self, site: str, name: str) -> TagKey | None:
        """Return the tag of a site's path and a tag name."""
        found = self._rows(TagKey, "find_tag", site=site, name=name)
        return found[0] if found else None

    def measurements(
        self, tag: TagKey, from_time: datetime, end: datetime, *, skip: int, limit: int
    ) -> list[MeasurementRow]:
        """Return up to `limit` measurements in `[from_time, end)`, leaving out the first `skip`.

        Those left out are of `from_time` itself.
        """
        name = "text_measurements" if tag.value_type == "text" else "number_measurements"
        found: list[MeasurementRow] = []
        # Through the barrier of a login's view no index says the order, so that each question would
        # sort all of its window: a small one first, then wider ones.
        width = _FIRST_LOOK
        while from_time < end and len(found) < limit:
            until = min(end, from_time + width)
            found += self._rows(
                MeasurementRow,
                name,
                tag_id=tag.tag_id,
                from_time=from_time,
                end=until,
                skip=skip,
                limit=limit - len(found),
            )
            from_time, skip, width = until, 0, width * _WIDER
        return found

    def rollups(self, tag: TagKey, start: datetime, end: datetime) -> RollupReading:
        """Return the questions about a number tag in cells of time; see `store.reading.rollup`."""
        return RollupReading(self._connection, tag.tag_id, start, end)

    def results(
        self,
        places: Sequence[int],
        kind: str,
        start: datetime,
        end: datetime,
        as_of: datetime | None = None,
    ) -> list[OeeRow]:
        """Return the OEE results of places whose windows overlap `[start, end)`.

        With `as_of` those that were final then, as they were.
        """
        known = self.of_places(_by_id)
        asked = {"places": list(places), "kind": kind, "start": start, "end": end, "as_of": as_of}
        query = _Q["results" if as_of is None else "results_then"]
        cursor = self._connection.execute(query, asked)
        found = [OeeRow(known[place_id].path, *others) for place_id, *others in cursor]
        return sorted(found, key=lambda row: (row.start, row.place))

    def result_table(
        self,
        places: Sequence[int],
        kind: str,
        start: datetime,
        end: datetime,
        reasons: Sequence[str],
        as_of: datetime | None = None,
    ) -> ResultTable:
        """Return main figures of places and windows in columns: `store.reading.result_table`."""
        return result_table(self._connection, places, kind, start, end, reasons, as_of)

    def latest_shifts(self, places: Sequence[int], now: datetime) -> list[OeeRow]:
        """Return the two newest shifts that have begun, per place, newest first."""
        return self._rows(OeeRow, "latest_shifts", places=list(places), now=now)

    def states(self, units: Sequence[int], start: datetime, end: datetime) -> list[StateRow]:
        """Return the states of work units clipped to `[start, end)`, by unit and time."""
        return self._rows(StateRow, "states", units=list(units), start=start, end=end)

    def stops(
        self,
        units: Sequence[int],
        start: datetime,
        end: datetime,
        *,
        now: datetime,
        limit: int,
        behind: tuple[datetime, str] | None = None,
    ) -> list[StopRow]:
        """Return whole stops that overlap `[start, end)`, newest first, by path at one moment.

        With `behind`, those that come behind a stop: where it begins, and the path of its machine.
        """
        before, path = behind or (end, "")
        asked = {"units": list(units), "start": start, "end": end, "now": now, "limit": limit}
        return self._rows(StopRow, "stops", **asked, before=before, behind=path)

    def pareto(
        self, units: Sequence[int], start: datetime, end: datetime, *, now: datetime
    ) -> list[ParetoRow]:
        """Return time and number of stops per reason within the window, longest first."""
        return self._rows(ParetoRow, "pareto", units=list(units), start=start, end=end, now=now)

    def judgements(
        self, units: Sequence[int], start: datetime, end: datetime, limit: int
    ) -> list[JudgedReading]:
        """Return readings of counters that are no plain growth, newest first."""
        asked = {"units": list(units), "start": start, "end": end, "limit": limit}
        return self._rows(JudgedReading, "judgements", **asked)

    def corrections(
        self, units: Sequence[int], start: datetime, end: datetime, limit: int
    ) -> list[CorrectionRow]:
        """Return all that people said of readings and stops of a window, newest first."""
        asked = {"units": list(units), "start": start, "end": end, "limit": limit}
        return self._rows(CorrectionRow, "corrections", **asked)

    def stop_reasons(self, enterprise: str) -> dict[str, tuple[str, str]]:
        """Return the Vietnamese and English name of each stop reason code."""
        cursor = self._connection.execute(_Q["stop_reasons"], {"enterprise": enterprise})
        return {code: (name_vi, name_en) for code, name_vi, name_en in cursor}

    def reason_choices(
        self, enterprise: str, units: Sequence[int], since: datetime
    ) -> list[ReasonRow]:
        """Return an enterprise's reasons, those given most on `units` since then first."""
        return self._rows(
            ReasonRow, "reason_choices", enterprise=enterprise, units=list(units), since=since
        )

    def knows_stop(self, unit: int, moment: datetime) -> bool:
        """Return whether a work unit has, or had, a stop that holds a moment."""
        values = {"unit": unit, "moment": moment}
        return self._connection.execute(_Q["knows_stop"], values).fetchone() is not None

    def hour_counts(self, unit: int, start: datetime, end: datetime) -> list[HourRow]:
        """Return parts and target per hour that begins in `[start, end)`."""
        return self._rows(HourRow, "hour_counts", unit=unit, start=start, end=end)

    def trends(
        self, tags: Sequence[int], start: datetime, end: datetime, width: timedelta
    ) -> list[TrendRow]:
        """Return means of good values per bin of `width`, by tag and time."""
        return self._rows(TrendRow, "trends", tags=list(tags), start=start, end=end, bin=width)

    def unit_edges(self, units: Sequence[int]) -> list[UnitEdgeRow]:
        """Return the edges that measure work units, with their last heartbeat."""
        return self._rows(UnitEdgeRow, "unit_edges", units=list(units))

    def progress(self) -> ProgressRow:
        """Return how much work waits."""
        return self._rows(ProgressRow, "progress")[0]

    def edition(self) -> str:
        """Return the database's edition by its name in `store.engine.edition`."""
        return edition.detect(self._connection).value

    def schema_present(self) -> bool:
        """Return whether the tables exist."""
        row = self._connection.execute(_Q["schema_present"]).fetchone()
        return row is not None and bool(row[0])

    def export(self, units: Sequence[int], start: datetime, end: datetime) -> ExportReading:
        """Return the questions about every measurement of a window; see `store.reading.export`."""
        return ExportReading(self._connection, units, start, end)

    def _rows(self, row: type[R], query: str, /, **values: Any) -> list[R]:
        with self._connection.cursor(row_factory=class_row(row)) as cursor:
            return cursor.execute(_Q[query], values).fetchall()


def _by_id(places: list[PlaceRow]) -> dict[int, PlaceRow]:
    return {place.place_id: place for place in places}


class Reader:
    """Read-only access to the database for a service that outlives the database's outages."""

    def __init__(
        self, settings: DatabaseSettings, *, wait_s: float = 2.0, statement_timeout_s: int = 20
    ) -> None:
        self._settings = settings
        self._pool: ConnectionPool[Connection] = ConnectionPool(
            conninfo(settings),
            kwargs={
                "options": f"{_READ_ONLY} -c statement_timeout={statement_timeout_s}s",
                # Each question for itself, without two more that begin and end a transaction.
                "autocommit": True,
            },
            min_size=1,
            max_size=settings.pool_size,
            timeout=wait_s,
            # Short, or a database that was away for minutes would be found again minutes late.
            reconnect_timeout=5,
            check=self._check,
            open=False,
        )
        self._used: WeakKeyDictionary[Connection, float] = WeakKeyDictionary()
        self._kept: list[_KeptPlaces] = []
        self._newest = NewestReading()
        self._lent = float("-inf")

    def check(self) -> None:
        """Connect once; raise ConfigurationError or StoreUnavailableError with the cause."""
        connect(self._settings).close()

    def open(self) -> None:
        """Begin to connect in the background; a database that is away is no error here."""
        self._pool.open()

    def close(self) -> None:
        """Close every connection."""
        self._pool.close()

    @contextmanager
    def reading(self) -> Iterator[Reading]:
        """Lend a connection.

        Raises StoreUnavailableError when none is to be had, QueryTooLongError when a query takes
        longer than allowed and ConfigurationError when the tables are missing.
        """
        with _reading_errors(self._settings), self._connection() as connection:
            yield Reading(connection, self._kept, self._newest)

    @contextmanager
    def _connection(self) -> Iterator[Connection]:
        try:
            connection = self._pool.getconn()
        except PoolTimeout:
            # The pool does not say why; a connection of our own does, if the database is away.
            # While others are served it is not: many trials would use up what the login has.
            if time.monotonic() - self._lent > _LENT_LATELY_S:
                self.check()
            # It is there and only slow, or asked by many: that is worth waiting for.
            connection = self._pool.getconn(timeout=_PATIENCE_S)
        self._lent = time.monotonic()
        try:
            with connection:
                yield connection
        finally:
            self._used[connection] = time.monotonic()
            self._pool.putconn(connection)

    def _check(self, connection: Connection) -> None:
        """Raise psycopg.OperationalError for a connection that is lost.

        A server that goes, or ends a session, says so on the line: one that was used a moment ago
        and has heard nothing is good, and to ask would cost as much as the question itself.
        """
        idle_s = time.monotonic() - self._used.get(connection, float("-inf"))
        if idle_s > _CHECKED_AFTER_S or has_news(connection):
            ConnectionPool.check_connection(connection)

    @contextmanager
    def exporting(self) -> Iterator[Reading]:
        """Lend a connection of its own that sees one moment's data, for as long as it takes."""
        with _reading_errors(self._settings), connect(self._settings) as connection:
            connection.read_only = True
            connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
            # A login of an enterprise has seconds; here the pace is that of whoever reads.
            connection.execute(_Q["allow_time"], {"longest": _LONGEST_STATEMENT_OF_EXPORT})
            yield Reading(connection)


@contextmanager
def _reading_errors(settings: DatabaseSettings) -> Iterator[None]:
    with store_errors(settings):
        try:
            yield
        except errors.QueryCanceled as exc:
            raise QueryTooLongError from exc
