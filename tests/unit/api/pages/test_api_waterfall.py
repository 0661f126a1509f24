"""The waterfall adds up whatever happened, and says where it cannot go on."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from api.pages.boards.losses import residual_ms, steps_of
from plant.kpi import BaseSums
from plant.kpi.loss import waterfall

MS = st.integers(0, 10**9)


@given(
    *(MS,) * 9,
    st.floats(0, 1e9),
    st.floats(0, 1),
)
def test_bars_add_up_to_the_calendar(
    apt: int,
    aust: int,
    held: int,
    breakdown: int,
    adot: int,
    unknown: int,
    off: int,
    extra: int,
    planned: int,
    made: float,
    share: float,
) -> None:
    pbt = apt + aust + held + breakdown + adot + unknown
    sums = BaseSums(
        calendar_ms=pbt + off + extra + planned,
        pot_ms=pbt + planned,
        pbt_ms=pbt,
        apt_ms=apt,
        aust_ms=aust,
        adet_ms=held + breakdown,
        breakdown_ms=breakdown,
        adot_ms=adot,
        unknown_ms=unknown,
        unscheduled_production_ms=extra,
        planned_break_ms=planned,
        pri_pq_ms=made,
        pri_gq_ms=made * share,
    )
    steps = steps_of(sums, {"held": held, "breakdown": breakdown})
    assert residual_ms(steps) == 0
    # Delay that no state explains has a bar, too.
    assert residual_ms(steps_of(sums, {"held": held // 2})) == 0
    engine = waterfall(sums)
    assert engine is not None
    by_key = {step.key: step.ms for step in steps}
    assert by_key["not_scheduled"] == engine.not_scheduled_ms
    assert by_key["planned"] == engine.planned_downtime_ms
    assert by_key["speed"] == engine.losses.reduced_speed_ms
    assert by_key["productive"] == engine.losses.productive_ms


def test_bars_end_where_the_plan_is_missing() -> None:
    sums = BaseSums(calendar_ms=10, pot_ms=10, pbt_ms=10, apt_ms=10, pri_pq_ms=None)
    assert steps_of(sums, {})[-1].key == "speed"
    assert steps_of(sums, {})[-1].ms is None
    assert steps_of(replace(sums, pri_pq_ms=5.0, pri_gq_ms=None), {})[-1].key == "quality"
