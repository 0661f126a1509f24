"""What a status message tells: the edge's heartbeat row, and what it says about its ids."""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from itertools import chain

from ingest.commit.new_rows import readable
from ingest.decoding.parcel import StatusParcel
from plant.clock import from_microseconds
from plant.delivery.idset import IdSet
from plant.errors import DataError
from plant.native.message import DropReason, Status
from store.delivery.row import LedgerRow, StatusRow

_KEPT_OFFSETS = 8
_MAX_UNREACHABLE = 200
_MAX_UNREACHABLE_LENGTH = 300
_LARGEST = 2**62
MOST_SPANS = 2_000
"""Pieces of a ledger. It is read and written with each transaction, so an edge that leaves out
every other id would slow down everybody else; one that sends in order needs two or three."""

_NUMBERS = (
    *("issued_id", "pending", "dropped"),
    *("config_version", "config_refused", "config_rolled_back"),
)


@dataclass(slots=True)
class ClockOffsets:
    """Estimates how far an edge's clock is ahead of the platform's.

    A heartbeat arrives after it was sent, so each difference is the true offset less the time
    under way; the largest of the last few is nearest to it (the minimum-delay filter of NTP).
    """

    _recent: dict[int, deque[float]] = field(default_factory=dict)

    def add(self, edge_id: int, offset_ms: float) -> float:
        """Take a difference in milliseconds and return the estimate."""
        recent = self._recent.setdefault(edge_id, deque(maxlen=_KEPT_OFFSETS))
        recent.append(offset_ms)
        return max(recent)


def status_row(parcel: StatusParcel, edge_id: int, offsets: ClockOffsets) -> StatusRow:
    """Return the heartbeat row of a status message; raise DataError when it contradicts itself.

    A retained message was sent before this ingest listened, so it says when it was sent and
    nothing about the clocks.
    """
    status, message = parcel.status, parcel.message
    _check(status)
    sent = _moment("sent_us", status.sent_us)
    offset_ms = None
    if sent is not None and not message.retained:
        offset_ms = offsets.add(edge_id, (sent - message.received_time).total_seconds() * 1000)
    return StatusRow(
        edge_id=edge_id,
        online=status.online,
        epoch=status.epoch,
        reported_at=sent if sent is not None and message.retained else message.received_time,
        full=status.sent_us is not None,
        issued_id=status.issued_id,
        pending=status.pending,
        oldest_pending_time=_moment("oldest_pending_us", status.oldest_pending_us),
        sampled_time=_moment("sampled_us", status.sampled_us),
        dropped=status.dropped,
        buffer_hours_left=status.buffer_hours_left,
        clock_offset_ms=offset_ms,
        unreachable=[
            readable(text)[:_MAX_UNREACHABLE_LENGTH]
            for text in (status.unreachable or [])[:_MAX_UNREACHABLE]
        ],
        config_version=status.config_version,
        config_error=None if status.config_error is None else readable(status.config_error),
        config_on_trial=status.config_on_trial,
        config_refused=status.config_refused,
        config_rolled_back=status.config_rolled_back,
    )


def sign_of_life(
    edge_id: int, epoch: str, at: datetime, sampled: datetime | None, *, online: bool = True
) -> StatusRow:
    """Return the heartbeat row of who has no outbox: nothing is issued, nothing pending."""
    return StatusRow(
        edge_id=edge_id,
        online=online,
        epoch=epoch,
        reported_at=at,
        full=online,
        issued_id=0,
        pending=0,
        sampled_time=sampled,
    )


def with_status(ledger: LedgerRow, status: Status) -> LedgerRow:
    """Return the ledger with what the edge says it gave out and will not send.

    Raises DataError when that would tear the ledger to shreds; see `MOST_SPANS`.
    """
    dropped = _ids(status.dropped_ranges)
    because = status.dropped_because or {}
    set_back = _ids(because.get(DropReason.PLATFORM_SET_BACK))
    damaged = _ids(because.get(DropReason.OUTBOX_DAMAGED))
    known = ledger.dropped.union(dropped).union(set_back).union(damaged)
    # A ledger that is in more pieces already may stay so: no heartbeat of its edge would get
    # through any more, and heartbeats are how it tells that it has mended.
    if len(known.spans) > max(MOST_SPANS, len(ledger.dropped.spans)):
        raise DataError("scattered_ids", f"more than {MOST_SPANS} ranges of dropped ids")
    return replace(
        ledger,
        # A retained heartbeat can come after a newer one; what was given out stays given out.
        issued_id=max(ledger.issued_id, status.issued_id or 0),
        dropped=known,
        set_back=ledger.set_back.union(set_back),
        damaged=ledger.damaged.union(damaged),
    )


def _ids(ranges: Sequence[tuple[int, int]] | None) -> IdSet:
    return IdSet.of((low, high + 1) for low, high in ranges or ())


def _check(status: Status) -> None:
    for name in _NUMBERS:
        number = getattr(status, name)
        if number is not None and not 0 <= number <= _LARGEST:
            raise DataError("inconsistent", f"{name} {number} cannot be")
    because = (status.dropped_because or {}).values()
    for low, high in chain(status.dropped_ranges or (), *because):
        if not 1 <= low <= high <= (status.issued_id or 0):
            raise DataError(
                "inconsistent",
                f"dropped ids {low} to {high}, but the ids given out end at {status.issued_id}",
            )


def _moment(name: str, value: int | None) -> datetime | None:
    if value is None:
        return None
    try:
        moment = from_microseconds(value)
    except OverflowError as exc:
        raise DataError("inconsistent", f"{name} {value} is no moment") from exc
    # Close to year 1 or 9999 a change of time zone would leave the range.
    if not datetime(1970, 1, 1, tzinfo=UTC) <= moment <= datetime(9000, 1, 1, tzinfo=UTC):
        raise DataError("inconsistent", f"{name} {moment} cannot be")
    return moment
