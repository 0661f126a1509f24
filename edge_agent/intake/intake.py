"""From readings to outbox rows: repeats out, units in, exceptions only, written in groups."""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress

from edge_agent.drivers import AnySource, Reading, TagSettings
from edge_agent.exception_report import ExceptionReport
from edge_agent.intake.conversion import converter
from edge_agent.intake.recall import Recall
from edge_agent.outbox import AHEAD_US, Outbox, Row, TagMemory, mark_of
from edge_agent.selfstat import Counters
from plant.clock import Clock, microseconds
from plant.errors import TransientError
from plant.log import get_logger

WAITING_AT_MOST = 50_000
"""Rows that wait in memory while the disk does not take them; then the drivers wait."""
_RETRY_WRITE_S = 1.0
_SEARCHED = 1000
_LOOK_AGAIN_S = 0.05

_log = get_logger()


class Intake:
    """Gathers the rows of all sources and writes them together; lives in one event loop."""

    def __init__(
        self,
        outbox: Outbox,
        clock: Clock,
        counters: Counters,
        flush_interval_s: float,
        fits: Callable[[Row], bool] = lambda _: True,
    ) -> None:
        """`fits` tells whether a message can hold a row; one that none can goes no further."""
        self.fits = fits
        self._outbox = outbox
        self._clock = clock
        self._counters = counters
        self._flush_interval_s = flush_interval_s
        self._memory = outbox.memory()
        self._positions = outbox.cursors()
        self._rows: list[Row] = []
        self._fresh_positions: dict[str, str] = {}
        self._fresh_samples: dict[str, int] = {}
        self._sampled: dict[str, int | None] = {}
        self._finished: set[str] = set()
        self._problems: dict[str, tuple[str, ...]] = {}
        self._writing = asyncio.Lock()
        self._wanted = asyncio.Event()
        self._room = asyncio.Event()
        self._room.set()
        self._writable = True

    def inlet(
        self, source: str, settings: AnySource, *, keeps_repeats: bool = False
    ) -> "SourceInlet":
        """Return where the driver of a source delivers."""
        self._sampled[source] = None
        return SourceInlet(self, source, settings.tags, self._memory, keeps_repeats)

    def finish(self, source: str) -> None:
        """Take note that a source has been read to its end."""
        self._finished.add(source)

    def sampled_us(self) -> int | None:
        """Return the source time before which everything is in the outbox, over all sources.

        None while a source has delivered nothing yet. Sources that ended count only when there
        is no other.
        """
        running = [self._sampled[name] for name in self._sampled if name not in self._finished]
        known = [time for time in running or self._sampled.values() if time is not None]
        if len(known) < len(running) or not known:
            return None
        return min(known) if running else max(known)

    def delivering(self) -> bool:
        """Return whether any source has been read by this agent."""
        return bool(self._fresh_samples) or any(time is not None for time in self._sampled.values())

    def unreachable(self) -> list[str]:
        """Return what cannot be read at present, each with its source and reason."""
        return [
            f"{source}: {problem}"
            for source, problems in sorted(self._problems.items())
            for problem in problems
        ]

    async def flush_until(self, ended: asyncio.Event) -> None:
        """Write what has gathered, again and again; a write is never broken off."""
        while not ended.is_set():
            with suppress(TimeoutError):
                await asyncio.wait_for(self._wanted.wait(), self._flush_interval_s)
            self._wanted.clear()
            if not await self.flush():
                await asyncio.sleep(_RETRY_WRITE_S)

    def write_soon(self) -> None:
        """Have what has gathered written without waiting for the time of the next write."""
        self._wanted.set()

    async def flush(self) -> bool:
        """Write what has gathered; return False when the outbox did not take it."""
        async with self._writing:
            # Taken together, before the only wait: rows that come meanwhile belong to the next
            # position.
            rows, self._rows = self._rows, []
            positions, self._fresh_positions = self._fresh_positions, {}
            samples, self._fresh_samples = self._fresh_samples, {}
            if rows or positions:
                now_us = microseconds(self._clock())
                try:
                    await asyncio.to_thread(self._outbox.append, rows, now_us, positions)
                except TransientError as exc:
                    # Back in front, as ids are given in this order.
                    self._rows = rows + self._rows
                    self._fresh_positions = {**positions, **self._fresh_positions}
                    self._fresh_samples = {**samples, **self._fresh_samples}
                    self._note_writable(False, str(exc))
                    return False
            self._room.set()
            self._counters.written += len(rows)
            self._counters.waiting -= len(rows)
            # Only now: the heartbeat says that all before this moment is in the outbox, and
            # analytics takes silence before it for real.
            self._sampled.update(samples)
            self._note_writable(True)
            return True

    def _note_writable(self, writable: bool, reason: str = "") -> None:
        if not writable:
            self._counters.write_failures += 1
        if writable != self._writable:
            if writable:
                _log.info("outbox_writable_again")
            else:
                _log.error("outbox_not_writable", reason=reason)
        self._writable = writable

    async def take(
        self, source: str, rows: list[Row], sampled_us: int | None, position: str | None
    ) -> None:
        """Queue rows for the next write; wait while too many do."""
        await self._room.wait()
        self._rows.extend(rows)
        if len(self._rows) >= WAITING_AT_MOST:
            self._room.clear()
        if position is not None:
            self._fresh_positions[source] = self._positions[source] = position
        if sampled_us is not None:
            before = self._fresh_samples.get(source, self._sampled.get(source))
            self._fresh_samples[source] = max(sampled_us, before or sampled_us)

    def note_problems(self, source: str, problems: Sequence[str]) -> None:
        """Remember what cannot be read of a source, and say so when it changes."""
        found = tuple(problems)
        before = self._problems.get(source)
        if found == before:
            return
        self._problems[source] = found
        if found:
            _log.warning("source_unreachable", source=source, problems=list(found))
        else:
            _log.info("source_reachable", source=source)

    @property
    def clock(self) -> Clock:
        """The agent's clock."""
        return self._clock

    @property
    def counters(self) -> Counters:
        """The agent's counters."""
        return self._counters

    def position(self, source: str) -> str | None:
        """Return how far a source had been read when the agent started."""
        return self._positions.get(source)

    def waiting(self) -> int:
        """Return how many rows are in memory only."""
        return len(self._rows)

    def pending(self) -> int:
        """Return how many rows are unconfirmed or unwritten."""
        return self._outbox.state().pending + len(self._rows)


class _TagIntake:
    """What happens to the readings of one tag."""

    __slots__ = ("convert", "recall", "report")

    def __init__(self, tag: TagSettings, memory: TagMemory | None, until_us: int) -> None:
        self.convert = converter(tag)
        # An outbox of an earlier release may hold a newest row that is far ahead.
        last = memory.last if memory and memory.last.time_us <= until_us else None
        self.report = ExceptionReport(tag, last)
        self.recall = Recall()
        if memory is not None:
            taken = [one for one in memory.taken if one[0] <= until_us]
            if last is not None:
                # Its row may be gone, and is recognised all the same.
                newest = last.time_us, mark_of(last.value, last.quality)
                taken += [newest] if newest not in taken[-_SEARCHED:] else []
            self.recall = Recall(last.time_us if last else None, taken, forgotten=memory.forgotten)


class SourceInlet:
    """The inlet of one source; see `edge_agent.drivers.Inlet`."""

    def __init__(
        self,
        intake: Intake,
        source: str,
        tags: Sequence[TagSettings],
        memory: dict[str, TagMemory],
        keeps_repeats: bool,
    ) -> None:
        self._intake = intake
        self._source = source
        self.keeps_repeats = keeps_repeats
        """Whether readings that were taken before are taken again; its driver says so."""
        until_us = microseconds(intake.clock()) + AHEAD_US
        self._tags = {tag.name: _TagIntake(tag, memory.get(tag.name), until_us) for tag in tags}

    async def deliver(
        self,
        readings: Sequence[Reading],
        *,
        sampled_us: int | None = None,
        position: str | None = None,
    ) -> None:
        """See `Inlet.deliver`."""
        counters = self._intake.counters
        rows: list[Row] = []
        until_us = microseconds(self._intake.clock()) + AHEAD_US
        for name, raw, time_us, raw_quality in readings:
            counters.taken += 1
            tag = self._tags[name]
            value, quality = tag.convert(raw, raw_quality)
            is_ahead = time_us is not None and time_us > until_us
            if time_us is None:
                counters.stamped_by_agent += 1
                # A source without times.
                time_us = microseconds(self._intake.clock())  # noqa: PLW2901
                is_new = tag.recall.stamp(time_us)
            else:
                mark = mark_of(value, quality)
                is_new = tag.recall.take(time_us, mark, is_ahead=is_ahead)
            if not is_new and not self.keeps_repeats:
                counters.repeats += 1
                continue
            if is_ahead:
                # Kept as it is, for the platform to judge; it is no measure for what follows.
                counters.ahead_of_clock += 1
            elif not tag.report.admits(time_us, value, quality):
                counters.suppressed += 1
                continue
            row = Row(name, time_us, value, quality)
            if self._intake.fits(row):
                rows.append(row)
                counters.waiting += 1
            else:
                counters.refused += 1
        await self._intake.take(self._source, rows, sampled_us, position)

    async def written(self) -> bool:
        """See `Inlet.written`."""
        return await self._intake.flush()

    def write_soon(self) -> None:
        """See `Inlet.write_soon`."""
        self._intake.write_soon()

    def position(self) -> str | None:
        """See `Inlet.position`."""
        return self._intake.position(self._source)

    def backfill_from(self, tag: str, overlap_us: int) -> int | None:
        """See `Inlet.backfill_from`."""
        return self._tags[tag].recall.backfill_from(overlap_us)

    def unreachable(self, problems: Sequence[str]) -> None:
        """See `Inlet.unreachable`."""
        self._intake.note_problems(self._source, problems)

    def unreadable(self, count: int = 1) -> None:
        """See `Inlet.unreadable`."""
        self._intake.counters.unreadable += count

    def missed(self, count: int) -> None:
        """See `Inlet.missed`."""
        self._intake.counters.missed += count

    async def drained(self, pending_rows: int) -> None:
        """See `Inlet.drained`."""
        # The publisher's thread confirms rows; asking now and then is simpler than being told.
        while self._intake.pending() >= pending_rows:  # noqa: ASYNC110
            await asyncio.sleep(_LOOK_AGAIN_S)
