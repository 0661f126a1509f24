"""Rounds of reading: what is asked, what is learnt from refusals, what is given up for a while.

One wrong address, or a request that is too long for the device, fails all that is asked together.
A refused group is therefore halved until only what is guilty fails; what was read stays split, so
that a limit is learnt once. A unit that does not answer costs one time-out a round, not one per
group.
"""

from collections import deque
from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from edge_agent.drivers.modbus.address import Cell, Group, grouped
from edge_agent.drivers.modbus.settings import ModbusSettings
from edge_agent.drivers.modbus.snapshot import (
    CLOCK_KEY,
    GroupReading,
    ReadGroup,
    Snapshot,
    has_clock,
)
from plant.errors import DataError

FAILURES_UNTIL_BAD: Final = 3
"""Rounds in a row in which a tag must fail before it is reported bad."""
_RETRIED_AT_ONCE: Final = 50
"""Missing tags that are asked for together, one request each."""

REFUSED: Final = "refused"
"""Reason of a DataError: the device has no such address, or not so much at once."""
UNKNOWN: Final = "unknown"
"""The device does not know the function."""
FAULT: Final = "fault"
"""The device fails at it; maybe because of one address."""
BUSY: Final = "busy"
"""The device will do it later."""
SILENT: Final = "silent"
"""Nobody answers."""
CLOCK: Final = "clock"
"""The PLC does not give its clock."""
NO_UNIT: Final = "no_unit"
"""The gateway says that the unit does not answer."""


@dataclass(frozen=True, slots=True)
class Lost:
    """Tags that have become bad, by number."""

    keys: Sequence[int]


Keyed = tuple[int, Cell]


class Rounds:
    """Which groups are read, for as long as the driver lives."""

    def __init__(self, settings: ModbusSettings) -> None:
        self._settings = settings
        clock = settings.clock_cell()
        cells = [*([(CLOCK_KEY, clock)] if clock else []), *settings.cells()]
        limits = settings.max_gap, settings.max_registers, settings.max_bits
        self._plan = grouped(cells, *limits)
        self._missing: dict[int, tuple[Cell, str]] = {}
        self._failures: dict[int, tuple[int, str]] = {}
        """Rounds in a row in which a tag failed, and the last reason."""
        self._read_once: set[int] = set()
        self._retry_at: dict[int, float] = {}
        """When a silent unit is asked again."""
        self._missing_at: float | None = None
        self.all_silent = False
        """Whether nobody answered in the last round."""

    @property
    def problems(self) -> list[str]:
        """What cannot be read, each with its tag and reason."""
        failing = {
            key: reason
            for key, (count, reason) in self._failures.items()
            if count >= FAILURES_UNTIL_BAD
        }
        reasons = failing | {key: reason for key, (_, reason) in self._missing.items()}
        return sorted(self._words(key, reason) for key, reason in reasons.items())

    @property
    def plan(self) -> Sequence[Group]:
        """The requests of a round, while all goes well."""
        return tuple(self._plan)

    async def round(self, read: ReadGroup, now_s: float) -> AsyncIterator[GroupReading | Lost]:
        """Read all once; yield what was read as it is read, and what was lost.

        `now_s` is any steady clock in seconds. Raises what `read` does, except DataError.
        """
        snapshot = Snapshot(self._settings, read)
        answered: set[int] = set()
        silent: dict[int, str] = {}
        gateways_word = False
        # The clock first: the groups after it then need only one look at the clock each.
        for group in sorted(self._plan, key=lambda one: not has_clock(one)):
            unit = group.unit
            if unit in silent or self._retry_at.get(unit, now_s) > now_s:
                reason = silent.get(unit) or self._failures[group.cells[0][0]][1]
                for lost in self._failed(group, reason):
                    yield lost
                continue
            try:
                reading = await snapshot.read(group)
            except DataError as exc:
                if exc.reason in {SILENT, NO_UNIT} and unit not in answered:
                    silent[unit] = exc.detail
                    gateways_word |= exc.reason == NO_UNIT
                else:
                    answered.add(unit)
                async for outcome in self._refused(snapshot, group, exc, unit in answered):
                    yield outcome
                if unit in silent and self._given_up(group):
                    self._retry_at[unit] = now_s + self._settings.retry_missing_s
            else:
                answered.add(unit)
                self._retry_at.pop(unit, None)
                self._succeeded(group)
                yield reading
        self.all_silent = bool(silent) and not answered and not gateways_word
        if self.all_silent:
            self._retry_at.clear()
            return
        async for found in self._look_for_missing(snapshot, now_s, silent):
            yield found

    async def _refused(
        self, snapshot: Snapshot, group: Group, exc: DataError, others_answer: bool
    ) -> AsyncIterator[GroupReading | Lost]:
        """Deal with a group that was not given."""
        if exc.reason == UNKNOWN:
            yield self._give_up(group, exc.detail)
            return
        lost = list(self._failed(group, exc.detail))
        patient = exc.reason in {FAULT, SILENT} and others_answer
        if exc.reason == REFUSED or (patient and self._just_given_up(group)):
            tolerated = {REFUSED, FAULT, CLOCK} | ({SILENT} if exc.reason == SILENT else set())
            try:
                parts, read, guilty = await _divided(snapshot, group, exc, tolerated)
            except DataError:
                # It turned busy or silent meanwhile: the next round will tell.
                pass
            else:
                if read or exc.reason == REFUSED:
                    self._plan.remove(group)
                    self._plan.extend(parts)
                    for reading in read:
                        self._succeeded(reading.group)
                        yield reading
                    for part, reason in guilty:
                        yield self._missed(part, reason)
                    return
        for one in lost:
            yield one

    def _give_up(self, group: Group, reason: str) -> Lost:
        self._plan.remove(group)
        for cell in group.cells:
            self._missed(Group.of([cell]), reason)
        return Lost([key for key, _ in group.cells if key in self._read_once])

    def _missed(self, part: Group, reason: str) -> Lost:
        ((key, cell),) = part.cells
        self._failures.pop(key, None)
        self._missing[key] = cell, reason
        # What was never there has no value that could be bad.
        return Lost([key] if key in self._read_once else [])

    async def _look_for_missing(
        self, snapshot: Snapshot, now_s: float, silent: Iterable[int]
    ) -> AsyncIterator[GroupReading]:
        """Ask now and then for what the device did not have, some of it each time."""
        if self._missing_at is None or not self._missing:
            self._missing_at = now_s + self._settings.retry_missing_s
        if now_s < self._missing_at:
            return
        self._missing_at = now_s + self._settings.retry_missing_s
        for key in list(self._missing)[:_RETRIED_AT_ONCE]:
            cell, reason = self._missing.pop(key)
            if cell.unit in silent:
                self._missing[key] = cell, reason
                continue
            group = Group.of([(key, cell)])
            try:
                reading = await snapshot.read(group)
            except DataError as exc:
                # At the end, so that another comes first the next time.
                self._missing[key] = cell, exc.detail
            else:
                self._plan.append(group)
                self._succeeded(group)
                yield reading

    def _failed(self, group: Group, reason: str) -> Iterable[Lost]:
        lost = []
        for key, _ in group.cells:
            count = self._failures.get(key, (0, ""))[0] + 1
            self._failures[key] = count, reason
            if count == FAILURES_UNTIL_BAD and key != CLOCK_KEY:
                lost.append(key)
        return [Lost(lost)] if lost else []

    def _succeeded(self, group: Group) -> None:
        for key, _ in group.cells:
            self._failures.pop(key, None)
            if key != CLOCK_KEY:
                self._read_once.add(key)

    def _given_up(self, group: Group) -> bool:
        return self._failures[group.cells[0][0]][0] >= FAILURES_UNTIL_BAD

    def _just_given_up(self, group: Group) -> bool:
        return len(group.cells) > 1 and any(
            self._failures[key][0] == FAILURES_UNTIL_BAD for key, _ in group.cells
        )

    def _words(self, key: int, reason: str) -> str:
        if key == CLOCK_KEY:
            return f"the PLC's clock: {reason}"
        tag = self._settings.tags[key]
        unit = f", unit {tag.unit_id}" if tag.unit_id is not None else ""
        return f"{tag.name} ({tag.address}{unit}): {reason}"


async def _divided(
    snapshot: Snapshot, group: Group, exc: DataError, tolerated: set[str]
) -> tuple[list[Group], list[GroupReading], list[tuple[Group, str]]]:
    """Halve a group until what can be read is read.

    Returns the groups that can be, what they said, and each guilty cell with the reason. Raises
    DataError for any other reason than those tolerated.
    """
    parts: list[Group] = []
    read: list[GroupReading] = []
    guilty: list[tuple[Group, str]] = []
    waiting: deque[tuple[Group, DataError]] = deque([(group, exc)])
    while waiting:
        refused, reason = waiting.popleft()
        if len(refused.cells) == 1:
            guilty.append((refused, reason.detail))
            continue
        for half in refused.halves():
            try:
                reading = await snapshot.read(half)
            except DataError as again:
                if again.reason not in tolerated:
                    raise
                waiting.append((half, again))
            else:
                parts.append(half)
                read.append(reading)
    return parts, read, guilty
