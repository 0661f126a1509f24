"""Which measurements may be stored, and why the others may not: whole columns at a time."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import msgspec
import numpy as np
from numpy.typing import NDArray

from ingest.decoding.column import Kind
from ingest.validation.registry import TagColumns
from plant.clock import microseconds
from plant.description import LONG_AGO
from plant.measurement import Quality, Value


class Reason(StrEnum):
    """Why one measurement is rejected."""

    UNKNOWN_TAG = "unknown_tag"
    """The edge has announced no tag of that name."""
    UNKNOWN_QUALITY = "unknown_quality"
    """The quality is none of 0, 1, 2."""
    WRONG_TYPE = "wrong_type"
    """Text for a number, a number for text, or no value without bad quality."""
    TOO_LONG = "too_long"
    """A text longer than the platform takes."""
    UNSTORABLE = "unstorable"
    """A value that the database cannot hold: U+0000 in a text, a number beyond a double."""
    FUTURE_SOURCE_TIME = "future_source_time"
    """The source's clock is ahead of the platform's by more than is tolerated."""
    PAST_SOURCE_TIME = "past_source_time"
    """Before the year 2000: the source's clock was never set."""
    OUT_OF_RANGE = "out_of_range"
    """Physically impossible by the tag's `low` and `high`; a bad value is not held to them."""


REASONS = tuple(Reason)
ACCEPTED = -1
_EARLIEST_US = microseconds(LONG_AGO)


@dataclass(frozen=True, slots=True)
class Rows:
    """Measurements of a group of messages, one element each."""

    position: NDArray[np.int64]
    """Where the tag is in the registry's columns; -1 for an unknown one."""
    source_us: NDArray[np.int64]
    received_us: NDArray[np.int64]
    kind: NDArray[np.int8]
    number: NDArray[np.float64]
    quality: NDArray[np.int64]
    value: Sequence[Value]

    def __len__(self) -> int:
        return len(self.position)


def verdicts(rows: Rows, tags: TagColumns, future_tolerance_us: int) -> NDArray[np.int8]:
    """Return for each row ACCEPTED or the index into REASONS of the first reason against it."""
    unknown = rows.position < 0
    if not len(tags.tag_id):
        # 0 stands for `unknown_tag`, and no other verdict is possible without any tag.
        return np.zeros(len(rows), np.int8)
    # Any tag will do for these, as `unknown_tag` is the first reason of all.
    tag = np.where(unknown, 0, rows.position)
    bad = rows.quality == Quality.BAD
    is_number = rows.kind == Kind.NUMBER
    is_text = np.isin(rows.kind, (Kind.TEXT, Kind.TEXT_TOO_LONG, Kind.TEXT_WITH_NUL))
    wants_text = tags.is_text[tag]
    nothing = rows.kind == Kind.NOTHING
    too_large = rows.kind == Kind.NUMBER_TOO_LARGE
    conditions = {
        Reason.UNKNOWN_TAG: unknown,
        Reason.UNKNOWN_QUALITY: (rows.quality < Quality.GOOD) | (rows.quality > Quality.BAD),
        Reason.WRONG_TYPE: (
            (wants_text & (is_number | too_large)) | (~wants_text & is_text) | (nothing & ~bad)
        ),
        Reason.TOO_LONG: rows.kind == Kind.TEXT_TOO_LONG,
        Reason.UNSTORABLE: (rows.kind == Kind.TEXT_WITH_NUL) | too_large,
        Reason.FUTURE_SOURCE_TIME: rows.source_us > rows.received_us + future_tolerance_us,
        Reason.PAST_SOURCE_TIME: rows.source_us < _EARLIEST_US,
        Reason.OUT_OF_RANGE: (
            is_number & ~bad & ((rows.number < tags.low[tag]) | (rows.number > tags.high[tag]))
        ),
    }
    return np.select(
        [conditions[reason] for reason in REASONS],
        [np.int8(k) for k in range(len(REASONS))],
        np.int8(ACCEPTED),
    )


def explanation(reason: Reason, rows: Rows, k: int, tag: str, tags: TagColumns) -> str:
    """Return what is wrong with row k, in words for the person who has to mend it."""
    match reason:
        case Reason.UNKNOWN_TAG:
            return f"the edge has not announced a tag {tag!r}"
        case Reason.UNKNOWN_QUALITY:
            return f"quality {rows.quality[k]} is none of 0 (good), 1 (uncertain), 2 (bad)"
        case Reason.WRONG_TYPE if rows.value[k] is None:
            return "no value, though the quality is not bad"
        case Reason.WRONG_TYPE:
            wanted = "text" if tags.is_text[rows.position[k]] else "a number"
            return f"{type(rows.value[k]).__name__} where {wanted} is declared"
        case Reason.TOO_LONG:
            return f"a text of {len(str(rows.value[k]))} characters"
        case Reason.UNSTORABLE:
            return "a text with the character U+0000, or a number beyond a 64-bit float"
        case Reason.FUTURE_SOURCE_TIME:
            ahead_s = (int(rows.source_us[k]) - int(rows.received_us[k])) / 1e6
            return f"{ahead_s:.0f} s ahead of the platform's clock; check the source's clock"
        case Reason.PAST_SOURCE_TIME:
            return "before the year 2000: the source's clock is not set"
        case Reason.OUT_OF_RANGE:
            low, high = tags.low[rows.position[k]], tags.high[rows.position[k]]
            return f"{rows.number[k]:g} is outside {low:g} to {high:g}"


def raw_row(rows: Rows, k: int, row_id: int, tag: str) -> bytes:
    """Return row k as the JSON that is kept with its rejection."""
    return msgspec.json.encode(
        {
            "id": row_id,
            "tag": tag,
            "time_us": int(rows.source_us[k]),
            "value": rows.value[k],
            "quality": int(rows.quality[k]),
        }
    )
