import asyncio
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from edge_agent import EdgeSettings
from edge_agent.drivers import Reading
from edge_agent.intake import Intake, SourceInlet
from edge_agent.outbox import Row
from edge_agent.outbox.memory import MemoryOutbox
from edge_agent.selfstat import Counters
from plant.clock import microseconds
from plant.errors import TransientError
from plant.measurement import Quality
from tests.unit.edge_agent.intake.inlets import edge_mapping
from tests.unit.edge_agent.outbox.outboxes import NOW, SECOND, memory_outbox

PRESENT = datetime(2026, 3, 2, tzinfo=UTC)
SETTINGS = EdgeSettings.model_validate(
    edge_mapping(
        plc={
            "driver": "modbus",
            "host": "plc",
            "tags": [
                {"name": "m/x", "work_unit": "a/b/c", "address": "hr:1", "scale": 0.5},
                {"name": "m/slow", "work_unit": "a/b/c", "address": "hr:2", "deadband": 1},
            ],
        }
    )
)


class FullOutbox(MemoryOutbox):
    """A disk that takes nothing until there is room."""

    room = False

    def append(
        self, rows: Sequence[Row], now_us: int, cursors: Mapping[str, str] | None = None
    ) -> None:
        if not self.room:
            raise TransientError("no room")
        super().append(rows, now_us, cursors)


class Bench:
    """An intake with one source on an outbox."""

    def __init__(self, outbox: MemoryOutbox, *, keeps_repeats: bool = False) -> None:
        self.outbox = outbox
        self.counters = Counters()
        self.intake = Intake(outbox, lambda: PRESENT, self.counters, 0.01)
        source = SETTINGS.sources["plc"]
        self.inlet: SourceInlet = self.intake.inlet("plc", source, keeps_repeats=keeps_repeats)

    def rows(self) -> list[Row]:
        part = self.outbox.read(0, 1000)
        return list(part.rows) if part else []


def reading(second: int, value: object, tag: str = "m/x") -> Reading:
    return Reading(tag, value, NOW + second * SECOND, Quality.GOOD)


def test_readings_become_rows_when_they_are_flushed() -> None:
    async def scenario() -> None:
        bench = Bench(memory_outbox())
        await bench.inlet.deliver([reading(0, 10), reading(1, 12)])
        assert bench.rows() == []
        assert await bench.intake.flush()
        assert [row.value for row in bench.rows()] == [5.0, 6.0]

    asyncio.run(scenario())


def test_repeats_are_dropped_and_counted_when_a_source_says_things_twice() -> None:
    async def scenario() -> None:
        bench = Bench(memory_outbox())
        await bench.inlet.deliver([reading(0, 10), reading(1, 12), reading(0, 10)])
        await bench.intake.flush()
        assert len(bench.rows()) == 2
        assert (bench.counters.taken, bench.counters.repeats, bench.counters.written) == (3, 1, 2)

    asyncio.run(scenario())


def test_repeats_are_kept_when_the_source_is_a_recording() -> None:
    async def scenario() -> None:
        bench = Bench(memory_outbox(), keeps_repeats=True)
        await bench.inlet.deliver([reading(0, 10), reading(0, 10)], position="2")
        await bench.intake.flush()
        assert len(bench.rows()) == 2
        assert bench.outbox.cursors() == {"plc": "2"}

    asyncio.run(scenario())


def test_an_agent_knows_what_an_earlier_one_took_when_it_starts() -> None:
    async def scenario() -> None:
        outbox = memory_outbox()
        first = Bench(outbox)
        await first.inlet.deliver([reading(0, 10), reading(5, 10, "m/slow")])
        await first.intake.flush()
        second = Bench(outbox)
        readings = [reading(0, 10), reading(6, 10.5, "m/slow"), reading(7, 12, "m/slow")]
        await second.inlet.deliver(readings)
        await second.intake.flush()
        assert [(row.tag, row.value) for row in second.rows()] == [
            ("m/x", 5.0),
            ("m/slow", 10),
            ("m/slow", 12),
        ]
        assert (second.counters.repeats, second.counters.suppressed) == (1, 1)
        assert second.inlet.backfill_from("m/slow", SECOND) == NOW + 6 * SECOND

    asyncio.run(scenario())


def test_the_agents_clock_is_used_and_counted_when_a_source_gives_no_time() -> None:
    async def scenario() -> None:
        bench = Bench(memory_outbox())
        await bench.inlet.deliver([Reading("m/x", 1, None, Quality.GOOD)])
        await bench.intake.flush()
        assert bench.rows()[0].time_us == microseconds(PRESENT)
        assert bench.counters.stamped_by_agent == 1

    asyncio.run(scenario())


def test_nothing_is_lost_when_the_disk_is_full_for_a_while() -> None:
    async def scenario() -> None:
        outbox = FullOutbox(50_000_000, 72.0)
        bench = Bench(outbox)
        await bench.inlet.deliver([reading(0, 10)], sampled_us=NOW)
        assert not await bench.intake.flush()
        assert bench.intake.sampled_us() is None
        await bench.inlet.deliver([reading(1, 12)])
        outbox.room = True
        assert await bench.intake.flush()
        assert [row.value for row in bench.rows()] == [5.0, 6.0]
        assert bench.intake.sampled_us() == NOW
        assert bench.counters.write_failures == 1

    asyncio.run(scenario())


def test_sampling_is_as_far_as_the_slowest_source_when_there_are_several() -> None:
    async def scenario() -> None:
        bench = Bench(memory_outbox())
        other = bench.intake.inlet("other", SETTINGS.sources["plc"], keeps_repeats=False)
        await bench.inlet.deliver([], sampled_us=NOW + 5)
        await bench.intake.flush()
        assert bench.intake.sampled_us() is None
        await other.deliver([], sampled_us=NOW)
        await bench.intake.flush()
        assert bench.intake.sampled_us() == NOW
        await other.deliver([], sampled_us=NOW - 1)
        await bench.intake.flush()
        assert bench.intake.sampled_us() == NOW
        bench.intake.finish("other")
        assert bench.intake.sampled_us() == NOW + 5
        bench.intake.finish("plc")
        assert bench.intake.sampled_us() == NOW + 5

    asyncio.run(scenario())


def test_what_cannot_be_read_is_told_with_its_source_when_it_is_asked_for() -> None:
    async def scenario() -> None:
        bench = Bench(memory_outbox())
        bench.inlet.unreachable(["m/x (hr:1): no such address"])
        assert bench.intake.unreachable() == ["plc: m/x (hr:1): no such address"]
        bench.inlet.unreachable([])
        assert bench.intake.unreachable() == []

    asyncio.run(scenario())


def test_a_reading_goes_no_further_when_no_message_can_hold_it() -> None:
    async def scenario() -> None:
        bench = Bench(memory_outbox())
        bench.intake.fits = lambda row: row.value != 6.0
        await bench.inlet.deliver([reading(0, 10), reading(1, 12), reading(2, 14)])
        await bench.intake.flush()
        assert [row.value for row in bench.rows()] == [5.0, 7.0]
        counters = bench.counters
        assert (counters.taken, counters.refused, counters.written, counters.waiting) == (
            3,
            1,
            2,
            0,
        )

    asyncio.run(scenario())
