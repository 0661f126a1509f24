from datetime import UTC, datetime, timedelta

from plant.clock import PlantClock, from_microseconds, microseconds

WALL = datetime(2026, 11, 22, 8, tzinfo=UTC)
ORIGIN = WALL - timedelta(hours=8)


def test_plant_time_runs_faster_when_speed_is_above_one() -> None:
    clock = PlantClock(WALL, ORIGIN, 240.0)
    assert clock.at(WALL + timedelta(seconds=10)) == ORIGIN + timedelta(minutes=40)


def test_plant_time_stands_still_when_the_wall_has_not_reached_its_origin() -> None:
    assert PlantClock(WALL, ORIGIN, 240.0).at(WALL - timedelta(minutes=1)) == ORIGIN


def test_plant_time_is_wall_time_when_it_has_caught_up() -> None:
    clock = PlantClock(WALL, ORIGIN, 240.0, catch_up=True)
    later = WALL + timedelta(hours=1)
    assert clock.at(later) == later


def test_plant_time_stops_when_it_reaches_its_end() -> None:
    until = ORIGIN + timedelta(hours=1)
    clock = PlantClock(WALL, ORIGIN, 240.0, until=until)
    assert clock.at(WALL + timedelta(hours=1)) == until


def test_microseconds_are_exact_when_converted_back() -> None:
    moment = datetime(2026, 11, 22, 1, 2, 3, 456789, tzinfo=UTC)
    assert from_microseconds(microseconds(moment)) == moment
    assert microseconds(datetime(1969, 12, 31, 23, 59, 59, 999999, tzinfo=UTC)) == -1
