"""A whole plant, advanced by hand: what must hold whatever chance does."""

from collections import Counter, defaultdict
from itertools import pairwise
from typing import Any

import pytest

from plant.settings import load_settings
from plant.state import SETUP_MODES
from simulators.pilot import load_pilot, pilot_folder
from simulators.settings import DisorderSettings
from simulators.truth.record import Batch
from tests.plants.simulated_plants import ORIGIN_US, floor_of

PILOTS = ("co-khi-mau", "thuc-pham-mau")
TICKS = 5 * 3600
DISORDER = DisorderSettings()


def history(name: str, disorder: DisorderSettings, ticks: int = TICKS, seed: int = 7) -> Batch:
    floor = floor_of(name, disorder, seed)
    for tick in range(ticks):
        floor.advance(tick)
        floor.settle()
    return floor.batch


@pytest.fixture(scope="module", params=PILOTS)
def batch(request: pytest.FixtureRequest) -> Batch:
    return history(request.param, DISORDER)


def per_unit(rows: list[tuple[Any, ...]]) -> dict[str, list[tuple[Any, ...]]]:
    found = defaultdict(list)
    for row in rows:
        found[row[0]].append(row)
    return found


@pytest.mark.parametrize("name", PILOTS)
def test_history_repeats_when_the_seed_repeats(name: str) -> None:
    one, other = history(name, DISORDER, 4000), history(name, DISORDER, 4000)

    assert one == other
    assert one != history(name, DISORDER, 4000, seed=8)


@pytest.mark.parametrize("name", PILOTS)
def test_states_and_parts_are_the_same_when_disorder_differs(name: str) -> None:
    quiet = DISORDER.model_copy(update={"missing": 0, "late": 0, "bad_quality": 0.2})
    one, other = history(name, DISORDER, 4000), history(name, quiet, 4000)

    assert one.state_change == other.state_change
    assert one.part == other.part
    assert (one.issued, one.snapshot) != (other.issued, other.snapshot) or name == "thuc-pham-mau"


def test_states_follow_one_another_when_recorded(batch: Batch) -> None:
    units = per_unit(batch.state_change)

    assert len(units) == 4
    for rows in units.values():
        times = [row[1] for row in rows]
        assert times == sorted(set(times))
        assert all(before[2:] != after[2:] for before, after in pairwise(rows))
    states = {row[2] for rows in units.values() for row in rows}
    assert states >= {"EXECUTE", "STOPPED", "SUSPENDED", "HELD", "ABORTED", "CLEARING", "COMPLETE"}
    assert {row[3] for row in batch.state_change} == {"PRODUCTION", "SETUP"}


def test_parts_are_made_only_while_a_machine_produces(batch: Batch) -> None:
    states = per_unit(batch.state_change)
    for unit, parts in per_unit(batch.part).items():
        for _, number, time_us, _outcome, product, order in parts:
            # A part is finished by the second before it is counted.
            during = [row for row in states[unit] if row[1] < time_us][-1]
            assert during[2] == "EXECUTE", (unit, number)
            assert during[3] not in SETUP_MODES
            assert (during[5], during[4]) == (product, order)


def test_no_part_leaves_a_machine_that_did_not_enter_the_line(batch: Batch) -> None:
    made = [Counter(row[3] for row in parts) for parts in per_unit(batch.part).values()]
    assert len(made) == 4
    passed_on = sorted((c["good_count"] + c["rework_count"] for c in made), reverse=True)
    assert min(passed_on) > 50


def test_machines_rest_when_no_shift_is_planned(batch: Batch) -> None:
    shifts = sorted({(row[1], row[2]) for row in batch.planned_window if row[0] == "shift"})
    for rows in per_unit(batch.part).values():
        for row in rows:
            # A clock may be 1.2 s off.
            assert any(start - 2e6 < row[2] <= end + 2e6 for start, end in shifts)


def test_orders_come_down_the_line_in_turn(batch: Batch) -> None:
    for rows in per_unit(batch.order_event).values():
        numbers = [row[1] for row in rows if row[4] == "loaded"]
        assert numbers == sorted(numbers)
        loaded = {row[1]: row[5] for row in rows if row[4] == "loaded"}
        unloaded = {row[1]: row[5] for row in rows if row[4] == "unloaded"}
        assert unloaded.keys() <= loaded.keys()
        assert all(unloaded[number] > loaded[number] for number in unloaded)


def test_a_16_bit_counter_wraps_and_another_is_reset(batch: Batch) -> None:
    kinds = {kind: (unit, before) for unit, _key, _time, kind, before in batch.counter_event}

    assert kinds["wrap"][1] == 65535
    assert kinds["reset"][1] >= 100
    assert kinds["wrap"][0] != kinds["reset"][0]


@pytest.mark.parametrize("name", PILOTS)
def test_counters_only_grow_when_they_may_not_wrap_or_be_reset(name: str) -> None:
    batch = history(name, DisorderSettings(counter_wrap=False, counter_reset=False))

    assert batch.counter_event == []


def test_every_tag_speaks_every_ten_seconds_when_orderly() -> None:
    floor = floor_of("co-khi-mau")
    for tick in range(1800):
        floor.advance(tick)
    floor.settle()

    times = defaultdict(list)
    for tag_id, source_us, _value, quality in floor.issued:
        assert quality == 0
        times[tag_id].append(source_us)
    assert len(times) == len(floor.tag_rows())
    for stamps in times.values():
        assert stamps[0] == ORIGIN_US
        assert stamps == sorted(set(stamps))
        assert max(b - a for a, b in pairwise(stamps)) <= 10_000_000


def test_one_clock_is_ahead_when_skewed() -> None:
    floor = floor_of("co-khi-mau", DISORDER)
    floor.advance(0)
    floor.settle()

    offsets = Counter(source_us - ORIGIN_US for _tag, source_us, _value, _quality in floor.issued)
    assert set(offsets) == {0, 1_200_000}


def test_values_stay_within_the_limits_the_edge_knows() -> None:
    from edge_agent import EdgeSettings

    for name in PILOTS:
        tags = {
            tag.name: tag
            for tag in load_settings(EdgeSettings, pilot_folder(name) / "edge.yaml").tags()
        }
        pilot = load_pilot(name)
        floor = floor_of(name)
        seen: dict[str, list[float]] = defaultdict(list)
        for tick in range(2 * 3600):
            floor.advance(tick)
        floor.settle()
        if floor.block is None:
            for tag_id, _time, value, _quality in floor.issued:
                if isinstance(value, float):
                    seen[pilot.tags[tag_id].name].append(value)
        else:
            for _time, registers in floor.batch.snapshot:
                for tag, field in zip(pilot.tags, floor.block.fields, strict=True):
                    value = field.decode(registers, 0)
                    if isinstance(value, float):
                        seen[tag.name].append(value)
        assert len(seen) > 8
        for tag_name, values in seen.items():
            low, high = tags[tag_name].low, tags[tag_name].high
            assert low is None or min(values) >= low, tag_name
            assert high is None or max(values) <= high, tag_name
