"""Times as devices and files write them."""

import math
import re
from datetime import UTC, datetime
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from plant.clock import microseconds

AUTO: Final = "auto"
EPOCHS: Final = {"s": 1_000_000.0, "ms": 1000.0, "us": 1.0, "ns": 0.001}
"""What a number counts since 1970-01-01T00:00Z, in microseconds."""

_EARLIEST_US: Final = microseconds(datetime(2000, 1, 1, tzinfo=UTC))
_LATEST_US: Final = microseconds(datetime(2100, 1, 1, tzinfo=UTC))
_HALVES = re.compile(r"\b(?:SA|CH)\b", re.IGNORECASE)
_DIGITS = re.compile(r"\d+(\.\d+)?")


def checked_format(text: str) -> str:
    """Return a format of times; raise ValueError for what is none."""
    if text in {AUTO, "iso8601", "epoch", *EPOCHS} or "%" in text:
        return text
    known = ", ".join([AUTO, "iso8601", "epoch", *EPOCHS])
    raise ValueError(f"{text!r} is no format of times: {known}, or one such as %d/%m/%Y %H:%M:%S")


def checked_zone(text: str) -> str:
    """Return the name of a time zone; raise ValueError for what is none."""
    try:
        ZoneInfo(text)
    except (ZoneInfoNotFoundError, ValueError, OSError) as exc:
        raise ValueError(f"{text!r} is no IANA time zone such as Asia/Ho_Chi_Minh") from exc
    return text


def moment_us(raw: object, layout: str, zone: ZoneInfo) -> int:
    """Return the microseconds of a written time; raise ValueError when it is none.

    `layout` is as `checked_format` takes it: `auto` is ISO 8601 for text and `epoch` for numbers,
    `epoch` tells seconds, milli-, micro- and nanoseconds by their size. What would lie before 2000
    or after 2099 is no time: it is another unit, or a clock that was never set.
    """
    if isinstance(raw, str):
        raw = raw.strip()
    counted = layout in {"epoch", *EPOCHS} or (
        layout == AUTO and (not isinstance(raw, str) or _DIGITS.fullmatch(raw) is not None)
    )
    try:
        time_us = _counted(raw, layout) if counted else _written(raw, layout, zone)
    except OverflowError as exc:
        raise ValueError("it is out of range") from exc
    if not _EARLIEST_US <= time_us < _LATEST_US:
        raise ValueError(f"{raw!r} would be a time before 2000 or after 2099")
    return time_us


def _counted(raw: object, layout: str) -> int:
    if isinstance(raw, str):
        raw = int(raw) if raw.isascii() and raw.isdigit() else float(raw)
    if isinstance(raw, bool) or not isinstance(raw, int | float) or not math.isfinite(raw):
        raise ValueError(f"{raw!r} is no number")
    factor = EPOCHS[layout] if layout in EPOCHS else _told_apart(raw)
    if abs(raw) * factor > 2**62:
        raise ValueError(f"{raw!r} is out of range")
    return raw * int(factor) if isinstance(raw, int) and factor >= 1 else round(raw * factor)


def _told_apart(raw: float) -> float:
    """Between 2000 and 2099 no two units give numbers of the same size."""
    for factor in EPOCHS.values():
        if _EARLIEST_US <= raw * factor < _LATEST_US:
            return factor
    raise ValueError(f"{raw!r} is no time between 2000 and 2099 in s, ms, us or ns")


def _written(raw: object, layout: str, zone: ZoneInfo) -> int:
    if not isinstance(raw, str):
        raise ValueError(f"{raw!r} is no text")  # one kind of error for the caller
    if "%p" in layout:
        # Windows in Vietnamese writes SA (sáng) and CH (chiều).
        raw = _HALVES.sub(lambda match: "AM" if match[0].upper() == "SA" else "PM", raw)
    # The zone is added below.
    moment = datetime.strptime(raw, layout) if "%" in layout else datetime.fromisoformat(raw)  # noqa: DTZ007
    return microseconds(moment if moment.tzinfo else moment.replace(tzinfo=zone))
