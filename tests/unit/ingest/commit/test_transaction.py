"""What groups of messages do to the database, through the committer and a database in memory."""

from collections.abc import Sequence
from dataclasses import replace

import msgspec
import pytest

from ingest.commit.heartbeat import MOST_SPANS
from ingest.decoding.message import Message
from plant.delivery.idset import IdSet
from plant.native.message import (
    SCHEMA,
    Ack,
    DataBatch,
    EdgeAddress,
    Leaf,
    TagDeclaration,
    decode_ack,
    encode,
)
from store.delivery.row import EdgeRow
from tests.plants.deliveries import (
    COUNT,
    DRILL,
    EDGE,
    LATHE,
    NOW_US,
    OTHER_EDGE,
    STATE,
    STRANGER,
    TAGS,
    TEMPERATURE,
    birth,
    data,
    message,
    status,
)
from tests.unit.ingest.bench import Bench

HOUR_US = 3_600_000_000


@pytest.fixture
def bench() -> Bench:
    bench = Bench()
    bench.take(birth())
    return bench


def values(bench: Bench) -> list[float | None]:
    return [value for _, _, value, _ in bench.store.tables.numbers]


def acks(published: Sequence[tuple[str, bytes]], edge: EdgeAddress = EDGE) -> list[Ack]:
    return [decode_ack(payload) for topic, payload in published if topic == edge.topic(Leaf.ACK)]


def of_two_tags(epoch: str) -> Message:
    """Return parts 7 and 8 counted and temperatures 20 and 21 read, in turn."""
    times = [NOW_US + k for k in range(4)]
    tags = [COUNT.name, TEMPERATURE.name]
    batch = DataBatch(SCHEMA, epoch, 1, 4, NOW_US, tags, [0, 1, 0, 1], times, [7, 20, 8, 21])
    return message(Leaf.DATA, encode(batch))


def test_rows_are_written_tag_by_tag(bench: Bench) -> None:
    bench.take(of_two_tags("e1"))

    assert values(bench) == [20, 21, 7, 8]


def test_rows_and_ledger_are_written_together(bench: Bench) -> None:
    published = bench.take(data(1, [20.5, 21]), data(3, ["EXECUTE", "HELD"], tag=STATE.name))

    assert values(bench) == [20.5, 21]
    assert [value for _, _, value, _ in bench.store.tables.texts] == ["EXECUTE", "HELD"]
    assert bench.ledger().committed == IdSet(((1, 5),))
    assert [ack.committed_to for ack in acks(published)] == [4]


def test_a_repeated_message_writes_nothing_and_is_acknowledged_again(bench: Bench) -> None:
    bench.take(data(1, [1, 2]))

    published = bench.take(data(1, [1, 2]))

    assert values(bench) == [1, 2]
    assert bench.ledger().duplicate_count == 2
    assert [ack.committed_to for ack in acks(published)] == [2]
    assert bench.selfstat.snapshot().messages.duplicate == 1


def test_only_the_new_rows_are_written_when_messages_overlap(bench: Bench) -> None:
    bench.take(data(3, [3, 4]))

    bench.take(data(1, [1, 2, 3, 4, 5, 6]), data(6, [6, 7]))

    assert sorted(v for v in values(bench) if v) == [1, 2, 3, 4, 5, 6, 7]
    assert bench.ledger().committed == IdSet(((1, 8),))


def test_the_acknowledgement_stops_at_a_gap_until_it_is_filled(bench: Bench) -> None:
    (early,) = acks(bench.take(data(3, [3])))
    (late,) = acks(bench.take(data(1, [1, 2])))

    assert (early.committed_to, late.committed_to) == (0, 3)


@pytest.mark.parametrize("unreadable", [False, True])
def test_no_more_gaps_are_opened_when_there_are_very_many(bench: Bench, unreadable: bool) -> None:
    bench.take(data(1, [20]))
    pieces = IdSet(tuple((2 * k + 1, 2 * k + 2) for k in range(MOST_SPANS)))
    ledgers = bench.store.tables.ledgers
    ledgers[1, "e1"] = replace(ledgers[1, "e1"], committed=pieces)
    beyond = 2 * MOST_SPANS + 11
    strange = data(beyond, [21])
    if unreadable:
        strange = strange._replace(payload=strange.payload.replace(b'"schema":1', b'"schema":9'))

    bench.take(strange)

    assert bench.ledger().committed == pieces
    assert values(bench) == [20]
    (rejection,) = bench.store.tables.rejections
    assert rejection.reason == ("unknown_schema" if unreadable else "scattered_ids")
    bench.take(strange, data(2, [22]), data(2 * MOST_SPANS, [23]))
    assert len(bench.store.tables.rejections) == 1
    assert values(bench)[1:3] == [22, 23]


def test_ids_that_the_edge_gave_up_count_as_filled(bench: Bench) -> None:
    bench.take(data(4, [4]))

    published = bench.take(status(issued_id=4, dropped_ranges=[(1, 3)]))

    assert [ack.committed_to for ack in acks(published)] == [4]
    assert bench.ledger().dropped == IdSet(((1, 4),))
    assert bench.ledger().issued_id == 4


def test_epochs_are_acknowledged_apart(bench: Bench) -> None:
    published = bench.take(data(1, [1, 2], epoch="e1"), data(1, [9], epoch="e2"))

    assert {(ack.epoch, ack.committed_to) for ack in acks(published)} == {("e1", 2), ("e2", 1)}


def test_a_bad_row_is_rejected_while_the_rest_of_its_batch_is_written(bench: Bench) -> None:
    published = bench.take(data(1, [20, 999, "x", 30]))

    assert values(bench) == [20, 30]
    assert [(r.row_id, r.reason) for r in bench.store.tables.rejections] == [
        (2, "out_of_range"),
        (3, "wrong_type"),
    ]
    assert msgspec.json.decode(bench.store.tables.rejections[0].raw)["value"] == 999
    assert bench.ledger().rejected_count == 2
    # The ids are settled: sending them again would change nothing.
    assert [ack.committed_to for ack in acks(published)] == [4]


def test_rows_of_an_unknown_tag_are_rejected_with_its_name(bench: Bench) -> None:
    bench.take(data(1, [1], tag="tien-1/khong-co\0"))

    (rejection,) = bench.store.tables.rejections
    assert rejection.reason == "unknown_tag"
    assert rejection.tag_name == "tien-1/khong-co\ufffd"


def test_a_bad_value_is_stored_without_its_number(bench: Bench) -> None:
    bench.take(data(1, [None], quality=[2]), data(2, [None], tag=STATE.name, quality=[2]))

    assert bench.store.tables.numbers[0][2:] == (None, 2)
    assert bench.store.tables.texts[0][2:] == (None, 2)


def test_hours_are_dirty_when_rows_of_a_role_arrive(bench: Bench) -> None:
    hour = NOW_US // HOUR_US * HOUR_US
    bench.take(
        data(1, [1, 2], tag=COUNT.name, time_us=[NOW_US, NOW_US - 2 * HOUR_US]),
        data(3, [20]),
        data(4, [999], time_us=[NOW_US - 9 * HOUR_US]),
    )

    assert set(bench.store.tables.dirty) == {(100, hour), (100, hour - 2 * HOUR_US)}


def test_a_stranger_is_refused_and_may_send_again(bench: Bench) -> None:
    published = bench.take(data(1, [1], edge=STRANGER), data(1, [1], edge=STRANGER))

    (rejection,) = bench.store.tables.rejections
    assert rejection.reason == "unknown_edge"
    assert "edge-9" in rejection.detail
    assert not published
    assert bench.selfstat.snapshot().messages.rejected == 2


def test_a_stranger_is_heard_once_it_is_enrolled(bench: Bench) -> None:
    bench.take(data(1, [1], edge=STRANGER))
    bench.store.tables.edges[9] = EdgeRow(9, 10, "co-khi-thu/bien-hoa", "edge-9", online=False)
    drill = replace_tag(TEMPERATURE, name="khoan-1/nhiet-do", work_unit=DRILL)

    bench.take(birth([drill], STRANGER), data(1, [7], edge=STRANGER, tag=drill.name))

    assert values(bench) == [7]


def test_what_comes_in_the_name_of_a_revoked_edge_is_kept_and_not_settled(bench: Bench) -> None:
    edges = bench.store.tables.edges
    edges[1] = replace(edges[1], revoked=True)
    # Another ingest, which has not read the edges yet.
    late = Bench(bench.store)

    published = late.take(status(), birth(), data(1, [1]))

    assert [r.reason for r in bench.store.tables.rejections] == ["edge_revoked"] * 3
    assert all(r.raw for r in bench.store.tables.rejections)
    assert not published
    assert values(bench) == []

    bench.store.tables.edges[1] = replace(edges[1], revoked=False)
    late.take(data(1, [1]))
    assert values(bench) == [1]


def test_an_edge_without_a_certificate_is_refused_where_enrolment_is_required() -> None:
    bench = Bench(require_enrolment=True)

    bench.take(birth())
    assert [r.reason for r in bench.store.tables.rejections] == ["not_enrolled"]

    edges = bench.store.tables.edges
    edges[1] = replace(edges[1], certified=True)
    bench.take(birth(), data(1, [1]))
    assert values(bench) == [1]


def test_data_before_any_birth_are_not_settled(bench: Bench) -> None:
    published = bench.take(data(1, [1], edge=OTHER_EDGE))

    assert [r.reason for r in bench.store.tables.rejections] == ["no_birth"]
    assert [ack.committed_to for ack in acks(published, OTHER_EDGE)] == [0]


def test_data_are_written_when_their_birth_is_in_the_same_group() -> None:
    bench = Bench()

    bench.take(data(1, [1]), birth())

    assert values(bench) == [1]


def test_data_are_written_when_another_worker_took_the_birth_of_a_new_tag(bench: Bench) -> None:
    bench.take(data(1, [1]))
    added = replace_tag(TEMPERATURE, name="tien-1/ap-suat")
    other = Bench(bench.store)
    other.take(birth([*TAGS, added]))

    bench.take(data(2, [5], tag=added.name))

    assert values(bench) == [1, 5]


def test_an_unreadable_message_is_kept_whole_and_its_ids_are_settled(bench: Bench) -> None:
    content = msgspec.json.decode(data(1, [1, 2]).payload) | {"value": [1]}
    broken = message(Leaf.DATA, msgspec.json.encode(content))

    published = bench.take(broken, broken)

    (rejection,) = bench.store.tables.rejections
    assert (rejection.reason, rejection.row_id, rejection.raw) == (
        "inconsistent",
        1,
        broken.payload,
    )
    assert bench.ledger().rejected_count == 2
    assert [ack.committed_to for ack in acks(published)] == [2]


def test_the_whole_message_is_kept_when_it_is_too_large() -> None:
    bench = Bench(max_payload_bytes=1_000)

    bench.take(message(Leaf.DATA, b"x" * 200_000))

    (rejection,) = bench.store.tables.rejections
    assert (rejection.reason, len(rejection.raw)) == ("too_large", 200_000)


def test_a_heartbeat_is_kept_and_a_will_changes_only_that_the_edge_is_there(bench: Bench) -> None:
    bench.take(status(issued_id=5, pending=2))
    bench.take(status(online=False, sent_us=None))

    stored = bench.store.tables.statuses[1]
    assert (stored.online, stored.pending) == (False, 2)


def test_refused_heartbeats_and_births_are_one_rejection_however_often_they_come(
    bench: Bench,
) -> None:
    wrong = replace_tag(TEMPERATURE, work_unit=f"{LATHE}-2")
    for _ in range(3):
        bench.take(birth([wrong]), status(edge=STRANGER), birth(edge=STRANGER))
        bench.take(status(issued_id=-1))

    assert sorted(r.reason for r in bench.store.tables.rejections) == [
        "inconsistent",
        "unknown_edge",
        "unknown_edge",
        "unknown_work_unit",
    ]


def test_tags_move_to_the_new_gateway_when_the_old_one_is_gone(bench: Bench) -> None:
    bench.take(status(online=True), status(online=False, sent_us=None))

    bench.take(birth(edge=OTHER_EDGE), data(1, [30], edge=OTHER_EDGE))

    assert values(bench) == [30]
    assert {row.edge_id for row in bench.store.tables.tags.values()} == {2}


def test_figures_are_restated_when_a_definition_they_depend_on_changes(bench: Bench) -> None:
    bench.take(birth([replace_tag(COUNT, counter_modulus=65536.0)]))

    assert bench.store.tables.restated == [100]


def test_everything_is_counted_exactly_once(bench: Bench) -> None:
    letters: list[Message] = [
        data(1, [20, 999]),
        data(1, [20, 999]),
        data(2, [1, 30]),
        message(Leaf.DATA, b"nonsense"),
        data(1, [1])._replace(topic="nm/v1/x"),
        status(),
    ]

    bench.take(*letters)

    counted = bench.selfstat.snapshot()
    assert (counted.messages.received, counted.messages.queued) == (7, 0)
    assert counted.messages.written == 4
    assert counted.messages.duplicate == 1
    assert counted.messages.rejected == 2
    assert (counted.measurements.received, counted.measurements.queued) == (6, 0)
    assert counted.measurements.written == 2
    assert counted.measurements.duplicate == 3
    assert counted.measurements.rejected == 1
    assert counted.rejections == {"out_of_range": 1, "malformed": 1, "bad_topic": 1}


def replace_tag(tag: TagDeclaration, **changed: str | float) -> TagDeclaration:
    return msgspec.structs.replace(tag, **changed)


def test_rows_that_a_former_epoch_brought_are_not_written_again_when_they_are_read_again(
    bench: Bench,
) -> None:
    bench.take(data(1, [1, 2, 3]), data(4, ["EXECUTE"], tag=STATE.name))

    again = data(1, [3, 4], epoch="e2", time_us=[NOW_US + 3, NOW_US + 9])
    text = data(3, ["EXECUTE", "HELD"], tag=STATE.name, epoch="e2", time_us=[NOW_US + 4, NOW_US])
    (ack,) = acks(bench.take(again, text))

    assert values(bench) == [1, 2, 3, 4]
    assert [value for _, _, value, _ in bench.store.tables.texts] == ["EXECUTE", "HELD"]
    assert ack.committed_to == 4
    assert bench.ledger(epoch="e2").duplicate_count == 2
    tally = bench.selfstat.snapshot().measurements
    assert (tally.written, tally.duplicate, tally.queued) == (6, 2, 0)


def test_rows_of_several_tags_are_told_apart_when_a_former_epoch_brought_some(
    bench: Bench,
) -> None:
    bench.take(data(1, [20, 21], epoch="e0", time_us=[NOW_US + 1, NOW_US + 3]))
    bench.take(of_two_tags("e1"))

    assert values(bench) == [20, 21, 7, 8]
    assert bench.ledger().duplicate_count == 2


def test_rows_of_two_epochs_are_written_once_when_both_come_in_one_group(bench: Bench) -> None:
    times = [NOW_US + 1, NOW_US + 2]

    bench.take(
        data(1, [1, 2], time_us=times),
        data(1, [1, 2], epoch="e2", time_us=times),
        data(3, ["HELD"], tag=STATE.name),
        data(3, ["HELD"], tag=STATE.name, epoch="e2"),
    )

    assert values(bench) == [1, 2]
    assert [value for _, _, value, _ in bench.store.tables.texts] == ["HELD"]


def test_what_is_late_of_a_former_epoch_is_written_once_when_the_present_one_brought_it(
    bench: Bench,
) -> None:
    bench.take(data(1, [1]))
    bench.take(data(1, [2, 3], epoch="e2", time_us=[NOW_US + 2, NOW_US + 3]))

    bench.take(data(2, [2, 5], time_us=[NOW_US + 2, NOW_US + 5]))

    assert sorted(v for v in values(bench) if v) == [1, 2, 3, 5]


def test_two_values_of_one_moment_stay_two_when_there_was_a_former_epoch(bench: Bench) -> None:
    bench.take(data(1, [1], epoch="e0"))

    bench.take(data(1, [7, 8], time_us=[NOW_US + 2, NOW_US + 2]))

    assert sorted(v for v in values(bench) if v) == [1, 7, 8]


def test_a_message_with_very_many_refused_rows_is_one_rejection() -> None:
    bench = Bench()
    bench.take(birth())
    letter = data(1, [*[1e9] * 1_001, 20.0, 21.0])

    bench.take(letter)

    (rejection,) = bench.store.tables.rejections
    assert (rejection.reason, rejection.raw) == ("many_refused", letter.payload)
    assert [value for _, _, value, _ in bench.store.tables.numbers] == [20.0, 21.0]
    assert bench.ledger().rejected_count == 1_001
    assert bench.ledger().committed == IdSet(((1, 1_004),))
    assert bench.selfstat.snapshot().measurements.queued == 0


def test_a_birth_with_very_many_refused_tags_is_one_rejection_and_its_edge_is_told() -> None:
    bench = Bench()
    wrong = [
        replace_tag(TEMPERATURE, name=f"{LATHE}/sai-{k}", work_unit=f"{LATHE}-2")
        for k in range(101)
    ]
    letter = birth([COUNT, *wrong])

    (ack,) = acks(bench.take(letter, status()))
    bench.take(letter)

    (rejection,) = bench.store.tables.rejections
    assert (rejection.reason, rejection.raw) == ("many_refused", letter.payload)
    assert rejection.detail.startswith("101 of 102: 101 unknown_work_unit, such as: ")
    assert set(bench.store.tables.tags) == {COUNT.name}
    assert ack.refused is not None
    assert (ack.refused[0].reason, ack.refused[0].tag) == ("unknown_work_unit", wrong[0].name)
