"""The engine against a naive implementation, minute by minute, over everything it computes."""

from collections.abc import Sequence
from fractions import Fraction

import pytest
from hypothesis import given

from analytics.oee.unit_figure import UnitFigures
from plant.kpi import BaseSums, add
from plant.kpi.oee import oee
from plant.kpi.reliability import failures, reliability
from plant.kpi.stop import Stop, minor_stop_ms, stops
from plant.state import TimeElement
from tests.property.oee import by_hand as oee_by_hand
from tests.property.oee import ratios_by_hand as oee_ratios_by_hand
from tests.property.oee import sums_by_hand as oee_sums_by_hand
from tests.property.oee.by_hand import HandStop, Minute
from tests.property.oee.counts_by_hand import counted
from tests.property.oee.stories import (
    TICK_MS,
    Story,
    base_ms,
    engine_figures,
    policy_of,
    stories,
)
from tests.property.oee.sums_by_hand import Exact, HandSlice, shared


def told(value: Exact, scale: int = 1) -> float | None:
    return None if value is None else float(value * scale)


def sums_of(one: HandSlice, *, setup_planned: bool) -> BaseSums:
    """Return the base sums that a slice by hand amounts to."""
    ms = {name: count * TICK_MS for name, count in one.times.items()}
    setup = ms.get("setup", 0)
    planned_setup = setup if setup_planned else 0
    busy = sum(ms.get(name, 0) for name in ("production", "delay", "down", "unknown"))
    length = (one.end - one.start) * TICK_MS
    return BaseSums(
        calendar_ms=length,
        pot_ms=length if one.scheduled else 0,
        pbt_ms=busy + setup - planned_setup,
        apt_ms=ms.get("production", 0),
        aust_ms=setup - planned_setup,
        adet_ms=ms.get("delay", 0),
        adot_ms=ms.get("down", 0),
        unknown_ms=ms.get("unknown", 0),
        unscheduled_production_ms=ms.get("unscheduled_production", 0),
        pri_pq_ms=told(one.planned_produced, 1000),
        pri_gq_ms=told(one.planned_good, 1000),
        produced_quantity=told(one.produced),
        good_quantity=told(one.good),
        scrap_quantity=told(one.quantities.get("scrap")),
        rework_quantity=told(one.quantities.get("rework")),
        energy_kwh=told(one.quantities.get("energy")),
        planned_break_ms=ms.get("planned_break", 0),
        planned_maintenance_ms=ms.get("planned_maintenance", 0),
        planned_setup_ms=planned_setup,
        breakdown_ms=one.breakdown * TICK_MS,
        line_pri_gq_ms=told(one.planned_out, 1000),
        start_up_pri_ms=told(one.planned_rejects, 1000),
        idle_energy_kwh=told(one.idle_energy),
        produced_items=told(shared(one.produced, one.per_item)),
        good_items=told(shared(one.good, one.per_item)),
        scrap_items=told(shared(one.quantities.get("scrap"), one.per_item)),
        rework_items=told(shared(one.quantities.get("rework"), one.per_item)),
        unpriced_items=told(shared(one.unpriced, one.per_item)),
        unseen_pri_pq_ms=told(one.planned_unseen, 1000),
        stopped_pri_pq_ms=told(one.planned_standing, 1000),
        line_pri_sq_ms=told(one.planned_scrap_out, 1000),
    )


@given(stories())
def test_engine_agrees_with_counting_minutes(story: Story) -> None:
    base = base_ms(story)
    found = engine_figures(story)
    minutes = oee_by_hand.minutes(story)
    check_tiles(found, minutes, base)
    by_hand = oee_sums_by_hand.slices(story, minutes)
    assert [
        ((one.start - base) // TICK_MS, (one.end - base) // TICK_MS) for one in found.slices
    ] == [(one.start, one.end) for one in by_hand]
    for mine, hand in zip(found.slices, by_hand, strict=True):
        assert mine.sums == sums_of(hand, setup_planned=story.setup_planned)
        shift = None if mine.shift is None else (mine.shift.name, mine.shift.business_date)
        assert shift == minutes[hand.start].shift
        assert ("production_in_break" in mine.marks) == any(
            minutes[tick].works_in_break for tick in range(hand.start, hand.end)
        )
    check_stops(story, found, minutes)
    check_result(story, found)
    check_judgements(story, found)


def check_judgements(story: Story, found: UnitFigures) -> None:
    """Compare what was decided of readings that are no plain growth."""
    base = base_ms(story)
    for tag, counter in enumerate(story.counters.values(), start=10):
        if counter.increments:
            continue
        mine = [
            ((judged.time_us // 1000 - base) // TICK_MS, judged.event.name.lower())
            for tag_id, judged in found.judgements
            if tag_id == tag
        ]
        by_hand = counted(counter, story.length).events
        assert mine == [(tick, event) for tick, event in by_hand if tick >= 0]


def check_tiles(found: UnitFigures, minutes: Sequence[Minute], base: int) -> None:
    at = 0
    for tile in found.tiles:
        assert tile.start == base + at * TICK_MS
        for one in minutes[at : (tile.end - base) // TICK_MS]:
            assert (tile.element, tile.stop_kind) == (one.element, one.kind)
            assert (tile.stop_reason, tile.order, tile.product) == (
                one.reason,
                one.order,
                one.product,
            )
        at = (tile.end - base) // TICK_MS
    assert at == len(minutes)


def check_stops(story: Story, found: UnitFigures, minutes: Sequence[Minute]) -> None:
    """Compare whole stops, the delay in minor ones, and failures with their times."""
    base, policy = base_ms(story), policy_of(story)
    by_hand = oee_by_hand.stops(minutes)
    end = base + story.length * TICK_MS
    mine = stops(found.tiles, end)
    assert [tick_stop(one, base, story.length) for one in mine] == by_hand
    assert [one.end is None for one in mine] == [one.end == story.length for one in by_hand]
    short = [one for one in by_hand if one.stood * 60 < story.threshold_s]
    delays = [tile for tile in found.tiles if tile.element is TimeElement.DELAY]
    minutes_minor = sum(
        minutes[tick].element == "delay"
        for one in short
        if one.element == "delay"
        for tick in range(one.start, one.end)
    )
    assert minor_stop_ms(mine, delays, story.threshold_s * 1000, end) == minutes_minor * TICK_MS
    broken = oee_by_hand.failures(minutes, story.failure_at_least, story.failure_merge)
    failed = failures(found.tiles, policy, end)
    assert [(one.start, one.end) for one in failed] == [
        (base + start * TICK_MS, None if over is None else base + over * TICK_MS)
        for start, over in broken
    ]
    operating = sum(one.sums.apt_ms + one.sums.aust_ms for one in found.slices)
    seen = reliability(failed, operating)
    assert seen.failure_events == len(broken)
    if not broken:
        assert seen.mtbf_per_failure_ms is None
        assert seen.mtbf_per_failure_plus_1_ms is None
    else:
        assert seen.mtbf_per_failure_ms == pytest.approx(operating / len(broken))
        assert seen.mtbf_per_failure_plus_1_ms == pytest.approx(operating / (len(broken) + 1))
    repairs = [(start, over) for start, over in broken if over is not None]
    by_clock = sum(over - start for start, over in repairs)
    # Of failures that are one since they are close, the time between them is no repair: it ran.
    apart = oee_by_hand.failures(minutes, story.failure_at_least, 0)
    worked = sum(
        minutes[tick].element in ("delay", "down", "unknown")
        for start, over in apart
        if over is not None and any(first <= start < last for first, last in repairs)
        for tick in range(start, over)
    )
    for mine_ms, total in ((seen.mttr_ms, worked), (seen.mttr_calendar_ms, by_clock)):
        mttr = total * TICK_MS / len(repairs) if repairs else None
        assert mine_ms == (None if mttr is None else pytest.approx(mttr))


def tick_stop(one: Stop, base: int, length: int) -> HandStop:
    end = length if one.end is None else (one.end - base) // TICK_MS
    start = (one.start - base) // TICK_MS
    stood = end - start - one.paused_ms // TICK_MS
    return HandStop(start, end, one.element, one.stop_kind, one.stop_reason, stood)


def check_result(story: Story, found: UnitFigures) -> None:
    """Compare OEE and its factors of the whole window."""
    sums = add(one.sums for one in found.slices)
    hand = oee_ratios_by_hand.oee(sums)
    mine = oee(sums)
    pairs = [
        (mine.availability, hand.availability),
        (mine.effectiveness, hand.effectiveness),
        (mine.quality_ratio, hand.quality_ratio),
        (mine.oee, hand.oee),
        (mine.availability_low, hand.low),
        (mine.availability_high, hand.high),
        (mine.coverage, hand.coverage),
    ]
    for one, other in pairs:
        assert (one is None) == (other is None)
        if one is not None and other is not None:
            assert one == pytest.approx(float(other), abs=1e-12)
    for name in ("availability", "effectiveness", "quality_ratio", "oee"):
        assert (getattr(mine, name) is None) == (name in mine.missing)
    factors = (hand.availability, hand.effectiveness, hand.quality_ratio)
    if None not in factors and hand.oee is not None:
        product = Fraction(1)
        for factor in factors:
            product *= factor or Fraction(0)
        assert product == hand.oee
