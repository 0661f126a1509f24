"""Delay time in minor stops, decided on whole stops by the site's policy."""

from collections import deque
from collections.abc import Iterator, Sequence
from datetime import datetime

from plant.calendar import Window
from plant.clock import microseconds
from plant.kpi.stop import StateInterval, Stop, minor_stop_ms
from plant.state import StopKind, TimeElement
from store.reading.row import StateRow, StopRow


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
    windows: Sequence[Window],
    threshold_ms: int,
    now: datetime,
    *,
    breakdowns: bool,
) -> int:
    """Return one machine's delay in minor stops within windows; breakdowns counted or not.

    Windows are in order and apart, as states are.
    """
    wanted = [stop_of(row) for row in stops if breakdowns or row.stop_kind != StopKind.BREAKDOWN]
    return minor_stop_ms(wanted, _delays(states, windows), threshold_ms, millis(now))


def _delays(states: Sequence[StateRow], windows: Sequence[Window]) -> Iterator[StateInterval]:
    ahead = deque(windows)
    for row in states:
        while ahead and ahead[0].end <= row.start:
            ahead.popleft()
        if row.element != TimeElement.DELAY:
            continue
        for window in ahead:
            if window.start >= row.end:
                break
            start, end = max(window.start, row.start), min(window.end, row.end)
            yield StateInterval(millis(start), millis(end), TimeElement.DELAY)


def millis(moment: datetime) -> int:
    """Return whole milliseconds since 1970 of a moment."""
    return microseconds(moment) // 1000
