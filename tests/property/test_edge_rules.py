"""Rules of the edge that hold for every sequence of readings, batches and confirmations."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given, settings
from hypothesis import strategies as st

from edge_agent.drivers import TagSettings
from edge_agent.drivers.modbus.address import Cell, Space, grouped, parse_type
from edge_agent.drivers.modbus.coding import MAX_REGISTERS
from edge_agent.exception_report import ExceptionReport
from edge_agent.intake.conversion import converter
from edge_agent.intake.recall import Recall
from edge_agent.outbox import Outbox, Row, SqliteOutbox
from edge_agent.outbox.memory import MemoryOutbox
from edge_agent.publisher.messages import data_batch
from edge_agent.publisher.window import Window
from plant.measurement import Quality, Value, ValueType
from plant.native.message import decode_data, encode
from tests.examples import examples

UNIT = "gia-cong/day-chuyen-1/cnc-1"
SECOND = 1_000_000
RAW = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=50), st.binary()
)
QUALITIES = st.sampled_from(Quality)


@given(raw=RAW, quality=QUALITIES, kind=st.sampled_from(ValueType))
def test_whatever_a_source_says_survives_outbox_and_wire(
    raw: object, quality: Quality, kind: ValueType
) -> None:
    tag = TagSettings(name="cnc-1/x", work_unit=UNIT, value_type=kind)
    value, how_good = converter(tag)(raw, quality)
    assert how_good >= quality
    with sqlite() as outbox:
        outbox.append([Row(tag.name, 1, value, how_good)], 0)
        part = outbox.read(0, 1)
    assert part is not None
    back = decode_data(encode(data_batch("life", part, 0)))
    assert back.value == [value]
    assert type(back.value[0]) is type(value)


@given(
    values=st.lists(
        st.tuples(st.integers(1, 40), st.floats(-10, 10), QUALITIES), min_size=1, max_size=60
    ),
    deadband=st.floats(0, 5),
)
def test_no_change_beyond_the_deadband_is_missed_and_silence_is_bounded(
    values: list[tuple[int, float, Quality]], deadband: float
) -> None:
    tag = TagSettings(name="cnc-1/x", work_unit=UNIT, deadband=deadband, max_interval_s=60)
    report = ExceptionReport(tag)
    time_us = 0
    last: tuple[int, float, Quality] | None = None
    for seconds, value, quality in values:
        time_us += seconds * SECOND
        reported = report.admits(time_us, value, quality)
        if last is None:
            assert reported
        else:
            changed = quality != last[2] or abs(value - last[1]) > deadband
            assert reported == (changed or time_us - last[0] >= 60 * SECOND)
        if reported:
            last = (time_us, value, quality)


@given(
    taken=st.lists(st.integers(0, 5000), max_size=1500),
    again=st.lists(st.integers(0, 5000), max_size=50),
    overlap=st.integers(0, 6000),
)
def test_a_backfill_meets_nothing_that_was_forgotten(
    taken: list[int], again: list[int], overlap: int
) -> None:
    recall = Recall()
    for time in taken:
        recall.take(time, 7)
    start = recall.backfill_from(overlap)
    assert (start is None) == (not taken)
    if start is not None:
        for time in again:
            if time >= start:
                assert recall.take(time, 7) == (time not in taken)
                taken.append(time)


@given(
    cells=st.lists(
        st.tuples(
            st.integers(0, 600),
            st.sampled_from(["uint16", "float32", "uint64", "string[31]"]),
        ),
        min_size=1,
        max_size=60,
    ),
    max_gap=st.integers(0, 30),
)
def test_grouped_reads_cover_every_cell_once_and_stay_small(
    cells: list[tuple[int, str]], max_gap: int
) -> None:
    made = [
        Cell.make(Space.HOLDING_REGISTER, number, None, parse_type(kind)) for number, kind in cells
    ]
    groups = grouped(enumerate(made), max_gap)
    assert sorted(key for group in groups for key, _ in group.cells) == list(range(len(made)))
    for group in groups:
        assert 1 <= group.count <= MAX_REGISTERS
        for key, cell in group.cells:
            assert cell is made[key]
            assert group.start <= cell.number
            assert cell.end <= group.start + group.count


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("append"), st.integers(0, 60)),
        st.tuples(st.just("acknowledge"), st.integers(0, 400)),
        st.tuples(st.just("wait"), st.integers(0, 90)),
    ),
    max_size=25,
)


@settings(max_examples=examples(60))
@given(steps=STEPS)
def test_memory_and_disk_agree_whatever_happens(steps: list[tuple[str, int]]) -> None:
    memory = MemoryOutbox(10**9, 1.0, kept_rows=20)
    with sqlite(kept_rows=20) as disk:
        outboxes: list[Outbox] = [memory, disk]
        now_us, number = 0, 0
        for step, amount in steps:
            if step == "append":
                rows = [a_row(number + offset) for offset in range(amount)]
                number += amount
                for outbox in outboxes:
                    outbox.append(rows, now_us)
            elif step == "acknowledge":
                for outbox in outboxes:
                    outbox.acknowledge(outbox.state().epoch, amount)
            else:
                for _ in range(amount // 5):
                    now_us += 5 * 60 * SECOND
                    for outbox in outboxes:
                        outbox.append([], now_us)
            assert described(memory) == described(disk)
            state = disk.state()
            assert state.pending == state.issued_id - state.acknowledged_id
            part = disk.read(0, 1000)
            assert (part.first_id if part else None) == (
                state.acknowledged_id + 1 if state.pending else None
            )
            if part:
                assert list(part.rows) == [a_row(n - 1) for n in range(part.first_id, number + 1)]


@given(
    events=st.lists(st.one_of(st.integers(0, 30), st.sampled_from(["send", "late"])), max_size=60)
)
def test_every_row_is_sent_and_none_is_skipped_whatever_is_confirmed(
    events: list[int | str],
) -> None:
    window = Window(max_in_flight=4, timeout_s=10)
    sent: set[int] = set()
    confirmed, now = 0, 0.0
    for event in events:
        if event == "late":
            now += 1000
            if window.overdue(now):
                window.timed_out(confirmed)
        elif event == "send":
            if window.has_room() and window.next_after < 30:
                first = window.next_after + 1
                last = min(first + 2, 30)
                assert first - 1 <= max(sent, default=0)
                sent.update(range(first, last + 1))
                window.sent(first, last, now)
        elif isinstance(event, int):
            confirmed = max(confirmed, min(event, max(sent, default=0)))
            window.confirmed(confirmed, now)
        assert window.in_flight <= 4
        assert window.next_after >= confirmed
    assert sent == set(range(1, max(sent, default=0) + 1))


def a_row(number: int) -> Row:
    value: Value = number / 4 if number % 3 else f"state-{number}"
    return Row(f"cnc-1/{number % 4}", number * SECOND, value, Quality.GOOD)


def described(outbox: Outbox) -> tuple[object, ...]:
    state = outbox.state()
    last = {tag: memory.last for tag, memory in outbox.memory().items()}
    return (
        state.issued_id,
        state.acknowledged_id,
        state.pending,
        state.oldest_pending_us,
        state.oldest_pending_age_s,
        state.dropped_ranges,
        last,
    )


@contextmanager
def sqlite(kept_rows: int = 100) -> Iterator[SqliteOutbox]:
    with TemporaryDirectory() as folder:
        file = Path(folder) / "outbox.sqlite"
        with closing(SqliteOutbox(file, 10**9, 1.0, "normal", kept_rows)) as outbox:
            yield outbox
