"""What the API reads of the edges; each method a named query of `store/reading/fleet.sql`."""

from datetime import datetime
from typing import Any, TypeVar

from psycopg.rows import class_row, dict_row
from psycopg.types.multirange import Multirange

from plant.delivery.gap import GapReason, gaps
from plant.delivery.idset import IdSet
from store.engine.connection import Connection
from store.engine.queries import queries
from store.reading.fleet_row import ConfigurationRow, DeliveryRow, FleetEdgeRow, RejectionCountRow

_Q = queries("reading/fleet")
R = TypeVar("R")


class FleetReading:
    """The questions, asked over one connection within one transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def deliveries(self) -> list[DeliveryRow]:
        """Return how completely each life of each edge's outbox has arrived."""
        with self._connection.cursor(row_factory=dict_row) as cursor:
            return [_delivery(row) for row in cursor.execute(_Q["deliveries"])]

    def edges(self) -> list[FleetEdgeRow]:
        """Return every enrolled edge, by site."""
        return self._rows(FleetEdgeRow, "edges")

    def lags(self, since: datetime, until: datetime) -> dict[str, dict[int, int]]:
        """Return by edge the histogram of lags of the hours in `[since, until)`.

        See `plant.delivery.lag`. An hour that is cut counts as a whole.
        """
        found: dict[str, dict[int, int]] = {}
        for edge, bucket, number in self._connection.execute(
            _Q["lags"], {"since": since, "until": until}
        ):
            found.setdefault(edge, {})[bucket] = number
        return found

    def rejections(self) -> list[RejectionCountRow]:
        """Return by edge and reason how many rejections were not replayed."""
        return self._rows(RejectionCountRow, "rejections")

    def configurations(self, edge: str | None = None) -> list[ConfigurationRow]:
        """Return what was pushed to an edge (its path; None for all), newest first."""
        return self._rows(ConfigurationRow, "configurations", edge=edge)

    def latest_configurations(self) -> list[ConfigurationRow]:
        """Return the newest that was pushed to each edge that ever got one."""
        return self._rows(ConfigurationRow, "latest_configurations")

    def _rows(self, row: type[R], query: str, **values: object) -> list[R]:
        with self._connection.cursor(row_factory=class_row(row)) as cursor:
            return cursor.execute(_Q[query], values).fetchall()


def _delivery(row: dict[str, Any]) -> DeliveryRow:
    committed, dropped = _id_set(row.pop("committed")), _id_set(row.pop("dropped"))
    because = {
        GapReason.PLATFORM_SET_BACK: _id_set(row.pop("set_back")),
        GapReason.OUTBOX_DAMAGED: _id_set(row.pop("damaged")),
    }
    settled = committed.union(dropped)
    # Rows may have come since the heartbeat that told how far the ids go.
    issued = max(row["issued_id"], settled.spans[-1][1] - 1 if settled.spans else 0)
    missing = settled.missing(1, issued + 1)
    return DeliveryRow(
        **row,
        committed_count=len(committed),
        dropped_count=len(dropped),
        missing=[(start, stop - 1) for start, stop in missing],
        gaps=gaps(
            committed, dropped, issued, row["pending"], present=row["present"], because=because
        ),
        contiguous_to=missing[0][0] - 1 if missing else issued,
    )


def _id_set(ids: Multirange[int]) -> IdSet:
    return IdSet(tuple((span.lower, span.upper) for span in ids if span.lower and span.upper))
