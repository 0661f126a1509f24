"""Values and times of a message as numpy columns, whatever a device put into its JSON."""

from collections.abc import Sequence
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from plant.measurement import Value

LARGEST = 2**62
"""What counts may be; the wire contract has the same bound."""


class Kind(IntEnum):
    """What a value is."""

    NOTHING = 0
    NUMBER = 1
    TEXT = 2
    TEXT_TOO_LONG = 3
    TEXT_WITH_NUL = 4
    """PostgreSQL cannot store the character U+0000."""
    NUMBER_TOO_LARGE = 5
    """Beyond the range of a double."""


# Attributes of an enum are slow, and most messages are numbers only.
_NUMBER = int(Kind.NUMBER)
_ALL_NUMBERS = np.full(65_536, _NUMBER, np.int8)
# Parcels share it: a write into one would change what the values of all others are.
_ALL_NUMBERS.flags.writeable = False
_NUMBERS_ONLY = frozenset({float, int})
_KINDS = {type(None): int(Kind.NOTHING), str: int(Kind.TEXT)}


def value_columns(
    values: Sequence[Value], max_text_length: int
) -> tuple[NDArray[np.int8], NDArray[np.float64]]:
    """Return the `Kind` of each value, and the values that are numbers, NaN for the others."""
    if _NUMBERS_ONLY.issuperset(map(type, values)):
        try:
            number = np.array(values, np.float64)
        except OverflowError:
            pass
        else:
            if len(values) <= len(_ALL_NUMBERS):
                return _ALL_NUMBERS[: len(values)], number
            return np.full(len(values), _NUMBER, np.int8), number
    kind = np.array([_KINDS.get(type(value), _NUMBER) for value in values], np.int8)
    number = np.full(len(values), np.nan)
    for k, text in enumerate(values):
        if isinstance(text, str):
            kind[k] = _text_kind(text, max_text_length)
    places = np.flatnonzero(kind == _NUMBER).tolist()
    try:
        number[places] = [values[k] for k in places]
    except OverflowError:
        for k in places:
            try:
                number[k] = values[k]
            except OverflowError:
                kind[k] = Kind.NUMBER_TOO_LARGE
    return kind, number


def _text_kind(text: str, max_length: int) -> Kind:
    if len(text) > max_length:
        return Kind.TEXT_TOO_LONG
    return Kind.TEXT_WITH_NUL if "\0" in text else Kind.TEXT


def whole_numbers(values: Sequence[int]) -> NDArray[np.int64]:
    """Return the values, those beyond 64 bits cut to a value that validation refuses anyway."""
    try:
        return np.array(values, np.int64)
    except OverflowError:
        return np.array([max(-LARGEST, min(LARGEST, value)) for value in values], np.int64)
