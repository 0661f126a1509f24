import threading
from datetime import timedelta
from pathlib import Path

import pytest

from plant.clock import from_microseconds
from plant.errors import ConfigurationError
from plant.state import TimeElement
from simulators.pilot import load_pilot
from simulators.service import Simulation
from simulators.settings import DisorderSettings
from simulators.truth import Batch, TruthFile, TruthReader, true_figures
from simulators.truth.figures import UnitTruth
from tests.plants.simulated_plants import ORIGIN_US, SEED, end_us, floor_of, identity_of, simulate

PILOT = "co-khi-mau"
UNIT = "co-khi-mau/bien-hoa/gia-cong/day-chuyen-1/cnc-1"
SECOND = 1_000_000


def dumped(path: Path) -> dict[str, list[object]]:
    with TruthReader(path) as truth:
        return {
            "states": [truth.states(unit) for unit in truth.work_units],
            "parts": [truth.parts(unit) for unit in truth.work_units],
            "readings": [truth.readings(tag) for tag in truth.tags],
            "planned": list(truth.planned),
        }


@pytest.mark.parametrize("name", ["co-khi-mau", "thuc-pham-mau"])
def test_record_is_the_same_when_the_run_was_interrupted(name: str, tmp_path: Path) -> None:
    whole = simulate(name, tmp_path / "whole", 1.0, DisorderSettings())
    simulate(name, tmp_path / "parts", 0.4, DisorderSettings())
    resumed = TruthFile.open(tmp_path / "parts", identity_of(load_pilot(name)))
    floor = floor_of(name, DisorderSettings())
    simulation = Simulation(floor, resumed, ORIGIN_US)
    simulation.fast_forward(threading.Event())
    assert simulation.tick == 1440
    assert (floor.issued, floor.batch.part) == ([], [])
    simulation.advance(3600)
    resumed.write_served(
        [(source_us, 1, 0, 200, source_us) for source_us in resumed.snapshot_times()]
    )
    resumed.close()

    assert dumped(tmp_path / "parts" / whole.name) == dumped(whole)


def test_nothing_changes_when_a_batch_is_written_twice(tmp_path: Path) -> None:
    truth = TruthFile.open(tmp_path, identity_of(load_pilot(PILOT)))
    batch = Batch(
        issued=[(0, 1, 2.5, 0), (0, 1, 2.5, 0)], part=[(UNIT, 1, 5, "good_count", "", "")]
    )

    truth.write(batch, 3, 9)
    truth.write(batch, 3, 9)

    assert truth.history(0, 0, 10, 10) == [(1, 2.5, 0)]
    assert truth.progress_tick == 3
    truth.close()


def test_history_pages_both_ways_when_asked(tmp_path: Path) -> None:
    truth = TruthFile.open(tmp_path, identity_of(load_pilot(PILOT)))
    truth.write(Batch(issued=[(0, at, float(at), 0) for at in range(5)]), 0, 0)

    assert [row[0] for row in truth.history(0, 1, 3, 2)] == [1, 2]
    assert [row[0] for row in truth.history(0, 1, 3, 2, backward=True)] == [3, 2]
    truth.close()


def test_start_is_refused_when_the_record_is_another_runs(tmp_path: Path) -> None:
    pilot = load_pilot(PILOT)
    TruthFile.open(tmp_path, identity_of(pilot)).close()

    TruthFile.open(tmp_path, identity_of(pilot)).close()
    with pytest.raises(ConfigurationError, match="different: seed"):
        TruthFile.open(tmp_path, identity_of(pilot, SEED + 1))


def test_start_is_refused_when_the_file_is_something_else(tmp_path: Path) -> None:
    (tmp_path / "co-khi-mau.sqlite").write_text("not a database, but long enough to be read as one")

    with pytest.raises(ConfigurationError, match="no record of a simulated plant"):
        TruthFile.open(tmp_path, identity_of(load_pilot(PILOT)))


def test_start_is_refused_when_the_folder_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "truth").write_text("")

    with pytest.raises(ConfigurationError, match="truth_folder"):
        TruthFile.open(tmp_path / "truth", identity_of(load_pilot(PILOT)))


def test_reader_says_so_when_the_file_is_no_truth(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="no ground truth"):
        TruthReader(tmp_path / "absent.sqlite")


class Written:
    """A record written by hand: one machine, one shift of 100 s with a break of 10 s."""

    def __init__(self, folder: Path) -> None:
        self.truth = TruthFile.open(folder, identity_of(load_pilot(PILOT)))
        self.batch = Batch(
            planned_window=[
                ("shift", self.at(0), self.at(100), "Ca 1", self.at(0)),
                ("break", self.at(50), self.at(60), "Ca 1", self.at(0)),
            ]
        )
        tag = ("", 1.0, 0.0, "{}", None, None, None, 20.0)
        self.truth.define(
            [
                (0, "e/s/m/state", UNIT, "state", 1, *tag),
                (1, "e/s/m/good_count", UNIT, "good_count", 0, *tag),
                (2, "e/s/m/scrap_count", UNIT, "scrap_count", 0, *tag),
                (3, "e/s/m/mode", UNIT, "mode", 1, *tag),
            ],
            [(UNIT, "p", 0, self.at(30), 10.0), (UNIT, "p", self.at(30), None, 8.0)],
        )

    @staticmethod
    def at(second: float) -> int:
        return ORIGIN_US + round(second * SECOND)

    def state(self, second: float, state: str, mode: str = "PRODUCTION", order: str = "o") -> None:
        row = (UNIT, self.at(second), state, mode, order, "p", None, "")
        self.batch.state_change.append(row)

    def read(self, tag: int, *seconds: float, quality: int = 0) -> None:
        self.batch.issued += [(tag, self.at(second), "x", quality) for second in seconds]

    def part(self, second: float, outcome: str = "good_count") -> None:
        number = len(self.batch.part) + 1
        self.batch.part.append((UNIT, number, self.at(second), outcome, "p", "o"))

    def reader(self) -> TruthReader:
        self.truth.write(self.batch, 100, self.at(100))
        self.truth.close()
        return TruthReader(self.truth.path)


@pytest.fixture
def written(tmp_path: Path) -> Written:
    return Written(tmp_path)


def test_figures_follow_their_definitions_when_worked_out_by_hand(written: Written) -> None:
    written.state(0, "IDLE", order="")
    written.state(10, "IDLE", mode="SETUP")
    written.state(20, "EXECUTE")
    written.state(55, "STOPPED")
    written.state(60, "HELD")
    written.state(70, "EXECUTE")
    for tag in (0, 1, 2):
        written.read(tag, *range(0, 101, 5))
    for second in (25, 40, 52):
        written.part(second)
    written.part(80, "scrap_count")

    with written.reader() as reader:
        found = true_figures(reader, UNIT, written.at(0), written.at(100))

    elements = {element: ms for element, ms in found.elements_ms.items() if ms}
    assert elements == {
        TimeElement.DOWN: 10_000,
        TimeElement.SETUP: 10_000,
        TimeElement.PRODUCTION: 60_000,
        TimeElement.UNSCHEDULED_PRODUCTION: 5_000,
        TimeElement.PLANNED_BREAK: 5_000,
        TimeElement.DELAY: 10_000,
    }
    assert (found.produced, found.good, found.scrap) == (4, 3, 1)
    assert found.availability == 60 / 90
    assert found.effectiveness == pytest.approx((10 + 8 + 8 + 8) / 60)
    assert found.quality_ratio == pytest.approx(26 / 34)
    assert found.oee == pytest.approx(26 / 90)


def test_time_is_unknown_when_nobody_could_read_the_state(written: Written) -> None:
    written.state(0, "EXECUTE")
    written.read(0, 0, 10)
    written.read(0, 40, quality=2)
    written.read(0, 45, 60, 75, 90)

    with written.reader() as reader:
        unit = UnitTruth(reader, UNIT)
        elements = unit.elements(written.at(0), written.at(100))

    # The reading of second 10 holds for 20 s; the bad one of second 40 claims nothing.
    assert unit.unobserved[0][1] == written.at(0)
    assert unit.unobserved[1:] == [
        (written.at(30), written.at(40)),
        (written.at(40), written.at(45)),
    ]
    assert elements[TimeElement.UNKNOWN] == 15_000
    assert elements[TimeElement.PRODUCTION] == 75_000


def test_setup_is_known_when_only_its_mode_could_be_read(written: Written) -> None:
    written.state(0, "EXECUTE")
    written.state(10, "IDLE", mode="SETUP")
    written.state(45, "EXECUTE")
    written.read(0, 0, 10)
    written.read(0, 20, quality=2)
    written.read(0, 45)
    written.read(3, 0, 10, 15)
    written.read(3, 25, quality=2)
    written.read(3, 45)

    with written.reader() as reader:
        elements = UnitTruth(reader, UNIT).elements(written.at(0), written.at(50))

    # The mode of second 15 stands for 20 s, through its bad reading; then neither is known.
    assert elements[TimeElement.SETUP] == 25_000
    assert elements[TimeElement.UNKNOWN] == 10_000
    assert elements[TimeElement.PRODUCTION] == 15_000


def test_transition_is_late_by_what_could_be_observed_until_a_reading_showed_it(
    written: Written,
) -> None:
    written.state(0, "EXECUTE")
    written.state(12, "HELD")
    written.state(35, "EXECUTE")
    written.state(95, "HELD")
    written.read(0, 0, 10, 14, 40, 60, 80)

    with written.reader() as reader:
        transitions = UnitTruth(reader, UNIT).transitions(written.at(0), written.at(98))

    # The reading of second 14 holds until 34; from then to second 40 nobody knew anything.
    assert [(one.before.state, one.after.state, one.late_us) for one in transitions] == [
        ("EXECUTE", "HELD", 2 * SECOND),
        ("HELD", "EXECUTE", 0),
        ("EXECUTE", "HELD", 3 * SECOND),
    ]


def test_part_counts_when_a_reading_shows_it(written: Written) -> None:
    written.state(0, "EXECUTE")
    written.read(0, *range(0, 101, 5))
    written.read(1, 0, 20, 40, 41)
    written.read(1, 30, quality=2)
    written.batch.counter_event.append((UNIT, "good_count", written.at(35), "reset", 2))
    for second in (15, 25, 33, 38):
        written.part(second)

    with written.reader() as reader:
        shown = [one.shown_us for one in UnitTruth(reader, UNIT).shown]
        halves = [
            true_figures(reader, UNIT, *w).good
            for w in (
                (written.at(0), written.at(20)),
                (written.at(20), written.at(40)),
                (written.at(40), written.at(99)),
            )
        ]

    # The reset of second 35 took the second and third part before anyone had seen them.
    assert shown == [written.at(20), None, None, written.at(40)]
    assert halves == [0, 1, 1]


@pytest.mark.parametrize("name", ["co-khi-mau", "thuc-pham-mau"])
def test_elements_tile_any_window_when_recorded(name: str, tmp_path: Path) -> None:
    path = simulate(name, tmp_path, 3.0, DisorderSettings())
    with TruthReader(path) as truth:
        for unit in (UnitTruth(truth, one) for one in truth.work_units):
            start, middle, end = ORIGIN_US, ORIGIN_US + 4_321_123_000, end_us(3.0)
            whole = unit.elements(start, end)
            halves = [unit.elements(start, middle), unit.elements(middle, end)]

            assert sum(whole.values()) == pytest.approx((end - start) / 1000)
            for element in TimeElement:
                assert whole[element] == pytest.approx(sum(half[element] for half in halves))


def test_modbus_readings_are_those_that_were_read(tmp_path: Path) -> None:
    late = ORIGIN_US + 600 * SECOND
    path = simulate("thuc-pham-mau", tmp_path, 0.5, served_from_us=late)

    with TruthReader(path) as truth:
        readings = truth.readings(truth.tags[0])
        assert len(truth.issued_times(truth.tags[0])) == 361
    assert len(readings) == 241
    assert from_microseconds(readings[0].source_us) >= from_microseconds(late)
    assert {reading.value for reading in readings} <= {"STOPPED", "EXECUTE", "HELD", "SUSPENDED"}


def test_reads_are_unproven_when_their_connection_ended(tmp_path: Path) -> None:
    simulate("thuc-pham-mau", tmp_path, 0.1, served_from_us=2**60)
    pilot = load_pilot("thuc-pham-mau")
    truth = TruthFile.open(tmp_path, identity_of(pilot))
    times = truth.snapshot_times()
    wall = timedelta(seconds=1) // timedelta(microseconds=1)
    truth.write_served(
        [(times[n], 1, 0, 74, n * wall) for n in range(10)]
        + [(times[10 + n], 2, 0, 74, (20 + n) * wall) for n in range(5)]
        + [(times[20], 2, 30, 44, 30 * wall)]
    )
    truth.close()

    with TruthReader(tmp_path / "thuc-pham-mau.sqlite") as reader:
        proven = [reading.proven for reading in reader.readings(reader.tags[0])]
        reader.settle({times[8], times[16], times[18]}, times[0], times[18])
        settled = [times.index(r.source_us) for r in reader.readings(reader.tags[0])]

    # Of the unproven one is stored, and one that the simulator had not logged.
    assert settled == [*range(7), 8, *range(10, 15), 16]
    # The last two seconds of the first connection; the second one is still the newest. A read
    # without the clock shows nothing to anyone.
    assert proven == [True] * 7 + [False] * 3 + [True] * 5
