"""The engine against a naive second-by-second implementation, and the laws that OEE obeys."""

from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics.base_sum import Slice, slices
from analytics.counting import Counter, increments
from analytics.interval import instant, intervals
from analytics.machine import MachineSignals, held_signals
from analytics.operation import PlannedRunTime, PlannedRunTimes
from analytics.recomputation import tiles
from analytics.schedule import Schedule
from analytics.signal import number_readings, text_readings
from analytics.state import timeline
from plant.calendar import ShiftInstance, Window
from plant.kpi import BaseSums
from plant.kpi.oee import oee
from plant.kpi.ratio import (
    overall_operations_effectiveness,
    total_effective_equipment_performance,
)
from plant.kpi.stop import minor_stop_ms, stops
from plant.kpi.sums import add
from plant.measurement import TagRole
from plant.state import TimeElement

END = 3600 + 300
SILENCE = 400
RUN_TIMES_S = {"a": 3, "b": 7}

Event = tuple[int, str, int]


@dataclass(frozen=True)
class Story:
    """What a machine said, in whole seconds."""

    states: list[Event]
    modes: list[Event]
    orders: list[Event]
    products: list[Event]
    good: list[tuple[int, int]]
    scrap: list[tuple[int, int]]
    shift: tuple[int, int]
    break_: tuple[int, int]
    maintenance: tuple[int, int]
    run_time_change: int = 0
    extra: dict[str, Any] = field(default_factory=dict)


def events(names: list[str]) -> st.SearchStrategy[list[Event]]:
    return st.lists(
        st.tuples(st.integers(-300, END), st.sampled_from(names), st.sampled_from([0] * 7 + [2])),
        max_size=25,
        unique_by=lambda event: event[0],
    )


def counts() -> st.SearchStrategy[list[tuple[int, int]]]:
    return st.lists(st.integers(-300, END), min_size=1, max_size=20, unique=True).flatmap(
        lambda times: st.lists(st.integers(0, 50), min_size=len(times), max_size=len(times)).map(
            lambda steps: list(
                zip(sorted(times), np.cumsum([500, *steps])[1:].tolist(), strict=True)
            )
        )
    )


spans = st.tuples(st.integers(0, END), st.integers(0, END)).map(lambda pair: (min(pair), max(pair)))
stories = st.builds(
    Story,
    events(["EXECUTE", "EXECUTE", "HELD", "SUSPENDED", "ABORTED", "CLEARING", "IDLE", "?"]),
    events(["PRODUCTION", "PRODUCTION", "SETUP"]),
    events(["", "LSX-1", "LSX-2"]),
    events(["a", "b"]),
    counts(),
    counts(),
    spans,
    spans,
    spans,
    st.integers(0, END),
)


def text(rows: list[Event]) -> Any:
    return text_readings(
        [at * 1_000_000 for at, _, _ in rows],
        [name for _, name, _ in rows],
        [quality for _, _, quality in rows],
    )


def numbers(rows: list[tuple[int, int]]) -> Any:
    return number_readings([at * 1_000_000 for at, _ in rows], [float(v) for _, v in rows])


def schedule_of(story: Story) -> Schedule:
    start, end = story.shift
    if start == end:
        return Schedule(())
    pause = Window(instant(story.break_[0] * 1000), instant(story.break_[1] * 1000))
    shift = ShiftInstance(
        "day", date(2026, 3, 2), Window(instant(start * 1000), instant(end * 1000)), (pause,)
    )
    return Schedule((shift,), intervals([tuple_ms(story.maintenance)]))


def tuple_ms(span: tuple[int, int]) -> tuple[int, int]:
    return span[0] * 1000, span[1] * 1000


def line_of(story: Story, start: int, end: int) -> Any:
    signals = held_signals(
        MachineSignals(
            state=text(story.states),
            state_silence_ms=SILENCE * 1000,
            mode=text(story.modes),
            mode_silence_ms=SILENCE * 1000,
            order=text(story.orders),
            product=text(story.products),
        )
    )
    cuts = np.array([story.run_time_change * 1000], dtype=np.int64)
    return timeline(start * 1000, end * 1000, signals, schedule_of(story), cuts)


def slices_of(story: Story, start: int = 0, end: int = END) -> list[Slice]:
    change = story.run_time_change * 1000
    planned = PlannedRunTimes(
        {
            name: [
                PlannedRunTime(-(10**9), change, seconds * 1000.0),
                PlannedRunTime(change, None, seconds * 2000.0),
            ]
            for name, seconds in RUN_TIMES_S.items()
        }
    )
    made = {
        TagRole.GOOD_COUNT: increments(numbers(story.good), Counter()),
        TagRole.SCRAP_COUNT: increments(numbers(story.scrap), Counter()),
    }
    return slices(line_of(story, start, end), schedule_of(story), made, planned)


def last_before(rows: list[Event], second: int, *, good_only: bool) -> Event | None:
    chosen = [row for row in rows if row[0] <= second and (row[2] < 2 or not good_only)]
    return max(chosen, default=None, key=lambda row: row[0])


def lasting(rows: list[Event], second: int) -> str | None:
    row = last_before(rows, second, good_only=True)
    return (row[1] or None) if row else None


def naive_element(story: Story, second: int) -> TimeElement:
    """Return the time element of one second, by the words of the rules."""
    state_row = last_before(story.states, second, good_only=False)
    state = None
    if state_row and state_row[2] < 2 and second < state_row[0] + SILENCE:
        state = state_row[1] if state_row[1] != "?" else None
    mode_row = last_before(story.modes, second, good_only=True)
    mode = mode_row[1] if mode_row and second < mode_row[0] + SILENCE else None
    runs = state == "EXECUTE" and mode == "PRODUCTION"
    if not story.shift[0] <= second < story.shift[1]:
        return TimeElement.UNSCHEDULED_PRODUCTION if runs else TimeElement.NOT_SCHEDULED
    if story.break_[0] <= second < story.break_[1]:
        return TimeElement.UNSCHEDULED_PRODUCTION if runs else TimeElement.PLANNED_BREAK
    if story.maintenance[0] <= second < story.maintenance[1]:
        return TimeElement.UNSCHEDULED_PRODUCTION if runs else TimeElement.PLANNED_MAINTENANCE
    if mode == "SETUP":
        return TimeElement.SETUP
    if mode is None or state is None:
        return TimeElement.UNKNOWN
    if state == "EXECUTE":
        return TimeElement.PRODUCTION
    if state == "IDLE" and lasting(story.orders, second) is None:
        return TimeElement.DOWN
    return TimeElement.DELAY


def naive_made(story: Story, rows: list[tuple[int, int]]) -> tuple[float, float | None]:
    """Return parts and their planned time in seconds, one difference after another."""
    total, planned = 0.0, 0.0
    missing = False
    for (_, old), (at, new) in zip(sorted(rows), sorted(rows)[1:], strict=False):
        if not 0 <= at < END:
            continue
        total += new - old
        product = lasting(story.products, at)
        if new == old:
            continue
        if product is None:
            missing = True
        else:
            factor = 2 if at >= story.run_time_change else 1
            planned += (new - old) * RUN_TIMES_S[product] * factor
    return total, None if missing else planned


@given(stories)
def test_engine_agrees_with_a_naive_slow_implementation(story: Story) -> None:
    parts = slices_of(story)
    total = add(part.sums for part in parts)
    seconds = dict.fromkeys(TimeElement, 0)
    for second in range(END):
        seconds[naive_element(story, second)] += 1
    assert total.apt_ms == seconds[TimeElement.PRODUCTION] * 1000
    assert total.aust_ms == seconds[TimeElement.SETUP] * 1000
    assert total.adet_ms == seconds[TimeElement.DELAY] * 1000
    assert total.adot_ms == seconds[TimeElement.DOWN] * 1000
    assert total.unknown_ms == seconds[TimeElement.UNKNOWN] * 1000
    extra = seconds[TimeElement.UNSCHEDULED_PRODUCTION]
    assert total.unscheduled_production_ms == extra * 1000
    good, planned_good = naive_made(story, story.good)
    scrap, planned_scrap = naive_made(story, story.scrap)
    if total.good_quantity is not None:
        assert total.good_quantity == good
    if total.produced_quantity is not None:
        assert total.produced_quantity == good + scrap
    if total.pri_gq_ms is not None and planned_good is not None:
        assert total.pri_gq_ms == pytest.approx(planned_good * 1000)
    if total.pri_pq_ms is not None and planned_good is not None and planned_scrap is not None:
        assert total.pri_pq_ms == pytest.approx((planned_good + planned_scrap) * 1000)


@given(stories)
def test_categories_add_up_to_calendar_time_exactly(story: Story) -> None:
    parts = slices_of(story)
    assert [part.end for part in parts[:-1]] == [part.start for part in parts[1:]]
    assert parts[0].start == 0
    assert parts[-1].end == END * 1000
    total = add(part.sums for part in parts)
    assert total.calendar_ms == END * 1000
    line = line_of(story, 0, END)
    assert sum(line.duration_ms(element) for element in TimeElement) == END * 1000
    for part in parts:
        one = part.sums
        pbt = one.apt_ms + one.aust_ms + one.adet_ms + one.adot_ms + one.unknown_ms
        assert pbt == one.pbt_ms <= one.pot_ms <= one.calendar_ms == part.end - part.start


def same(one: BaseSums, other: BaseSums) -> bool:
    """Tell whether sums agree, where a first reading does not decide whether a count is known."""
    return replace(one, **_COUNTED) == replace(other, **_COUNTED)


_COUNTED: dict[str, Any] = dict.fromkeys(
    ("produced_quantity", "good_quantity", "scrap_quantity", "pri_pq_ms", "pri_gq_ms"), 0.0
)


@given(stories, st.integers(0, END))
def test_parts_add_up_to_the_whole_when_split_anywhere(story: Story, cut: int) -> None:
    story = replace(story, good=[(-300, 0), *story.good], scrap=[(-300, 0), *story.scrap])
    whole = add(part.sums for part in slices_of(story))
    halves = slices_of(story, 0, cut) + slices_of(story, cut, END)
    total = add(part.sums for part in halves)
    assert same(total, whole)
    assert total.good_quantity == whole.good_quantity
    assert total.produced_quantity == whole.produced_quantity
    if total.pri_gq_ms is not None and whole.pri_gq_ms is not None:
        assert total.pri_gq_ms == pytest.approx(whole.pri_gq_ms)


@given(stories, st.randoms(use_true_random=False))
def test_figures_are_the_same_when_input_is_shuffled_and_repeated(story: Story, rng: Any) -> None:
    def disorder(rows: list[Any]) -> list[Any]:
        mixed = rows + [row for row in rows if rng.random() < 0.5]
        rng.shuffle(mixed)
        return mixed

    mixed = replace(
        story,
        states=disorder(story.states),
        modes=disorder(story.modes),
        orders=disorder(story.orders),
        products=disorder(story.products),
        good=disorder(story.good),
        scrap=disorder(story.scrap),
    )
    assert slices_of(mixed) == slices_of(story)


@given(stories, st.integers(0, 2_000_000))
def test_factors_multiply_to_oee_whatever_the_minor_stop_threshold(
    story: Story, threshold_ms: int
) -> None:
    sums = add(part.sums for part in slices_of(story))
    line = line_of(story, 0, END)
    found = tiles(line)
    delays = [tile for tile in found if tile.element is TimeElement.DELAY]
    minor = minor_stop_ms(stops(found), delays, threshold_ms, END * 1000)
    assert 0 <= minor <= sums.adet_ms
    strict, mild = oee(sums), oee(sums, minor)
    assert strict.oee == mild.oee
    for result in (strict, mild):
        factors = (result.availability, result.effectiveness, result.quality_ratio)
        if None not in factors and result.oee is not None:
            assert np.prod(np.array(factors, dtype=float)) == pytest.approx(result.oee)
        for name in ("availability", "effectiveness", "quality_ratio", "oee"):
            assert (getattr(result, name) is None) == (name in result.missing)


@given(stories)
def test_teep_is_at_most_ooe_and_ooe_at_most_oee(story: Story) -> None:
    sums = add(part.sums for part in slices_of(story))
    values = (
        total_effective_equipment_performance(sums),
        overall_operations_effectiveness(sums),
        oee(sums).oee,
    )
    if None not in values:
        teep, ooe, own = (float(value or 0) for value in values)
        assert teep <= ooe <= own


def test_a_story_begins_where_the_calendar_does() -> None:
    assert instant(0) == datetime(1970, 1, 1, tzinfo=UTC)
    assert instant(1000) - instant(0) == timedelta(seconds=1)
