"""What was counted in the part of a slice that lies within a window, from its minutes."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

import numpy as np

from plant.clock import microseconds
from plant.kpi import BaseSums

WHOLE = (
    *("pri_pq_ms", "pri_gq_ms", "line_pri_gq_ms", "line_pri_sq_ms", "produced_quantity"),
    *("good_quantity", "scrap_quantity", "rework_quantity", "produced_items", "good_items"),
    *("scrap_items", "rework_items", "unpriced_items"),
)
"""What must be known of all of a slice."""
BY_MINUTE = (
    *("produced_quantity", "good_quantity", "scrap_quantity", "rework_quantity", "energy_kwh"),
    *("idle_energy_kwh", "start_up_pri_ms", "unseen_pri_pq_ms", "stopped_pri_pq_ms"),
    *("inspected_parts", "good_at_first_parts", "rework_found_parts"),
)
_LIKE = {
    "produced_quantity": ("pri_pq_ms", "produced_items"),
    "good_quantity": ("pri_gq_ms", "line_pri_gq_ms", "good_items"),
    "scrap_quantity": ("scrap_items",),
    "rework_quantity": ("rework_items",),
}
"""What goes with a quantity: within a slice the run time and the parts of an item are the same."""
_MINUTE_US = 60_000_000


def counted_within(
    start: datetime,
    whole: Mapping[str, float | None],
    minutes: Mapping[str, bytes | None],
    window: tuple[datetime, datetime],
) -> dict[str, float]:
    """Return by base sum what was counted in the minutes that begin within a window.

    `start` is that of the slice; its first minute begins with it. So windows that follow one
    another add up to the slice, however they cut it.
    """
    first = microseconds(start) // _MINUTE_US
    found: dict[str, float] = {}
    for name, packed in minutes.items():
        if packed is None:
            continue
        amounts = np.frombuffer(packed, dtype="<f8")
        begins = (first + np.arange(amounts.size)) * _MINUTE_US
        begins[0] = microseconds(start)
        low, high = np.searchsorted(begins, [microseconds(one) for one in window])
        found[name] = float(amounts[low:high].sum())
    for name, others in _LIKE.items():
        for other in others:
            found[other] = _share(found.get(name, 0.0), whole[name], whole[other])
    made = "good_quantity" if whole["produced_quantity"] is None else "produced_quantity"
    found["unpriced_items"] = _share(found.get(made, 0.0), whole[made], whole["unpriced_items"])
    found["line_pri_sq_ms"] = _share(_bad(found), _bad(whole), whole["line_pri_sq_ms"])
    return found


def added(sums: BaseSums, counted: Mapping[str, float]) -> BaseSums:
    """Return sums with what was counted; what is unknown stays so."""
    more: dict[str, Any] = {}
    for name, value in counted.items():
        known = getattr(sums, name)
        if known is not None:
            more[name] = known + (round(value) if isinstance(known, int) else value)
    return replace(sums, **more)


def _share(part: float, whole: float | None, other: float | None) -> float:
    return part * other / whole if whole and other else 0.0


def _bad(told: Mapping[str, float | None]) -> float:
    scrap = told.get("scrap_quantity")
    if scrap is not None:
        return scrap
    produced, good, rework = (
        told.get(f"{name}_quantity") or 0.0 for name in ("produced", "good", "rework")
    )
    return produced - good - rework
