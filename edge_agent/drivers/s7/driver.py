"""The Siemens S7 driver."""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

from edge_agent.drivers.contract import Inlet, Reading
from edge_agent.drivers.s7.address import Cell, Group, grouped
from edge_agent.drivers.s7.link import LinkLostError, S7Link
from edge_agent.drivers.s7.settings import S7Settings
from edge_agent.drivers.supervision import keep_connected
from edge_agent.pace import wall_seconds
from plant.clock import Clock, microseconds
from plant.errors import DataError, SourceUnavailableError
from plant.measurement import Quality

FAILURES_UNTIL_BAD: Final = 3
"""Rounds in a row that a group must fail before its tags are reported bad."""

Keyed = Sequence[tuple[int, Cell]]


@dataclass(slots=True)
class _Round:
    """One reading of all groups."""

    readings: list[Reading] = field(default_factory=list)
    refused: list[Group] = field(default_factory=list)


class S7Driver:
    """Polls one controller at a steady pace; see the package's README."""

    keeps_repeats = False

    def __init__(self, name: str, settings: S7Settings, clock: Clock) -> None:
        self._name = name
        self._settings = settings
        self._clock = clock
        self._cells: Keyed = [(key, tag.cell) for key, tag in enumerate(settings.tags)]
        self._failures: dict[int, int] = {}
        """Rounds in a row in which the group of a tag failed."""

    async def run(self, inlet: Inlet) -> None:
        """Deliver until cancelled; see `Driver.run`."""
        await keep_connected(lambda connected: self._session(inlet, connected), inlet)

    async def _session(self, inlet: Inlet, connected: Callable[[], None]) -> None:
        link = S7Link(self._settings)
        try:
            await link.open()
            await self._poll_forever(link, inlet, connected)
        except LinkLostError as exc:
            settings = self._settings
            raise SourceUnavailableError(
                self._name, [f"{settings.host}:{settings.port}: {exc}"]
            ) from exc
        finally:
            await link.close()

    async def _poll_forever(
        self, link: S7Link, inlet: Inlet, connected: Callable[[], None]
    ) -> None:
        settings = self._settings
        loop = asyncio.get_running_loop()
        groups = self._grouped(link, self._cells)
        missing: dict[int, str] | None = None
        due = check_at = loop.time()
        while True:
            started_us = microseconds(self._clock())
            taken = await self._round(link, groups, inlet)
            await inlet.deliver(taken.readings, sampled_us=started_us)
            # A controller cannot be asked for the past: what is lost now is lost for good.
            await inlet.written()
            found: dict[int, str] | None = None
            if missing is None or self._gone(taken.refused):
                connected()
                found = (missing or {}) | await self._missing(link, taken.refused)
            elif missing and loop.time() >= check_at:
                cells = [pair for pair in self._cells if pair[0] in missing]
                found = await self._missing(link, self._grouped(link, cells))
            if found is not None:
                missing = found
                inlet.unreachable(sorted(missing.values()))
                cells = [pair for pair in self._cells if pair[0] not in found]
                groups = self._grouped(link, cells)
                check_at = loop.time() + settings.retry_missing_s
            # A round that took too long is not made up for: the controller would only suffer more.
            due = max(due + wall_seconds(self._clock, settings.poll_interval_s), loop.time())
            await asyncio.sleep(due - loop.time())

    def _gone(self, refused: Iterable[Group]) -> bool:
        """Return whether what could be read before has now failed for too long."""
        keys = (key for group in refused for key, _ in group.cells)
        return any(self._failures[key] == FAILURES_UNTIL_BAD for key in keys)

    def _grouped(self, link: S7Link, cells: Keyed) -> list[Group]:
        return grouped(cells, self._settings.max_gap, link.max_bytes)

    async def _round(self, link: S7Link, groups: Iterable[Group], inlet: Inlet) -> _Round:
        taken = _Round()
        for group in groups:
            try:
                raw = await link.read(group.area, group.block, group.start, group.size)
            except DataError:
                taken.refused.append(group)
                taken.readings.extend(self._bad(group))
            else:
                # The controller gives no time: that of its answer is the nearest there is.
                time_us = microseconds(self._clock())
                taken.readings.extend(self._readings(group, raw, time_us, inlet))
        return taken

    async def _missing(self, link: S7Link, refused: Iterable[Group]) -> dict[int, str]:
        """Return the tags that the controller does not have, each with its reason.

        One wrong address fails the whole request, so each tag of it is asked for alone.
        """
        missing: dict[int, str] = {}
        for group in refused:
            for key, cell in group.cells:
                try:
                    await link.read(cell.area, cell.block, cell.start, cell.size)
                except DataError as exc:
                    tag = self._settings.tags[key]
                    missing[key] = f"{tag.name} ({tag.address}): {exc.detail}"
        return missing

    def _readings(self, group: Group, raw: bytes, time_us: int, inlet: Inlet) -> Iterable[Reading]:
        for key, cell in group.cells:
            self._failures.pop(key, None)
            name = self._settings.tags[key].name
            try:
                value = cell.decode(group.bytes_of(cell, raw), self._settings.encoding)
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
