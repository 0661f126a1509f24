"""Reading groups of a PLC, each at the instant of one PLC scan."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from edge_agent.drivers.modbus.address import Group, Space
from edge_agent.drivers.modbus.settings import ModbusSettings
from plant.errors import DataError

CLOCK_KEY = -1
_TRIES = 3

ReadGroup = Callable[[int, Space, int, int], Awaitable[Sequence[int]]]
"""Reads `count` words or bits from `start`: unit, space, start, count."""


@dataclass(slots=True)
class GroupReading:
    """What one group said: its words, and when."""

    group: Group
    words: Sequence[int]
    time_us: int | None
    """Source time; None without a PLC clock."""
    torn: bool = False
    """Whether the PLC's clock moved during every attempt, so that the time is not certain."""


class Snapshot:
    """One round of reading.

    The group that holds the PLC's clock is one scan by itself; every other group of the same unit
    counts as one scan when the clock is the same before and after it.
    """

    def __init__(self, settings: ModbusSettings, read: ReadGroup) -> None:
        self._cell = settings.clock_cell()
        self._factor = settings.clock.to_microseconds if settings.clock else 1
        self._read = read
        self._before: int | None = None

    async def read(self, group: Group) -> GroupReading:
        """Return one group.

        Raises DataError as the PLC refuses it, `clock` when it refuses its clock.
        """
        if self._cell is None or self._cell.unit != group.unit:
            return GroupReading(group, await self._words(group), None)
        if has_clock(group):
            words = await self._words(group)
            self._before = self._microseconds(group.words_of(self._cell, words))
            return GroupReading(group, words, self._before)
        before = await self._read_clock() if self._before is None else self._before
        for _ in range(_TRIES):
            words = await self._words(group)
            after = await self._read_clock()
            if after == before:
                break
            before = after
        else:
            return GroupReading(group, words, after, torn=True)
        return GroupReading(group, words, after)

    async def _words(self, group: Group) -> Sequence[int]:
        return await self._read(group.unit, group.space, group.start, group.count)

    async def _read_clock(self) -> int:
        cell = self._cell
        if cell is None:
            raise AssertionError("only called with a PLC clock")
        try:
            words = await self._read(cell.unit, cell.space, cell.number, cell.coding.width)
        except DataError as exc:
            raise DataError(
                "clock", f"the clock at {cell.space}:{cell.number}: {exc.detail}"
            ) from (exc)
        self._before = self._microseconds(words)
        return self._before

    def _microseconds(self, words: Sequence[int]) -> int:
        if self._cell is None:
            raise AssertionError("only called with a PLC clock")
        value = self._cell.decode(words)
        return round(value * self._factor) if isinstance(value, int | float) else 0


def has_clock(group: Group) -> bool:
    """Return whether the PLC's clock is among a group's cells."""
    return any(key == CLOCK_KEY for key, _ in group.cells)
