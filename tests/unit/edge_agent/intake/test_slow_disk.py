"""A controller without a past is looked at while the disk takes its time."""

import asyncio
import threading
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pytest

from edge_agent import EdgeSettings
from edge_agent.drivers import Driver
from edge_agent.drivers.modbus import driver as modbus
from edge_agent.drivers.polled import PolledDriver
from edge_agent.intake import Intake
from edge_agent.outbox import Row
from edge_agent.outbox.memory import MemoryOutbox
from edge_agent.selfstat import Counters
from plant.clock import system_clock
from tests.unit.edge_agent.intake.inlets import edge_mapping
from tests.unit.edge_agent.outbox.outboxes import ROOMY
from tests.waiting import HANG_S

TAG = {"name": "m/x", "work_unit": "a/b/c", "address": "hr:1"}
SETTINGS = EdgeSettings.model_validate(
    edge_mapping(
        plc={"driver": "modbus", "host": "plc", "poll_interval_s": 0.001, "tags": [TAG]},
    )
)


class SlowDisk:
    """An outbox whose disk takes nothing until it is let go."""

    def __init__(self) -> None:
        self.rows: list[Row] = []
        self.asked = threading.Event()
        self.free = threading.Event()

    def outbox(self) -> MemoryOutbox:
        disk = self

        class Slow(MemoryOutbox):
            def append(
                self, rows: Sequence[Row], now_us: int, cursors: Mapping[str, str] | None = None
            ) -> None:
                disk.asked.set()
                assert disk.free.wait(HANG_S)
                disk.rows += rows
                super().append(rows, now_us, cursors)

        return Slow(ROOMY, 72.0, 100, 10)


class Controller:
    """Shows a number that grows with each look at it."""

    def __init__(self) -> None:
        self.looks = 0

    # What a Modbus line does.
    async def read(self, _unit: int, _space: object, _start: int, _count: int) -> Sequence[int]:
        self.looks += 1
        return [self.looks]

    async def hang_up(self) -> None: ...

    def leave(self) -> None: ...


class Group:
    cells = ((0, "x"),)


class Link:
    """What a polled driver talks to."""

    def __init__(self, controller: Controller) -> None:
        self._controller = controller

    async def open(self) -> None: ...

    def groups(self, cells: Iterable[tuple[int, str]]) -> Sequence[Group]:
        return [Group() for _ in cells]

    async def read(self, _group: Group) -> bytes:
        self._controller.looks += 1
        return self._controller.looks.to_bytes(4, "big")

    def value(self, _group: Group, _cell: str, raw: bytes) -> object:
        return int.from_bytes(raw, "big")

    async def close(self) -> None: ...


@pytest.mark.parametrize("kind", ["modbus", "polled"])
def test_a_controller_is_looked_at_while_the_disk_takes_its_time(
    kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    controller, disk = Controller(), SlowDisk()
    source: Any = SETTINGS.sources["plc"]
    monkeypatch.setattr(modbus, "line_of", lambda _: controller)
    driver: Driver = (
        modbus.ModbusDriver("plc", source, system_clock)
        if kind == "modbus"
        else PolledDriver("plc", source, system_clock, Group.cells, lambda: Link(controller))
    )

    async def scenario() -> None:
        intake = Intake(disk.outbox(), system_clock, Counters(), HANG_S)
        ended = asyncio.Event()
        flushing = asyncio.create_task(intake.flush_until(ended))
        reading = asyncio.create_task(driver.run(intake.inlet("plc", source)))
        async with asyncio.timeout(HANG_S):
            # A write begins long before its time, and does not end.
            assert await asyncio.to_thread(disk.asked.wait, HANG_S)
            seen = controller.looks
            while controller.looks < seen + 20:  # noqa: ASYNC110  # a thing of the test's own
                await asyncio.sleep(0.001)
        disk.free.set()
        reading.cancel()
        ended.set()
        intake.write_soon()
        await asyncio.gather(reading, flushing, return_exceptions=True)
        await intake.flush()

    asyncio.run(scenario())
    shown = [row.value for row in disk.rows]
    assert shown == list(range(1, len(shown) + 1))
    assert len(shown) > 20
