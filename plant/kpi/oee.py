"""OEE of ISO 22400-2 from base sums: of a work unit, a line, a pool of either."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

from plant.kpi import BaseSums, Missing, OeeResult
from plant.kpi.fault import Figures, found_faults
from plant.kpi.sums import add

RATIOS = ("availability", "effectiveness", "quality_ratio", "oee")
_OF_EVERY_MACHINE = (
    "failure_events",
    "energy_kwh",
    "idle_energy_kwh",
    "inspected_parts",
    "good_at_first_parts",
    "rework_found_parts",
    "scrap_items",
    "rework_items",
)
"""What a serial line has of all its machines, not of its bottleneck."""
_PLANNED = (
    "pri_pq_ms",
    "pri_gq_ms",
    "line_pri_gq_ms",
    "start_up_pri_ms",
    "unpriced_items",
    "unseen_pri_pq_ms",
    "stopped_pri_pq_ms",
    "line_pri_sq_ms",
)
_QUANTITIES = tuple(
    f"{name}_{unit}"
    for name in ("produced", "good", "scrap", "rework")
    for unit in ("quantity", "items")
)


def oee(sums: BaseSums, minor_stop_ms: int = 0, absent: Missing | None = None) -> OeeResult:
    """Return the OEE of sums alone; see `oee_of`."""
    return oee_of(Figures(sums, absent, minor_stop_ms))


def oee_of(figures: Figures) -> OeeResult:
    """Return availability, effectiveness, quality ratio and OEE (ISO 22400-2).

    Availability is APT/PBT, where unknown time counts as not producing; its bounds take unknown
    time as stopped and as producing. Effectiveness is sum(PRI x PQ)/APT. The quality ratio is
    weighted by PRI, so that A x E x Q = OEE = sum(PRI x GQ)/PBT also with mixed products; for a
    single product that is GQ/PQ. Minor stops kept in running time move from A to E and leave OEE
    as it is. OEE needs neither states nor scrap: each ratio whose inputs are known is given, the
    others have their reason. Nothing is capped; above 1 a fault names the likely cause.

    Raises ValueError when the time elements do not add up to planned busy time.
    """
    sums = checked(figures.sums)
    absent = figures.absent
    if absent is None and sums.pbt_ms == 0:
        absent = Missing.NOT_SCHEDULED
    if absent is not None:
        return _nothing(absent)
    unseen = sums.unknown_ms == sums.pbt_ms
    if unseen and not figures.stateless and not sums.pri_pq_ms and not sums.pri_gq_ms:
        return replace(
            _nothing(Missing.NO_DATA), coverage=0.0, availability_low=0.0, availability_high=1.0
        )
    missing: dict[str, Missing] = {}
    running = sums.apt_ms + figures.minor_stop_ms
    quality = _quality(sums, missing)
    productive = _product(sums, missing)
    faults = found_faults(figures, quality)
    covered = run_time_coverage(sums)
    if figures.stateless or unseen:
        blind = Missing.NO_STATE if figures.stateless else Missing.NO_DATA
        missing |= {"availability": blind, "effectiveness": blind}
        blank = OeeResult(None, None, quality, productive, None, None, None, missing)
        blank = replace(blank, faults=faults, run_time_coverage=covered)
        if figures.stateless:
            return blank
        return replace(blank, coverage=0.0, availability_low=0.0, availability_high=1.0)
    low = running / sums.pbt_ms
    return OeeResult(
        availability=low,
        effectiveness=_effectiveness(sums, running, missing),
        quality_ratio=quality,
        oee=productive,
        coverage=(sums.pbt_ms - sums.unknown_ms) / sums.pbt_ms,
        availability_low=low,
        availability_high=(running + sums.unknown_ms) / sums.pbt_ms,
        missing=missing,
        faults=faults,
        run_time_coverage=covered,
    )


def checked(sums: BaseSums) -> BaseSums:
    """Return the sums if their times add up (PBT = APT + AUST + ADET + ADOT + UNKNOWN)."""
    parts = sums.apt_ms + sums.aust_ms + sums.adet_ms + sums.adot_ms + sums.unknown_ms
    if parts != sums.pbt_ms or not 0 <= sums.pbt_ms <= sums.pot_ms <= sums.calendar_ms:
        raise ValueError(f"time elements do not add up to planned busy time: {sums}")
    return sums


def pooled(places: Iterable[Figures]) -> Figures:
    """Return the figures of several places together: a pool of machines, the lines of a site.

    Sums are added and ratios formed afterwards; a mean of ratios would weigh an idle machine as
    much as a busy one. Places without planned busy time add their clock, their energy, their parts
    and what was planned with them, but nothing that OEE divides. A place of which nothing at all is
    known adds its planned busy time as unknown. A place that cannot be computed makes the pool
    incomputable, for the same reason.
    """
    every = list(places)
    absent = next((place.absent for place in every if place.absent is not None), None)
    busy = [place for place in every if place.sums.pbt_ms > 0]
    return Figures(
        add(_pooling(place) for place in every),
        absent if every else Missing.NO_DATA,
        sum(place.minor_stop_ms for place in busy),
        stateless=bool(busy) and all(place.stateless for place in busy),
    )


def _pooling(place: Figures) -> BaseSums:
    """Return what a place adds to a pool."""
    sums = place.sums
    if place.absent is None and 0 < sums.pbt_ms == sums.unknown_ms:
        # Nothing is known of it: what it made is as unknown as its time, which coverage tells.
        unknown = [name for name in (*_PLANNED, *_QUANTITIES) if getattr(sums, name) is None]
        nothing: dict[str, Any] = dict.fromkeys(unknown, 0.0)
        return sums if sums.pri_gq_ms else replace(sums, **nothing)
    if place.absent is not None or sums.pbt_ms > 0:
        return sums
    outside: dict[str, Any] = dict.fromkeys(_PLANNED, 0.0)
    if sums.unscheduled_production_ms == 0:
        # It did not run: nothing was made, also where nothing counts.
        uncounted = [name for name in _QUANTITIES if getattr(sums, name) is None]
        outside |= dict.fromkeys(uncounted, 0.0)
    return replace(sums, **outside)


def serial_line(
    units: Sequence[Figures],
    bottleneck: int | None,
    pri_gq_out_ms: float | None,
    pri_sq_ms: float | None,
) -> Figures:
    """Return the figures of a serial line, its units given in the order of the flow.

    The line's clock and speed are its bottleneck's. Its output is what left it: the good parts of
    its last unit and the scrap of all; so OEE = PRI of the bottleneck x good parts out / PBT of the
    bottleneck, Q = GQ/(GQ + SQ), and E = PRI x (GQ + SQ)/APT, above 1 while buffers are drawn down.
    `pri_gq_out_ms` and `pri_sq_ms` are good parts and scrap times that PRI, summed over products.
    Failures and energy are those of all units. Quantities are finished items, since its machines
    may make different parts of one. `bottleneck` is an index into `units`: it is configured, never
    guessed.
    """
    if bottleneck is None:
        return incomputable_line(units, Missing.NO_BOTTLENECK, units[-1] if units else None)
    paced, every = units[bottleneck], add(unit.sums for unit in units)
    good, scrap = units[-1].sums.good_items, _sum(_scrap_items(unit.sums) for unit in units)
    left = _sum((good, scrap))
    behind = _sum((good, *(_scrap_items(unit.sums) for unit in units[bottleneck:])))
    made = paced.sums.produced_items
    of_every: dict[str, Any] = {name: getattr(every, name) for name in _OF_EVERY_MACHINE}
    sums = replace(
        replace(paced.sums, **of_every),
        pri_pq_ms=_sum((pri_gq_out_ms, pri_sq_ms)),
        pri_gq_ms=pri_gq_out_ms,
        produced_quantity=left,
        produced_items=left,
        good_quantity=good,
        good_items=good,
        scrap_quantity=scrap,
        scrap_items=scrap,
        rework_quantity=every.rework_items,
    )
    return Figures(
        sums,
        paced.absent,
        paced.minor_stop_ms,
        paced.stateless,
        None if made is None or behind is None else behind - made,
    )


def in_items(unit: Figures) -> Figures:
    """Return the figures of a line of one machine: the machine's, with quantities in items."""
    names = ("produced", "good", "scrap", "rework")
    items = {f"{name}_quantity": getattr(unit.sums, f"{name}_items") for name in names}
    return replace(unit, sums=replace(unit.sums, **items))


def _scrap_items(sums: BaseSums) -> float | None:
    """Return the scrap of a machine in items: what is counted, else what is not good nor rework."""
    if sums.scrap_items is not None:
        return sums.scrap_items
    if sums.produced_items is None or sums.good_items is None:
        return None
    return sums.produced_items - sums.good_items - (sums.rework_items or 0.0)


def _sum(parts: Iterable[float | None]) -> float | None:
    known = list(parts)
    return None if None in known else sum(part for part in known if part is not None)


def incomputable_line(
    units: Sequence[Figures], reason: Missing, leaving: Figures | None
) -> Figures:
    """Return what is known of a serial line of which nothing can be divided: no pace, no clock.

    `leaving` is its last unit, None where nothing is known of it.
    """
    every = add(unit.sums for unit in units)
    good = None if leaving is None else leaving.sums.good_items
    known: dict[str, Any] = dict.fromkeys((*_PLANNED, *_QUANTITIES))
    known |= {name: getattr(every, name) for name in _OF_EVERY_MACHINE}
    known |= {"good_items": good, "good_quantity": good}
    known |= {"scrap_quantity": every.scrap_items, "rework_quantity": every.rework_items}
    calendar = max((unit.sums.calendar_ms for unit in units), default=0)
    return Figures(BaseSums(calendar_ms=calendar, **known), reason)


def _nothing(reason: Missing) -> OeeResult:
    return OeeResult(None, None, None, None, None, None, None, dict.fromkeys(RATIOS, reason))


def _effectiveness(sums: BaseSums, running: int, missing: dict[str, Missing]) -> float | None:
    reason = _no_speed(sums)
    if reason is None and running == 0:
        reason = Missing.NO_PRODUCTION_TIME
    if reason is not None:
        missing["effectiveness"] = reason
        return None
    assert sums.pri_pq_ms is not None
    return sums.pri_pq_ms / running


def _quality(sums: BaseSums, missing: dict[str, Missing]) -> float | None:
    made, good = sums.produced_quantity, sums.good_quantity
    if sums.pri_pq_ms and sums.pri_gq_ms is not None:
        made, good = sums.pri_pq_ms, sums.pri_gq_ms
    if made is None:
        missing["quality_ratio"] = uncounted(sums)
    elif good is None:
        missing["quality_ratio"] = Missing.NO_QUALITY_COUNTS
    elif made <= 0:
        missing["quality_ratio"] = Missing.NOTHING_PRODUCED
    else:
        return good / made
    return None


def _product(sums: BaseSums, missing: dict[str, Missing]) -> float | None:
    reason = productive_time_missing(sums)
    if reason is not None:
        missing["oee"] = reason
        return None
    assert sums.pri_gq_ms is not None
    return sums.pri_gq_ms / sums.pbt_ms


def productive_time_missing(sums: BaseSums) -> Missing | None:
    """Return why sum(PRI x GQ), the numerator of OEE, OOE and TEEP, cannot be told, if so."""
    if sums.pri_gq_ms is None:
        if sums.good_quantity is not None:
            return Missing.NO_PLANNED_RUN_TIME
        unsorted = sums.produced_quantity is not None
        return Missing.NO_QUALITY_COUNTS if unsorted else Missing.NO_COUNTS
    return Missing.NO_PLANNED_RUN_TIME if _is_unpriced(sums) else None


def run_time_coverage(sums: BaseSums) -> float | None:
    """Return the share of the parts whose product has a planned run time, None without parts."""
    made = _made_items(sums)
    if not made or made < 0 or sums.unpriced_items is None:
        return None
    return max(0.0, 1 - sums.unpriced_items / made)


def _made_items(sums: BaseSums) -> float | None:
    return sums.good_items if sums.produced_items is None else sums.produced_items


def _is_unpriced(sums: BaseSums) -> bool:
    """Tell whether parts were made and none of them has a planned run time."""
    return bool(sums.unpriced_items) and not sums.pri_pq_ms and not sums.pri_gq_ms


def _no_speed(sums: BaseSums) -> Missing | None:
    if sums.pri_pq_ms is None:
        known = sums.produced_quantity is not None
        return Missing.NO_PLANNED_RUN_TIME if known else uncounted(sums)
    return Missing.NO_PLANNED_RUN_TIME if _is_unpriced(sums) else None


def uncounted(sums: BaseSums) -> Missing:
    """Return why produced parts are not known: nothing counts the bad ones, or any at all."""
    only_good = sums.produced_quantity is None and sums.good_quantity is not None
    return Missing.NO_SCRAP_COUNTS if only_good else Missing.NO_COUNTS
