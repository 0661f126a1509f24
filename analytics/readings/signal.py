"""Readings of one tag in columns, and the step signals they make when the last one is held."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from analytics.readings.interval import Moments, floor_ms
from plant.measurement import Quality

Codes = NDArray[np.int64]
NOTHING = -1
"""The code of "no value": before the first reading, after too long a silence, while bad."""


@dataclass(frozen=True, slots=True)
class TextReadings:
    """Readings of a text tag; the three columns have shape (n,), rows in any order.

    `codes` index into `names`, which is sorted; `NOTHING` stands for a null value.
    """

    time_us: Moments
    codes: Codes
    quality: NDArray[np.int64]
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class NumberReadings:
    """Readings of a number tag; the three columns have shape (n,), rows in any order."""

    time_us: Moments
    value: NDArray[np.float64]
    quality: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Steps:
    """A signal that holds `codes[k]` from `times[k]` (milliseconds) until the next step.

    Where several steps share a millisecond the last one holds.
    """

    times: Moments
    codes: Codes
    names: tuple[str, ...]

    def at(self, moments: Moments) -> Codes:
        """Return the code at each moment, `NOTHING` before the first step; shape is kept."""
        index = np.searchsorted(self.times, moments, side="right") - 1
        return np.concatenate((self.codes, [NOTHING]))[index]

    def name(self, code: int) -> str | None:
        """Return what a code stands for."""
        return None if code < 0 else self.names[code]

    def named(self, codes: Codes) -> list[str | None]:
        """Return what each code stands for."""
        # The code of "no value" is the last place.
        names = (*self.names, None)
        return [names[code] for code in codes.tolist()]


def text_readings(
    time_us: Sequence[int] | Moments,
    values: Sequence[str | None],
    quality: Sequence[int] | NDArray[np.int64] | None = None,
) -> TextReadings:
    """Return columns of text readings; without qualities all are good."""
    names = tuple(sorted({value for value in values if value is not None}))
    code: dict[str | None, int] = {name: number for number, name in enumerate(names)}
    code[None] = NOTHING
    count = len(values)
    return TextReadings(
        np.asarray(time_us, dtype=np.int64),
        np.fromiter((code[value] for value in values), dtype=np.int64, count=count),
        _qualities(quality, count),
        names,
    )


def number_readings(
    time_us: Sequence[int] | Moments,
    values: Sequence[float] | NDArray[np.float64],
    quality: Sequence[int] | NDArray[np.int64] | None = None,
) -> NumberReadings:
    """Return columns of number readings; without qualities all are good, NaN means no value."""
    value = np.asarray(values, dtype=np.float64)
    return NumberReadings(
        np.asarray(time_us, dtype=np.int64), value, _qualities(quality, value.size)
    )


def ordered_text(readings: TextReadings) -> TextReadings:
    """Return the readings by source time, one per moment; see `_one_per_moment`."""
    kept = _one_per_moment(readings.time_us, readings.quality, readings.codes)
    return TextReadings(
        readings.time_us[kept], readings.codes[kept], readings.quality[kept], readings.names
    )


def ordered_numbers(readings: NumberReadings) -> NumberReadings:
    """Return the usable readings by source time, one per moment; bad ones are not readings."""
    usable = (readings.quality < Quality.BAD) & np.isfinite(readings.value)
    time_us, value = readings.time_us[usable], readings.value[usable]
    quality = readings.quality[usable]
    kept = _one_per_moment(time_us, quality, value)
    return NumberReadings(time_us[kept], value[kept], quality[kept])


def held(
    readings: TextReadings, max_silence_ms: int | None = None, *, through_bad: bool = False
) -> Steps:
    """Return the signal in which each reading stands until the next one.

    After `max_silence_ms` without a reading the value is `NOTHING`; without that limit it stands
    for ever. A bad reading makes it `NOTHING` until the next good one, or, `through_bad`, does
    not count as a reading at all.
    """
    rows = ordered_text(readings)
    good = rows.quality < Quality.BAD
    if through_bad:
        rows = TextReadings(rows.time_us[good], rows.codes[good], rows.quality[good], rows.names)
        good = good[good]
    times = floor_ms(rows.time_us)
    codes = np.where(good, rows.codes, NOTHING)
    if max_silence_ms is None or not times.size:
        return Steps(times, codes, rows.names)
    # The last reading too: whether anything follows it within the limit, a later window knows.
    quiet = np.concatenate((np.diff(times) > max_silence_ms, [True]))
    ends = times[quiet] + max_silence_ms
    all_times = np.concatenate((times, ends))
    order = np.argsort(all_times, kind="stable")
    all_codes = np.concatenate((codes, np.full(ends.size, NOTHING, dtype=np.int64)))
    return Steps(all_times[order], all_codes[order], rows.names)


def _one_per_moment(
    time_us: Moments,
    quality: NDArray[np.int64],
    value: NDArray[np.int64] | NDArray[np.float64],
) -> NDArray[np.intp]:
    """Return the indexes that sort by time and keep one row of each moment.

    Of several rows of one moment the best quality wins, then the greatest value, so neither the
    order of arrival nor repeats matter.
    """
    order = np.lexsort((value, -quality, time_us))
    times = time_us[order]
    last = np.concatenate((times[1:] != times[:-1], [True])) if times.size else times.astype(bool)
    return order[last]


def _qualities(quality: Sequence[int] | NDArray[np.int64] | None, count: int) -> NDArray[np.int64]:
    if quality is None:
        return np.zeros(count, dtype=np.int64)
    return np.asarray(quality, dtype=np.int64)


NO_TEXT = text_readings([], [])
