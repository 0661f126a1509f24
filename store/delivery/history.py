"""Which rows are old records: they are thin, and go into wider parts of the tables.

A part (a chunk of the hypertable) costs the database a table, an index and their locks. The parts
of the present are a day each. Records of a quarter of a century, one a day, would make thousands,
and no transaction can hold so many.
"""

from collections.abc import Iterable, Iterator
from typing import TypeVar

import numpy as np

from store.delivery.row import NumberColumns, TextColumns

HISTORY_US = 30 * 86_400 * 1_000_000
"""A row that is older than this on its arrival is an old record."""

C = TypeVar("C", NumberColumns, TextColumns)


def recent_of(portions: Iterable[C], history: list[C]) -> Iterator[C]:
    """Yield the rows of the present, and add the old records to `history`."""
    for portion in portions:
        old = portion.source_us < portion.received_us - HISTORY_US
        if not old.any():
            yield portion
        else:
            history.append(portion.only(old))
            if not old.all():
                yield portion.only(np.logical_not(old))
