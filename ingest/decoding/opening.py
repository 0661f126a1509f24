"""Messages opened: what each says, or why it cannot be taken."""

import msgspec

from ingest.decoding.column import LARGEST
from ingest.decoding.json_size import check_items
from ingest.decoding.message import Message
from ingest.decoding.parcel import BirthParcel, Ids, Parcel, RefusedParcel, StatusParcel
from ingest.decoding.run import DataRun, DeviceRun
from ingest.settings import LimitSettings
from plant.errors import DataError
from plant.native.device_values import MAX_VALUES, DeviceValues, decode_device_values
from plant.native.message import (
    DataBatch,
    Leaf,
    decode_birth,
    decode_data,
    decode_status,
    parse_topic,
)

MAX_SETTLED_ROWS = 100_000
"""A message that cannot be read may name at most this many ids to be taken at its word."""
_FIELDS_OF_A_TAG = 16
_ITEMS_OF_A_STATUS = 20_000


def open_parcel(message: Message, limits: LimitSettings) -> Parcel:
    """Return what a message says; one that cannot be read comes back refused, never raised."""
    try:
        address, leaf = parse_topic(message.topic)
    except DataError as exc:
        return RefusedParcel(message, exc.reason, exc.detail)
    try:
        match leaf:
            case Leaf.DATA:
                batch = read_data(message, limits)
                return DataRun(address, limits.max_text_length, message, batch).parcel()
            case Leaf.VALUES:
                said = read_values(message, limits)
                return DeviceRun(address, limits.max_text_length, message, said).parcel()
            case Leaf.BIRTH:
                _check_size(message, limits, _FIELDS_OF_A_TAG * limits.max_tags)
                birth = decode_birth(message.payload)
                if len(birth.tags) > limits.max_tags:
                    raise DataError(
                        "too_large",
                        f"{len(birth.tags)} tags; at most {limits.max_tags} are taken",
                    )
                check_epoch(birth.epoch)
                return BirthParcel(message, address, birth)
            case Leaf.STATUS:
                _check_size(message, limits, _ITEMS_OF_A_STATUS)
                status = decode_status(message.payload)
                check_epoch(status.epoch)
                return StatusParcel(message, address, status)
            case _:
                _check_size(message, limits, len(message.payload))
                raise DataError("bad_topic", f"nothing is expected on a topic ending in {leaf!r}")
    except DataError as exc:
        ids = _readable_ids(message.payload) if leaf == Leaf.DATA else None
        epoch = ids.epoch if ids else None
        return RefusedParcel(message, exc.reason, exc.detail, address, epoch, ids)


def read_data(message: Message, limits: LimitSettings) -> DataBatch:
    """Return what a data message says; raise DataError when it cannot be taken."""
    _check_size(message, limits, _items_of(limits.max_rows))
    batch = decode_data(message.payload)
    rows = batch.last_id + 1 - batch.first_id
    if rows > limits.max_rows:
        raise DataError("too_large", f"{rows} measurements; at most {limits.max_rows} are taken")
    check_epoch(batch.epoch)
    return batch


def read_values(message: Message, limits: LimitSettings) -> DeviceValues:
    """Return what a device without outbox says; raise DataError when it cannot be taken."""
    _check_size(message, limits, _items_of(min(limits.max_rows, MAX_VALUES)))
    return decode_device_values(message.payload)


def _check_size(message: Message, limits: LimitSettings, most_items: int) -> None:
    size = len(message.payload)
    # Of what is too large for the line, there is only the beginning.
    if size < message.size or size > limits.max_payload_bytes:
        size = max(size, message.size)
        raise DataError("too_large", f"{size} bytes; at most {limits.max_payload_bytes} are taken")
    check_items(message.payload, most_items)


def _items_of(rows: int) -> int:
    """Return how many JSON values a message of so many measurements may consist of."""
    return 8 * rows + 1_000


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
