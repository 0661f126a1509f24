"""Which hours of which tags a transaction brings numbers for, so that they are summed up again."""

from collections.abc import Iterable, Iterator

import numpy as np

from store.delivery.row import NumberColumns

_HOUR_US = 3_600_000_000
_TAGS_OF_MARK = 64


class RollupMarks:
    """The marks of one transaction: an hour and 64 neighbouring tags each, a bit per tag."""

    def __init__(self) -> None:
        self._bits: dict[tuple[int, int], int] = {}

    def __bool__(self) -> bool:
        return bool(self._bits)

    def noting(self, portions: Iterable[NumberColumns]) -> Iterator[NumberColumns]:
        """Yield the portions as they are, and note their hours."""
        for portion in portions:
            self.note(portion)
            yield portion

    def note(self, rows: NumberColumns) -> None:
        """Note the hours of rows."""
        if not len(rows):
            return
        hour = rows.source_us // _HOUR_US
        # One number per hour and tag: ids of tags are 32 bits wide, hours since 1970 fewer.
        for key in np.unique((hour << 32) | rows.tag_id).tolist():
            tag = key & 0xFFFF_FFFF
            mark = (key >> 32, tag // _TAGS_OF_MARK)
            self._bits[mark] = self._bits.get(mark, 0) | 1 << tag % _TAGS_OF_MARK

    def columns(self) -> dict[str, list[int]]:
        """Return hours (seconds since 1970), blocks of tags and their bits, as signed numbers."""
        marks = sorted(self._bits.items())
        return {
            "hours": [hour * 3600 for (hour, _), _ in marks],
            "blocks": [block for (_, block), _ in marks],
            "tags": [bits - (1 << 64) if bits >> 63 else bits for _, bits in marks],
        }

    def clear(self) -> None:
        """Forget everything: it is marked."""
        self._bits.clear()
