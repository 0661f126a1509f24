"""What a stored rejection holds, read again as measurements."""

from collections.abc import Mapping

import msgspec
import numpy as np

from ingest.decoding.column import value_columns, whole_numbers
from ingest.decoding.message import Message
from ingest.decoding.opening import open_parcel
from ingest.decoding.parcel import DataParcel, DeviceParcel, Ids
from ingest.settings import LimitSettings
from ingest.validation.registry import address_of
from ingest.validation.validation import Reason
from plant.native.message import Leaf
from store.delivery.row import EdgeRow, OpenRejection


class _Row(msgspec.Struct, frozen=True):
    """One rejected measurement, as `ingest.validation.validation.raw_row` keeps it."""

    id: int
    tag: str
    time_us: int
    value: float | int | str | bool | None
    quality: int


_row_decoder = msgspec.json.Decoder(_Row)


def is_numbered(row: OpenRejection) -> bool:
    """Tell whether it was sent with outbox ids, which a ledger knows."""
    return row.topic.endswith(f"/{Leaf.DATA}") and row.topic.startswith("nm/")


def opened_rejection(
    row: OpenRejection, edges: Mapping[int, EdgeRow], limits: LimitSettings
) -> DataParcel | None:
    """Return the measurements that a rejection holds; None where they cannot be read.

    A single measurement names its tag, however it came; a whole message must be one that can be
    understood by itself, which those of Sparkplug cannot.
    """
    message = Message(row.topic, row.raw, row.received_time)
    if row.reason not in set(Reason):
        parcel = open_parcel(message, limits)
        if isinstance(parcel, DeviceParcel):
            return parcel.data
        return parcel if isinstance(parcel, DataParcel) else None
    edge = edges.get(row.edge_id) if row.edge_id is not None else None
    if edge is None:
        return None
    try:
        content = _row_decoder.decode(row.raw)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None
    kind, number = value_columns([content.value], limits.max_text_length)
    return DataParcel(
        message=message,
        address=address_of(edge),
        ids=Ids(row.epoch or "", content.id, content.id + 1),
        tags=[content.tag],
        tag=np.zeros(1, np.int64),
        time_us=whole_numbers([content.time_us]),
        kind=kind,
        number=number,
        value=[content.value],
        quality=whole_numbers([content.quality]),
    )
