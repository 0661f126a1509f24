"""Data that stopped and clocks that are wrong, on a real database."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import pytest

from analytics.anomaly.watch.machine import load_machines
from analytics.anomaly.watch.silence import Attention, Unheard, watch_silence
from plant.settings import DatabaseSettings
from store.figure.source import plant_source
from tests.plants.figure_plant import at
from tests.plants.watched_plant import WatchedPlant, readings

ATTENTION = Attention(timedelta(minutes=3), timedelta(seconds=5), timedelta(minutes=1))


@pytest.fixture
def plant(database: DatabaseSettings) -> Iterator[WatchedPlant]:
    found = WatchedPlant(database)
    found.say(*readings(1.0))
    yield found
    found.close()


def look(plant: WatchedPlant, now: float) -> Unheard:
    machines = load_machines(plant.connection, plant_source(plant.connection), [plant.unit_id])
    return watch_silence(plant.connection, machines, at(now), ATTENTION)


def events(plant: WatchedPlant) -> list[dict[str, Any]]:
    return plant.rows(
        "select kind, tag_id, start_time, end_time, context, severity from anomaly_event"
        " order by opened_at, event_id"
    )


def arrive(plant: WatchedPlant, received: datetime, source: datetime, count: int = 20) -> None:
    """Let readings arrive one after another that bear other times than those of their arrival."""
    for second in range(count):
        step = timedelta(seconds=10 * second)
        plant.connection.execute(
            "insert into measurement (tag_id, source_time, received_time, value, quality)"
            " values (%s, %s, %s, 1.0, 0)",
            (plant.tags["cua/oil"], source + step, received + step),
        )


def refuse(plant: WatchedPlant, received: datetime, tag: str | None) -> None:
    plant.connection.execute(
        "insert into rejection (received_time, topic, edge_id, tag_name, reason, detail, raw)"
        " values (%s, 't', %s, %s, 'future_source_time', '', '')",
        (received, plant.edge_id, tag),
    )


def clock(plant: WatchedPlant, now: float, offset_s: float) -> None:
    plant.report(now)
    plant.connection.execute("update edge_status set clock_offset_ms = %s", [offset_s * 1000])


def test_data_that_stopped_are_an_alarm_until_they_come_again(plant: WatchedPlant) -> None:
    assert look(plant, 1.04) == Unheard(0, 0)
    assert look(plant, 1.1) == Unheard(1, 0)
    assert look(plant, 1.2) == Unheard(1, 0)
    (event,) = events(plant)
    assert (event["kind"], event["start_time"], event["end_time"]) == ("silence", at(1.0), None)

    plant.say([at(1.3)], np.ones((1, 3)))
    assert look(plant, 1.31) == Unheard(0, 0)
    (event,) = events(plant)
    assert event["end_time"] == at(1.3)
    # Outside of the shift nobody expects it to speak.
    assert look(plant, 9) == Unheard(0, 0)


def test_a_clock_that_went_back_is_told_as_such_and_not_as_silence(plant: WatchedPlant) -> None:
    plant.report(1.1)
    # Half an hour back from now on.
    arrive(plant, at(1.05), at(0.55))

    assert look(plant, 1.1) == Unheard(0, 1)
    assert look(plant, 1.11) == Unheard(0, 1)
    (event,) = events(plant)
    assert (event["kind"], event["start_time"], event["end_time"]) == ("clock", at(1.0), None)
    assert event["tag_id"] == plant.tags["cua/oil"]
    assert event["context"]["clock"] == "back"
    assert event["context"]["offset_s"] == -1800

    # Put right again.
    plant.say([at(1.2)], np.ones((1, 3)))
    assert look(plant, 1.21) == Unheard(0, 0)
    (event,) = events(plant)
    assert event["end_time"] == at(1.21)


def test_what_an_edge_kept_while_it_was_away_is_no_clock_that_went_back(
    plant: WatchedPlant,
) -> None:
    plant.report(1.5)
    # In the order of its readings, half an hour late.
    arrive(plant, at(1.5), at(1.001))

    assert look(plant, 1.56) == Unheard(1, 0)


def test_the_clock_of_an_edge_is_wrong_from_its_tolerance_on_and_right_well_within_it(
    plant: WatchedPlant,
) -> None:
    clock(plant, 1.0, 4.9)
    assert look(plant, 1.0) == Unheard(0, 0)
    clock(plant, 1.01, -7.5)
    assert look(plant, 1.01) == Unheard(0, 1)
    clock(plant, 1.02, -4.0)
    assert look(plant, 1.02) == Unheard(0, 1)
    (event,) = events(plant)
    assert (
        event["context"] | {"edge": "edge-1", "clock": "offset", "offset_s": -7.5}
        == (event["context"])
    )
    assert (event["severity"], event["end_time"]) == (7.5, None)
    clock(plant, 1.03, 1.0)
    assert look(plant, 1.03) == Unheard(0, 0)
    assert [one["end_time"] for one in events(plant)] == [at(1.03)]


@pytest.mark.parametrize("named", [True, False])
def test_times_that_are_yet_to_come_name_their_tag_if_it_is_known(
    plant: WatchedPlant, named: bool
) -> None:
    refuse(plant, at(1.0), "cua/oil" if named else None)
    refuse(plant, at(1.01), "cua/oil" if named else None)

    assert look(plant, 1.02) == Unheard(0, 1)
    (event,) = events(plant)
    assert event["tag_id"] == (plant.tags["cua/oil"] if named else None)
    assert event["start_time"] == at(1.0)
    assert event["context"]["clock"] == "future"

    plant.say([at(1.3)], np.ones((1, 3)))
    assert look(plant, 1.31) == Unheard(0, 0)
    assert [one["end_time"] for one in events(plant)] == [at(1.31)]
