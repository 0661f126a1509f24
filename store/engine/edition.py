"""What differs between the database editions, all of it in one place.

Three editions carry the same tables and views: TimescaleDB Community (columnstore, continuous
aggregates, policies), TimescaleDB Apache-2 (hypertables only) and plain PostgreSQL. The view
`measurement_minute` (one-minute rollups for charts) exists in each: a continuous aggregate in
Community, a plain view elsewhere. Plain `date_bin` equals `time_bucket` for fixed widths. Bounds on
its `minute` reach the rows in each: TimescaleDB knows what `time_bucket` of a bound means for the
time itself, plain PostgreSQL has an index of the minutes.
"""

from enum import StrEnum

from store.engine.connection import Connection
from store.engine.queries import queries


class Edition(StrEnum):
    """Which database this is."""

    TIMESCALE_COMMUNITY = "timescale_community"
    """TimescaleDB under the Timescale licence: everything."""
    TIMESCALE_APACHE = "timescale_apache"
    """TimescaleDB under Apache-2: hypertables, no columnstore, aggregates or policies."""
    PLAIN = "plain"
    """PostgreSQL without TimescaleDB."""


_Q = queries("engine/edition")


def detect(connection: Connection) -> Edition:
    """Return the edition of the server that a connection leads to.

    Before `prepare` has run on a database, it counts as plain.
    """
    row = connection.execute(_Q["timescale_license"]).fetchone()
    if row is None:
        return Edition.PLAIN
    return Edition.TIMESCALE_COMMUNITY if row[0] == "timescale" else Edition.TIMESCALE_APACHE


def prepare(connection: Connection) -> Edition:
    """Create the extension where the server has it, and return the edition.

    TimescaleDB that is installed but not preloaded cannot be used, so it counts as plain. The
    licence is known only once the extension is there.
    """
    row = connection.execute(_Q["timescale_usable"]).fetchone()
    if row is not None and row[0]:
        connection.execute(_Q["create_extension"])
    return detect(connection)


def apply(connection: Connection, edition: Edition) -> None:
    """Give the tables what the edition offers; running it again changes nothing."""
    if edition is Edition.PLAIN:
        connection.execute(_Q["create_minute_view"])
        connection.execute(_Q["create_minute_index"])
        connection.execute(_Q["create_history_function_of_nothing"])
        connection.execute(_Q["close_history_function"])
        return
    for table in ("measurement", "text_measurement"):
        connection.execute(_Q["create_hypertable"], {"table": table})
    connection.execute(_Q["create_history_function"])
    connection.execute(_Q["close_history_function"])
    if edition is Edition.TIMESCALE_APACHE:
        connection.execute(_Q["create_bucket_view"])


def apply_outside_transaction(connection: Connection, edition: Edition) -> None:
    """Create what TimescaleDB refuses to create inside a transaction (continuous aggregates)."""
    if edition is not Edition.TIMESCALE_COMMUNITY:
        return
    for statement in (
        "create_minute_aggregate",
        "remove_minute_policy",
        "add_minute_policy",
        "enable_columnstore_measurement",
        "enable_columnstore_text_measurement",
        "add_columnstore_policy_measurement",
        "add_columnstore_policy_text_measurement",
    ):
        connection.execute(_Q[statement])
