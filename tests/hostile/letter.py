"""A message as it is sent, and what must be found of it afterwards."""

import itertools
import json
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TypeVar

import numpy as np

from plant.clock import microseconds
from plant.native.message import EdgeAddress, Leaf

SITE = "dong-nai/bien-hoa"
EDGES = ("ke-1", "ke-2", "ke-3")
ODD_EDGE = "ke-la"
"""Sends the message whose rows the database refuses, and nothing else."""
DEVICE_EDGE = "may-json"
NODE_EDGE = "nut"

T = TypeVar("T")
Value = float | str | None
RowKey = tuple[str, int, Value, int]
"""Tag, source time in microseconds, value, quality."""


def edge(code: str) -> EdgeAddress:
    """Return an edge of the hostile enterprise."""
    enterprise, site = SITE.split("/")
    return EdgeAddress(enterprise, site, code)


@dataclass(frozen=True, slots=True)
class Part:
    """One thing that a message says, with the id under which a ledger knows it."""

    row: RowKey | None
    """None for what cannot be a row: it must be a rejection."""
    epoch: str = ""
    row_id: int = 0


@dataclass(frozen=True, slots=True)
class Letter:
    """One message. Either it is kept raw and whole, or each of its parts is found."""

    kind: str
    topic: str
    payload: bytes
    parts: tuple[Part, ...] | None = None
    """None for what cannot be read: it must be kept raw. Empty for what tells a state."""
    event: str = ""
    """What the event of a document holds, for documents."""
    qos: int = 1
    retain: bool = False


@dataclass(slots=True)
class Author:
    """Makes what letters need; no two of its values, times or names are the same."""

    random: np.random.Generator
    numbers: Iterator[int]
    """Of eight digits, so that none is within another."""
    epochs: str
    """What the epochs of this round begin with."""
    scale: float = 1.0
    """How large the largest letters are."""
    _clock: int = field(default_factory=lambda: microseconds(datetime.now(UTC)) - 3_600_000_000)

    def number(self) -> int:
        return next(self.numbers)

    def value(self) -> float:
        """A value that says which it is: no float is nearer than 1/16."""
        return self.number() + 0.0625

    def text(self) -> str:
        return f"chữ {self.number()}"

    def time_us(self) -> int:
        self._clock += 1_000
        return self._clock

    def epoch(self) -> str:
        return f"{self.epochs}-{self.number()}"

    def below(self, most: int) -> int:
        return int(self.random.integers(most))

    def one_of(self, things: Sequence[T]) -> T:
        return things[self.below(len(things))]

    def many(self, most: int) -> int:
        """A count of up to `most`, less in a short run."""
        return max(2, int(most * self.scale))


def numbered_from(first: int) -> Iterator[int]:
    """Return the numbers of a whole run."""
    return itertools.count(10_000_000 + first)


Making = Callable[[Author], list[Letter]]


def row_of(tag: object, time_us: object, value: object, quality: object) -> RowKey | None:
    """Return the row that a reader of JSON would store; None when there is none."""
    if not isinstance(tag, str) or type(time_us) is not int or type(quality) is not int:
        return None
    if isinstance(value, bool | int | float):
        try:
            value = float(value)
        except OverflowError:
            return None
        if not math.isfinite(value):
            return None
    elif not isinstance(value, str) and value is not None:
        return None
    return tag, time_us, value, quality


def native_parts(payload: bytes) -> tuple[Part, ...] | None:
    """Return what a data message says, as any reader of JSON would; None when nothing sure.

    What two readers may take differently (a name that occurs twice, say) is left to the other way
    of being kept: raw and whole.
    """
    try:
        said = json.loads(payload)
        epoch, first, last = said["epoch"], said["first_id"], said["last_id"]
        columns = [said["tag"], said["time_us"], said["value"]]
        quality = said.get("quality") or [0] * len(columns[0])
        columns.append(quality)
        # Some take 1.0 for 1.
        if first != int(first) or last != int(last) or not isinstance(epoch, str):
            return None
        first, last = int(first), int(last)
        if {len(column) for column in columns} != {last - first + 1}:
            return None
        names = said["tags"]
        rows = [
            row_of(names[tag] if 0 <= tag < len(names) else None, time_us, value, trust)
            for tag, time_us, value, trust in zip(*columns, strict=True)
        ]
    except (
        ValueError,
        KeyError,
        TypeError,
        AttributeError,
        IndexError,
        RecursionError,
        OverflowError,
    ):
        return None
    return tuple(Part(row, epoch, first + k) for k, row in enumerate(rows))


def native(
    kind: str, address: EdgeAddress, leaf: str, payload: bytes, *, retain: bool = False
) -> Letter:
    """Return a letter of an edge; what its data must become is read from them."""
    parts = native_parts(payload) if leaf == Leaf.DATA else ()
    return Letter(kind, address.topic(leaf), payload, parts, retain=retain)
