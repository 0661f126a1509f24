"""Laws that OEE obeys whatever a machine says."""

from dataclasses import fields, replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics.oee.base_sum import Slice
from plant.kpi import BaseSums, add
from plant.kpi.loss import six_losses, waterfall
from plant.kpi.oee import oee
from plant.kpi.ratio import (
    overall_operations_effectiveness,
    total_effective_equipment_performance,
)
from plant.kpi.stop import minor_stop_ms, stops
from plant.state import TimeElement
from tests.property.oee.stories import (
    PAST,
    TICK_MS,
    Counter,
    Report,
    Story,
    base_ms,
    engine_figures,
    stories,
)

counted = stories().map(
    lambda story: replace(
        story,
        counters={name: _counting_from_the_start(one) for name, one in story.counters.items()},
    )
)


def _counting_from_the_start(counter: Counter) -> Counter:
    """Return the counter with a reading before every window: whether it counts is then known."""
    return replace(counter, reports=(Report(PAST - 99, 0), *counter.reports))


@given(counted, st.integers(1, 1559))
def test_parts_add_up_to_the_whole_when_split_anywhere(story: Story, cut: int) -> None:
    cut = min(cut, story.length)
    whole = engine_figures(story).slices
    # Each half is given only what the store reads for it.
    halves = [
        *engine_figures(story, 0, cut, carried_only=True).slices,
        *engine_figures(story, cut, carried_only=True).slices,
    ]
    total, parts = add(one.sums for one in whole), add(one.sums for one in halves)
    for field in fields(BaseSums):
        one, other = getattr(total, field.name), getattr(parts, field.name)
        # Parts of either side cancel where a booking took them back: then no run time is missed.
        if field.name not in _PLANNED or None not in (one, other):
            assert one == other, field.name
    assert {mark for one in whole for mark in one.marks} == {
        mark for one in halves for mark in one.marks
    }


_PLANNED = {"pri_pq_ms", "pri_gq_ms", "line_pri_gq_ms", "start_up_pri_ms"}


@given(stories(), st.randoms(use_true_random=False))
def test_figures_are_the_same_when_input_is_shuffled_and_repeated(story: Story, rng: Any) -> None:
    def disorder(rows: list[Report]) -> list[Report]:
        mixed = rows + [row for row in rows if rng.random() < 0.5]
        rng.shuffle(mixed)
        return mixed

    assert engine_figures(story, disorder=disorder) == engine_figures(story)


@given(stories(), st.integers(0, 2_000_000))
def test_oee_stays_and_factors_move_with_the_minor_stop_threshold(
    story: Story, threshold_ms: int
) -> None:
    found = engine_figures(story)
    sums = total_of(found.slices)
    end = base_ms(story) + story.length * TICK_MS
    delays = [tile for tile in found.tiles if tile.element is TimeElement.DELAY]
    minor = minor_stop_ms(stops(found.tiles), delays, threshold_ms, end)
    assert 0 <= minor <= sums.adet_ms
    strict, mild = oee(sums), oee(sums, minor)
    assert strict.oee == mild.oee
    assert strict.quality_ratio == mild.quality_ratio
    if strict.availability is not None and mild.availability is not None:
        assert mild.availability - strict.availability == pytest.approx(minor / sums.pbt_ms)
    if None not in (strict.effectiveness, mild.effectiveness, mild.availability):
        assert (strict.effectiveness or 0) * (strict.availability or 0) == pytest.approx(
            (mild.effectiveness or 0) * (mild.availability or 0)
        )


@given(stories())
def test_losses_and_categories_add_up_exactly(story: Story) -> None:
    found = engine_figures(story)
    base, sums = base_ms(story), total_of(found.slices)
    assert found.slices[0].start == base
    assert found.slices[-1].end == base + story.length * TICK_MS
    assert [part.end for part in found.slices[:-1]] == [part.start for part in found.slices[1:]]
    for part in found.slices:
        one = part.sums
        pbt = one.apt_ms + one.aust_ms + one.adet_ms + one.adot_ms + one.unknown_ms
        planned = one.planned_break_ms + one.planned_maintenance_ms + one.planned_setup_ms
        assert pbt == one.pbt_ms <= one.pot_ms <= one.calendar_ms == part.end - part.start
        assert pbt + planned + one.unscheduled_production_ms <= one.calendar_ms
        assert one.breakdown_ms <= one.adet_ms
    losses, steps = six_losses(sums), waterfall(sums)
    if losses is None or steps is None:
        assert None in (sums.pri_pq_ms, sums.pri_gq_ms, sums.start_up_pri_ms)
        return
    assert losses.total_ms == sums.pbt_ms
    assert steps.rest_ms == 0
    assert steps.not_scheduled_ms >= 0


@given(stories())
def test_teep_is_at_most_ooe_and_ooe_at_most_oee(story: Story) -> None:
    sums = total_of(engine_figures(story).slices)
    values = (
        total_effective_equipment_performance(sums),
        overall_operations_effectiveness(sums),
        oee(sums).oee,
    )
    if None not in values and (sums.pri_gq_ms or 0) >= 0:
        teep, ooe, own = (float(value or 0) for value in values)
        assert teep <= ooe <= own


def total_of(parts: tuple[Slice, ...]) -> BaseSums:
    return add(part.sums for part in parts)
