"""What a message says, decoded off the writing thread: columns of numbers, no database needed."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum

import msgspec
import numpy as np
from numpy.typing import NDArray

from ingest.message import Message
from ingest.settings import LimitSettings
from plant.errors import DataError
from plant.measurement import Value
from plant.native import (
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


class Kind(IntEnum):
    """What a value is."""

    NOTHING = 0
    NUMBER = 1
    TEXT = 2
    TEXT_TOO_LONG = 3
    TEXT_WITH_NUL = 4
    """PostgreSQL cannot store the character U+0000."""
    NUMBER_TOO_LARGE = 5
    """Beyond the range of a double."""


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

    @property
    def rows(self) -> int:
        """How many measurements it holds."""
        return len(self.ids)

    @property
    def epoch(self) -> str:
        """Which life of the outbox the ids are of."""
        return self.ids.epoch


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


Parcel = DataParcel | BirthParcel | StatusParcel | RefusedParcel


def open_parcel(message: Message, limits: LimitSettings) -> Parcel:
    """Return what a message says; one that cannot be read comes back refused, never raised."""
    try:
        address, leaf = parse_topic(message.topic)
    except DataError as exc:
        return RefusedParcel(message, exc.reason, exc.detail)
    try:
        if len(message.payload) > limits.max_payload_bytes:
            raise DataError(
                "too_large",
                f"{len(message.payload)} bytes; at most {limits.max_payload_bytes} are taken",
            )
        match leaf:
            case Leaf.DATA:
                return _data_parcel(message, address, decode_data(message.payload), limits)
            case Leaf.BIRTH:
                birth = decode_birth(message.payload)
                _check_epoch(birth.epoch)
                return BirthParcel(message, address, birth)
            case Leaf.STATUS:
                status = decode_status(message.payload)
                _check_epoch(status.epoch)
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


def _data_parcel(
    message: Message, address: EdgeAddress, batch: DataBatch, limits: LimitSettings
) -> DataParcel:
    _check_epoch(batch.epoch)
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


def _check_epoch(epoch: str) -> None:
    if not 0 < len(epoch) <= 64 or not epoch.isprintable():
        raise DataError("malformed", "the epoch must be 1 to 64 printable characters")


def value_columns(
    values: Sequence[Value], max_text_length: int
) -> tuple[NDArray[np.int8], NDArray[np.float64]]:
    """Return the `Kind` of each value, and the values that are numbers, NaN for the others."""
    if set(map(type, values)) <= {float, int}:
        try:
            number = np.array(values, np.float64)
        except OverflowError:
            pass
        else:
            return np.full(len(values), Kind.NUMBER, np.int8), number
    kind = np.empty(len(values), np.int8)
    number = np.full(len(values), np.nan)
    for k, value in enumerate(values):
        if value is None:
            kind[k] = Kind.NOTHING
        elif isinstance(value, str):
            kind[k] = _text_kind(value, max_text_length)
        else:
            try:
                number[k] = value
                kind[k] = Kind.NUMBER
            except OverflowError:
                kind[k] = Kind.NUMBER_TOO_LARGE
    return kind, number


def _text_kind(text: str, max_length: int) -> Kind:
    if len(text) > max_length:
        return Kind.TEXT_TOO_LONG
    return Kind.TEXT_WITH_NUL if "\0" in text else Kind.TEXT


_LIMIT = 2**62


def whole_numbers(values: Sequence[int]) -> NDArray[np.int64]:
    """Return the values, those beyond 64 bits cut to a value that validation refuses anyway."""
    try:
        return np.array(values, np.int64)
    except OverflowError:
        return np.array([max(-_LIMIT, min(_LIMIT, value)) for value in values], np.int64)


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
        _check_epoch(header.epoch)
    except DataError:
        return None
    plausible = (
        1 <= header.first_id <= header.last_id < header.first_id + MAX_SETTLED_ROWS
        and header.last_id <= _LIMIT
    )
    return Ids(header.epoch, header.first_id, header.last_id + 1) if plausible else None
