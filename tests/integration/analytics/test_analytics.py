"""Analytics on a real database: what is out of date is repaired, exactly and only once."""

import random
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest

import analytics
from analytics import AnalyticsSettings
from plant.errors import ConfigurationError
from plant.settings import DatabaseSettings
from tests.plants.figure_plant import GRINDER, LINE, SAW, SITE, FigurePlant, at
from tests.waiting import HANG_S, wait_until


@pytest.fixture
def plant(database: DatabaseSettings) -> Iterator[FigurePlant]:
    plant = FigurePlant(database)
    yield plant
    plant.close()


@pytest.mark.vital
def test_oee_follows_from_readings_when_a_machine_ran_a_whole_hour(
    each_database: DatabaseSettings,
) -> None:
    plant = FigurePlant(each_database)
    plant.run_steadily(SAW, 0, 2)
    plant.report(2)
    plant.compute(2)
    first = plant.result(SAW, "hour", 0)
    assert first["pbt_ms"] == first["apt_ms"] == 3_600_000
    # The first reading counts nothing: 89 of the 90 parts of this hour were seen to be made.
    assert first["produced_quantity"] == 89
    assert first["effectiveness"] == pytest.approx(89 * 30 / 3600)
    assert first["quality_ratio"] == 1
    assert first["oee"] == pytest.approx(89 * 30 / 3600)
    second = plant.result(SAW, "hour", 1)
    assert second["produced_quantity"] == 90
    assert plant.result(SAW, "shift", 0)["produced_quantity"] == 179
    plant.close()


def test_nothing_changes_when_computed_again(plant: FigurePlant) -> None:
    plant.run_steadily(SAW, 0, 1.5)
    plant.write(SAW, "state", [(1.2 + n / 180, "ABORTED") for n in range(20)])
    plant.report(1.5)
    plant.compute(1.5)
    before = plant.figures()
    plant.compute(1.5)
    assert plant.figures() == before
    plant.forget()
    plant.compute(1.5)
    assert plant.figures() == before


def test_no_dirty_window_is_left_when_a_pass_is_complete(plant: FigurePlant) -> None:
    plant.run_steadily(SAW, 0, 3)
    plant.report(3)
    assert plant.compute(3).complete
    assert plant.rows("select * from dirty_window") == []


def test_a_window_stays_dirty_when_it_is_marked_again_during_the_pass(plant: FigurePlant) -> None:
    from store.figure import derived as figure

    plant.run_steadily(SAW, 0, 0.5)
    read = figure.dirty_windows(plant.connection, 10)
    plant.write(SAW, "good_count", [(0.4, 37.0)])
    figure.delete_dirty(plant.connection, read)
    assert len(plant.rows("select * from dirty_window")) == 1


@pytest.mark.parametrize("seed", range(3))
def test_figures_are_those_of_order_when_data_arrive_out_of_order(
    plant: FigurePlant, seed: int
) -> None:
    rng = random.Random(seed)
    step = 1 / 90
    readings = []
    state, good = "EXECUTE", 0.0
    for number in range(int(3 / step)):
        if rng.random() < 0.15:
            state = rng.choice(["EXECUTE", "HELD", "ABORTED", "IDLE", "SUSPENDED"])
        good = 0.0 if rng.random() < 0.02 else good + (state == "EXECUTE")
        readings.append((number * step, state, good))
    chunks = [readings[i : i + 30] for i in range(0, len(readings), 30)]
    rng.shuffle(chunks)
    plant.report(3)
    for chunk in chunks:
        plant.write(SAW, "state", [(when, state) for when, state, _ in chunk])
        plant.write(SAW, "good_count", [(when, good) for when, _, good in chunk])
        plant.write(SAW, "scrap_count", [(when, 0.0) for when, *_ in chunk])
        plant.write(SAW, "product", [(chunk[0][0], "truc")])
        plant.write(SAW, "order", [(chunk[-1][0], rng.choice(["LSX-1", ""]))])
        plant.compute(3)
    late = plant.figures()
    plant.forget()
    plant.compute(3)
    assert plant.figures() == late


def test_a_late_reading_moves_the_count_when_it_lies_between_two_others(
    plant: FigurePlant,
) -> None:
    plant.write(SAW, "state", [(0.1, "EXECUTE"), (2.5, "EXECUTE")])
    plant.write(SAW, "scrap_count", [(0.1, 0.0), (2.5, 0.0)])
    plant.write(SAW, "product", [(0.1, "truc")])
    plant.write(SAW, "good_count", [(0.1, 100.0), (2.5, 160.0)])
    plant.report(3)
    plant.compute(3)
    assert plant.result(SAW, "hour", 2)["produced_quantity"] == 60
    plant.write(SAW, "good_count", [(0.5, 140.0)])
    plant.compute(3)
    assert plant.result(SAW, "hour", 0)["produced_quantity"] == 40
    assert plant.result(SAW, "hour", 1)["produced_quantity"] == 0
    assert plant.result(SAW, "hour", 2)["produced_quantity"] == 20


def test_data_on_their_way_are_not_silence_while_the_edge_is_online(plant: FigurePlant) -> None:
    plant.run_steadily(SAW, 0, 0.5)
    plant.report(0.5)
    plant.compute(0.502)
    assert plant.result(SAW, "hour", 0)["unknown_ms"] == 0
    assert plant.result(SAW, "hour", 0)["pbt_ms"] == 1_800_000


def test_time_is_unknown_when_the_edge_is_away_and_known_once_its_backlog_came(
    plant: FigurePlant,
) -> None:
    plant.run_steadily(SAW, 0, 0.5)
    plant.report(0.5, online=False)
    plant.compute(0.75)
    silent = plant.result(SAW, "hour", 0)
    assert silent["unknown_ms"] == 900_000 - 40_000
    assert silent["coverage"] < 1
    assert silent["availability_low"] < silent["availability_high"] == 1
    plant.run_steadily(SAW, 0.5, 0.9)
    plant.report(0.9)
    plant.compute(0.9)
    assert plant.result(SAW, "hour", 0)["unknown_ms"] == 0
    assert plant.rows("select * from oee_restatement") == []


def test_a_final_figure_leaves_a_trail_when_late_data_change_it(plant: FigurePlant) -> None:
    plant.run_steadily(SAW, 0, 1.5)
    plant.report(1.5)
    plant.compute(1.1)
    assert not plant.result(SAW, "hour", 0)["final"]
    plant.compute(1.2)
    assert plant.result(SAW, "hour", 0)["final"]
    assert not plant.result(SAW, "shift", 0)["final"]
    plant.write(SAW, "scrap_count", [(0.9, 9.0)])
    plant.compute(1.3)
    trail = plant.rows("select * from oee_restatement order by restatement_id")
    found = {(row["figure"], row["cause"]) for row in trail}
    assert ("oee", "late_data") not in found
    assert ("quality_ratio", "late_data") in found
    assert ("produced_quantity", "late_data") in found
    assert plant.result(SAW, "hour", 0)["final"]


def test_a_figure_is_not_final_when_rows_are_missing_in_between(plant: FigurePlant) -> None:
    plant.run_steadily(SAW, 0, 1.5)
    plant.report(1.5)
    plant.connection.execute("update delivery_ledger set committed = '{[1,4),[6,10)}'")
    plant.compute(1.4)
    assert not plant.result(SAW, "hour", 0)["final"]


def test_everything_ended_is_final_when_the_clock_has_stopped(plant: FigurePlant) -> None:
    plant.run_steadily(SAW, 0, 2)
    plant.report(1.999)
    plant.compute_stopped(2)
    assert plant.result(SAW, "hour", 1)["pbt_ms"] == 3_600_000
    assert plant.result(SAW, "hour", 1)["final"] is False
    plant.report(2)
    plant.compute_stopped(2)
    assert plant.result(SAW, "hour", 1)["final"]


def test_a_break_is_not_busy_time_and_parts_made_in_it_count(plant: FigurePlant) -> None:
    plant.run_steadily(SAW, 3.5, 5)
    plant.report(5)
    plant.compute(5)
    hour = plant.result(SAW, "hour", 4)
    assert hour["pbt_ms"] == hour["apt_ms"] == 1_800_000
    assert hour["produced_quantity"] == 90
    assert hour["faults"] == ["parts_outside_plan", "production_in_break"]
    assert hour["availability"] == 1


def test_line_and_site_take_the_bottleneck_clock_and_the_last_machine_parts(
    plant: FigurePlant,
) -> None:
    plant.run_steadily(SAW, 0, 1, cycle_s=30)
    plant.run_steadily(GRINDER, 0, 1, cycle_s=50)
    plant.report(1)
    plant.compute(1)
    line = plant.result(LINE, "hour", 0)
    grinder = plant.result(GRINDER, "hour", 0)
    assert line["oee"] == grinder["oee"] == pytest.approx(71 * 40 / 3600)
    assert plant.result(SITE, "hour", 0)["oee"] == line["oee"]


def test_reason_is_given_when_something_is_missing(plant: FigurePlant) -> None:
    plant.write(SAW, "state", [(0.1 + n / 180, "EXECUTE") for n in range(100)])
    plant.report(1)
    plant.compute(1)
    assert plant.result(SAW, "hour", 0)["missing"] == {
        "effectiveness": "no_counts",
        "quality_ratio": "no_counts",
        "oee": "no_counts",
    }
    assert plant.result(LINE, "hour", 0)["missing"]["oee"] == "no_data"


def test_no_figure_is_guessed_when_there_is_no_calendar(database: DatabaseSettings) -> None:
    plant = FigurePlant(database, shifts=[])
    plant.run_steadily(SAW, 0, 1)
    plant.report(1)
    plant.compute(1)
    result = plant.result(SAW, "hour", 0)
    assert result["oee"] is result["availability"] is None
    assert set(result["missing"].values()) == {"no_calendar"}
    assert plant.rows("select * from oee_result where kind = 'shift'") == []
    plant.close()


def test_figures_are_restated_when_the_calendar_changes(plant: FigurePlant) -> None:
    plant.run_steadily(SAW, 0, 1)
    plant.report(8.5)
    plant.compute(8.4)
    assert plant.result(SAW, "shift", 0)["final"]
    plant.reload(shifts=[{"name": "ca-dài", "start": "05:00", "end": "15:00"}])
    plant.compute(8.4)
    assert plant.result(SAW, "shift", -1)["shift"] == "ca-dài"
    shifts = plant.rows("select * from oee_result where kind = 'shift'")
    assert {row["window_start"] for row in shifts} >= {at(-1)}
    gone = plant.rows("select * from oee_restatement where cause = 'calendar'")
    assert {row["new_value"] for row in gone if row["window_start"] == at(0)} >= {None}


def test_stops_are_whole_when_hours_and_breaks_cut_their_intervals(plant: FigurePlant) -> None:
    plant.run_steadily(SAW, 3, 3.8)
    plant.run_steadily(SAW, 3.8, 4.7, state="HELD")
    plant.report(4.7)
    plant.compute(4.7)
    stops = plant.rows("select * from stop")
    assert [(row["start_time"], row["end_time"]) for row in stops] == [(at(3.8), None)]
    plant.run_steadily(SAW, 4.7, 5.2)
    plant.report(5.2)
    plant.compute(5.2)
    stops = plant.rows("select * from stop")
    assert [(row["start_time"], row["end_time"]) for row in stops] == [(at(3.8), at(4.7))]


def test_oee_is_the_same_when_minor_stops_count_as_running(database: DatabaseSettings) -> None:
    found = []
    for version, side in ((1, "availability"), (2, "effectiveness")):
        policy = {"version": version, "minor_stop_threshold_s": 120, "minor_stops_in": side}
        if version == 1:
            plant = FigurePlant(database, policy=policy)
            plant.run_steadily(SAW, 0, 1)
            plant.write(SAW, "state", [(0.505, "HELD"), (0.513, "EXECUTE")])
            plant.report(1)
        else:
            plant.reload(policy=policy)
            plant.forget()
        plant.compute(1)
        found.append(plant.result(SAW, "hour", 0))
    delay, running = found
    assert delay["oee"] == running["oee"]
    assert delay["availability"] < running["availability"] == 1
    assert delay["effectiveness"] > running["effectiveness"]
    assert (delay["policy_version"], running["policy_version"]) == (1, 2)
    plant.close()


def test_a_machine_may_have_a_threshold_of_its_own(database: DatabaseSettings) -> None:
    policy = {
        "minor_stop_threshold_s": 0,
        "minor_stop_thresholds_s": {"gia-cong/day-chuyen/cua": 120},
        "minor_stops_in": "effectiveness",
    }
    plant = FigurePlant(database, policy=policy)
    for unit in (SAW, GRINDER):
        plant.run_steadily(unit, 0, 1)
        plant.write(unit, "state", [(0.505, "HELD"), (0.513, "EXECUTE")])
    plant.report(1)
    plant.settle(1)

    saw, grinder = (plant.result(unit, "hour", 0)["availability"] for unit in (SAW, GRINDER))

    assert grinder < saw == 1
    # Nothing has changed, so the description may be loaded again.
    plant.reload(policy=policy)
    plant.close()


def test_an_hour_is_repaired_without_reading_a_month(plant: FigurePlant) -> None:
    plant.write(SAW, "state", [(24 * day, "EXECUTE") for day in range(30)])
    plant.report(24 * 30)
    while not plant.compute(24 * 30).complete:
        pass
    plant.write(SAW, "state", [(24 * 15 + 0.5, "HELD")])
    # The hour itself, the one before (its end was lost), and those in which the state stands on.
    assert plant.compute(24 * 30).unit_hours <= 4


@contextmanager
def running(plant: FigurePlant) -> Iterator[threading.Thread]:
    """Run the service in a thread; it ends with the block."""
    settings = AnalyticsSettings(database=plant.database, interval_s=0.05)
    stop = threading.Event()
    service = threading.Thread(target=analytics.run, args=(settings, stop))
    service.start()
    try:
        yield service
    finally:
        stop.set()
        service.join(HANG_S)
    assert not service.is_alive()


def test_service_computes_until_it_is_stopped(plant: FigurePlant) -> None:
    plant.run_steadily(SAW, 0, 0.5)
    plant.report(0.5)
    with running(plant):
        wait_until(lambda: plant.rows("select * from oee_result"), what="a first result")


def test_service_goes_on_when_its_connection_was_cut(plant: FigurePlant) -> None:
    plant.run_steadily(SAW, 0, 0.5)
    plant.report(0.5)
    with running(plant):
        wait_until(lambda: plant.rows("select * from oee_result"), what="a first result")
        plant.connection.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity"
            " where datname = current_database() and pid <> pg_backend_pid()"
        )
        plant.write(SAW, "scrap_count", [(0.4, 3.0)])
        wait_until(
            lambda: not plant.rows("select * from dirty_window"), what="the repair of an hour"
        )


def test_a_second_service_waits_while_the_first_one_works(plant: FigurePlant) -> None:
    plant.connection.execute("select pg_advisory_lock(7461002)")
    plant.run_steadily(SAW, 0, 0.5)
    plant.report(0.5)
    waiting = (
        "select * from pg_stat_activity where query like '%pg_try_advisory_lock%'"
        " and pid <> pg_backend_pid() and datname = current_database()"
    )
    with running(plant):
        wait_until(lambda: plant.rows(waiting), what="the second service to ask for the lock")
        assert plant.rows("select * from oee_result") == []
        plant.connection.execute("select pg_advisory_unlock(7461002)")
        wait_until(lambda: plant.rows("select * from oee_result"), what="a first result")


def test_start_stops_with_words_when_the_database_has_no_tables(
    database: DatabaseSettings,
) -> None:
    missing = database.model_copy(update={"name": "no-such-database"})
    with pytest.raises(ConfigurationError, match="no-such-database"):
        analytics.run(AnalyticsSettings(database=missing), threading.Event())


def test_grace_is_a_setting(plant: FigurePlant) -> None:
    plant.run_steadily(SAW, 0, 1.5)
    plant.report(1.5)
    plant.compute(1.2, grace=timedelta(hours=1))
    assert not plant.result(SAW, "hour", 0)["final"]
