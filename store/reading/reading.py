"""What the API reads: one method per question, each a query named in `reading.sql` beside it."""

from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any, TypeVar

import psycopg
from psycopg import errors
from psycopg.rows import class_row
from psycopg_pool import ConnectionPool, PoolTimeout

from plant.errors import NhipmayError
from plant.settings import DatabaseSettings
from store.engine import edition
from store.engine.connection import SESSION, Connection, connect, conninfo, store_errors
from store.engine.queries import queries
from store.reading.board import BoardReading
from store.reading.fleet import FleetReading
from store.reading.kpi import EVERYTHING, Chosen, KpiReading
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
_BLOCK_BYTES = 256 * 1024
_PATIENCE_S = 15.0
R = TypeVar("R")


class QueryTooLongError(NhipmayError):
    """The database took too long to answer; ask for a shorter window or fewer places."""


class Reading:
    """The questions, asked over one connection within one transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

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
        return self._rows(PlaceRow, "places")

    def tags(self, units: Sequence[int]) -> list[TagRow]:
        """Return the tags of work units (place ids) with their newest measurements."""
        return self._rows(TagRow, "tags", units=list(units))

    def find_tag(self, site: str, name: str) -> TagKey | None:
        """Return the tag of a site's path and a tag name."""
        found = self._rows(TagKey, "find_tag", site=site, name=name)
        return found[0] if found else None

    def measurements(
        self, tag: TagKey, from_time: datetime, end: datetime, *, skip: int, limit: int
    ) -> list[MeasurementRow]:
        """Return up to `limit` measurements in `[from_time, end)`, leaving out the first `skip`."""
        name = "text_measurements" if tag.value_type == "text" else "number_measurements"
        return self._rows(
            MeasurementRow,
            name,
            tag_id=tag.tag_id,
            from_time=from_time,
            end=end,
            skip=skip,
            limit=limit,
        )

    def rollups(self, tag: TagKey, start: datetime, end: datetime) -> RollupReading:
        """Return the questions about a number tag in cells of time; see `store.reading.rollup`."""
        return RollupReading(self._connection, tag.tag_id, start, end)

    def results(
        self, places: Sequence[int], kind: str, start: datetime, end: datetime
    ) -> list[OeeRow]:
        """Return the OEE results of places whose windows overlap `[start, end)`."""
        return self._rows(OeeRow, "results", places=list(places), kind=kind, start=start, end=end)

    def result_table(
        self,
        places: Sequence[int],
        kind: str,
        start: datetime,
        end: datetime,
        reasons: Sequence[str],
    ) -> ResultTable:
        """Return main figures of places and windows in columns: `store.reading.result_table`."""
        return result_table(self._connection, places, kind, start, end, reasons)

    def latest_shifts(self, places: Sequence[int], now: datetime) -> list[OeeRow]:
        """Return the two newest shifts that have begun, per place, newest first."""
        return self._rows(OeeRow, "latest_shifts", places=list(places), now=now)

    def states(self, units: Sequence[int], start: datetime, end: datetime) -> list[StateRow]:
        """Return the states of work units clipped to `[start, end)`, by unit and time."""
        return self._rows(StateRow, "states", units=list(units), start=start, end=end)

    def stops(
        self, units: Sequence[int], start: datetime, end: datetime, *, now: datetime, limit: int
    ) -> list[StopRow]:
        """Return whole stops that overlap `[start, end)`, newest first."""
        return self._rows(
            StopRow, "stops", units=list(units), start=start, end=end, now=now, limit=limit
        )

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

    def export(self, units: Sequence[int], start: datetime, end: datetime) -> Generator[bytes]:
        """Yield every measurement in `[start, end)` as CSV, in blocks of whole lines.

        Columns: tag, source_time, received_time, value, quality. Tags come in the order of their
        names, the rows of a tag in time order. The database writes the lines itself.
        """
        tags = self._connection.execute(_Q["export_tags"], {"units": list(units)}).fetchall()
        for tag_id, tag, value_type in tags:
            select = _Q["export_texts" if value_type == "text" else "export_numbers"]
            values = {"tag_id": tag_id, "tag": tag, "start": start, "end": end}
            with (
                self._connection.cursor() as cursor,
                # COPY takes no parameters: the driver writes them into the statement, quoted.
                cursor.copy(f"copy ({select}) to stdout with (format csv)", values) as lines,
            ):
                yield from _blocks(lines)

    def _rows(self, row: type[R], query: str, /, **values: Any) -> list[R]:
        with self._connection.cursor(row_factory=class_row(row)) as cursor:
            return cursor.execute(_Q[query], values).fetchall()


class Reader:
    """Read-only access to the database for a service that outlives the database's outages."""

    def __init__(
        self, settings: DatabaseSettings, *, wait_s: float = 2.0, statement_timeout_s: int = 20
    ) -> None:
        self._settings = settings
        self._pool: ConnectionPool[Connection] = ConnectionPool(
            conninfo(settings),
            kwargs={"options": f"{_READ_ONLY} -c statement_timeout={statement_timeout_s}s"},
            min_size=1,
            max_size=settings.pool_size,
            timeout=wait_s,
            # Short, or a database that was away for minutes would be found again minutes late.
            reconnect_timeout=5,
            check=ConnectionPool.check_connection,
            open=False,
        )

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
            yield Reading(connection)

    @contextmanager
    def _connection(self) -> Iterator[Connection]:
        try:
            connection = self._pool.getconn()
        except PoolTimeout:
            # The pool does not say why; a connection of our own does, if the database is away.
            self.check()
            # It is there and only slow, or asked by many: that is worth waiting for.
            connection = self._pool.getconn(timeout=_PATIENCE_S)
        try:
            with connection:
                yield connection
        finally:
            self._pool.putconn(connection)

    @contextmanager
    def exporting(self) -> Iterator[Reading]:
        """Lend a connection of its own that sees one moment's data, for as long as it takes."""
        with _reading_errors(self._settings), connect(self._settings) as connection:
            connection.read_only = True
            connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
            yield Reading(connection)


@contextmanager
def _reading_errors(settings: DatabaseSettings) -> Iterator[None]:
    with store_errors(settings):
        try:
            yield
        except errors.QueryCanceled as exc:
            raise QueryTooLongError from exc


def _blocks(lines: Iterable[bytes | bytearray | memoryview]) -> Iterator[bytes]:
    # The database sends line by line; whoever streams them pays per piece, not per byte.
    block = bytearray()
    for line in lines:
        block += line
        if len(block) >= _BLOCK_BYTES:
            yield bytes(block)
            block.clear()
    if block:
        yield bytes(block)
