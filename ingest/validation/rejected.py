"""What a stored rejection holds, read again as measurements."""

from collections.abc import Mapping

import msgspec

from ingest.decoding.message import Message
from ingest.decoding.opening import open_parcel
from ingest.decoding.parcel import DataParcel, DeviceParcel, Parcel
from ingest.decoding.run import DataRun
from ingest.settings import LimitSettings
from ingest.validation.registry import address_of
from ingest.validation.validation import Reason
from plant.native.message import SCHEMA, DataBatch, Leaf
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
        return _data_of(open_parcel(message, limits))
    edge = edges.get(row.edge_id) if row.edge_id is not None else None
    if edge is None:
        return None
    try:
        one = _row_decoder.decode(row.raw)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None
    columns = [one.tag], [0], [one.time_us], [one.value], [one.quality]
    batch = DataBatch(SCHEMA, row.epoch or "", one.id, one.id, one.time_us, *columns)
    return _data_of(DataRun(address_of(edge), limits.max_text_length, message, batch).parcel())


def _data_of(parcel: Parcel) -> DataParcel | None:
    if isinstance(parcel, DeviceParcel):
        return parcel.data
    return parcel if isinstance(parcel, DataParcel) else None
