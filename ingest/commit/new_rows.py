"""Rows of data messages that the ledger has not seen: joined into columns, judged, told apart."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import overload

import numpy as np
from numpy.typing import NDArray

from ingest.decoding.parcel import DataParcel
from ingest.validation.registry import Registry, TagColumns
from ingest.validation.validation import ACCEPTED, REASONS, Rows, explanation, raw_row
from plant.clock import from_microseconds
from plant.delivery.idset import Span
from plant.measurement import Value
from store.delivery.row import EdgeRow, NumberColumns, TextColumns
from store.rejection.rejection import Rejection

_HOUR_US = 3_600_000_000
_LONGEST_TEXT = 1_000
PORTION = 16_384
"""The database works on one portion while the next is judged."""
_FIRST_PORTION = 4_096
"""It has nothing to do while the first one is."""


@dataclass(frozen=True, slots=True)
class NewRows:
    """The rows of one data message that are new."""

    parcel: DataParcel
    edge: EdgeRow
    spans: Sequence[Span]
    """Their ids."""
    _count: int = field(init=False)

    def __post_init__(self) -> None:
        # Asked for again and again; a frozen object is set up this way.
        object.__setattr__(self, "_count", sum(stop - start for start, stop in self.spans))

    def __len__(self) -> int:
        return self._count

    @property
    def chosen(self) -> slice | NDArray[np.int64]:
        """Index of the rows within the message's columns."""
        if len(self) == self.parcel.rows:
            return slice(None)
        first = self.parcel.ids.start
        return np.concatenate(
            [np.arange(start - first, stop - first) for start, stop in self.spans]
        )

    def values(self) -> Sequence[Value]:
        """Return the values as they came."""
        chosen = self.chosen
        if isinstance(chosen, slice):
            return self.parcel.value
        return [self.parcel.value[k] for k in chosen.tolist()]

    @property
    def ids(self) -> list[int]:
        """The id of each row."""
        return [k for start, stop in self.spans for k in range(start, stop)]


def portions(parts: Iterable[NewRows]) -> Iterator[Sequence[NewRows]]:
    """Yield the messages in portions of about `PORTION` rows; the first one is smaller."""
    portion: list[NewRows] = []
    rows, enough = 0, _FIRST_PORTION
    for part in parts:
        portion.append(part)
        rows += len(part)
        if rows >= enough:
            yield portion
            portion, rows, enough = [], 0, PORTION
    if portion:
        yield portion


def joined(parts: Sequence[NewRows], registry: Registry) -> Rows:
    """Return the rows of several messages as one set of columns."""
    columns = [(part, part.parcel, part.chosen) for part in parts]
    return Rows(
        position=np.concatenate(
            [
                registry.positions(part.edge, parcel.tags)[parcel.tag[chosen]]
                for part, parcel, chosen in columns
            ]
        ),
        source_us=np.concatenate([parcel.time_us[chosen] for _, parcel, chosen in columns]),
        received_us=np.concatenate([parcel.received_us[chosen] for _, parcel, chosen in columns]),
        kind=np.concatenate([parcel.kind[chosen] for _, parcel, chosen in columns]),
        number=np.concatenate([parcel.number[chosen] for _, parcel, chosen in columns]),
        quality=np.concatenate([parcel.quality[chosen] for _, parcel, chosen in columns]),
        value=JoinedValues(parts),
    )


class JoinedValues(Sequence[Value]):
    """The values of several messages as they came, put together only when one is asked for.

    Numbers have a column of their own; only texts and rejections need the values themselves.
    """

    def __init__(self, parts: Sequence[NewRows]) -> None:
        self._parts = parts
        self._values: list[Value] | None = None

    @overload
    def __getitem__(self, index: int) -> Value: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Value]: ...
    def __getitem__(self, index: int | slice) -> Value | Sequence[Value]:
        return self._all()[index]

    def __len__(self) -> int:
        return sum(len(part) for part in self._parts)

    def _all(self) -> list[Value]:
        if self._values is None:
            self._values = [value for part in self._parts for value in part.values()]
        return self._values


def number_columns(rows: Rows, accepted: NDArray[np.bool_], tags: TagColumns) -> NumberColumns:
    """Return the accepted rows of numeric tags."""
    chosen = accepted.copy()
    # Accepted rows only: an unknown tag is at -1, which numpy takes for the last of all tags.
    chosen[accepted] = ~tags.is_text[rows.position[accepted]]
    return NumberColumns(
        tags.tag_id[rows.position[chosen]],
        rows.source_us[chosen],
        rows.received_us[chosen],
        rows.number[chosen],
        rows.quality[chosen],
    )


def text_columns(rows: Rows, accepted: NDArray[np.bool_], tags: TagColumns) -> TextColumns:
    """Return the accepted rows of text tags."""
    chosen = accepted.copy()
    chosen[accepted] = tags.is_text[rows.position[accepted]]
    values = (rows.value[k] for k in np.flatnonzero(chosen).tolist())
    return TextColumns(
        tags.tag_id[rows.position[chosen]],
        rows.source_us[chosen],
        rows.received_us[chosen],
        [value if isinstance(value, str) else None for value in values],
        rows.quality[chosen],
    )


def dirty_hours(rows: Rows, accepted: NDArray[np.bool_], tags: TagColumns) -> list[tuple[int, int]]:
    """Return work unit ids and starts of hours (in microseconds) whose figures the rows change."""
    position = rows.position[accepted]
    relevant = tags.has_role[position]
    # Only the hour that holds the row. How far it reaches beyond (a state stands until the next
    # one) depends on other readings, and is found by whoever computes
    # (`analytics.recomputation.repair`).
    hour_us = rows.source_us[accepted][relevant] // _HOUR_US * _HOUR_US
    unit = tags.work_unit_id[position[relevant]]
    touched = np.unique(np.stack([unit, hour_us], axis=1), axis=0)
    return [(unit_id, start_us) for unit_id, start_us in touched.tolist()]


def row_rejections(
    parts: Sequence[NewRows], rows: Rows, verdict: NDArray[np.int8], tags: TagColumns
) -> Iterator[Rejection]:
    """Yield a rejection for each row that the verdict is against."""
    if (verdict == ACCEPTED).all():
        return
    begin = 0
    for part in parts:
        own = verdict[begin : begin + len(part)]
        if (own != ACCEPTED).any():
            ids, topic = part.ids, part.parcel.message.topic
            names = part.parcel.tag[part.chosen]
            for k in np.flatnonzero(own != ACCEPTED).tolist():
                reason, name = REASONS[own[k]], part.parcel.tags[names[k]]
                yield Rejection(
                    received_time=from_microseconds(int(rows.received_us[begin + k])),
                    topic=topic,
                    reason=reason.value,
                    detail=readable(explanation(reason, rows, begin + k, name, tags)),
                    raw=raw_row(rows, begin + k, ids[k], name),
                    edge_id=part.edge.edge_id,
                    epoch=part.parcel.ids.epoch,
                    row_id=ids[k],
                    tag_name=readable(name),
                )
        begin += len(part)


def readable(text: str) -> str:
    """Return the text as PostgreSQL can store it, shortened to what a person reads."""
    return text.replace("\0", "\ufffd")[:_LONGEST_TEXT]
