"""Lines, areas and sites: from the sums of machines to OEE, against the definitions."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plant.kpi import BaseSums, Missing
from plant.kpi.fault import Figures
from plant.kpi.oee import oee, oee_of, pooled
from plant.kpi.ratio import idle_energy_share
from plant.kpi.rollup import Line, line_figures, place_figures
from tests.property.oee import ratios_by_hand
from tests.property.oee.ratios_by_hand import Exact, added, is_mute, line_of, pooled_oee, scrap_of

small = st.sampled_from([0, 0, 1, 5, 60, 600])


@st.composite
def unit_sums(draw: st.DrawFn) -> BaseSums:
    """Return base sums of a machine; times in whole milliseconds, parts whole."""
    apt, aust, adet, adot, unknown = (draw(small) for _ in range(5))
    pbt = apt + aust + adet + adot + unknown
    pot = pbt + draw(small)
    good, scrap, rework = (draw(st.integers(0, 9)) for _ in range(3))
    made = good + scrap + rework
    seconds, paced = (draw(st.sampled_from([None, 2, 7, 30])) for _ in range(2))
    counted = draw(st.sampled_from([True] * 4 + [False]))
    energy = draw(st.sampled_from([None, 1.5, 8.0]))
    per_item = draw(st.sampled_from([1, 1, 2, 4]))

    def planned(parts: int, run_time: int | None) -> float | None:
        return None if not counted else float(parts * (run_time or 0))

    return BaseSums(
        calendar_ms=pot + draw(small),
        pot_ms=pot,
        pbt_ms=pbt,
        apt_ms=apt,
        aust_ms=aust,
        adet_ms=adet,
        adot_ms=adot,
        unknown_ms=unknown,
        pri_pq_ms=planned(made, seconds),
        pri_gq_ms=planned(good, seconds),
        produced_quantity=float(made) if counted else None,
        good_quantity=float(good) if counted else None,
        scrap_quantity=float(scrap) if counted else None,
        rework_quantity=float(rework) if counted else None,
        # Who has said nothing all the while has not shown a failure either.
        failure_events=draw(st.integers(0, 2)) if pbt > unknown else 0,
        energy_kwh=energy,
        line_pri_gq_ms=planned(good, paced),
        idle_energy_kwh=None if energy is None else energy / 4,
        produced_items=made / per_item if counted else None,
        good_items=good / per_item if counted else None,
        scrap_items=scrap / per_item if counted else None,
        rework_items=rework / per_item if counted else None,
        unpriced_items=None if not counted else made / per_item if seconds is None else 0.0,
        unseen_pri_pq_ms=planned(0, 0),
        stopped_pri_pq_ms=planned(0, 0),
        line_pri_sq_ms=planned(scrap, paced),
    )


@dataclass(frozen=True)
class Works:
    """A line: its machines in the order of the flow, those without figures None."""

    kind: str
    bottleneck: int | None
    units: tuple[BaseSums | None, ...]


lines = st.builds(
    lambda kind, bottleneck, units: Works(
        kind, None if bottleneck is None else bottleneck % len(units), tuple(units)
    ),
    st.sampled_from(["serial", "serial", "parallel"]),
    st.sampled_from([None, 0, 1, 2, 3]),
    st.lists(
        st.sampled_from(range(6)).flatmap(lambda n: unit_sums() if n else st.none()),
        min_size=1,
        max_size=4,
    ),
)


# Their sums are drawn one by one, so they are not of one window: `of_time=False` below.
def told(works: Works, first: int = 0) -> tuple[Line, Mapping[int, Figures]]:
    ids = range(first, first + len(works.units))
    bottleneck = None if works.bottleneck is None else first + works.bottleneck
    figures = {
        unit_id: Figures(sums) for unit_id, sums in zip(ids, works.units, strict=True) if sums
    }
    return Line(works.kind, bottleneck, tuple(ids)), figures


def pacing_of(works: Works) -> BaseSums | Missing:
    """Return the machine that paces a serial line, or why there is no figure."""
    paced = 0 if len(works.units) == 1 else works.bottleneck
    if paced is None:
        return Missing.NO_BOTTLENECK
    sums, last = works.units[paced], works.units[-1]
    alone = len(works.units) == 1
    missing = [one for one in (sums, last) if one is None or (_never_counted(one) and not alone)]
    return Missing.NO_DATA if missing or sums is None else sums


def _never_counted(sums: BaseSums) -> bool:
    return is_mute(sums) and (sums.produced_quantity, sums.good_quantity) == (None, None)


def heard(works: Works) -> list[BaseSums]:
    """Return the machines of a serial line that tell anything of what left it."""
    alone = len(works.units) == 1
    return [one for one in present(works) if alone or not _never_counted(one)]


def sums_of_line(works: Works, pacing: BaseSums) -> BaseSums:
    """Return what a serial line's figures are formed from."""
    if len(works.units) > 1:
        return line_of(heard(works), pacing)
    items = {f"{name}_quantity": getattr(pacing, f"{name}_items") for name in ("produced", "good")}
    return replace(pacing, **items)


def present(works: Works) -> list[BaseSums]:
    return [sums for sums in works.units if sums is not None]


def close(mine: float | None, hand: Exact) -> bool:
    if mine is None or hand is None:
        return mine is None and hand is None
    return mine == pytest.approx(float(hand), abs=1e-12)


@given(lines)
def test_a_line_is_what_its_machines_make_of_it(works: Works) -> None:
    figures = line_figures(*told(works), of_time=False)
    result = oee_of(figures)
    members = present(works)
    if works.kind == "parallel":
        assert figures.absent is (None if members else Missing.NO_DATA)
        assert close(result.oee, pooled_oee(members))
        assert figures.sums.calendar_ms == sum(one.calendar_ms for one in members)
        return
    pacing = pacing_of(works)
    if isinstance(pacing, Missing):
        assert figures.absent is pacing
        assert result.oee is None
        return
    hand = sums_of_line(works, pacing)
    expected = ratios_by_hand.oee(hand)
    assert close(result.oee, expected.oee)
    assert close(result.quality_ratio, expected.quality_ratio)
    assert close(result.effectiveness, expected.effectiveness)
    assert figures.sums.apt_ms == pacing.apt_ms
    assert figures.sums.produced_quantity == hand.produced_quantity
    assert figures.sums.good_quantity == hand.good_quantity
    every = added(heard(works))
    assert figures.sums.rework_quantity == every.rework_items
    assert figures.sums.failure_events == every.failure_events
    whole = None if every.energy_kwh is None else Fraction(1, 4)
    assert close(idle_energy_share(figures.sums), whole)
    if figures.drawn_down_items is not None:
        place = next(n for n, unit in enumerate(heard(works)) if unit is pacing)
        behind = sum((scrap_of(unit) or 0 for unit in heard(works)[place:]), Fraction(0))
        made = Fraction(pacing.produced_items or 0)
        left = Fraction(heard(works)[-1].good_items or 0) + behind
        assert figures.drawn_down_items == pytest.approx(float(left - made))


@given(st.lists(lines, min_size=1, max_size=3))
def test_a_site_is_the_sums_of_its_lines_and_no_mean(site: Sequence[Works]) -> None:
    figures = place_figures((told(works, 10 * n) for n, works in enumerate(site)), of_time=False)
    result = oee_of(figures)
    known = [works for works in site if present(works)]
    why: list[Missing] = [] if known else [Missing.NO_DATA]
    places: list[BaseSums] = []
    for works in known:
        if works.kind == "parallel":
            places.append(_pool(present(works)))
            continue
        pacing = pacing_of(works)
        if isinstance(pacing, Missing):
            why.append(pacing)
        else:
            places.append(sums_of_line(works, pacing))
    if why:
        assert result.oee is None
        assert figures.absent in why
    else:
        assert close(result.oee, pooled_oee(places))


def _pool(units: Sequence[BaseSums]) -> BaseSums:
    """Return the sums of a pool, as those of one place."""
    return pooled(Figures(one) for one in units).sums


def energy_of(units: Sequence[BaseSums]) -> tuple[float | None, float | None]:
    """Return what machines used in all and while idle; None where one of them has no meter."""
    used = [(one.energy_kwh, one.idle_energy_kwh) for one in units]
    if any(whole is None for whole, _ in used):
        return None, None
    return sum(whole or 0 for whole, _ in used), sum(idle or 0 for _, idle in used)


@given(st.lists(lines, min_size=1, max_size=3))
def test_all_energy_and_failures_of_machines_are_those_of_every_place_above(
    site: Sequence[Works],
) -> None:
    figures = [line_figures(*told(works, 10 * n), of_time=False) for n, works in enumerate(site)]
    for works, line in zip(site, figures, strict=True):
        if present(works):
            assert (line.sums.energy_kwh, line.sums.idle_energy_kwh) == energy_of(present(works))
    known = [one for works in site for one in present(works)]
    own = place_figures((told(works, 10 * n) for n, works in enumerate(site)), of_time=False)
    # An enterprise is the pool of its sites' lines, however they are grouped.
    grouped = pooled(pooled(group) for group in (figures[:1], figures[1:]) if group)
    for whole in (own, pooled([own]), grouped):
        if known and len(figures) == sum(bool(present(works)) for works in site):
            assert (whole.sums.energy_kwh, whole.sums.idle_energy_kwh) == energy_of(known)
            assert whole.sums.failure_events == sum(one.failure_events for one in known)


@given(st.lists(unit_sums(), min_size=1, max_size=4), unit_sums())
def test_a_place_without_planned_time_changes_nothing_that_oee_divides(
    units: list[BaseSums], other: BaseSums
) -> None:
    idle = replace(other, pbt_ms=0, apt_ms=0, aust_ms=0, adet_ms=0, adot_ms=0, unknown_ms=0)
    idle = replace(idle, calendar_ms=idle.calendar_ms + 5, failure_events=0)
    idle = replace(idle, unscheduled_production_ms=5)
    one = line_figures(*told(Works("parallel", None, tuple(units))))
    more = line_figures(*told(Works("parallel", None, (*units, idle))))
    alone, joined = oee(one.sums), oee(more.sums)
    assert (joined.oee, joined.availability, joined.effectiveness) == (
        alone.oee,
        alone.availability,
        alone.effectiveness,
    )
    assert more.sums.calendar_ms == one.sums.calendar_ms + idle.calendar_ms
    for name in ("produced_quantity", "good_quantity", "scrap_items", "energy_kwh"):
        parts = (getattr(one.sums, name), getattr(idle, name))
        assert getattr(more.sums, name) == (None if None in parts else sum(parts))


@given(st.lists(unit_sums(), min_size=1, max_size=4))
def test_a_machine_that_stands_unplanned_makes_nothing_when_nothing_counts_it(
    units: list[BaseSums],
) -> None:
    idle = BaseSums(calendar_ms=77, produced_quantity=None, good_quantity=None, energy_kwh=2.0)
    line, figures = told(Works("parallel", None, tuple(units)))
    one = line_figures(line, figures).sums
    other = line_figures(*told(Works("parallel", None, (*units, idle)))).sums
    used = None if one.energy_kwh is None else one.energy_kwh + 2
    assert other == replace(
        one, calendar_ms=one.calendar_ms + 77, energy_kwh=used, idle_energy_kwh=None
    )
