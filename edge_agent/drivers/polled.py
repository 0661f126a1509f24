"""Controllers that are polled in groups of neighbouring values and have neither time nor past."""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Generic, Protocol, TypeVar

from edge_agent.drivers.contract import Inlet, Reading
from edge_agent.drivers.supervision import keep_connected
from edge_agent.pace import wall_seconds
from plant.clock import Clock, microseconds
from plant.errors import DataError, SourceUnavailableError
from plant.measurement import Quality

FAILURES_UNTIL_BAD: Final = 3
"""Rounds in a row that a group must fail before its tags are reported bad."""

Cell = TypeVar("Cell")


class LinkLostError(Exception):
    """The connection ended, or the other side does not speak the protocol; says how."""


class Grouped(Protocol):
    """One request: neighbouring cells, each with the number of its tag."""

    @property
    def cells(self) -> tuple[tuple[int, Any], ...]:
        """The cells that it reads."""


Group = TypeVar("Group", bound=Grouped)


Cell_contra = TypeVar("Cell_contra", contravariant=True)


class Link(Protocol[Cell_contra, Group]):
    """One connection to a controller. Methods raise LinkLostError when it is of no more use."""

    async def open(self) -> None:
        """Connect."""

    def groups(self, cells: Iterable[tuple[int, Cell_contra]]) -> Sequence[Group]:
        """Return the reads that cover all cells."""

    async def read(self, group: Group) -> bytes:
        """Return a group's bytes; raise DataError `refused` when the controller gives none."""

    def value(self, group: Group, cell: Cell_contra, raw: bytes) -> object:
        """Return a cell's value; raise ValueError for bytes that are none."""

    async def close(self) -> None:
        """End the connection."""


class PolledTag(Protocol):
    """What a poll needs to know of a tag."""

    @property
    def name(self) -> str:
        """Its name."""

    @property
    def address(self) -> str:
        """Where the controller has it, as the settings say."""


class PolledSettings(Protocol):
    """What a poll needs to know of a source."""

    @property
    def where(self) -> str:
        """The controller's address, in words."""

    @property
    def poll_interval_s(self) -> float:
        """How often all tags are read (plant time)."""

    @property
    def retry_missing_s(self) -> float:
        """How often tags that the controller does not have are tried again (wall time)."""

    @property
    def tags(self) -> Sequence[PolledTag]:
        """The tags, by number."""


@dataclass(slots=True)
class _Round(Generic[Group]):
    """One reading of all groups."""

    readings: list[Reading] = field(default_factory=list)
    refused: list[Group] = field(default_factory=list)


@dataclass(slots=True)
class _Parts(Generic[Group]):
    """What a controller reads of some cells."""

    groups: list[Group] = field(default_factory=list)
    missing: dict[int, str] = field(default_factory=dict)
    """By tag, why it cannot be read even alone."""


class PolledDriver(Generic[Cell, Group]):
    """Polls one controller at a steady pace."""

    keeps_repeats = False

    def __init__(
        self,
        name: str,
        settings: PolledSettings,
        clock: Clock,
        cells: Sequence[tuple[int, Cell]],
        make_link: Callable[[], Link[Cell, Group]],
    ) -> None:
        self._name = name
        self._settings = settings
        self._clock = clock
        self._cells = cells
        self._make_link = make_link
        self._failures: dict[int, int] = {}
        """Rounds in a row in which the group of a tag failed."""

    async def run(self, inlet: Inlet) -> None:
        """Deliver until cancelled; see `Driver.run`."""
        await keep_connected(lambda connected: self._session(inlet, connected), inlet)

    async def _session(self, inlet: Inlet, connected: Callable[[], None]) -> None:
        link = self._make_link()
        try:
            await link.open()
            await self._poll_forever(link, inlet, connected)
        except LinkLostError as exc:
            raise SourceUnavailableError(self._name, [f"{self._settings.where}: {exc}"]) from exc
        finally:
            await link.close()

    async def _poll_forever(
        self, link: Link[Cell, Group], inlet: Inlet, connected: Callable[[], None]
    ) -> None:
        settings = self._settings
        loop = asyncio.get_running_loop()
        groups = list(link.groups(self._cells))
        missing: dict[int, str] | None = None
        due = check_at = loop.time()
        while True:
            started_us = microseconds(self._clock())
            taken = await self._round(link, groups, inlet)
            await inlet.deliver(taken.readings, sampled_us=started_us)
            # A controller cannot be asked for the past: what is lost now is lost for good. So is
            # what it shows while the disk takes its time.
            inlet.write_soon()
            asked: list[tuple[int, Cell]] | None = None
            if missing is None or self._gone(taken.refused):
                connected()
                asked = [pair for group in taken.refused for pair in group.cells]
                groups = [group for group in groups if group not in taken.refused]
            elif missing and loop.time() >= check_at:
                asked = [pair for pair in self._cells if pair[0] in missing]
            if asked is not None:
                parts = await self._parts(link, asked)
                groups += parts.groups
                again = {key for key, _ in asked}
                others = {key: why for key, why in (missing or {}).items() if key not in again}
                missing = others | parts.missing
                inlet.unreachable(sorted(missing.values()))
                check_at = loop.time() + settings.retry_missing_s
            # A round that took too long is not made up for: the controller would only suffer more.
            due = max(due + wall_seconds(self._clock, settings.poll_interval_s), loop.time())
            await asyncio.sleep(due - loop.time())

    def _gone(self, refused: Iterable[Group]) -> bool:
        """Return whether what could be read before has now failed for too long."""
        keys = (key for group in refused for key, _ in group.cells)
        return any(self._failures[key] == FAILURES_UNTIL_BAD for key in keys)

    async def _round(
        self, link: Link[Cell, Group], groups: Iterable[Group], inlet: Inlet
    ) -> _Round[Group]:
        taken: _Round[Group] = _Round()
        for group in groups:
            try:
                raw = await link.read(group)
            except DataError:
                taken.refused.append(group)
                taken.readings.extend(self._bad(group))
            else:
                # The controller gives no time: that of its answer is the nearest there is.
                time_us = microseconds(self._clock())
                taken.readings.extend(self._readings(link, group, raw, time_us, inlet))
        return taken

    async def _parts(
        self, link: Link[Cell, Group], cells: Iterable[tuple[int, Cell]]
    ) -> _Parts[Group]:
        """Find out in which requests a controller reads cells, and which it does not have.

        One wrong address fails a whole request, and so does one word too many: what is refused is
        asked for in halves. The parts stay as they are for as long as the connection lasts.
        """
        parts: _Parts[Group] = _Parts()
        for group in link.groups(cells):
            try:
                await link.read(group)
            except DataError as exc:
                if len(group.cells) == 1:
                    ((key, _),) = group.cells
                    tag = self._settings.tags[key]
                    parts.missing[key] = f"{tag.name} ({tag.address}): {exc.detail}"
                    continue
                middle = len(group.cells) // 2
                for half in (group.cells[:middle], group.cells[middle:]):
                    found = await self._parts(link, half)
                    parts.groups += found.groups
                    parts.missing |= found.missing
            else:
                parts.groups.append(group)
        return parts

    def _readings(
        self, link: Link[Cell, Group], group: Group, raw: bytes, time_us: int, inlet: Inlet
    ) -> Iterable[Reading]:
        for key, cell in group.cells:
            self._failures.pop(key, None)
            name = self._settings.tags[key].name
            try:
                value = link.value(group, cell, raw)
            except ValueError:
                inlet.unreadable()
                yield Reading(name, None, time_us, Quality.BAD)
            else:
                yield Reading(name, value, time_us, Quality.GOOD)

    def _bad(self, group: Group) -> Iterable[Reading]:
        """Tags whose group has failed for the third time in a row, once."""
        now_us = microseconds(self._clock())
        for key, _ in group.cells:
            self._failures[key] = self._failures.get(key, 0) + 1
            if self._failures[key] == FAILURES_UNTIL_BAD:
                yield Reading(self._settings.tags[key].name, None, now_us, Quality.BAD)
