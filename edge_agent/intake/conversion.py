"""From what a source says to what a tag means: scaling, state names, values that fit the wire."""

import math
from collections.abc import Callable
from datetime import datetime

from edge_agent.drivers.tag import TagSettings
from plant.measurement import Quality, Value, ValueType

Raw = float | int | str | bool | bytes | datetime | None
Converted = tuple[Value, Quality]
Converter = Callable[[object, Quality], Converted]

LONGEST_TEXT = 4000
"""Characters of a text value; what is longer is cut, so that no message outgrows the broker."""
_INT64 = range(-(2**63), 2**63)


def converter(tag: TagSettings) -> Converter:
    """Return the function from a raw value and its quality to those of the measurement.

    It never raises: what cannot be converted keeps its form, so that the platform can reject it
    with a reason, or becomes an absent value of bad quality when the wire cannot carry it.
    """
    if tag.kind is ValueType.TEXT:
        return _TextConverter(tag.states)
    return _NumberConverter(tag.scale * tag.factor, tag.offset * tag.factor)


class _NumberConverter:
    """Numbers: scaled; bits become 0 and 1; text is left as it is, for the platform to refuse."""

    __slots__ = ("_identity", "_offset", "_scale")

    def __init__(self, scale: float, offset: float) -> None:
        self._scale = scale
        self._offset = offset
        self._identity = scale == 1.0 and offset == 0.0

    def __call__(self, raw: object, quality: Quality) -> Converted:
        if isinstance(raw, int | float):
            # Left alone where nothing changes: times 1.0, whole numbers above 2**53 would lose
            # their last digits.
            value: float | int = raw if self._identity else raw * self._scale + self._offset
            return _finite(int(value) if isinstance(value, bool) else value, quality)
        if isinstance(raw, str):
            return _text(raw, quality)
        return None, Quality.BAD


class _TextConverter:
    """Text: codes become names; an unmapped code stays a number in text, and is uncertain."""

    __slots__ = ("_states",)

    def __init__(self, states: dict[int, str]) -> None:
        self._states = states

    def __call__(self, raw: object, quality: Quality) -> Converted:
        if isinstance(raw, str):
            return _text(raw, quality)
        if isinstance(raw, bool):
            raw = int(raw) if self._states else str(raw).lower()
        if isinstance(raw, str):
            return raw, quality
        if isinstance(raw, float) and raw.is_integer():
            raw = int(raw)
        if isinstance(raw, int):
            name = self._states.get(raw)
            if name is not None:
                return name, quality
            return str(raw), max(quality, Quality.UNCERTAIN) if self._states else quality
        if isinstance(raw, float):
            return str(raw), quality
        if isinstance(raw, datetime):
            return raw.isoformat(), quality
        return None, Quality.BAD


def _finite(value: float | int, quality: Quality) -> Converted:
    """JSON has no NaN, and SQLite no integers past 64 bits."""
    if isinstance(value, int):
        return (value, quality) if value in _INT64 else (float(value), quality)
    if math.isfinite(value):
        return value, quality
    return None, Quality.BAD


def _text(text: str, quality: Quality) -> Converted:
    """Lone surrogates cannot be written as UTF-8."""
    if len(text) > LONGEST_TEXT:
        text, quality = text[:LONGEST_TEXT], max(quality, Quality.UNCERTAIN)
    return text.encode("utf-8", "replace").decode("utf-8"), quality
