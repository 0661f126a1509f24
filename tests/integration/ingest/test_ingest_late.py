"""Late data change figures, not the present."""

from plant.settings import DatabaseSettings
from store import load_plant
from store.reading.reading import Reader
from tests.integration.ingests import fetched, take
from tests.plants.deliveries import COUNT, LATHE, NOW_US, birth, data, plant

HOUR_US = 3_600_000_000
MARKED = "select extract(epoch from hour)::bigint from dirty_window order by hour"


def test_late_data_mark_their_hours_and_leave_the_newest_value_alone(
    each_database: DatabaseSettings,
) -> None:
    load_plant(each_database, plant())
    take(each_database, [birth(), data(1, [500.0], tag=COUNT.name)])
    take(
        each_database,
        [data(2, [7.0, 8.0], tag=COUNT.name, time_us=[NOW_US - 5 * HOUR_US, NOW_US - 2 * HOUR_US])],
    )

    marked = [hour for (hour,) in fetched(each_database, MARKED)]
    this_hour = NOW_US // HOUR_US * 3600
    assert marked == [this_hour - 5 * 3600, this_hour - 2 * 3600, this_hour]
    reader = Reader(each_database)
    reader.open()
    try:
        with reader.reading() as reading:
            unit = next(place.place_id for place in reading.places() if place.path == LATHE)
            newest = {tag.name: tag.value for tag in reading.tags([unit])}
    finally:
        reader.close()
    assert newest[COUNT.name] == 500.0
