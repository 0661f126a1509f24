from dataclasses import replace
from datetime import timedelta

import pytest

from ingest.commit.heartbeat import ClockOffsets, status_row, with_status
from ingest.decoding.message import Message
from ingest.decoding.opening import open_parcel
from ingest.decoding.parcel import StatusParcel
from ingest.settings import LimitSettings
from plant.delivery.idset import IdSet
from plant.errors import DataError
from store.delivery.row import LedgerRow
from tests.plants.deliveries import NOW, NOW_US, status


def parcel(message: Message) -> StatusParcel:
    opened = open_parcel(message, LimitSettings())
    assert isinstance(opened, StatusParcel)
    return opened


def test_a_heartbeat_becomes_a_row_when_it_is_whole() -> None:
    row = status_row(
        parcel(
            status(issued_id=9, pending=2, oldest_pending_us=NOW_US - 5_000_000, sampled_us=NOW_US)
        ),
        1,
        ClockOffsets(),
    )

    assert (row.online, row.issued_id, row.pending, row.full) == (True, 9, 2, True)
    assert row.oldest_pending_time == NOW - timedelta(seconds=5)
    assert row.sampled_time == NOW
    assert row.reported_at == NOW


def test_a_last_will_tells_only_that_the_edge_is_gone() -> None:
    row = status_row(parcel(status(online=False, sent_us=None)), 1, ClockOffsets())

    assert (row.online, row.full, row.clock_offset_ms) == (False, False, None)


def test_the_clock_offset_is_the_largest_of_recent_differences() -> None:
    offsets = ClockOffsets()

    seen = [
        status_row(parcel(status(sent_us=NOW_US + 1_000 * ms)), 1, offsets).clock_offset_ms
        for ms in (-400, -15, -90)
    ]

    assert seen == [-400, -15, -15]


def test_a_retained_heartbeat_says_when_it_was_sent_and_nothing_of_the_clock() -> None:
    row = status_row(parcel(status(sent_us=NOW_US - 60_000_000, retained=True)), 1, ClockOffsets())

    assert row.reported_at == NOW - timedelta(minutes=1)
    assert row.clock_offset_ms is None


@pytest.mark.parametrize(
    "said",
    [
        {"issued_id": -1},
        {"pending": 2**63},
        {"sampled_us": 2**61},
        {"sampled_us": -1},
        {"issued_id": 5, "dropped_ranges": [(4, 6)]},
        {"issued_id": 5, "dropped_ranges": [(0, 2)]},
        {"issued_id": 5, "dropped_ranges": [(3, 2)]},
        {"dropped_ranges": [(1, 2)]},
    ],
)
def test_a_heartbeat_is_refused_when_it_contradicts_itself(said: dict[str, object]) -> None:
    with pytest.raises(DataError, match="inconsistent"):
        status_row(parcel(status(**said)), 1, ClockOffsets())


def test_unreachable_tags_are_stored_without_nul_and_within_bounds() -> None:
    row = status_row(parcel(status(unreachable=["a\0b", "x" * 999] * 300)), 1, ClockOffsets())

    assert len(row.unreachable) == 200
    assert row.unreachable[0] == "a\ufffdb"
    assert len(row.unreachable[1]) == 300


def test_the_ledger_keeps_the_highest_issued_id_and_every_dropped_range() -> None:
    ledger = LedgerRow(1, "e1", committed=IdSet(((1, 4),)), issued_id=20)
    said = parcel(status(issued_id=10, dropped_ranges=[(4, 6), (9, 9)])).status

    changed = with_status(ledger, said)

    assert changed.issued_id == 20
    assert changed.dropped == IdSet(((4, 7), (9, 10)))
    assert changed.contiguous_to == 6
    assert changed == replace(ledger, dropped=changed.dropped)
