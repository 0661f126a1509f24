"""Ratios, losses and roll-ups by hand: the definitions of ISO 22400-2 in exact fractions."""

from collections.abc import Sequence
from dataclasses import dataclass
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


def oee(sums: BaseSums, minor_ms: int = 0) -> HandOee:
    pbt = Fraction(sums.pbt_ms)
    if pbt == 0:
        return NOTHING
    if sums.unknown_ms == sums.pbt_ms:
        zero, one = Fraction(0), Fraction(1)
        return HandOee(None, None, None, None, zero, one, zero)
    running = Fraction(sums.apt_ms + minor_ms)
    made, good = exact(sums.pri_pq_ms), exact(sums.pri_gq_ms)
    counted = sums.produced_quantity is not None
    speed = share(made, running) if counted else None
    weighed = made is not None and good is not None
    quality = (
        share(good, made)
        if weighed
        else share(exact(sums.good_quantity), exact(sums.produced_quantity))
    )
    known = counted and made is not None and good is not None and sums.good_quantity is not None
    return HandOee(
        availability=running / pbt,
        effectiveness=speed,
        quality_ratio=quality if counted and sums.good_quantity is not None else None,
        oee=share(good, pbt) if known else None,
        low=running / pbt,
        high=(running + sums.unknown_ms) / pbt,
        coverage=1 - Fraction(sums.unknown_ms) / pbt,
    )


def added(parts: Sequence[BaseSums]) -> BaseSums:
    """Return sums added name by name; what is unknown of one is unknown of all."""
    total: dict[str, float | None] = {}
    names = BaseSums.__dataclass_fields__
    for name in names:
        values = [getattr(part, name) for part in parts]
        total[name] = None if None in values else sum(values)
    return BaseSums(**total)  # type: ignore[arg-type]  # whole numbers stay whole


def pooled_oee(places: Sequence[BaseSums]) -> Exact:
    """Return good time of the places that were to work over the time they were to work."""
    busy = [place for place in places if place.pbt_ms]
    return oee(added(busy)).oee if busy else None


def serial_oee(pacing: BaseSums, last: BaseSums) -> Exact:
    """Return the bottleneck's planned time of the good parts out, over its planned busy time."""
    if pacing.pbt_ms in (0, pacing.unknown_ms):
        return None
    if pacing.produced_quantity is None or pacing.pri_pq_ms is None or last.good_quantity is None:
        return None
    return share(exact(last.line_pri_gq_ms), Fraction(pacing.pbt_ms))
