"""Ratios, losses and roll-ups by hand: the definitions of ISO 22400-2 in exact fractions."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

from plant.kpi import BaseSums

Exact = Fraction | None


def exact(value: float | None) -> Exact:
    return None if value is None else Fraction(value)


def share(part: Exact, whole: Exact) -> Exact:
    return None if part is None or whole is None or whole == 0 else part / whole


@dataclass(frozen=True)
class HandOee:
    """OEE with its factors; None where the definition divides by nothing or by the unknown."""

    availability: Exact
    effectiveness: Exact
    quality_ratio: Exact
    oee: Exact
    low: Exact
    high: Exact
    coverage: Exact


NOTHING = HandOee(None, None, None, None, None, None, None)


def oee(sums: BaseSums, minor_ms: int = 0, *, stateless: bool = False) -> HandOee:
    """Return each ratio whose inputs are known."""
    pbt = Fraction(sums.pbt_ms)
    if pbt == 0:
        return NOTHING
    zero, one = Fraction(0), Fraction(1)
    made, good = exact(sums.pri_pq_ms), exact(sums.pri_gq_ms)
    blind = sums.unknown_ms == sums.pbt_ms
    if blind and not stateless and not made and not good:
        return HandOee(None, None, None, None, zero, one, zero)
    running = Fraction(sums.apt_ms + minor_ms)
    counted, sorted_ = sums.produced_quantity is not None, sums.good_quantity is not None
    nothing_priced = bool(sums.unpriced_items) and not made and not good
    quality = share(good, made) if made and good is not None else None
    if not made:
        quality = share(exact(sums.good_quantity), exact(sums.produced_quantity))
    if made is not None and made <= 0 and (sums.produced_quantity or 0) <= 0:
        quality = None
    speed = None if nothing_priced else share(made, running)
    return HandOee(
        availability=None if blind or stateless else running / pbt,
        effectiveness=None if blind or stateless else speed,
        quality_ratio=quality if counted and sorted_ else None,
        oee=None if nothing_priced else share(good, pbt),
        low=None if stateless else zero if blind else running / pbt,
        high=None if stateless else one if blind else (running + sums.unknown_ms) / pbt,
        coverage=None if stateless else 1 - Fraction(sums.unknown_ms) / pbt,
    )


def added(parts: Sequence[BaseSums]) -> BaseSums:
    """Return sums added name by name; what is unknown of one is unknown of all."""
    total: dict[str, float | None] = {}
    names = BaseSums.__dataclass_fields__
    for name in names:
        values = [getattr(part, name) for part in parts]
        total[name] = None if None in values else sum(values)
    return BaseSums(**total)  # type: ignore[arg-type]  # whole numbers stay whole


_KNOWN_BY_COUNT = (
    *("pri_pq_ms", "pri_gq_ms", "line_pri_gq_ms", "line_pri_sq_ms", "start_up_pri_ms"),
    *("unpriced_items", "unseen_pri_pq_ms", "stopped_pri_pq_ms"),
)
_COUNTS = tuple(
    f"{name}_{unit}"
    for name in ("produced", "good", "scrap", "rework")
    for unit in ("quantity", "items")
)


def is_mute(sums: BaseSums) -> bool:
    """Tell whether a machine was to work and said nothing at all."""
    said = (sums.produced_quantity, sums.good_quantity, sums.energy_kwh)
    return 0 < sums.pbt_ms == sums.unknown_ms and not any(said)


def pooled_oee(places: Sequence[BaseSums]) -> Exact:
    """Return good time of the places that were to work over the time they were to work."""
    told = []
    for place in places:
        if not place.pbt_ms:
            continue
        unknown: dict[str, float] = {}
        if place.unknown_ms == place.pbt_ms and not place.pri_gq_ms:
            names = (*_KNOWN_BY_COUNT, *_COUNTS)
            unknown = dict.fromkeys((one for one in names if getattr(place, one) is None), 0.0)
        told.append(replace(place, **unknown))  # type: ignore[arg-type]  # quantities only
    return oee(added(told)).oee if told else None


def scrap_of(sums: BaseSums) -> Exact:
    """Return a machine's scrap in items."""
    if sums.scrap_items is not None:
        return exact(sums.scrap_items)
    if sums.produced_items is None or sums.good_items is None:
        return None
    return Fraction(sums.produced_items) - Fraction(sums.good_items)


def line_of(units: Sequence[BaseSums], pacing: BaseSums) -> BaseSums:
    """Return the sums of a serial line: the bottleneck's time, and what left the line."""

    def total(parts: Sequence[Exact]) -> float | None:
        return None if None in parts else float(sum(part or 0 for part in parts))

    last = units[-1]
    scrapped = [scrap_of(unit) for unit in units]
    out = exact(last.line_pri_gq_ms)
    left = total([exact(last.good_items), *scrapped])
    return replace(
        pacing,
        pri_pq_ms=total([out, *(exact(unit.line_pri_sq_ms) for unit in units)]),
        pri_gq_ms=last.line_pri_gq_ms,
        produced_quantity=left,
        produced_items=left,
        good_quantity=last.good_items,
        good_items=last.good_items,
        scrap_quantity=total(scrapped),
        scrap_items=total(scrapped),
    )
