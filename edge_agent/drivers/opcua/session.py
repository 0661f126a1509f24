"""One connection to an OPC UA server: subscribe, follow until it is lost; history beside it."""

import asyncio
from collections.abc import Iterable, Mapping
from datetime import timedelta

from asyncua import ua
from asyncua.ua.attribute_ids import AttributeIds

from edge_agent.drivers.contract import Inlet, Reading
from edge_agent.drivers.opcua.backfill import Backfill
from edge_agent.drivers.opcua.client import SourceClient
from edge_agent.drivers.opcua.lasting import Lasting
from edge_agent.drivers.opcua.nodes import Nodes
from edge_agent.drivers.opcua.portion import Limits
from edge_agent.drivers.opcua.reading import (
    UnreadableError,
    bad_reading,
    is_waiting,
    overflowed,
    reading_of,
)
from edge_agent.drivers.opcua.settings import OpcUaSettings
from edge_agent.drivers.opcua.subscription import Subscription, SubscriptionGoneError
from plant.clock import Clock, microseconds
from plant.errors import SourceUnavailableError
from plant.log import get_logger

_MADE_ANEW_AT_MOST = 5
"""Times that a subscription is made anew within `_FOR_S`; then the connection is, too."""
_FOR_S = 60.0

_log = get_logger()


class OpcUaSession:
    """Follows one connected client; made anew for every connection."""

    def __init__(
        self,
        name: str,
        settings: OpcUaSettings,
        clock: Clock,
        client: SourceClient,
        lasting: Lasting,
    ) -> None:
        self._name = name
        self._settings = settings
        self._clock = clock
        self._client = client
        self._lasting = lasting
        self._limits = Limits()
        self._nodes = Nodes(settings, client, self._limits)
        self._subscription = Subscription(client, settings, self._limits)
        self._missing = lasting.missing
        self._unreadable: dict[int, str] = {}
        self._previous_answer_us: int | None = None
        self._backfill = Backfill(name, settings, clock, client, self._limits, self._nodes, lasting)
        self._ended: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    async def run(self, inlet: Inlet) -> None:
        """Deliver until the connection is lost: SourceUnavailableError with the reason."""
        self._client.connection_lost_callback = self._lost
        await self._limits.learn(self._client)
        await self._nodes.resolve()
        gap_starts = self._gap_starts(inlet, range(len(self._settings.tags)))
        await self._backfill.open(inlet, gap_starts)
        tasks = [asyncio.create_task(self._follow(inlet))]
        if self._settings.backfill:
            tasks.append(asyncio.create_task(self._backfill.run(inlet)))
        tasks.append(asyncio.create_task(self._until_lost()))
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            self._lasting.subscription = self._subscription.left()
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _until_lost(self) -> None:
        reason = await self._ended
        raise SourceUnavailableError(self._name, [f"{self._settings.endpoint}: {reason}"])

    async def _follow(self, inlet: Inlet) -> None:
        """Subscribe and follow; a subscription that the server lost is made anew."""
        loop = asyncio.get_running_loop()

        async def answer(message: ua.NotificationMessage, more: bool) -> None:
            await self._answer(inlet, message, more)

        left = self._lasting.subscription
        kept = False
        if left is not None:
            # Before what comes at once: that the source is read again.
            self._report(inlet)
            kept = await self._subscription.take_up(
                left, resumed=self._client.resumed, answer=answer
            )
        made: list[float] = []
        while True:
            if not kept:
                await self._subscription.create()
            await self._take_up(inlet, range(len(self._settings.tags)))
            self._backfill.ready.set()
            again = asyncio.create_task(self._try_missing(inlet))
            try:
                await self._subscription.follow(answer)
            except SubscriptionGoneError as exc:
                _log.warning("subscription_made_anew", source=self._name, reason=str(exc))
                made = [moment for moment in made if loop.time() - moment < _FOR_S]
                made.append(loop.time())
                if len(made) > _MADE_ANEW_AT_MOST:
                    raise SourceUnavailableError(
                        self._name,
                        [f"{self._settings.endpoint}: loses subscriptions again and again ({exc})"],
                    ) from exc
            finally:
                again.cancel()
                await asyncio.gather(again, return_exceptions=True)
            await self._backfill.open(
                inlet, self._gap_starts(inlet, range(len(self._settings.tags)))
            )
            await self._subscription.delete()
            kept = False

    async def _try_missing(self, inlet: Inlet) -> None:
        while True:
            await asyncio.sleep(self._settings.retry_missing_s)
            if self._missing:
                keys = sorted(self._missing)
                await self._nodes.resolve(keys)
                starts = self._gap_starts(inlet, keys)
                await self._take_up(inlet, keys)
                found = {
                    tag: start for tag, start in starts.items() if tag not in self._names_missing
                }
                await self._backfill.open(inlet, found)

    @property
    def _names_missing(self) -> set[str]:
        return {self._settings.tags[key].name for key in self._missing}

    async def _take_up(self, inlet: Inlet, keys: Iterable[int]) -> None:
        """Have tags watched that are not yet; report those that are not there."""
        watched = self._subscription.items
        requests: list[ua.MonitoredItemCreateRequest] = []
        for key in keys:
            self._missing.pop(key, None)
            if key in watched:
                continue
            reason = self._nodes.problem(key)
            if reason is None:
                requests.append(self._item_request(key))
            else:
                self._note_missing(key, reason)
        for key, reason in (await self._subscription.add(requests)).items():
            self._note_missing(key, reason)
        self._tell_revised()
        self._report(inlet)

    def _item_request(self, key: int) -> ua.MonitoredItemCreateRequest:
        parameters = ua.MonitoringParameters(
            ClientHandle=ua.UInt32(key),
            SamplingInterval=self._settings.sampling_interval_ms,
            QueueSize=ua.UInt32(self._settings.queue_size),
            DiscardOldest=True,
        )
        # The same value at a new time is news: it says that the source is alive.
        parameters.Filter = ua.DataChangeFilter(
            Trigger=ua.DataChangeTrigger.StatusValueTimestamp,
            DeadbandType=ua.DeadbandType.None_,
        )
        return ua.MonitoredItemCreateRequest(
            ItemToMonitor=ua.ReadValueId(
                NodeId=self._nodes.id(key), AttributeId=AttributeIds.Value
            ),
            MonitoringMode=ua.MonitoringMode.Reporting,
            RequestedParameters=parameters,
        )

    def _tell_revised(self) -> None:
        """Say once per connection what the server grants less of than was asked for."""
        revised = list(self._subscription.revised.values())
        if not revised or self._lasting.revised_told:
            return
        queue = min(one.queue_size for one in revised)
        sampling = max(one.sampling_ms for one in revised)
        slower = sampling > max(self._settings.sampling_interval_ms, 0) > 0
        if queue < self._settings.queue_size or slower:
            self._lasting.revised_told = True
            _log.info(
                "server_revised_items",
                source=self._name,
                queue_size=queue,
                slowest_sampling_ms=sampling,
                publishing_interval_ms=self._settings.publishing_interval_ms,
            )

    def _note_missing(self, key: int, reason: str) -> None:
        tag = self._settings.tags[key]
        self._missing[key] = f"{tag.name} ({tag.address}): {reason}"

    def _report(self, inlet: Inlet) -> None:
        unreadable = [self._unreadable[key] for key in self._unreadable if key not in self._missing]
        inlet.unreachable(sorted([*self._missing.values(), *unreadable]))

    async def _answer(self, inlet: Inlet, message: ua.NotificationMessage, more: bool) -> None:
        """Take one answer of the server, which awaits this before it is asked for the next."""
        now_us = microseconds(self._clock())
        readings: list[Reading] = []
        lost: set[int] = set()
        changed = False
        for notification in message.NotificationData or ():
            if isinstance(notification, ua.DataChangeNotification):
                for item in notification.MonitoredItems:
                    key = int(item.ClientHandle)
                    if key >= len(self._settings.tags) or is_waiting(item.Value):
                        continue
                    changed |= self._take(inlet, key, item.Value, readings)
                    if overflowed(item.Value):
                        lost.add(key)
            elif isinstance(notification, ua.StatusChangeNotification):
                raise SubscriptionGoneError(notification.Status.name)
        if lost:
            await self._queue_overflowed(inlet, lost)
        # The server answers a request that was made after the previous answer, and answers with
        # all it has: what was written before the previous answer is here, unless history waits.
        complete = None if more or self._backfill.waiting else self._previous_answer_us
        await inlet.deliver(readings, sampled_us=complete)
        self._previous_answer_us = now_us
        if changed:
            self._report(inlet)

    def _take(self, inlet: Inlet, key: int, value: ua.DataValue, readings: list[Reading]) -> bool:
        """Add the reading of one value; return whether there is something new to be told."""
        tag = self._settings.tags[key]
        try:
            readings.append(reading_of(tag.name, value, self._nodes.form(key)))
        except UnreadableError as exc:
            inlet.unreadable()
            readings.append(bad_reading(tag.name, value))
            told = self._unreadable.get(key)
            self._unreadable[key] = f"{tag.name} ({tag.address}): {exc}"
            return told != self._unreadable[key]
        return self._unreadable.pop(key, None) is not None

    async def _queue_overflowed(self, inlet: Inlet, keys: set[int]) -> None:
        """Fetch what a server's queue lost from its history, or count it as missed."""
        tags = [self._settings.tags[key].name for key in sorted(keys)]
        if not self._lasting.overflow_told:
            self._lasting.overflow_told = True
            _log.warning("server_queue_overflowed", source=self._name, tags=tags[:10], of=len(tags))
        without = [tag for tag in tags if tag in self._lasting.without_history]
        inlet.missed(len(tags) if not self._settings.backfill else len(without))
        await self._backfill.open(
            inlet, self._gap_starts(inlet, [key for key in keys if self._settings.backfill])
        )

    def _gap_starts(self, inlet: Inlet, keys: Iterable[int]) -> Mapping[str, int]:
        """Return by tag from where its history is to be read; before anything new is taken."""
        settings = self._settings
        overlap_us = round(settings.backfill_overlap_s * 1_000_000)
        now = self._clock()
        starts: dict[str, int] = {}
        for key in keys if settings.backfill else ():
            name = settings.tags[key].name
            start_us = inlet.backfill_from(name, overlap_us)
            hours = settings.first_backfill_h if start_us is None else settings.backfill_max_h
            if name in self._lasting.without_history or (start_us is None and not hours):
                continue
            earliest_us = microseconds(now - timedelta(hours=hours))
            starts[name] = earliest_us if start_us is None else max(start_us, earliest_us)
        return starts

    async def _lost(self, exc: Exception) -> None:
        if not self._ended.done():
            reason = self._client.too_large or exc
            self._ended.set_result(str(reason) or type(reason).__name__)
