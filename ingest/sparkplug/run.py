"""Data messages of one device, one after another, as one parcel.

Per message only its place among the group's columns is noted; tags, times and values of all of them
are found by arrays. A message with anything that needs a closer look (an unknown metric, no time,
a state, a text) is left out of them, and taken by itself.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ingest.decoding.column import value_columns
from ingest.decoding.message import Message
from ingest.decoding.parcel import DataParcel, Ids
from ingest.sparkplug.definition import Definitions
from ingest.sparkplug.mapping import Bound
from ingest.sparkplug.session import Incoming
from plant.clock import microseconds
from plant.errors import DataError
from plant.measurement import Quality, Value, ValueType
from plant.native.message import EdgeAddress
from plant.sparkplug import Columns, DataType, PlainPayload
from plant.sparkplug.meaning import signed

_STRANGE, _PASSED_OVER = -1, -2
_MOST_ALIAS = 2**62
_LATEST_MS = 2**53


class Table:
    """What a device's metrics are to us, to be asked for whole columns of them."""

    def __init__(self, definitions: Definitions, bound: Bound) -> None:
        """Number the metrics that are tags for numbers."""
        by_alias, by_name = definitions.spellings()
        self.tags: list[str] = []
        scales, offsets, types = [], [], []
        slots: dict[str, int] = {}
        for name, metric in definitions.by_name.items():
            binding = bound.bindings.get(name)
            if binding is None:
                slots[name] = _STRANGE if name in bound.refused else _PASSED_OVER
            elif binding.tag.value_type is ValueType.NUMBER:
                slots[name] = len(self.tags)
                self.tags.append(binding.tag.name)
                scales.append(binding.scale)
                offsets.append(binding.offset)
                types.append(metric.datatype or 0)
        self.scale, self.offset = np.array(scales), np.array(offsets)
        self.datatype = np.array(types, np.int64)
        self._by_name = {
            name: slots.get(metric.name or "", _STRANGE) for name, metric in by_name.items()
        }
        aliases = sorted(alias for alias in by_alias if alias < _MOST_ALIAS)
        self._aliases = np.array(aliases, np.int64)
        self._slot_of_alias = np.array(
            [slots.get(by_alias[alias].name or "", _STRANGE) for alias in aliases], np.int64
        )

    def slots(self, columns: Columns, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return which of `tags` each row is of, -1 for what needs a closer look, -2 for none."""
        found = np.full(len(rows), _STRANGE, np.int64)
        if len(self._aliases):
            alias = columns.alias[rows]
            place = np.minimum(np.searchsorted(self._aliases, alias), len(self._aliases) - 1)
            found = np.where(self._aliases[place] == alias, self._slot_of_alias[place], found)
        name = columns.name[rows]
        if (name >= 0).any():
            # Where there are both, the name counts.
            used, place = np.unique(name, return_inverse=True)
            slot = [self._by_name.get(columns.names[k], _STRANGE) for k in used.tolist()]
            found = np.where(name >= 0, np.array(slot, np.int64)[place], found)
        return found


@dataclass(frozen=True, slots=True)
class Fast:
    """Messages whose values are known, in one parcel; each may be without any."""

    messages: Sequence[Message]
    data: DataParcel | None
    may_repeat: NDArray[np.bool_]
    latest_us: int
    """The newest of the times that can be believed; 0 without one."""


class Run:
    """Gathers messages; all of them are of one group of columns."""

    def __init__(self, table: Table, address: EdgeAddress, epoch: str, slack_us: int) -> None:
        """Remember whose messages they are; times so far ahead of their arrival are believed."""
        self._table = table
        self._address = address
        self._epoch = epoch
        self._slack_us = slack_us
        self._incoming: list[Incoming] = []
        self._repeats: list[bool] = []

    def add(self, incoming: Incoming, *, may_repeat: bool) -> None:
        """Add a message."""
        self._incoming.append(incoming)
        self._repeats.append(may_repeat)

    def parts(self) -> Iterator[Fast | tuple[Incoming, bool]]:
        """Yield what was added in its order: parcels, and messages that need a closer look."""
        read = _Read.of(self._table, self._incoming)
        start = 0
        for place in [*np.flatnonzero(read.strange).tolist(), len(self._incoming)]:
            if start < place:
                yield self._fast(read, start, place)
            if place < len(self._incoming):
                yield self._incoming[place], self._repeats[place]
            start = place + 1

    def _fast(self, read: "_Read", start: int, stop: int) -> Fast:
        messages = [one.message for one in self._incoming[start:stop]]
        rows = slice(*np.searchsorted(read.owner, (start, stop)).tolist())
        owner = read.owner[rows] - start
        counts = np.bincount(owner, minlength=stop - start)
        repeats = np.array(self._repeats[start:stop], np.bool_)[owner] | read.historical[rows]
        if not len(owner):
            return Fast(messages, None, repeats, 0)
        time_us = read.time_us[rows]
        received = [microseconds(message.received_time) for message in messages]
        believed = time_us <= np.array(received, np.int64)[owner] + self._slack_us
        used, tag = np.unique(read.slot[rows], return_inverse=True)
        value = read.value[rows]
        # The longest text does not matter: there are none.
        kind, number = value_columns(value, 0)
        nothing = [one is None for one in value] if None in value else False
        data = DataParcel(
            message=messages[0],
            address=self._address,
            ids=Ids(self._epoch, 1, len(value) + 1),
            tags=[self._table.tags[slot] for slot in used.tolist()],
            tag=tag,
            time_us=time_us,
            kind=kind,
            number=number,
            value=value,
            quality=np.where(nothing, int(Quality.BAD), int(Quality.GOOD)) * np.ones_like(tag),
            more=messages[1:],
            rows_of=counts.tolist() if len(messages) > 1 else (),
        )
        latest_us = int(time_us[believed].max()) if believed.any() else 0
        return Fast(messages, data, repeats, latest_us)


@dataclass(frozen=True, slots=True)
class _Read:
    """The values of several messages, one element each, and which messages are strange."""

    owner: NDArray[np.int64]
    """Index of the message."""
    slot: NDArray[np.int64]
    time_us: NDArray[np.int64]
    historical: NDArray[np.bool_]
    value: list[Value]
    strange: NDArray[np.bool_]
    """By message."""

    @staticmethod
    def of(table: Table, incoming: Sequence[Incoming]) -> "_Read":
        payloads = [_plain(one) for one in incoming]
        counts = np.array([len(one) for one in payloads], np.int64)
        owner = np.repeat(np.arange(len(payloads)), counts)
        starts = np.array([one.start for one in payloads], np.int64)
        first = np.cumsum(counts) - counts
        rows = np.arange(len(owner)) + (starts - first)[owner]
        columns = payloads[0].columns
        assert columns is not None, "a payload is read before it is taken"
        slot = table.slots(columns, rows)
        said = [-1 if one.timestamp is None else one.timestamp for one in payloads]
        time_ms = columns.time_ms[rows]
        time_ms = np.where(time_ms < 0, np.array(said, np.int64)[owner], time_ms)
        wanted = slot >= 0
        bad = (slot == _STRANGE) | (wanted & ((time_ms < 0) | (time_ms > _LATEST_MS)))
        value, odd = _values(table, columns, rows, slot)
        bad |= odd
        strange = np.zeros(len(payloads), np.bool_)
        strange[owner[bad]] = True
        keep = wanted & ~strange[owner]
        return _Read(
            owner[keep],
            slot[keep],
            time_ms[keep] * 1000,
            columns.historical[rows][keep],
            [value[k] for k in np.flatnonzero(keep).tolist()] if not keep.all() else value,
            strange,
        )


def _values(
    table: Table, columns: Columns, rows: NDArray[np.int64], slot: NDArray[np.int64]
) -> tuple[list[Value], NDArray[np.bool_]]:
    """Return what the values mean to the tags, and which need a closer look: shape (n,)."""
    odd = np.zeros(len(rows), np.bool_)
    if not table.tags:
        return [None] * len(rows), odd
    tag = np.maximum(slot, 0)
    said = columns.datatype[rows]
    datatype = np.where(said == 0, table.datatype[tag], said)
    number = columns.number[rows]
    whole = columns.is_whole[rows]
    scaled = (table.scale[tag] != 1) | (table.offset[tag] != 0)
    odd |= ~whole & (datatype == DataType.BOOLEAN)
    with np.errstate(over="ignore", invalid="ignore"):
        meant = np.where(scaled, number * table.scale[tag] + table.offset[tag], number)
    value: list[Value] = meant.tolist()
    for k in np.flatnonzero(~np.isfinite(meant)).tolist():
        value[k] = None
    for k in np.flatnonzero(whole & (slot >= 0)).tolist():
        found = _whole(int(columns.whole[rows[k]]), bool(columns.is_boolean[rows[k]]), datatype[k])
        if found is None:
            odd[k] = True
        elif scaled[k]:
            own = tag[k]
            converted = found * float(table.scale[own]) + float(table.offset[own])
            value[k] = converted if math.isfinite(converted) else None
        else:
            value[k] = found
    return value, odd


def _whole(raw: int, is_boolean: bool, datatype: int) -> int | None:
    """Return what a whole number means; None where it takes a closer look to say."""
    if datatype == DataType.DATE_TIME:
        return None
    if datatype == DataType.BOOLEAN or is_boolean:
        return int(raw != 0)
    try:
        return signed(raw, datatype)
    except DataError:
        return None


def _plain(incoming: Incoming) -> PlainPayload:
    assert isinstance(incoming.payload, PlainPayload)
    return incoming.payload
