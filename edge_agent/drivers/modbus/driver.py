"""The Modbus TCP driver."""

import asyncio
import logging
from collections.abc import Callable, Iterable, Sequence
from typing import Final

from pymodbus.client import AsyncModbusTcpClient
from pymodbus.exceptions import ModbusException, ModbusIOException
from pymodbus.pdu import ExceptionResponse

from edge_agent.drivers.contract import Inlet, Reading
from edge_agent.drivers.modbus.address import Cell, Group, Space, grouped
from edge_agent.drivers.modbus.settings import ModbusSettings
from edge_agent.drivers.modbus.snapshot import (
    CLOCK_KEY,
    GroupReading,
    Snapshot,
    SnapshotReader,
    cell_words,
)
from edge_agent.drivers.supervision import keep_connected
from edge_agent.pace import wall_seconds
from plant.clock import Clock, microseconds
from plant.errors import DataError, SourceUnavailableError
from plant.measurement import Quality

# It logs every lost connection as an error; the agent reports each change once, in its own words.
logging.getLogger("pymodbus").setLevel(logging.CRITICAL)

_REASONS: Final = {
    1: "the PLC does not know this function",
    2: "the PLC has no such address",
    3: "the PLC refuses this many registers",
    4: "the PLC reports a failure of its own",
    6: "the PLC is busy",
    10: "the gateway has no path to this unit",
    11: "the unit behind the gateway does not answer",
}
_PERMANENT: Final = frozenset({1, 2, 3})
_CHECKS = 3
FAILURES_UNTIL_BAD = 3
"""Rounds in a row that a group must fail before its tags are reported bad."""


class ModbusDriver:
    """Polls one PLC at a steady pace; see the package's README."""

    keeps_repeats = False

    def __init__(self, name: str, settings: ModbusSettings, clock: Clock) -> None:
        self._name = name
        self._settings = settings
        self._clock = clock
        self._cells = [(key, tag.cell) for key, tag in enumerate(settings.tags)]
        self._failures: dict[int, int] = {}
        """Rounds in a row in which the group of a tag failed."""

    async def run(self, inlet: Inlet) -> None:
        """Deliver until cancelled; see `Driver.run`."""
        await keep_connected(lambda connected: self._session(inlet, connected), inlet)

    async def _session(self, inlet: Inlet, connected: Callable[[], None]) -> None:
        settings = self._settings
        client = AsyncModbusTcpClient(
            settings.host,
            port=settings.port,
            timeout=settings.timeout_s,
            retries=0,
            reconnect_delay=0,
        )
        try:
            if not await client.connect():
                raise self._unavailable("nothing answers")
            link = _Link(client, settings.unit_id)
            await self._poll_forever(link, inlet, connected)
        except ModbusIOException as exc:
            raise self._unavailable(f"no answer within {settings.timeout_s:g} s") from exc
        except (ModbusException, OSError, TimeoutError) as exc:
            raise self._unavailable("the connection was lost") from exc
        finally:
            client.close()

    async def _poll_forever(
        self, link: "_Link", inlet: Inlet, connected: Callable[[], None]
    ) -> None:
        loop = asyncio.get_running_loop()
        missing: dict[int, str] | None = None
        reader = SnapshotReader(self._settings, self._cells)
        check_at = due = loop.time()
        while True:
            started_us = microseconds(self._clock())
            snapshot = await reader.read(link.read)
            readings = [*self._readings(snapshot, inlet), *self._bad(snapshot, started_us)]
            await inlet.deliver(readings, sampled_us=_sampled_us(snapshot, started_us))
            # A PLC cannot be asked for the past: what is lost now is lost for good.
            await inlet.written()
            if missing is None:
                connected()
                missing = await self._missing(link, [group for group, _ in snapshot.failed])
                reader = self._take_up(inlet, missing)
                check_at = loop.time() + self._settings.retry_missing_s
            elif missing and loop.time() >= check_at:
                cells = [(key, cell) for key, cell in self._cells if key in missing]
                missing = await self._missing(link, grouped(cells, self._settings.max_gap))
                reader = self._take_up(inlet, missing)
                check_at = loop.time() + self._settings.retry_missing_s
            # A poll that took too long is not made up for: the PLC would only suffer more.
            interval_s = wall_seconds(self._clock, self._settings.poll_interval_s)
            due = max(due + interval_s, loop.time())
            await asyncio.sleep(due - loop.time())

    def _take_up(self, inlet: Inlet, missing: dict[int, str]) -> SnapshotReader:
        """Report what the PLC does not have, and return the reader of the rest."""
        inlet.unreachable(SourceUnavailableError(self._name, sorted(missing.values())).problems)
        cells = [(key, cell) for key, cell in self._cells if key not in missing]
        return SnapshotReader(self._settings, cells)

    async def _missing(self, link: "_Link", refused: Iterable[Group]) -> dict[int, str]:
        """Return the tags that the PLC does not have, each with its reason.

        One wrong address fails the whole request, so refused groups are asked for one by one.
        """
        missing: dict[int, str] = {}
        for group in refused:
            if await self._refusal(link, group) is None:
                continue
            for key, cell in group.cells:
                alone = Group(cell.space, cell.number, cell.coding.width, ((key, cell),))
                reason = await self._refusal(link, alone)
                if reason is not None and key != CLOCK_KEY:
                    tag = self._settings.tags[key]
                    missing[key] = f"{tag.name} ({tag.address}): {reason}"
        return missing

    async def _refusal(self, link: "_Link", group: Group) -> str | None:
        reason = None
        for _ in range(_CHECKS):
            try:
                await link.read(group.space, group.start, group.count)
            except DataError as exc:
                reason = exc.detail
                if exc.reason == "busy":
                    return None
            else:
                return None
        return reason

    def _readings(self, snapshot: Snapshot, inlet: Inlet) -> Iterable[Reading]:
        for reading in snapshot.readings:
            quality = Quality.UNCERTAIN if reading.torn else Quality.GOOD
            for key, cell in reading.group.cells:
                if key == CLOCK_KEY:
                    continue
                self._failures.pop(key, None)
                name = self._settings.tags[key].name
                try:
                    value = self._value(reading, cell)
                except UnicodeDecodeError:
                    inlet.unreadable()
                    yield Reading(name, None, reading.time_us, Quality.BAD)
                else:
                    yield Reading(name, value, reading.time_us, quality)

    def _value(self, reading: GroupReading, cell: Cell) -> float | int | str | bool:
        words = cell_words(reading.group, cell, reading.words)
        return cell.decode(words, self._settings.word_order)

    def _bad(self, snapshot: Snapshot, now_us: int) -> Iterable[Reading]:
        """Tags whose group has failed for the third time in a row, once."""
        for group, _ in snapshot.failed:
            for key, _cell in group.cells:
                self._failures[key] = self._failures.get(key, 0) + 1
                if self._failures[key] == FAILURES_UNTIL_BAD and key != CLOCK_KEY:
                    yield Reading(self._settings.tags[key].name, None, now_us, Quality.BAD)

    def _unavailable(self, reason: str) -> SourceUnavailableError:
        settings = self._settings
        return SourceUnavailableError(self._name, [f"{settings.host}:{settings.port}: {reason}"])


class _Link:
    """One connection, as reads that return words or raise DataError when the PLC refuses."""

    def __init__(self, client: AsyncModbusTcpClient, unit_id: int) -> None:
        self._unit_id = unit_id
        self._reads = {
            Space.HOLDING_REGISTER: client.read_holding_registers,
            Space.INPUT_REGISTER: client.read_input_registers,
            Space.COIL: client.read_coils,
            Space.DISCRETE_INPUT: client.read_discrete_inputs,
        }

    async def read(self, space: Space, start: int, count: int) -> Sequence[int]:
        """Return `count` registers or bits; raise DataError `refused` or `busy`."""
        answer = await self._reads[space](start, count=count, device_id=self._unit_id)
        if isinstance(answer, ExceptionResponse):
            code = answer.exception_code
            reason = "refused" if code in _PERMANENT else "busy"
            raise DataError(reason, _REASONS.get(code, f"the PLC answers exception {code}"))
        words: Sequence[int] = answer.bits if space.holds_bits else answer.registers
        if len(words) < count:
            raise DataError("busy", f"the PLC gave {len(words)} of {count} values")
        return words


def _sampled_us(snapshot: Snapshot, started_us: int) -> int | None:
    if not snapshot.readings:
        return None
    times = [reading.time_us for reading in snapshot.readings if reading.time_us is not None]
    return max(times, default=started_us)
