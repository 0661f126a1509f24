"""Energy of a machine from the readings of meters: counters, power, and parts of either."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from analytics.readings.counter import NO_VERDICTS, Counter, CounterEvent, Verdict
from analytics.readings.counting import Increments, increments
from analytics.readings.interval import floor_ms, millis
from analytics.readings.signal import NumberReadings, ordered_numbers
from store.figure.meter import MeterShare

_HOUR_MS = 3_600_000


def metered(
    readings: NumberReadings,
    counter: Counter,
    silence_ms: int,
    share: MeterShare,
    verdicts: Mapping[int, Verdict] = NO_VERDICTS,
) -> Increments:
    """Return the kilowatt-hours of a machine's part of a meter, at the moments of readings.

    A cumulative reading counts its difference to the one before; a power stands until the next
    reading, at most for the silence limit. Before the part begins and after it
    ends, nothing is known.
    """
    powered = any(span.power for span in share.spans)
    counted = not all(span.power for span in share.spans)
    by_count = increments(readings, counter, verdicts) if counted else None
    by_power = integral(readings, silence_ms) if powered else None
    made = by_count or by_power
    assert made is not None, "a share has spans"
    amounts = np.zeros(made.times.size)
    for span in share.spans:
        source = by_power if span.power else by_count
        assert source is not None, "made for the kind of each span"
        inside = made.times >= millis(span.start)
        if span.end is not None:
            inside &= made.times < millis(span.end)
        amounts[inside] = source.amounts[inside] * span.kwh_per_unit
    first = made.first_reading
    if first is not None:
        first = max(first, millis(share.spans[0].start))
    last = share.spans[-1].end
    return replace(
        made,
        amounts=amounts,
        first_reading=first,
        known_until=None if last is None else millis(last),
    )


def integral(readings: NumberReadings, silence_ms: int) -> Increments:
    """Return what a power in kilowatts adds up to, in kilowatt-hours.

    Each reading but the first counts what was used since the one before. Bad readings are not
    readings; a power stands for at most `silence_ms`.
    """
    rows = ordered_numbers(readings)
    times = floor_ms(rows.time_us)
    stood = np.minimum(np.diff(times), silence_ms)
    return Increments(
        times[1:],
        rows.value[:-1] * stood / _HOUR_MS,
        np.full(stood.size, CounterEvent.COUNTED, dtype=np.int64),
        int(times[0]) if times.size else None,
    )
