"""Reading a PLC whose program runs on between two requests."""

import asyncio
import struct
from collections.abc import Callable, Sequence

from edge_agent.drivers.modbus.address import Space
from edge_agent.drivers.modbus.settings import ModbusSettings
from edge_agent.drivers.modbus.snapshot import Snapshot, SnapshotReader
from plant.errors import DataError

SETTINGS = ModbusSettings.model_validate(
    {
        "driver": "modbus",
        "host": "plc",
        "clock": {"address": 0, "type": "uint64", "unit": "ms"},
        "max_gap": 0,
        "tags": [
            {"name": "m/near", "work_unit": "a/b/c", "address": "hr:4"},
            {"name": "m/far", "work_unit": "a/b/c", "address": "hr:300"},
        ],
    }
)


class Plc:
    """Every register holds the scan number, beside a clock of one second per scan."""

    def __init__(self, scans_between_reads: Callable[[int], int]) -> None:
        self.scan = 1
        self.reads: list[tuple[int, int]] = []
        self.refused: set[int] = set()
        self._scans_between_reads = scans_between_reads

    async def read(self, _space: Space, start: int, count: int) -> Sequence[int]:
        self.reads.append((start, count))
        if start in self.refused:
            raise DataError("refused", "the PLC has no such address")
        clock = struct.unpack(">4H", struct.pack(">Q", self.scan * 1000))
        words = [clock[n] if n < 4 else self.scan for n in range(start, start + count)]
        self.scan += self._scans_between_reads(len(self.reads))
        return words


def snapshot_of(plc: Plc, settings: ModbusSettings = SETTINGS) -> Snapshot:
    cells = [(key, tag.cell) for key, tag in enumerate(settings.tags)]
    return asyncio.run(SnapshotReader(settings, cells).read(plc.read))


def scans(snapshot: Snapshot) -> list[tuple[int | None, int, bool]]:
    return [(reading.time_us, reading.words[-1], reading.torn) for reading in snapshot.readings]


def test_all_groups_are_of_one_scan_when_the_plc_stands_still() -> None:
    plc = Plc(lambda _: 0)
    assert scans(snapshot_of(plc)) == [(1_000_000, 1, False), (1_000_000, 1, False)]
    assert plc.reads == [(0, 5), (300, 1), (0, 4)]


def test_a_group_is_read_again_when_the_clock_moved_meanwhile() -> None:
    plc = Plc(lambda reads: 1 if reads == 1 else 0)
    assert scans(snapshot_of(plc)) == [(1_000_000, 1, False), (2_000_000, 2, False)]


def test_the_time_is_uncertain_when_the_clock_never_stands_still() -> None:
    plc = Plc(lambda _: 1)
    near, far = scans(snapshot_of(plc))
    assert near == (1_000_000, 1, False)
    assert far[2] is True


def test_other_groups_are_read_when_one_is_refused() -> None:
    plc = Plc(lambda _: 0)
    plc.refused.add(300)
    snapshot = snapshot_of(plc)
    assert scans(snapshot) == [(1_000_000, 1, False)]
    assert [(group.start, reason) for group, reason in snapshot.failed] == [
        (300, "the PLC has no such address")
    ]


def test_readings_have_no_time_when_the_plc_has_no_clock() -> None:
    plain = SETTINGS.model_copy(update={"clock": None})
    plc = Plc(lambda _: 1)
    assert [time for time, _, _ in scans(snapshot_of(plc, plain))] == [None, None]
    assert plc.reads == [(4, 1), (300, 1)]
