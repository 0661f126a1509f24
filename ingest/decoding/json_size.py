"""How many values a JSON text holds, told before it is unpacked, which takes 20 times the room."""

import numpy as np

from plant.errors import DataError

_SEPARATORS = b",[{"
_QUOTE = ord('"')


def check_items(payload: bytes, most: int) -> None:
    """Raise DataError `too_large` when a JSON text holds more than `most` values.

    A value within an array or object takes two bytes at least, so a short text needs no look.
    """
    if len(payload) <= 2 * most or sum(map(payload.count, _SEPARATORS)) < most:
        return
    if _separators(payload) >= most:
        raise DataError("too_large", f"more than {most} values in one message")


def _separators(payload: bytes) -> int:
    """Return how many separators stand outside of texts; one pass, whatever the text is."""
    # Pairs of backslashes go first: a quote behind such a pair ends its text, one behind a single
    # backslash does not.
    plain = payload.replace(b"\\\\", b"").replace(b'\\"', b"")
    letters = np.frombuffer(plain, np.uint8)
    within = np.bitwise_xor.accumulate((letters == _QUOTE).view(np.uint8)).view(np.bool_)
    found = np.zeros(len(letters), np.bool_)
    for separator in _SEPARATORS:
        found |= letters == separator
    return int(np.count_nonzero(found & ~within))
