"""What is newest is found from where it was found last, and is what the view of everything says."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from plant.settings import DatabaseSettings
from store.engine.connection import Connection
from store.reading.newest import NewestReading
from tests.plants.figure_plant import SAW, FigurePlant, at


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


class Watched:
    """A number and a text of a machine, and a reader that remembers."""

    def __init__(self, database: DatabaseSettings) -> None:
        self.plant = FigurePlant(database)
        rows = self.plant.rows("select tag_id, name, value_type from tag")
        own = [(row["name"].split("/"), row["tag_id"]) for row in rows]
        self.ids = {name: tag for (machine, name), tag in own if machine == SAW.rpartition("/")[2]}
        self.tags = [(row["tag_id"], row["value_type"]) for row in rows]
        self.clock = Clock()
        self.reader = NewestReading(self.clock)

    @property
    def connection(self) -> Connection:
        return self.plant.connection

    def found(self) -> dict[int, Any]:
        """Return what the reader finds; it is what one finds that remembers nothing."""
        found = self.reader.of(self.connection, self.tags)
        assert found == NewestReading().of(self.connection, self.tags)
        return found

    def time_of(self, name: str) -> datetime | None:
        found = self.found().get(self.ids[name])
        return None if found is None else found[0]


@pytest.fixture
def watched(each_database: DatabaseSettings) -> Any:
    watched = Watched(each_database)
    yield watched
    watched.plant.close()


def test_what_comes_is_found(watched: Watched) -> None:
    assert watched.found() == {}
    watched.plant.write(SAW, "good_count", [(1, 5.0)])
    watched.plant.write(SAW, "state", [(1, "EXECUTE")])
    assert watched.time_of("good_count") == watched.time_of("state") == at(1)

    watched.plant.write(SAW, "good_count", [(1.1, 6.0), (0.5, 4.0)])
    assert watched.time_of("good_count") == at(1.1)
    assert watched.found()[watched.ids["good_count"]][2] == 6
    assert watched.found()[watched.ids["state"]][2] == "EXECUTE"


def test_a_tag_that_is_quiet_for_days_is_found_beside_others(watched: Watched) -> None:
    watched.plant.write(SAW, "scrap_count", [(0, 1.0)])
    watched.plant.write(SAW, "good_count", [(100, 5.0)])
    watched.found()
    # Late, and still older than what the others have.
    watched.plant.write(SAW, "scrap_count", [(1, 2.0)])
    watched.plant.write(SAW, "good_count", [(101, 6.0)])

    assert watched.time_of("scrap_count") == at(1)
    assert watched.time_of("good_count") == at(101)


def test_of_one_moment_the_last_that_came_is_told(watched: Watched) -> None:
    watched.plant.write(SAW, "good_count", [(1, 5.0)])
    watched.found()
    watched.connection.execute(
        "insert into measurement (tag_id, source_time, received_time, value, quality)"
        " values (%s, %s, %s, 7, 2)",
        (watched.ids["good_count"], at(1), at(1) + timedelta(seconds=1)),
    )

    assert watched.found()[watched.ids["good_count"]][2:] == (7, 2)


@pytest.mark.parametrize("later_s", [1.0, 3_600.0])
def test_what_is_no_more_is_forgotten(watched: Watched, later_s: float) -> None:
    watched.plant.write(SAW, "good_count", [(1, 5.0), (2, 6.0)])
    watched.found()
    watched.clock.now = later_s
    watched.connection.execute("delete from measurement where source_time = %s", (at(2),))
    assert watched.time_of("good_count") == at(1)
    watched.connection.execute("delete from measurement")

    assert watched.time_of("good_count") is None
