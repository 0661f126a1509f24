"""Delay time in minor stops, decided on whole stops by the site's policy."""

from collections.abc import Sequence
from datetime import datetime

from plant.calendar import Window
from plant.clock import microseconds
from plant.kpi import OeePolicy
from plant.kpi.stop import StateInterval, Stop, minor_stop_ms
from plant.state import StopKind, TimeElement
from store.reading_row import StateRow, StopRow


def stop_of(row: StopRow) -> Stop:
    """Return a stored stop as the formulas take it."""
    return Stop(
        millis(row.start),
        None if row.end is None else millis(row.end),
        TimeElement(row.element),
        row.state,
        StopKind(row.stop_kind) if row.stop_kind else None,
        row.stop_reason,
    )


def minor_delay_ms(
    stops: Sequence[StopRow],
    states: Sequence[StateRow],
    window: Window,
    policy: OeePolicy,
    now: datetime,
    *,
    breakdowns: bool,
) -> int:
    """Return one machine's delay in minor stops within a window; breakdowns counted or not."""
    start, end = millis(window.start), millis(window.end)
    delays = [
        StateInterval(max(start, millis(row.start)), min(end, millis(row.end)), TimeElement.DELAY)
        for row in states
        if row.element == TimeElement.DELAY and row.start < window.end and row.end > window.start
    ]
    wanted = [stop_of(row) for row in stops if breakdowns or row.stop_kind != StopKind.BREAKDOWN]
    threshold = round(policy.minor_stop_threshold_s * 1000)
    return minor_stop_ms(wanted, delays, threshold, millis(now))


def millis(moment: datetime) -> int:
    """Return whole milliseconds since 1970 of a moment."""
    return microseconds(moment) // 1000
