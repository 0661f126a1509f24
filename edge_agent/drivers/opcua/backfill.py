"""Filling gaps from a server's history, beside the live values."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import timedelta

from asyncua.ua.uaerrors import UaError

from edge_agent.drivers.contract import Inlet, Reading
from edge_agent.drivers.opcua.client import SourceClient
from edge_agent.drivers.opcua.gaps import Gaps
from edge_agent.drivers.opcua.history import History, Page
from edge_agent.drivers.opcua.lasting import Lasting
from edge_agent.drivers.opcua.nodes import Nodes
from edge_agent.drivers.opcua.portion import Limits
from edge_agent.drivers.opcua.reading import (
    UnreadableError,
    bad_reading,
    is_waiting,
    reading_of,
    time_us_of,
)
from edge_agent.drivers.opcua.settings import OpcUaSettings
from plant.clock import Clock, from_microseconds
from plant.log import get_logger

_BETWEEN_S = 0.5
"""At least this long between two looks, however often queues overflow."""
_TOGETHER_US = 600_000_000
"""Tags whose gaps begin within ten minutes are asked for together."""

_log = get_logger()


class Backfill:
    """Reads what is missing of the tags of one connection."""

    def __init__(
        self,
        name: str,
        settings: OpcUaSettings,
        clock: Clock,
        client: SourceClient,
        limits: Limits,
        nodes: Nodes,
        lasting: Lasting,
    ) -> None:
        self._name = name
        self._settings = settings
        self._clock = clock
        self._nodes = nodes
        self._limits = limits
        self._lasting = lasting
        self._history = History(client, limits.history)
        self._keys = {tag.name: key for key, tag in enumerate(settings.tags)}
        self.ready = asyncio.Event()
        """Set once it is known which tags are there."""
        self._due = asyncio.Event()
        self._gaps = Gaps()
        self._failed: dict[str, str] = {}

    @property
    def waiting(self) -> bool:
        """Whether something is still to be read."""
        return bool(self._gaps)

    async def open(self, inlet: Inlet, starts: Mapping[str, int]) -> None:
        """Note gaps, durably before anything newer is taken."""
        if self._lasting.gaps is None:
            self._lasting.gaps = Gaps(inlet.position() if self._settings.backfill else None)
            self._lasting.gaps.keep_only(self._keys)
        self._gaps = self._lasting.gaps
        if starts:
            self._gaps.open(starts)
            await inlet.deliver([], position=self._gaps.text())
        if self._gaps:
            self._due.set()

    async def run(self, inlet: Inlet) -> None:
        """Read gaps as they open, until cancelled or the connection is lost (OSError).

        A tag that fails by itself keeps its gap, is named, and is tried again.
        """
        await self.ready.wait()
        while True:
            timeout = self._settings.retry_missing_s if self._gaps else None
            try:
                async with asyncio.timeout(timeout):
                    await self._due.wait()
            except TimeoutError:
                pass
            self._due.clear()
            try:
                if self._gaps:
                    await self._read(inlet)
            except (UaError, TimeoutError) as exc:
                # History is the lesser part of a server: live values do not depend on it.
                self._limits.history.most = max(1, self._limits.history.most // 2)
                _log.warning("history_not_read", source=self._name, reason=str(exc) or "no answer")
            await asyncio.sleep(_BETWEEN_S)

    async def _read(self, inlet: Inlet) -> None:
        end = self._clock() + timedelta(seconds=self._settings.backfill_overlap_s)
        failed: dict[str, str] = {}
        without: list[str] = []
        read = 0
        wanted = [
            (start, name)
            for name in self._keys
            if (start := self._gaps.start(name)) is not None
            and self._nodes.problem(self._keys[name]) is None
        ]
        # Tags that begin together are asked for together: one request has one start for all.
        wanted.sort()
        first = 0
        while first < len(wanted):
            latest = wanted[first][0] + _TOGETHER_US
            group = [
                one for one in wanted[first : first + self._limits.history.most] if one[0] <= latest
            ]
            first += len(group)
            names = [name for _, name in group]
            nodes = [self._nodes.id(self._keys[name]) for name in names]
            begin = from_microseconds(group[0][0])
            ended = set(names)
            async for pages in self._history.pages(nodes, begin, end):
                readings: list[Reading] = []
                for place, page in pages.items():
                    name = names[place]
                    read += len(page.values)
                    self._add(inlet, name, page, group[place][0], readings)
                    if not page.has_history:
                        without.append(name)
                    elif page.failed:
                        failed[name] = page.status.name
                        ended.discard(name)
                await inlet.deliver(readings)
            self._gaps.close(ended)
            await inlet.deliver([], position=self._gaps.text())
        self._lasting.without_history.update(without)
        if read or without or failed != self._failed:
            self._tell(read, without, failed)
        self._failed = failed

    def _add(
        self, inlet: Inlet, name: str, page: Page, start_us: int, readings: list[Reading]
    ) -> None:
        form = self._nodes.form(self._keys[name])
        for value in page.values:
            time_us = time_us_of(value)
            # The first of a group may begin much earlier than this one.
            if is_waiting(value) or time_us is None or time_us < start_us:
                continue
            try:
                readings.append(reading_of(name, value, form))
            except UnreadableError:
                inlet.unreadable()
                readings.append(bad_reading(name, value))

    def _tell(self, read: int, without: Sequence[str], failed: Mapping[str, str]) -> None:
        _log.info(
            "backfill_done",
            source=self._name,
            values_read=read,
            without_history=list(without[:20]),
            without_history_in_all=len(self._lasting.without_history),
            failed=dict(list(failed.items())[:20]),
        )
