"""OEE of ISO 22400-2 from base sums: of a work unit, a line, a pool of either."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from plant.kpi import BaseSums, Missing, OeeResult
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
_PLANNED = ("pri_pq_ms", "pri_gq_ms", "line_pri_gq_ms", "start_up_pri_ms")
_QUANTITIES = tuple(
    f"{name}_{unit}"
    for name in ("produced", "good", "scrap", "rework")
    for unit in ("quantity", "items")
)
EFFECTIVENESS_ABOVE_1 = "effectiveness_above_1"
QUALITY_ABOVE_1 = "quality_above_1"
PARTS_WITHOUT_PRODUCTION_TIME = "parts_without_production_time"
PARTS_OUTSIDE_PLAN = "parts_outside_plan"


@dataclass(frozen=True, slots=True)
class Figures:
    """What a place's figures are formed from.

    `absent` names what is missing to compute any figure at all. `minor_stop_ms` is the delay
    time in minor stops that the policy counts as running time (0 by ISO 22400).
    """

    sums: BaseSums
    absent: Missing | None = None
    minor_stop_ms: int = 0


def oee(sums: BaseSums, minor_stop_ms: int = 0, absent: Missing | None = None) -> OeeResult:
    """Return availability, effectiveness, quality ratio and OEE (ISO 22400-2).

    Availability is APT/PBT, where unknown time counts as not producing; its bounds take unknown
    time as stopped and as producing. Effectiveness is sum(PRI x PQ)/APT. The quality ratio is
    weighted by PRI, so that A x E x Q = OEE = sum(PRI x GQ)/PBT also with mixed products; for a
    single product that is GQ/PQ. Minor stops kept in running time move from A to E and leave OEE
    as it is. Nothing is capped; values above 1 are faults in the master data.

    Raises ValueError when the time elements do not add up to planned busy time.
    """
    checked(sums)
    if absent is None and sums.pbt_ms == 0:
        absent = Missing.NOT_SCHEDULED
    if absent is not None:
        return _nothing(absent)
    if sums.unknown_ms == sums.pbt_ms:
        return replace(
            _nothing(Missing.NO_DATA), coverage=0.0, availability_low=0.0, availability_high=1.0
        )
    running = sums.apt_ms + minor_stop_ms
    low = running / sums.pbt_ms
    missing: dict[str, Missing] = {}
    effectiveness = _effectiveness(sums, running, missing)
    quality = _quality(sums, missing)
    return OeeResult(
        availability=low,
        effectiveness=effectiveness,
        quality_ratio=quality,
        oee=_product(sums, missing),
        coverage=(sums.pbt_ms - sums.unknown_ms) / sums.pbt_ms,
        availability_low=low,
        availability_high=(running + sums.unknown_ms) / sums.pbt_ms,
        missing=missing,
        faults=_faults(sums, running, quality),
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
    and what was planned with them, but nothing that OEE divides. A place that cannot be computed
    makes the pool incomputable, for the same reason.
    """
    every = list(places)
    absent = next((place.absent for place in every if place.absent is not None), None)
    return Figures(
        add(_pooling(place) for place in every),
        absent if every else Missing.NO_DATA,
        sum(place.minor_stop_ms for place in every if place.sums.pbt_ms > 0),
    )


def _pooling(place: Figures) -> BaseSums:
    """Return what a place adds to a pool."""
    sums = place.sums
    if place.absent is not None or sums.pbt_ms > 0:
        return sums
    outside: dict[str, Any] = dict.fromkeys(_PLANNED, 0.0)
    if sums.unscheduled_production_ms == 0:
        # It did not run: nothing was made, also where nothing counts.
        uncounted = [name for name in _QUANTITIES if getattr(sums, name) is None]
        outside |= dict.fromkeys(uncounted, 0.0)
    return replace(sums, **outside)


def serial_line(
    units: Sequence[Figures], bottleneck: int | None, pri_gq_out_ms: float | None
) -> Figures:
    """Return the figures of a serial line, its units given in the order of the flow.

    The line's clock and speed are its bottleneck's, its good parts are those that leave the last
    unit: OEE = PRI of the bottleneck x good parts out / PBT of the bottleneck. `pri_gq_out_ms` is
    that numerator, summed over products; scrap, rework, failures and energy are those of all
    units. Its quantities are finished items, since its machines may make different parts of one.
    `bottleneck` is an index into `units`: it is configured, never guessed.
    """
    if bottleneck is None:
        return incomputable_line(units, Missing.NO_BOTTLENECK, units[-1] if units else None)
    paced, every = units[bottleneck], add(unit.sums for unit in units)
    return Figures(
        replace(
            paced.sums,
            **{name: getattr(every, name) for name in _OF_EVERY_MACHINE},
            pri_gq_ms=pri_gq_out_ms,
            produced_quantity=paced.sums.produced_items,
            good_quantity=units[-1].sums.good_items,
            good_items=units[-1].sums.good_items,
            scrap_quantity=every.scrap_items,
            rework_quantity=every.rework_items,
        ),
        paced.absent,
        paced.minor_stop_ms,
    )


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
    if sums.pri_pq_ms is not None and sums.pri_gq_ms is not None:
        made, good = sums.pri_pq_ms, sums.pri_gq_ms
    if made is None:
        missing["quality_ratio"] = Missing.NO_COUNTS
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
    reason = _no_speed(sums)
    if reason is not None or sums.pri_gq_ms is not None:
        return reason
    uncounted = sums.good_quantity is None
    return Missing.NO_QUALITY_COUNTS if uncounted else Missing.NO_PLANNED_RUN_TIME


def _no_speed(sums: BaseSums) -> Missing | None:
    if sums.pri_pq_ms is not None:
        return None
    return Missing.NO_COUNTS if sums.produced_quantity is None else Missing.NO_PLANNED_RUN_TIME


def _faults(sums: BaseSums, running: int, quality: float | None) -> tuple[str, ...]:
    found = []
    made_ms = sums.pri_pq_ms or 0.0
    # What was made in breaks or overtime counts: it may lift effectiveness at no wrong speed.
    ran = running + sums.unscheduled_production_ms
    if made_ms > ran > 0:
        found.append(EFFECTIVENESS_ABOVE_1)
    elif made_ms > running and sums.unscheduled_production_ms:
        found.append(PARTS_OUTSIDE_PLAN)
    if quality is not None and quality > 1:
        found.append(QUALITY_ABOVE_1)
    if sums.apt_ms + sums.unscheduled_production_ms == 0 and (sums.produced_quantity or 0) > 0:
        found.append(PARTS_WITHOUT_PRODUCTION_TIME)
    return tuple(found)
