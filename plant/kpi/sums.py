"""Additive base sums: what every ratio is formed from, and how they add up."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, fields
from operator import attrgetter
from typing import Any


@dataclass(frozen=True, slots=True)
class BaseSums:
    """What adds up exactly over time, machines and products; every ratio is formed from these.

    Times are whole milliseconds, quantities parts. The identity
    `pbt = apt + aust + adet + adot + unknown` always holds, and
    `calendar = not_scheduled + unscheduled_production + planned_downtime + pbt`.
    `planned_downtime` is breaks and maintenance without production during them.
    """

    calendar_ms: int = 0
    pot_ms: int = 0
    """Planned operation time (POT): scheduled shift time, breaks included."""
    pbt_ms: int = 0
    """Planned busy time (PBT)."""
    apt_ms: int = 0
    """Actual production time (APT)."""
    aust_ms: int = 0
    """Actual unit setup time (AUST)."""
    adet_ms: int = 0
    """Actual unit delay time (ADET)."""
    adot_ms: int = 0
    """Actual unit down time (ADOT): available, no order."""
    unknown_ms: int = 0
    """Planned busy time of which nothing is known."""
    unscheduled_production_ms: int = 0
    """Production outside planned busy time."""
    pri_pq_ms: float | None = 0.0
    """Sum of planned run time per item times produced quantity, of products that have a planned run
    time; None when nothing counts parts."""
    pri_gq_ms: float | None = 0.0
    """The same of good quantity; None when nothing tells good from bad."""
    produced_quantity: float | None = 0.0
    """PQ; None when nothing counts parts."""
    good_quantity: float | None = 0.0
    """GQ: good at first pass; None when nothing tells good from bad."""
    scrap_quantity: float | None = 0.0
    """SQ."""
    rework_quantity: float | None = 0.0
    """RQ."""
    failure_events: int = 0
    """FE: breakdowns that began here."""
    energy_kwh: float | None = None
    """Electrical energy; None without a meter."""
    planned_break_ms: int = 0
    """Breaks outside planned busy time, without production."""
    planned_maintenance_ms: int = 0
    """Maintenance agreed beforehand (PMT), without production."""
    planned_setup_ms: int = 0
    """Setup outside planned busy time, where the policy puts it there."""
    breakdown_ms: int = 0
    """The part of ADET in breakdowns."""
    line_pri_gq_ms: float | None = 0.0
    """Sum of good quantity times the planned run time of its product at the line's bottleneck."""
    start_up_pri_ms: float | None = 0.0
    """Sum of planned run time per item times the rejects made while setting up."""
    idle_energy_kwh: float | None = None
    """Energy used while not producing; None without a meter."""
    inspected_parts: int = 0
    """IP: parts with a serial number, by their first inspection at the machine."""
    good_at_first_parts: int = 0
    """GP: those good at it."""
    rework_found_parts: int = 0
    """Those it sent to be worked on again."""
    produced_items: float | None = 0.0
    """PQ in finished items: parts by the parts that make one, as the routing says."""
    good_items: float | None = 0.0
    """GQ in finished items."""
    scrap_items: float | None = 0.0
    """SQ in finished items."""
    rework_items: float | None = 0.0
    """RQ in finished items."""
    unpriced_items: float | None = 0.0
    """What of PQ (of GQ where only good parts are counted) has no planned run time, in finished
    items."""
    unseen_pri_pq_ms: float | None = 0.0
    """The part of `pri_pq_ms` that was made in unknown time, or counted over a silence."""
    stopped_pri_pq_ms: float | None = 0.0
    """The part of `pri_pq_ms` that was counted while the machine said that it stood."""
    line_pri_sq_ms: float | None = 0.0
    """Sum of scrap times the planned run time of its product at the line's bottleneck."""


def add(parts: Iterable[BaseSums]) -> BaseSums:
    """Return the sum of base sums; a sum of which any part is unknown is unknown.

    An energy of None means that there is no meter, so nothing added stays None.
    """
    rows = [_values(part) for part in parts]
    if len(rows) == 1:
        return BaseSums(*rows[0])
    return BaseSums(*map(_total, zip(*rows, strict=True))) if rows else BaseSums()


_values: Callable[[BaseSums], tuple[Any, ...]] = attrgetter(
    *(field.name for field in fields(BaseSums))
)


def _total(column: tuple[Any, ...]) -> Any:
    return None if None in column else sum(column)
