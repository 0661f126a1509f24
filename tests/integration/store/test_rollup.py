"""Cells of time over real rows of any age, in each edition."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from plant.settings import DatabaseSettings
from store import Connection, connect
from store.delivery.row import NumberColumns
from store.delivery.store import PostgresDeliveryStore
from store.reading.rollup import Cells, RollupReading, mark_unmarked, sum_up
from tests.plants.api_plant import seed

AT_ONCE = timedelta(0)
START = datetime(2024, 5, 1, tzinfo=UTC)


def number_tag(connection: Connection) -> int:
    row = connection.execute("select max(tag_id) from tag where value_type = 'number'").fetchone()
    assert row is not None
    return int(row[0])


def rows(tag: int, start: datetime, count: int, every_s: float = 60.0) -> NumberColumns:
    times = int(start.timestamp() * 1e6) + (np.arange(count) * every_s * 1e6).astype(np.int64)
    values = np.random.default_rng(count).normal(20, 5, count)
    return NumberColumns(np.full(count, tag), times, times, values, np.zeros(count, np.int64))


def deliver(database: DatabaseSettings, columns: NumberColumns) -> None:
    store = PostgresDeliveryStore(database)
    with store.transaction() as transaction:
        transaction.write_numbers(columns)
    store.close()


def sum_up_all(connection: Connection) -> int:
    hours = 0
    while True:
        report = sum_up(connection, AT_ONCE)
        hours += report.hours
        if report.complete:
            return hours


def check(cells: Cells, columns: NumberColumns) -> None:
    """Compare with the rows themselves."""
    assert cells.samples.sum() == len(columns)
    assert cells.low.min() == columns.value.min()
    assert cells.high.max() == columns.value.max()
    mean = float((cells.mean * cells.samples).sum() / cells.samples.sum())
    assert mean == pytest.approx(columns.value.mean())
    lowest = int(np.argmin(cells.low))
    assert cells.low_us[lowest] == columns.source_us[np.argmin(columns.value)]
    highest = int(np.argmax(cells.high))
    assert cells.high_us[highest] == columns.source_us[np.argmax(columns.value)]
    assert (cells.first[0], cells.last[-1]) == (columns.value[0], columns.value[-1])
    assert (np.diff(cells.start_us) > 0).all()


@pytest.mark.parametrize("width_s", [3600, 300, 60])
def test_cells_say_what_the_rows_say_however_old_and_whether_summed_up_or_not(
    each_database: DatabaseSettings, width_s: int
) -> None:
    seed(each_database)
    with connect(each_database, autocommit=True) as connection:
        tag = number_tag(connection)
        sum_up_all(connection)
        old = rows(tag, START + timedelta(minutes=7), 3000)
        deliver(each_database, old)
        reading = RollupReading(
            connection, tag, START + timedelta(minutes=3), START + timedelta(days=3)
        )
        check(reading.cells(width_s), old)
        assert sum_up_all(connection) == 51
        assert reading.rows_summed_up() == 3000
        check(reading.cells(width_s), old)

        # Into hours that are summed up; before and after them by SQL that marks nothing.
        late = rows(tag, START + timedelta(minutes=9, seconds=30), 100)
        deliver(each_database, late)
        whole = np.sort(np.concatenate([old.source_us, late.source_us]))
        assert reading.cells(width_s).samples.sum() == len(whole)
        sum_up_all(connection)
        assert reading.cells(width_s).samples.sum() == len(whole)
        connection.execute(
            "insert into measurement (tag_id, source_time, received_time, value, quality)"
            " values (%(tag)s, %(first)s, now(), 1, 0), (%(tag)s, %(last)s, now(), 2, 0)",
            {
                "tag": tag,
                "first": START + timedelta(minutes=4),
                "last": START + timedelta(days=2.9),
            },
        )
        assert reading.cells(width_s).samples.sum() == len(whole) + 2
        assert mark_unmarked(connection) >= 1
        sum_up_all(connection)
        assert reading.cells(width_s).samples.sum() == len(whole) + 2


def test_an_hour_that_is_still_written_to_waits(each_database: DatabaseSettings) -> None:
    seed(each_database)
    with connect(each_database, autocommit=True) as connection:
        tag = number_tag(connection)
        deliver(each_database, rows(tag, START, 10))
        sum_up_all(connection)
        deliver(each_database, rows(tag, START + timedelta(seconds=5), 10))
        (left,) = connection.execute(
            "select count(*) from rollup_pending where tag_id = %s and hour = %s", (tag, START)
        ).fetchone() or (None,)
        assert left == 1
        assert sum_up(connection, timedelta(hours=1)).hours == 0, "it has not been quiet for long"


def test_the_last_hour_of_minutes_is_found_without_looking_at_all_rows(
    each_database: DatabaseSettings,
) -> None:
    """Thirty days of a tag at a row a minute; the last hour touches few of them."""
    with connect(each_database, autocommit=True) as connection:
        connection.execute(
            "insert into measurement (tag_id, source_time, received_time, value, quality)"
            " select 7, %s + n * interval '1 minute', now(), n, 0"
            " from generate_series(0, 30 * 1440 - 1) n",
            (START,),
        )
        connection.execute("vacuum analyze measurement")
        last = START + timedelta(days=30)
        query = "select * from measurement_minute where tag_id = 7 and minute >= %s and minute < %s"
        bounds = (last - timedelta(hours=1), last)
        assert len(connection.execute(query, bounds).fetchall()) == 60
        (plan,) = connection.execute(
            "explain (analyze, format json, timing off) " + query, bounds
        ).fetchone() or (None,)
        assert plan is not None
        assert touched(plan[0]["Plan"]) < 200


def touched(node: dict[str, object]) -> int:
    """Return how many rows a plan's scans read and threw away."""
    own = round(float(str(node.get("Rows Removed by Filter", 0))) + float(str(node["Actual Rows"])))
    plans = node.get("Plans", [])
    assert isinstance(plans, list)
    return max([own, *(touched(plan) for plan in plans)])
