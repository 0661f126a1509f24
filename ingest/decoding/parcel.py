"""What a message says, decoded off the writing thread: columns of numbers, no database needed."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import msgspec
import numpy as np
from numpy.typing import NDArray

from ingest.decoding.column import LARGEST, Kind, value_columns, whole_numbers
from ingest.decoding.json_size import check_items
from ingest.decoding.message import Message
from ingest.settings import LimitSettings
from plant.clock import microseconds
from plant.errors import DataError
from plant.measurement import Quality, Value
from plant.native.device_values import MAX_VALUES, decode_device_values
from plant.native.message import (
    Birth,
    DataBatch,
    EdgeAddress,
    Leaf,
    Status,
    decode_birth,
    decode_data,
    decode_status,
    parse_topic,
)

MAX_SETTLED_ROWS = 100_000
"""A message that cannot be read may name at most this many ids to be taken at its word."""

# Members of an enumeration are slow to look up.
_NOTHING, _GOOD, _BAD = int(Kind.NOTHING), int(Quality.GOOD), int(Quality.BAD)

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
    def received_us(self) -> NDArray[np.int64]:
        """When each measurement arrived."""
        moments = [microseconds(message.received_time) for message in self.messages]
        return np.repeat(np.array(moments, np.int64), self.rows_of if self.more else self.rows)

    def apart(self) -> Iterator["DataParcel"]:
        """Yield the messages that it was made of, each by itself."""
        if not self.more:
            yield self
            return
        start = 0
        for message, rows in zip(self.messages, self.rows_of, strict=True):
            own = slice(start, start + rows)
            first = self.ids.start + start
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

    message: Message
    address: EdgeAddress
    data: DataParcel
    """Its ids are only the places within the message."""
    epoch: None = None
    """There is no outbox that could have lives."""

    @property
    def rows(self) -> int:
        """How many measurements it holds."""
        return self.data.rows


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
    return parcel.messages if isinstance(parcel, DataParcel) else [parcel.message]


def apart(parcel: Parcel) -> Sequence[Parcel]:
    """Return the messages that a parcel was made of, each as one."""
    return list(parcel.apart()) if isinstance(parcel, DataParcel) else [parcel]


def open_parcel(message: Message, limits: LimitSettings) -> Parcel:
    """Return what a message says; one that cannot be read comes back refused, never raised."""
    try:
        address, leaf = parse_topic(message.topic)
    except DataError as exc:
        return RefusedParcel(message, exc.reason, exc.detail)
    try:
        size = max(message.size, len(message.payload))
        if size > limits.max_payload_bytes or size > len(message.payload):
            raise DataError(
                "too_large", f"{size} bytes; at most {limits.max_payload_bytes} are taken"
            )
        match leaf:
            case Leaf.DATA:
                check_items(message.payload, items_of(limits.max_rows))
                batch = decode_data(message.payload)
                if len(batch.value) > limits.max_rows:
                    raise DataError(
                        "too_large",
                        f"{len(batch.value)} measurements; at most {limits.max_rows} are taken",
                    )
                return _data_parcel(message, address, batch, limits)
            case Leaf.VALUES:
                check_items(message.payload, items_of(min(limits.max_rows, MAX_VALUES)))
                return _device_parcel(message, address, limits)
            case Leaf.BIRTH:
                check_items(message.payload, _FIELDS_OF_A_TAG * limits.max_tags)
                birth = decode_birth(message.payload)
                if len(birth.tags) > limits.max_tags:
                    raise DataError(
                        "too_large",
                        f"{len(birth.tags)} tags; at most {limits.max_tags} are taken",
                    )
                check_epoch(birth.epoch)
                return BirthParcel(message, address, birth)
            case Leaf.STATUS:
                check_items(message.payload, _ITEMS_OF_A_STATUS)
                status = decode_status(message.payload)
                check_epoch(status.epoch)
                return StatusParcel(message, address, status)
            case _:
                raise DataError("bad_topic", f"nothing is expected on a topic ending in {leaf!r}")
    except DataError as exc:
        ids = _readable_ids(message.payload) if leaf == Leaf.DATA else None
        epoch = ids.epoch if ids else None
        return RefusedParcel(message, exc.reason, exc.detail, address, epoch, ids)


def refused(parcel: Parcel, reason: str, detail: str) -> RefusedParcel:
    """Return the parcel as one that cannot be accepted after all."""
    ids = parcel.ids if isinstance(parcel, DataParcel) else None
    return RefusedParcel(
        parcel.message, reason, detail, parcel.address, parcel.epoch, ids, parcel.rows
    )


_FIELDS_OF_A_TAG = 16
_ITEMS_OF_A_STATUS = 20_000


def items_of(rows: int) -> int:
    """Return how many JSON values a message of so many measurements may consist of."""
    return 8 * rows + 1_000


def _data_parcel(
    message: Message, address: EdgeAddress, batch: DataBatch, limits: LimitSettings
) -> DataParcel:
    check_epoch(batch.epoch)
    kind, number = value_columns(batch.value, limits.max_text_length)
    return DataParcel(
        message=message,
        address=address,
        ids=Ids(batch.epoch, batch.first_id, batch.last_id + 1),
        tags=batch.tags,
        tag=np.array(batch.tag, np.int64),
        time_us=whole_numbers(batch.time_us),
        kind=kind,
        number=number,
        value=batch.value,
        quality=(
            np.zeros(len(batch.value), np.int64)
            if batch.quality is None
            else whole_numbers(batch.quality)
        ),
    )


def _device_parcel(message: Message, address: EdgeAddress, limits: LimitSettings) -> DeviceParcel:
    said = decode_device_values(message.payload)
    tags: dict[str, int] = {}
    index = [tags.setdefault(f"{address.edge}/{path}", len(tags)) for path in said.path]
    kind, number = value_columns(said.value, limits.max_text_length)
    # A device says that it has no value by null, and nothing else about its trust in one.
    nothing = kind == _NOTHING
    data = DataParcel(
        message=message,
        address=address,
        ids=Ids(DEVICE_EPOCH, 1, len(index) + 1),
        tags=list(tags),
        tag=np.array(index, np.int64),
        time_us=whole_numbers(said.time_us),
        kind=kind,
        number=number,
        value=said.value,
        quality=np.where(nothing, _BAD, _GOOD),
    )
    return DeviceParcel(message, address, data)


def check_epoch(epoch: str) -> None:
    """Raise DataError when this cannot be the name of an epoch."""
    if not 0 < len(epoch) <= 64 or not epoch.isprintable():
        raise DataError("malformed", "the epoch must be 1 to 64 printable characters")


class _Header(msgspec.Struct, frozen=True):
    """Of a data message, what is the same in every schema version."""

    epoch: str
    first_id: int
    last_id: int


_header_decoder = msgspec.json.Decoder(_Header)


def _readable_ids(payload: bytes) -> Ids | None:
    try:
        header = _header_decoder.decode(payload)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None
    try:
        check_epoch(header.epoch)
    except DataError:
        return None
    # Taken at its word, a message that names the ids from 1 to 2**62 would have all that the edge
    # will ever send passed over as repeated.
    plausible = (
        1 <= header.first_id <= header.last_id < header.first_id + MAX_SETTLED_ROWS
        and header.last_id <= LARGEST
    )
    return Ids(header.epoch, header.first_id, header.last_id + 1) if plausible else None
