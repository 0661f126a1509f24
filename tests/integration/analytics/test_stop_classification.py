"""What people say of stops survives everything that data and recomputation do to the stops."""

from collections.abc import Iterator
from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from plant.errors import DataError
from plant.settings import DatabaseSettings
from store.figure.classification import (
    Classification,
    ClassificationReceipt,
    classify_stop,
    unclassified_stops,
)
from tests.plants.figure_plant import SAW, FigurePlant, at


@pytest.fixture
def plant(database: DatabaseSettings) -> Iterator[FigurePlant]:
    plant = FigurePlant(database)
    plant.connection.execute(
        "insert into stop_reason (enterprise_id, code, name_vi, name_en)"
        " select place_id, code, code, code from place,"
        " unnest(array['het-phoi', 'gay-dao']) code where path = 'dong-nai'"
    )
    yield plant
    plant.close()


def stop_hours(plant: FigurePlant, start: float, end: float, state: str = "HELD") -> None:
    """Let the saw run for an hour but for one stop."""
    step = 1 / 180
    moments = [number * step for number in range(180)]
    plant.write(SAW, "state", [(m, state if start <= m < end else "EXECUTE") for m in moments])
    plant.write(SAW, "order", [(0.0, "LSX-1")])
    plant.write(SAW, "product", [(0.0, "truc")])
    plant.report(1)
    plant.compute(1)


def unit_id(plant: FigurePlant) -> int:
    (row,) = plant.rows("select place_id from place where path = %s", (SAW,))
    return int(row["place_id"])


def classify(
    plant: FigurePlant,
    start: float,
    reason: str = "het-phoi",
    said_at: float = 1.0,
    client_id: UUID | None = None,
) -> ClassificationReceipt:
    return classify_stop(
        plant.connection,
        Classification(
            unit_id(plant), at(start), reason, "operator", client_id or uuid4(), at(said_at)
        ),
    )


def reasons(plant: FigurePlant) -> list[tuple[float, str | None]]:
    rows = plant.rows("select start_time, stop_reason from stop order by start_time")
    return [((row["start_time"] - at(0)) / timedelta(hours=1), row["stop_reason"]) for row in rows]


def test_a_stop_has_its_reason_at_once_when_it_is_classified(plant: FigurePlant) -> None:
    stop_hours(plant, 0.2, 0.4)
    receipt = classify(plant, 0.2)
    assert receipt.stop_start == at(0.2)
    assert reasons(plant) == [(0.2, "het-phoi")]


def test_nothing_changes_when_a_request_is_repeated(plant: FigurePlant) -> None:
    stop_hours(plant, 0.2, 0.4)
    client = uuid4()
    first = classify(plant, 0.2, client_id=client)
    again = classify(plant, 0.2, client_id=client)
    assert (first.repeated, again.repeated) == (False, True)
    assert first.classification_id == again.classification_id
    with pytest.raises(DataError, match="client_id_reused"):
        classify(plant, 0.2, "gay-dao", client_id=client)
    assert len(plant.rows("select * from stop_classification")) == 1


def test_a_classification_is_refused_when_its_reason_is_unknown(plant: FigurePlant) -> None:
    stop_hours(plant, 0.2, 0.4)
    with pytest.raises(DataError, match="unknown_stop_reason: there is no stop reason ngu-gat"):
        classify(plant, 0.2, "ngu-gat")


def test_the_latest_word_holds_when_a_stop_is_classified_twice(plant: FigurePlant) -> None:
    stop_hours(plant, 0.2, 0.4)
    classify(plant, 0.2, "gay-dao", said_at=1.0)
    classify(plant, 0.2, "het-phoi", said_at=0.9)
    assert reasons(plant) == [(0.2, "gay-dao")]


def test_both_parts_keep_the_reason_when_late_data_divide_a_stop(plant: FigurePlant) -> None:
    stop_hours(plant, 0.2, 0.4)
    classify(plant, 0.2)
    plant.write(SAW, "state", [(0.3 + 0.001, "EXECUTE")])
    plant.compute(1)
    found = reasons(plant)
    assert len(found) == 2
    assert [reason for _, reason in found] == ["het-phoi", "het-phoi"]


def test_the_reason_stays_when_late_data_move_the_beginning(plant: FigurePlant) -> None:
    stop_hours(plant, 0.2, 0.4)
    classify(plant, 0.2)
    plant.write(SAW, "state", [(0.199, "HELD")])
    plant.compute(1)
    assert reasons(plant) == [(0.199, "het-phoi")]


def test_the_later_word_holds_when_late_data_join_two_stops(plant: FigurePlant) -> None:
    step = 1 / 180
    gap = [number * step for number in range(45, 54)]
    rest = [number * step for number in range(36, 63) if number * step not in gap]
    stop_hours(plant, 0, 0.2, "EXECUTE")
    plant.write(SAW, "state", [(m + 1e-5, "HELD") for m in rest])
    # The doubtful readings between the stops give way to good ones of the same moments.
    plant.connection.execute(
        "delete from text_measurement where source_time >= %s"
        " and source_time < %s and value = 'EXECUTE'",
        (at(0.2), at(0.35)),
    )
    plant.write(SAW, "state", [(m + 1e-5, "EXECUTE") for m in gap], quality=1)
    plant.compute(1)
    before = reasons(plant)
    assert len(before) == 2
    classify(plant, before[0][0], "gay-dao", said_at=0.8)
    classify(plant, before[1][0], "het-phoi", said_at=0.9)
    assert [reason for _, reason in reasons(plant)] == ["gay-dao", "het-phoi"]
    plant.write(SAW, "state", [(m + 1e-5, "HELD") for m in gap])
    plant.compute(1)
    assert reasons(plant) == [(before[0][0], "het-phoi")]


def test_reasons_are_the_same_when_everything_is_computed_again(plant: FigurePlant) -> None:
    stop_hours(plant, 0.2, 0.4)
    classify(plant, 0.2)
    before = plant.figures()
    plant.forget()
    plant.compute(1)
    assert plant.figures() == before


def test_only_stops_without_a_reason_are_listed_newest_first(plant: FigurePlant) -> None:
    stop_hours(plant, 0.2, 0.4)
    plant.write(SAW, "state", [(0.5 + m / 180, "HELD") for m in range(5)])
    plant.compute(1)
    units = [unit_id(plant)]
    every = unclassified_stops(plant.connection, units, at(0), at(1), now=at(1))
    starts = [stop.start for stop in every]
    assert starts == sorted(starts, reverse=True)
    assert at(0.2) in starts
    classify(plant, 0.2)
    rest = unclassified_stops(plant.connection, units, at(0), at(1), now=at(1))
    assert at(0.2) not in [stop.start for stop in rest]
    long = timedelta(hours=1)
    assert unclassified_stops(plant.connection, units, at(0), at(1), now=at(1), at_least=long) == []
