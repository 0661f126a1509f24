"""What messages say, decoded off the database: columns of numbers, and whose they are."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ingest.decoding.message import Message
from plant.clock import microseconds
from plant.measurement import Value
from plant.native.message import Birth, EdgeAddress, Status

DEVICE_EPOCH = "values"
"""Stands where an edge's epoch stands, for people who look at devices without an outbox."""


@dataclass(frozen=True, slots=True)
class Ids:
    """The outbox ids that a message is about: `[start, stop)` of one epoch."""

    epoch: str
    start: int
    stop: int

    def __len__(self) -> int:
        return self.stop - self.start


@dataclass(frozen=True, slots=True)
class DataParcel:
    """A data message as columns, one element per measurement."""

    message: Message
    address: EdgeAddress
    ids: Ids
    tags: Sequence[str]
    tag: NDArray[np.int64]
    """Index into `tags`."""
    time_us: NDArray[np.int64]
    kind: NDArray[np.int8]
    """A `Kind`."""
    number: NDArray[np.float64]
    """NaN where the value is no number."""
    value: Sequence[Value]
    """The values as they came."""
    quality: NDArray[np.int64]
    more: Sequence[Message] = ()
    """The messages after `message`, where it was made of several whose ids follow one another."""
    rows_of: Sequence[int] = ()
    """How many measurements each of these messages brought, where they are several."""

    @property
    def rows(self) -> int:
        """How many measurements it holds."""
        return len(self.ids)

    @property
    def epoch(self) -> str:
        """Which life of the outbox the ids are of."""
        return self.ids.epoch

    @property
    def messages(self) -> Sequence[Message]:
        """All messages that it was made of."""
        return [self.message, *self.more]

    @property
    def lengths(self) -> Sequence[int]:
        """How many measurements each of its messages brought."""
        return self.rows_of if self.more else [self.rows]

    @property
    def received_us(self) -> NDArray[np.int64]:
        """When each measurement arrived."""
        moments = [microseconds(message.received_time) for message in self.messages]
        return np.repeat(np.array(moments, np.int64), self.lengths)

    def apart(self, *, numbered: bool = True) -> Iterator["DataParcel"]:
        """Yield the messages that it was made of, each by itself.

        Where no outbox has `numbered` the rows, their ids are the places within each.
        """
        if not self.more:
            yield self
            return
        start = 0
        for message, rows in zip(self.messages, self.rows_of, strict=True):
            own = slice(start, start + rows)
            first = self.ids.start + start if numbered else 1
            yield DataParcel(
                message=message,
                address=self.address,
                ids=Ids(self.ids.epoch, first, first + rows),
                tags=self.tags,
                tag=self.tag[own],
                time_us=self.time_us[own],
                kind=self.kind[own],
                number=self.number[own],
                value=self.value[own],
                quality=self.quality[own],
            )
            start += rows


@dataclass(frozen=True, slots=True)
class DeviceParcel:
    """Values of a device without outbox ids."""

    data: DataParcel
    """Its ids are only places."""
    epoch: None = None
    """There is no outbox that could have lives."""

    @property
    def message(self) -> Message:
        """The first message that it was made of."""
        return self.data.message

    @property
    def address(self) -> EdgeAddress:
        """Whose values they are."""
        return self.data.address

    @property
    def rows(self) -> int:
        """How many measurements it holds."""
        return self.data.rows

    @property
    def messages(self) -> Sequence[Message]:
        """All messages that it was made of."""
        return self.data.messages

    def apart(self) -> Iterator["DeviceParcel"]:
        """Yield the messages that it was made of, each by itself."""
        return map(DeviceParcel, self.data.apart(numbered=False))


@dataclass(frozen=True, slots=True)
class BirthParcel:
    """A birth message."""

    message: Message
    address: EdgeAddress
    birth: Birth
    rows: int = 0

    @property
    def epoch(self) -> str:
        """The edge's present epoch."""
        return self.birth.epoch


@dataclass(frozen=True, slots=True)
class StatusParcel:
    """A heartbeat or Last Will."""

    message: Message
    address: EdgeAddress
    status: Status
    rows: int = 0

    @property
    def epoch(self) -> str:
        """The edge's present epoch."""
        return self.status.epoch


@dataclass(frozen=True, slots=True)
class RefusedParcel:
    """A message that cannot be accepted as a whole."""

    message: Message
    reason: str
    detail: str
    address: EdgeAddress | None = None
    epoch: str | None = None
    """Where it could be read."""
    ids: Ids | None = None
    """The ids that it is about, where they could be read and are plausible."""
    rows: int = 0
    """How many measurements were read from it before it was refused."""
    origin: "RefusedParcel | None" = None
    """What it was before the database refused even its rejection: nothing of what the message
    says of itself is used any more, only its raw form."""
    kept: bool = False
    """Its raw form is kept elsewhere; only its ids remain to be settled."""


Parcel = DataParcel | DeviceParcel | BirthParcel | StatusParcel | RefusedParcel


def messages_of(parcel: Parcel) -> Sequence[Message]:
    """Return the messages that a parcel was made of."""
    return parcel.messages if isinstance(parcel, DataParcel | DeviceParcel) else [parcel.message]


def apart(parcel: Parcel) -> Sequence[Parcel]:
    """Return the messages that a parcel was made of, each as one."""
    return list(parcel.apart()) if isinstance(parcel, DataParcel | DeviceParcel) else [parcel]


def refused(parcel: Parcel, reason: str, detail: str) -> RefusedParcel:
    """Return the parcel as one that cannot be accepted after all."""
    ids = parcel.ids if isinstance(parcel, DataParcel) else None
    return RefusedParcel(
        parcel.message, reason, detail, parcel.address, parcel.epoch, ids, parcel.rows
    )
