"""Messages of which very many rows are refused: kept raw and whole, as one rejection."""

import hashlib
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from ingest.commit.new_rows import NewRows, readable
from ingest.validation.validation import ACCEPTED, REASONS
from store.rejection.rejection import Rejection

MANY_REFUSED = "many_refused"
MOST_ROWS = 1_000
"""Refused rows of a message that are a rejection each: one costs as much as ten that are stored."""
MOST_ODD = 100
"""The same of fields, of metrics, and of the tags of a birth, which no ledger knows."""


def with_many_refused(
    parts: Sequence[NewRows], verdict: NDArray[np.int8]
) -> Iterator[tuple[NewRows, slice]]:
    """Yield the messages with more refused rows than that, and where theirs are in the verdict."""
    start = 0
    for part in parts:
        own = slice(start, start + len(part))
        start += len(part)
        # What was made of several messages has no raw form of its own.
        if part.parcel.more or len(part) <= MOST_ROWS:
            continue
        if np.count_nonzero(verdict[own] != ACCEPTED) > MOST_ROWS:
            yield part, own


def refused_whole(
    part: NewRows, verdict: NDArray[np.int8]
) -> tuple[Rejection, list[tuple[str, int, str, str]]]:
    """Return the rejection of a message, and what its edge is told.

    `verdict` is that on its rows, shape (n,). Told are reason, count, tag and words.
    """
    names = part.parcel.tag[part.chosen]
    told = []
    for code, first, count in zip(
        *np.unique(verdict, return_index=True, return_counts=True), strict=True
    ):
        if code != ACCEPTED:
            reason, name = REASONS[code].value, readable(part.parcel.tags[names[first]])
            told.append((reason, int(count), name, f"{count} {reason}, such as {name}"))
    words = "; ".join(detail for *_, detail in told)
    message = part.parcel.message
    rejection = Rejection(
        received_time=message.received_time,
        topic=message.topic,
        reason=MANY_REFUSED,
        detail=readable(f"of {len(part)} measurements: {words}"),
        raw=message.payload,
        edge_id=part.edge.edge_id,
        epoch=part.parcel.ids.epoch,
        row_id=part.parcel.ids.start,
    )
    return rejection, told


def few(
    parts: Sequence[NewRows], verdict: NDArray[np.int8], rejections: Sequence[Rejection]
) -> Iterator[Rejection]:
    """Yield the rejections of some unnumbered messages, or a message whole instead of very many.

    `verdict` is that on the rows of all parts, shape (n,); each that is not accepted has its
    rejection, in the same order.
    """
    left = iter(rejections)
    start = 0
    for part in parts:
        refused = int(np.count_nonzero(verdict[start : start + len(part)] != ACCEPTED))
        start += len(part)
        own = list(islice(left, refused))
        yield from each_or_whole(own, part.parcel.message.payload, len(part))


def each_or_whole(rejections: Sequence[Rejection], raw: bytes, of: int) -> Sequence[Rejection]:
    """Return the rejections of the parts of a message; of very many, one of all of it instead.

    `raw` is the message and `of` tells how many parts it has. It may come again: then it is the
    same rejection.
    """
    if len(rejections) <= MOST_ODD:
        return rejections
    words = "; ".join(
        f"{count} {reason}, such as: "
        + next(one.detail for one in rejections if one.reason == reason)
        for reason, count in Counter(one.reason for one in rejections).items()
    )
    return [
        replace(
            rejections[0],
            reason=MANY_REFUSED,
            detail=readable(f"{len(rejections)} of {of}: {words}"),
            raw=raw,
            epoch=hashlib.sha256(raw).hexdigest()[:32],
            row_id=0,
            tag_name=None,
            once=True,
        )
    ]
