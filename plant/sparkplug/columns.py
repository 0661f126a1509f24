"""Plain DATA payloads of a whole group as columns, read all at once.

Most metrics of most messages are a number with a name or alias and a time, written by few programs
in few forms. Metrics of one form differ only in certain bytes, so that all of them are read by a
few operations on whole arrays. Whatever is not plain (nulls, texts, tables, properties, what cannot
be read) is left to `plant.sparkplug.wire`, which alone says what is wrong with it.
"""

from collections import defaultdict
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from plant.errors import DataError
from plant.sparkplug.datatype import ValueField
from plant.sparkplug.message import TABLES, Metric, Payload
from plant.sparkplug.wire import decode, varint

_MOST_METRICS = 1_000
"""Of one payload: larger ones are rare, and are read one by one at no loss."""
_MOST_FORMS = 16
"""Of metrics of one length; each costs a few operations."""
_LARGEST = 2**62
_MASK32 = np.uint64(2**32 - 1)

_NUMBERS = {field.name: field.number for field in TABLES["Metric"]}
_NAME, _ALIAS, _TIME, _TYPE = (
    _NUMBERS[name] for name in ("name", "alias", "timestamp", "datatype")
)
_HISTORICAL = _NUMBERS["is_historical"]
_INT, _LONG, _FLOAT, _DOUBLE, _BOOLEAN = (
    _NUMBERS[field]
    for field in (
        ValueField.INT,
        ValueField.LONG,
        ValueField.FLOAT,
        ValueField.DOUBLE,
        ValueField.BOOLEAN,
    )
)
_VALUES = {_INT, _LONG, _FLOAT, _DOUBLE, _BOOLEAN}
_VARINTS = {_ALIAS, _TIME, _TYPE, _HISTORICAL, _INT, _LONG, _BOOLEAN}
_WIDTHS = {_DOUBLE: (1, 8), _FLOAT: (5, 4)}
"""Wire type and bytes."""


class Columns(NamedTuple):
    """The metrics of many payloads, one after another; each array has the shape (n,)."""

    names: Sequence[str]
    name: NDArray[np.int64]
    """Index into `names`; -1 without one."""
    alias: NDArray[np.int64]
    """-1 without one."""
    time_ms: NDArray[np.int64]
    """Milliseconds since 1970; -1 without one."""
    datatype: NDArray[np.int64]
    """0 without one."""
    historical: NDArray[np.bool_]
    is_whole: NDArray[np.bool_]
    """The value is in `whole`, otherwise in `number`."""
    is_boolean: NDArray[np.bool_]
    """The same, and 1 is true."""
    number: NDArray[np.float64]
    whole: NDArray[np.uint64]
    """As the wire carries it: two's complement."""


class PlainPayload:
    """What `Payload` is, for a payload whose metrics are rows of `columns` from `start` on."""

    __slots__ = ("_metrics", "columns", "raw", "seq", "start", "stop", "timestamp")

    def __init__(self, raw: bytes, timestamp: int | None, seq: int | None) -> None:
        """Remember what is said once."""
        self.raw = raw
        self.timestamp = timestamp
        self.seq = seq
        self.columns: Columns | None = None
        self.start = self.stop = 0

    def __len__(self) -> int:
        return self.stop - self.start

    def whole(self) -> Payload:
        """Return it as what `wire.decode` makes of it."""
        return decode(self.raw)

    @property
    def metrics(self) -> Sequence[Metric]:
        """Its metrics, read one by one."""
        return self.whole().metrics


def plain_payloads(payloads: Sequence[bytes | None]) -> list[PlainPayload | None]:
    """Return the payloads that are plain; None in the place of the others."""
    found: list[PlainPayload | None] = []
    pieces: list[bytes] = []
    owner: list[int] = []
    for raw in payloads:
        read = _divided(raw, pieces) if raw is not None else None
        if read is not None:
            count = len(pieces) - len(owner)
            read.start, read.stop = len(owner), len(pieces)
            owner += [len(found)] * count
        else:
            del pieces[len(owner) :]
        found.append(read)
    columns, is_read = _columns(pieces)
    for place in set(np.array(owner, np.int64)[~is_read].tolist()):
        found[place] = None
    for one in found:
        if one is not None:
            one.columns = columns
    return found


def _divided(data: bytes, pieces: list[bytes]) -> PlainPayload | None:
    """Add the bytes of each metric; None when there is more in a payload than is plain."""
    at, end = 0, len(data)
    most = len(pieces) + _MOST_METRICS
    timestamp = seq = None
    try:
        while at < end:
            key = data[at]
            if key == 0x12:  # a metric
                size = data[at + 1]
                start = at + 2
                at = start + size
                if size > 127 or at > end or len(pieces) == most:
                    return None
                pieces.append(data[start:at])
            elif key in {0x08, 0x18}:  # timestamp or seq
                number, at = varint(data, at + 1)
                if number >= _LARGEST:
                    return None
                if key == 0x08:
                    timestamp = number
                else:
                    seq = number
            else:
                return None
    except (IndexError, DataError):
        return None
    return PlainPayload(data, timestamp, seq)


class _Part(NamedTuple):
    """A field within a metric's bytes."""

    field: int
    start: int
    size: int


def _form(metric: bytes) -> list[_Part] | None:
    """Return the fields of a metric; None when it is not plain."""
    parts: dict[int, _Part] = {}
    at, end = 0, len(metric)
    while at < end:
        field, wire = metric[at] >> 3, metric[at] & 7
        at += 1
        start = at
        if field in _VARINTS and wire == 0:
            while at < end and metric[at] > 127:
                at += 1
            at += 1
            size = at - start
            if size > (10 if field in _VALUES else 8):
                return None
        elif field in _WIDTHS and wire == _WIDTHS[field][0]:
            size = _WIDTHS[field][1]
            at += size
        elif field == _NAME and wire == 2 and at < end:
            start, size = at + 1, metric[at]
            at = start + size
        else:
            return None
        if at > end or field in parts or (field in _VALUES and not _VALUES.isdisjoint(parts)):
            return None
        parts[field] = _Part(field, start, size)
    named = _ALIAS in parts or parts.get(_NAME, _Part(0, 0, 0)).size > 0
    return list(parts.values()) if named and not _VALUES.isdisjoint(parts) else None


def _pattern(metric: bytes, form: Sequence[_Part]) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Return which bits every metric of this form has, and how they are set."""
    mask = np.full(len(metric), 255, np.uint8)
    for field, start, size in form:
        # What a number is, is free; how many bytes it takes is not.
        mask[start : start + size] = 128 if field in _VARINTS else 0
    return mask, np.frombuffer(metric, np.uint8) & mask


def _columns(pieces: Sequence[bytes]) -> tuple[Columns, NDArray[np.bool_]]:
    """Return the metrics as columns, and which of them could be read."""
    count = len(pieces)
    names: dict[bytes, int] = {}
    columns = Columns(
        names=[],
        name=np.full(count, -1, np.int64),
        alias=np.full(count, -1, np.int64),
        time_ms=np.full(count, -1, np.int64),
        datatype=np.zeros(count, np.int64),
        historical=np.zeros(count, np.bool_),
        is_whole=np.zeros(count, np.bool_),
        is_boolean=np.zeros(count, np.bool_),
        number=np.zeros(count),
        whole=np.zeros(count, np.uint64),
    )
    is_read = np.zeros(count, np.bool_)
    by_length: dict[int, list[int]] = defaultdict(list)
    for place, piece in enumerate(pieces):
        by_length[len(piece)].append(place)
    for length, places in by_length.items():
        left = np.array(places, np.int64)
        joined = b"".join([pieces[place] for place in places])
        data = np.frombuffer(joined, np.uint8).reshape(len(places), length)
        for _ in range(_MOST_FORMS):
            if not len(left):
                break
            form = _form(pieces[left[0]])
            if form is None:
                left, data = left[1:], data[1:]
                continue
            mask, pattern = _pattern(pieces[left[0]], form)
            same = ((data & mask) == pattern).all(axis=1)
            _read(columns, names, form, left[same], data[same])
            is_read[left[same]] = True
            left, data = left[~same], data[~same]
    try:
        known = [name.decode() for name in names]
    except UnicodeDecodeError:
        # Which of them, and what is to be said of it, is found out one by one.
        is_read[:] = False
        known = []
    return columns._replace(names=known), is_read


def _read(
    columns: Columns,
    names: dict[bytes, int],
    form: Sequence[_Part],
    places: NDArray[np.int64],
    data: NDArray[np.uint8],
) -> None:
    """Read the metrics of one form, `data` of the shape (metrics, bytes), into their places."""
    for field, start, size in form:
        own = data[:, start : start + size]
        if field == _NAME:
            if size:
                texts = np.ascontiguousarray(own).view(f"V{size}").ravel().tolist()
                columns.name[places] = [names.setdefault(text, len(names)) for text in texts]
        elif field == _DOUBLE:
            columns.number[places] = np.ascontiguousarray(own).view("<f8").ravel()
        elif field == _FLOAT:
            columns.number[places] = np.ascontiguousarray(own).view("<f4").ravel()
        else:
            _read_whole(columns, field, places, _varints(own))


def _read_whole(
    columns: Columns, field: int, places: NDArray[np.int64], number: NDArray[np.uint64]
) -> None:
    if field == _ALIAS:
        columns.alias[places] = number
    elif field == _TIME:
        columns.time_ms[places] = number
    elif field == _TYPE:
        columns.datatype[places] = number & _MASK32
    elif field == _HISTORICAL:
        columns.historical[places] = number != 0
    else:
        columns.is_whole[places] = True
        columns.is_boolean[places] = field == _BOOLEAN
        if field == _BOOLEAN:
            number = (number != 0).astype(np.uint64)
        columns.whole[places] = number & _MASK32 if field == _INT else number


def _varints(data: NDArray[np.uint8]) -> NDArray[np.uint64]:
    """Return the numbers that rows of so many bytes are, cut to 64 bits."""
    number = np.zeros(len(data), np.uint64)
    for place in range(data.shape[1]):
        number |= (data[:, place] & 127).astype(np.uint64) << np.uint64(7 * place)
    return number
