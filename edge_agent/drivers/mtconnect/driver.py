"""The MTConnect driver: one agent, followed by sequence numbers."""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from typing import Final
from urllib.parse import quote

from edge_agent.drivers.contract import Inlet
from edge_agent.drivers.mtconnect.assets import Assets
from edge_agent.drivers.mtconnect.conditions import Conditions
from edge_agent.drivers.mtconnect.document import Category, Document, Observation, parse
from edge_agent.drivers.mtconnect.http import MAX_DOCUMENT_BYTES, HttpAgent
from edge_agent.drivers.mtconnect.multipart import PartReader, boundary_of
from edge_agent.drivers.mtconnect.reading import readings, resolved
from edge_agent.drivers.mtconnect.sequence import OTHER_INSTANCE, Cursor, follow
from edge_agent.drivers.mtconnect.settings import MtConnectSettings, MtConnectTagSettings
from edge_agent.drivers.supervision import keep_connected
from plant.clock import Clock
from plant.errors import DataError, SourceUnavailableError
from plant.log import get_logger

LOSS_SHOWN_S: Final = 300.0
"""How long a loss stays among what the edge reports as unreachable (wall time)."""
_HOLES_ASKED_FOR: Final = 3
"""Useless questions for missing numbers, after which this agent is known to leave some out."""

_log = get_logger()


class MtConnectDriver:
    """Follows one agent; see the package's README."""

    # Sequence numbers tell what is new; several conditions may share one time.
    keeps_repeats = True

    def __init__(self, name: str, settings: MtConnectSettings, clock: Clock) -> None:
        self._name = name
        self._settings = settings
        self._clock = clock
        self._device = f"/{quote(settings.device)}" if settings.device else ""
        self._cursor: Cursor | None = None
        self._tags: dict[str, list[MtConnectTagSettings]] = {}
        self._missing: dict[str, str] = {}
        self._conditions = Conditions()
        self._assets = Assets(settings.tags)
        self._losses: deque[tuple[float, str]] = deque(maxlen=5)
        self._hole_at: Cursor | None = None
        self._useless_questions = 0

    async def run(self, inlet: Inlet) -> None:
        """Deliver until cancelled; see `Driver.run`."""
        agent = HttpAgent(self._settings.url, self._settings.timeout_s, self._settings.ca_file)
        self._cursor = Cursor.parse(inlet.position())
        await keep_connected(lambda connected: self._session(agent, inlet, connected), inlet)

    async def _session(self, agent: HttpAgent, inlet: Inlet, connected: Callable[[], None]) -> None:
        try:
            probe = await self._ask(agent, "/probe")
            connected()
            self._resolve(probe)
            self._report(inlet)
            cursor = await self._begin(agent, inlet, probe.instance)
            # As they are now, whatever became of the events that told of them.
            await inlet.deliver(await self._assets.read(agent, self._assets.all, inlet))
            self._report(inlet)
            await self._follow(agent, inlet, cursor)
        except TimeoutError as exc:
            raise self._unavailable(f"no answer within {self._settings.timeout_s:g} s") from exc
        except OSError as exc:
            raise self._unavailable(f"nothing answers ({exc.strerror or exc})") from exc
        except DataError as exc:
            if exc.reason != "restarted":
                raise self._unavailable(exc.detail) from exc
            _log.info("mtconnect_agent_restarted", source=self._name, detail=exc.detail)
            if self._cursor is not None:
                self._cursor = Cursor(OTHER_INSTANCE, self._cursor.next)

    async def _ask(self, agent: HttpAgent, target: str) -> Document:
        document = parse(await agent.get(f"{self._device}{target}"))
        if document.errors:
            raise self._refused(document)
        return document

    def _resolve(self, probe: Document) -> None:
        self._tags, self._missing = resolved(self._settings.tags, probe.data_items)

    async def _look_again(self, agent: HttpAgent, inlet: Inlet, cursor: Cursor) -> None:
        """Look for data items that were missing, and take the present values of those found."""
        known = self._tags
        self._resolve(await self._ask(agent, "/probe"))
        found = self._tags.keys() - known.keys()
        if found:
            current = await self._ask(agent, "/current")
            standing = [
                seen
                for seen in current.observations
                if seen.data_item in found and seen.sequence < cursor.next
            ]
            await self._deliver(agent, inlet, standing, cursor, None)

    async def _begin(self, agent: HttpAgent, inlet: Inlet, instance: int) -> Cursor:
        """Return where to go on, after delivering what lies before it."""
        cursor = self._cursor
        if cursor is not None and cursor.instance == instance:
            await self._learn_conditions(agent, cursor)
            return cursor
        document = await self._ask(agent, "/current")
        first, following = _range(document)
        if cursor is None:
            return await self._deliver_current(agent, inlet, document, 0, following)
        self._note_loss(
            inlet, None, "the agent was restarted: what it had seen and not yet sent is lost"
        )
        return await self._deliver_current(agent, inlet, document, 0, first)

    async def _learn_conditions(self, agent: HttpAgent, cursor: Cursor) -> None:
        """Learn what was active where reading goes on: observations tell only what changes."""
        document = parse(await agent.get(f"{self._device}/current?at={cursor.next - 1}"))
        if document.errors:
            # It knows no `at`, or no longer that number.
            document = await self._ask(agent, "/current")
        self._conditions.begin({seen.data_item for seen in document.observations})
        for seen in document.observations:
            if seen.category is Category.CONDITION and seen.sequence < cursor.next:
                self._conditions.take(seen)

    async def _deliver_current(
        self, agent: HttpAgent, inlet: Inlet, document: Document, start: int, end: int
    ) -> Cursor:
        """Deliver present values with sequence numbers in `[start, end)`; go on at `end`."""
        cursor = Cursor(document.instance, end)
        self._conditions.begin({seen.data_item for seen in document.observations})
        standing = [seen for seen in document.observations if start <= seen.sequence < end]
        await self._deliver(agent, inlet, standing, cursor, None)
        return cursor

    async def _deliver(
        self,
        agent: HttpAgent,
        inlet: Inlet,
        observations: Sequence[Observation],
        cursor: Cursor,
        sampled_us: int | None,
    ) -> None:
        taken = list(readings(observations, self._tags, self._conditions))
        # Asked for before the position is kept: what cannot be had now is asked for again.
        taken += await self._assets.read(
            agent, self._assets.changed(observations, self._tags), inlet
        )
        known = [reading for reading in taken if reading is not None]
        if len(known) < len(taken):
            inlet.unreadable(len(taken) - len(known))
        await inlet.deliver(known, sampled_us=sampled_us, position=str(cursor))
        self._cursor = cursor

    async def _follow(self, agent: HttpAgent, inlet: Inlet, cursor: Cursor) -> None:
        loop = asyncio.get_running_loop()
        check_at = loop.time() + self._settings.retry_missing_s
        refetching = False
        while True:
            async with aclosing(self._documents(agent, cursor, once=refetching)) as documents:
                async for document in documents:
                    if document.errors:
                        cursor = await self._after_error(agent, inlet, cursor, document)
                        break
                    following = await self._take(agent, inlet, cursor, document)
                    refetching = following is None
                    if following is None:
                        break
                    cursor = following
                    if self._missing and loop.time() >= check_at:
                        await self._look_again(agent, inlet, cursor)
                        check_at = loop.time() + self._settings.retry_missing_s
                    self._report(inlet)

    async def _documents(
        self, agent: HttpAgent, cursor: Cursor, *, once: bool
    ) -> AsyncGenerator[Document, None]:
        """Yield what the agent has from a sequence number on: one document, or one after another.

        Ends when the agent's answer does.
        """
        settings = self._settings
        target = f"{self._device}/sample?from={cursor.next}&count={settings.count}"
        if once or not settings.interval_ms:
            document = parse(await agent.get(target))
            yield document
            if not once and document.next is not None and document.next > (document.last or 0):
                await asyncio.sleep(settings.poll_interval_s)
            return
        target += f"&interval={settings.interval_ms}&heartbeat={settings.heartbeat_ms}"
        patience_s = settings.heartbeat_ms / 1000 + settings.timeout_s
        async with agent.open(target) as answer:
            boundary = boundary_of(answer.content_type)
            whole = bytearray()
            parts = PartReader(boundary or b"", MAX_DOCUMENT_BYTES)
            async with aclosing(answer.chunks()) as chunks:
                while True:
                    async with asyncio.timeout(patience_s):
                        chunk = await anext(chunks, None)
                    if chunk is None:
                        break
                    if boundary is None:
                        whole += chunk
                        if len(whole) > MAX_DOCUMENT_BYTES:
                            raise DataError("malformed", "a document is too large; lower `count`")
                        continue
                    for body in parts.feed(chunk):
                        yield parse(body)
        if boundary is None:
            # An error instead of a stream, or an agent that knows no `interval`.
            yield parse(bytes(whole))
            await asyncio.sleep(settings.poll_interval_s)
        else:
            raise DataError("malformed", "the agent ended the stream")

    async def _take(
        self, agent: HttpAgent, inlet: Inlet, cursor: Cursor, document: Document
    ) -> Cursor | None:
        """Deliver a document; None when it has a hole that is to be asked for again."""
        step = follow(cursor, document, whole_agent=not self._device)
        if step.hole and self._useless_questions < _HOLES_ASKED_FOR:
            if self._hole_at != cursor:
                self._hole_at = cursor
                _log.info("mtconnect_gap_refetched", source=self._name, missing=step.hole)
                return None
            self._useless_questions += 1
            self._note_loss(inlet, step.hole, f"the agent leaves out {step.hole} sequence numbers")
        if step.lost:
            self._note_loss(
                inlet, step.lost, f"{step.lost} observations left the agent's buffer unread"
            )
        times = [seen.time_us for seen in step.fresh if seen.time_us is not None]
        sampled_us = document.created_us if step.caught_up else max(times, default=None)
        await self._deliver(agent, inlet, step.fresh, step.cursor, sampled_us)
        return step.cursor

    async def _after_error(
        self, agent: HttpAgent, inlet: Inlet, cursor: Cursor, document: Document
    ) -> Cursor:
        """Return where to go on after the agent refused a request for data."""
        if document.error("OUT_OF_RANGE") is None:
            raise self._refused(document)
        current = await self._ask(agent, "/current")
        first, following = _range(current)
        if current.instance != cursor.instance:
            raise DataError("restarted", "the agent has begun a new instance")
        if first <= cursor.next <= following:
            raise self._refused(document)
        if cursor.next < first:
            lost = first - cursor.next
            self._note_loss(
                inlet,
                lost,
                f"{lost} observations left the agent's buffer unread (OUT_OF_RANGE); "
                "read it more often, or give the agent a larger buffer",
            )
            return await self._deliver_current(agent, inlet, current, cursor.next, first)
        self._note_loss(inlet, None, "the agent's sequence numbers have begun anew")
        return await self._deliver_current(agent, inlet, current, 0, first)

    def _note_loss(self, inlet: Inlet, count: int | None, words: str) -> None:
        """Count and report what cannot be had any more; None when nobody knows how much."""
        inlet.missed(count or 1)
        _log.warning("mtconnect_observations_lost", source=self._name, count=count, reason=words)
        until = asyncio.get_running_loop().time() + LOSS_SHOWN_S
        self._losses.append((until, f"{self._settings.url}: {words}"))
        self._report(inlet)

    def _report(self, inlet: Inlet) -> None:
        now = asyncio.get_running_loop().time()
        while self._losses and self._losses[0][0] < now:
            self._losses.popleft()
        missing = self._assets.problems | self._missing
        inlet.unreachable([*sorted(missing.values()), *(words for _, words in self._losses)])

    def _refused(self, document: Document) -> DataError:
        words = "; ".join(f"{error.code}: {error.text}" for error in document.errors[:3])
        return DataError("refused", f"the agent answers {words}")

    def _unavailable(self, reason: str) -> SourceUnavailableError:
        return SourceUnavailableError(self._name, [f"{self._settings.url}: {reason}"])


def _range(document: Document) -> tuple[int, int]:
    """Return the oldest and the next sequence number of an agent."""
    if document.first is None or document.next is None:
        raise DataError("malformed", "the document's header has no sequence numbers")
    return min(document.first, document.next), document.next
