"""One reading of all groups of a PLC, each at the instant of one PLC scan."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

from edge_agent.drivers.modbus.address import Cell, Group, Space, grouped
from edge_agent.drivers.modbus.settings import ModbusSettings
from plant.errors import DataError

CLOCK_KEY = -1
_TRIES = 3

ReadGroup = Callable[[Space, int, int], Awaitable[Sequence[int]]]


@dataclass(slots=True)
class GroupReading:
    """What one group said: its words, and when."""

    group: Group
    words: Sequence[int]
    time_us: int | None
    """Source time; None without a PLC clock."""
    torn: bool = False
    """Whether the PLC's clock moved during every attempt, so that the time is not certain."""


@dataclass(slots=True)
class Snapshot:
    """One round of reading."""

    readings: list[GroupReading] = field(default_factory=list)
    failed: list[tuple[Group, str]] = field(default_factory=list)
    """Groups that the PLC refused, with its reason."""


class SnapshotReader:
    """Reads all groups.

    The group that holds the PLC's clock is one scan by itself; every other group counts as one
    scan when the clock is the same before and after it.
    """

    def __init__(self, settings: ModbusSettings, cells: Sequence[tuple[int, Cell]]) -> None:
        self._clock = settings.clock
        self._word_order = settings.word_order
        clock_cells = [(CLOCK_KEY, settings.clock.cell)] if settings.clock else []
        groups = grouped([*clock_cells, *cells], settings.max_gap)
        # The clock first: the groups after it then need only one look at the clock each.
        self.groups = sorted(groups, key=lambda group: not _has_clock(group))

    async def read(self, read: ReadGroup) -> Snapshot:
        """Return one round; a group that the PLC refuses (DataError) fails alone."""
        snapshot = Snapshot()
        before: int | None = None
        for group in self.groups:
            try:
                if self._clock is None:
                    words = await read(group.space, group.start, group.count)
                    snapshot.readings.append(GroupReading(group, words, None))
                elif _has_clock(group):
                    words = await read(group.space, group.start, group.count)
                    before = self._clock_of(group, words)
                    snapshot.readings.append(GroupReading(group, words, before))
                else:
                    reading = await self._bracketed(group, before, read)
                    before = reading.time_us
                    snapshot.readings.append(reading)
            except DataError as exc:
                snapshot.failed.append((group, exc.detail))
        return snapshot

    async def _bracketed(self, group: Group, before: int | None, read: ReadGroup) -> GroupReading:
        before = await self._read_clock(read) if before is None else before
        for _ in range(_TRIES):
            words = await read(group.space, group.start, group.count)
            after = await self._read_clock(read)
            if after == before:
                return GroupReading(group, words, after)
            before = after
        return GroupReading(group, words, after, torn=True)

    async def _read_clock(self, read: ReadGroup) -> int:
        clock = self._clock
        if clock is None:
            raise AssertionError("only called with a PLC clock")
        cell = clock.cell
        words = await read(cell.space, cell.number, cell.coding.width)
        return self._microseconds(cell.decode(words, self._word_order))

    def _clock_of(self, group: Group, words: Sequence[int]) -> int:
        cell = next(cell for key, cell in group.cells if key == CLOCK_KEY)
        return self._microseconds(cell.decode(cell_words(group, cell, words), self._word_order))

    def _microseconds(self, value: object) -> int:
        factor = self._clock.to_microseconds if self._clock else 1
        return round(value * factor) if isinstance(value, int | float) else 0


def cell_words(group: Group, cell: Cell, words: Sequence[int]) -> Sequence[int]:
    """Return the words of one cell of a group that was read."""
    first = cell.number - group.start
    return words[first : first + cell.coding.width]


def _has_clock(group: Group) -> bool:
    return any(key == CLOCK_KEY for key, _ in group.cells)
