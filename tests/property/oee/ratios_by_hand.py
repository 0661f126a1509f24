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
    speed = share(made, running) if counted and not nothing_priced else None
    return HandOee(
        availability=None if blind or stateless else running / pbt,
        effectiveness=None if blind or stateless else speed,
        quality_ratio=quality if counted and sorted_ else None,
        oee=share(good, pbt) if sorted_ and not nothing_priced else None,
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
