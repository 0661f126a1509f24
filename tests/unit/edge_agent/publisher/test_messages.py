from edge_agent.outbox import Row, Slice
from edge_agent.publisher.messages import (
    Condition,
    data_batch,
    last_will,
    online_status,
)
from plant.measurement import Quality
from plant.native.message import Status, decode_data, decode_status, encode
from tests.unit.edge_agent.outbox.outboxes import NOW, memory_outbox, rows


def test_rows_become_columns_when_they_are_sent() -> None:
    content = [
        Row("cnc-1/a", NOW, 1.5, Quality.GOOD),
        Row("cnc-1/b", NOW + 1, "EXECUTE", Quality.UNCERTAIN),
        Row("cnc-1/a", NOW + 2, None, Quality.BAD),
    ]
    batch = decode_data(encode(data_batch("life", Slice(7, content), NOW)))
    assert (batch.first_id, batch.last_id, batch.epoch) == (7, 9, "life")
    assert batch.tags == ["cnc-1/a", "cnc-1/b"]
    assert batch.tag == [0, 1, 0]
    assert batch.time_us == [NOW, NOW + 1, NOW + 2]
    assert batch.value == [1.5, "EXECUTE", None]
    assert batch.quality == [0, 1, 2]


def test_qualities_are_left_out_when_all_are_good() -> None:
    assert data_batch("life", Slice(1, rows(range(3))), NOW).quality is None


def test_the_heartbeat_says_what_the_outbox_knows_when_it_is_sent() -> None:
    outbox = memory_outbox(max_bytes=400)
    outbox.append(rows(range(15)), NOW)
    status = online_status(outbox.state(), NOW, Condition(NOW - 5, ("line-1: cnc-1/x",)), 2.5)
    back = decode_status(encode(status))
    assert back.issued_id == 15
    assert back.pending == 10
    assert back.dropped == 5
    assert back.dropped_ranges == [(1, 5)]
    assert (back.sampled_us, back.unreachable) == (NOW - 5, ["line-1: cnc-1/x"])
    assert back.buffer_hours_left == 2.5


def test_the_last_will_says_only_that_the_edge_is_gone() -> None:
    assert last_will("life") == Status(schema=1, online=False, epoch="life")
