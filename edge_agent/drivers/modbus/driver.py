"""The Modbus driver."""

import asyncio
from collections.abc import Callable, Iterator

from edge_agent.drivers.contract import Inlet, Reading
from edge_agent.drivers.modbus.address import Cell
from edge_agent.drivers.modbus.line import Line, LineLostError, line_of
from edge_agent.drivers.modbus.rounds import Lost, Rounds
from edge_agent.drivers.modbus.settings import ModbusSettings
from edge_agent.drivers.modbus.snapshot import CLOCK_KEY, GroupReading
from edge_agent.drivers.supervision import keep_connected
from edge_agent.pace import wall_seconds
from plant.clock import Clock, microseconds
from plant.errors import SourceUnavailableError
from plant.measurement import Quality


class ModbusDriver:
    """Polls one PLC, or the units behind one gateway, at a steady pace; see the README."""

    keeps_repeats = False

    def __init__(self, name: str, settings: ModbusSettings, clock: Clock) -> None:
        self._name = name
        self._settings = settings
        self._clock = clock
        # What a device's limits are is learnt once, not once per connection.
        self._rounds = Rounds(settings)

    async def run(self, inlet: Inlet) -> None:
        """Deliver until cancelled; see `Driver.run`."""
        line = line_of(self._settings)
        try:
            await keep_connected(lambda connected: self._session(line, inlet, connected), inlet)
        finally:
            line.leave()

    async def _session(self, line: Line, inlet: Inlet, connected: Callable[[], None]) -> None:
        loop = asyncio.get_running_loop()
        due = loop.time()
        while True:
            if await self._round(line, inlet):
                connected()
            # A poll that took too long is not made up for: the PLC would only suffer more.
            interval_s = wall_seconds(self._clock, self._settings.poll_interval_s)
            due = max(due + interval_s, loop.time())
            await asyncio.sleep(due - loop.time())

    async def _round(self, line: Line, inlet: Inlet) -> bool:
        """Read all once; return whether anything was given.

        What one request gave is delivered before the next is sent: it carries the time of its
        own answer. Raises SourceUnavailableError when nothing answers at all.
        """
        started_us = microseconds(self._clock())
        times: list[int] = []
        given = False
        try:
            async for outcome in self._rounds.round(line.read, asyncio.get_running_loop().time()):
                if isinstance(outcome, Lost):
                    await self._deliver_lost(inlet, outcome)
                    continue
                given = True
                if outcome.time_us is not None:
                    times.append(outcome.time_us)
                await inlet.deliver(list(self._readings(outcome, inlet)))
        except LineLostError as exc:
            raise SourceUnavailableError(self._name, [f"{self._settings.where}: {exc}"]) from exc
        if self._rounds.all_silent:
            await line.hang_up()
            words = f"{self._settings.where}: no answer within {self._settings.timeout_s:g} s"
            raise SourceUnavailableError(self._name, [words])
        inlet.unreachable(self._rounds.problems)
        if given:
            await inlet.deliver([], sampled_us=max(times, default=started_us))
        # A PLC cannot be asked for the past: what is lost now is lost for good. So is what it shows
        # while the disk takes its time.
        inlet.write_soon()
        return given

    async def _deliver_lost(self, inlet: Inlet, lost: Lost) -> None:
        now_us = microseconds(self._clock())
        tags = self._settings.tags
        await inlet.deliver(
            [Reading(tags[key].name, None, now_us, Quality.BAD) for key in lost.keys]
        )

    def _readings(self, reading: GroupReading, inlet: Inlet) -> Iterator[Reading]:
        quality = Quality.UNCERTAIN if reading.torn else Quality.GOOD
        for key, cell in reading.group.cells:
            if key == CLOCK_KEY:
                continue
            name = self._settings.tags[key].name
            try:
                value = self._value(reading, cell)
            except ValueError:
                inlet.unreadable()
                yield Reading(name, None, reading.time_us, Quality.BAD)
            else:
                yield Reading(name, value, reading.time_us, quality)

    def _value(self, reading: GroupReading, cell: Cell) -> float | int | str | bool:
        words = reading.group.words_of(cell, reading.words)
        return cell.decode(words, self._settings.encoding)
