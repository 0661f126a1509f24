"""One connection to an OPC UA server: subscribe, backfill, follow until it is lost."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta

from asyncua import ua
from asyncua.client.client import Client
from asyncua.ua.attribute_ids import AttributeIds
from asyncua.ua.uaerrors import UaError

from edge_agent.drivers.contract import Inlet, Reading
from edge_agent.drivers.opcua.history import NoHistoryError, raw_history
from edge_agent.drivers.opcua.reading import is_waiting, overflowed, reading_of
from edge_agent.drivers.opcua.settings import OpcUaSettings
from plant.clock import Clock, from_microseconds, microseconds
from plant.errors import SourceUnavailableError
from plant.log import get_logger

ITEMS_PER_REQUEST = 500
_HELD_AT_MOST = 100_000
_KEEPALIVE_S = 2.0

_log = get_logger()


class OpcUaSession:
    """Follows one connected client; made anew for every connection."""

    def __init__(self, name: str, settings: OpcUaSettings, clock: Clock, client: Client) -> None:
        self._name = name
        self._settings = settings
        self._clock = clock
        self._client = client
        self._missing: dict[int, str] = {}
        self._items: dict[int, str] = {}
        self._subscription_id = 0
        self._previous_answer_us: int | None = None
        self._held: list[Reading] | None = []
        """Live readings that wait until older ones have been read from the history."""
        self._released = asyncio.Event()
        self._answered = asyncio.Event()
        self._ended: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    async def run(self, inlet: Inlet) -> None:
        """Deliver until the connection is lost: SourceUnavailableError with the reason."""
        self._client.connection_lost_callback = self._lost
        await self._create_subscription(inlet)
        await self._take_up(inlet, range(len(self._settings.tags)))
        while True:
            try:
                reason = await asyncio.wait_for(
                    asyncio.shield(self._ended), self._settings.retry_missing_s
                )
            except TimeoutError:
                if self._missing:
                    self._hold()
                    await self._take_up(inlet, sorted(self._missing))
            else:
                raise SourceUnavailableError(self._name, [f"{self._settings.endpoint}: {reason}"])

    async def _take_up(self, inlet: Inlet, keys: Iterable[int]) -> None:
        """Subscribe to tags and read what was missed of them; report those that are not there."""
        keys = list(keys)
        # Before anything new is taken: afterwards the gap could not be told any more.
        starts = {key: self._backfill_start_us(inlet, key) for key in keys}
        known_missing = set(self._missing.values())
        await self._subscribe(keys)
        if set(self._missing.values()) != known_missing or not self._missing:
            inlet.unreachable(
                SourceUnavailableError(self._name, sorted(self._missing.values())).problems
            )
        present = {key: start for key, start in starts.items() if key not in self._missing}
        if self._settings.backfill and any(present.values()):
            # What a server is just now writing may reach its history a little later.
            await asyncio.wait_for(self._answered.wait(), self._settings.timeout_s)
            await self._backfill(inlet, present)
        await self._release(inlet)

    async def _create_subscription(self, inlet: Inlet) -> None:
        async def answered(result: ua.PublishResult) -> None:
            await self._answer(inlet, result)

        interval_ms = self._settings.publishing_interval_ms
        parameters = ua.CreateSubscriptionParameters(
            RequestedPublishingInterval=interval_ms,
            RequestedMaxKeepAliveCount=max(1, round(_KEEPALIVE_S * 1000 / interval_ms)),
            RequestedLifetimeCount=10_000,
            MaxNotificationsPerPublish=0,
            PublishingEnabled=True,
            Priority=0,
        )
        created = await self._client.uaclient.create_subscription(parameters, answered)
        self._subscription_id = created.SubscriptionId

    async def _subscribe(self, keys: Sequence[int]) -> None:
        for first in range(0, len(keys), ITEMS_PER_REQUEST):
            part = keys[first : first + ITEMS_PER_REQUEST]
            requests: list[ua.MonitoredItemCreateRequest] = []
            for key in part:
                self._missing.pop(key, None)
                try:
                    requests.append(self._item_request(key))
                except UaError as exc:
                    self._note_missing(key, str(exc))
            await self._create_items(requests)

    def _item_request(self, key: int) -> ua.MonitoredItemCreateRequest:
        tag = self._settings.tags[key]
        item = ua.ReadValueId()
        item.NodeId = ua.NodeId.from_string(tag.address)
        item.AttributeId = AttributeIds.Value
        parameters = ua.MonitoringParameters()
        parameters.ClientHandle = key
        parameters.SamplingInterval = 0.0
        parameters.QueueSize = self._settings.queue_size
        parameters.DiscardOldest = True
        # The same value at a new time is news: it says that the source is alive.
        parameters.Filter = ua.DataChangeFilter(
            Trigger=ua.DataChangeTrigger.StatusValueTimestamp,
            DeadbandType=ua.DeadbandType.None_,
        )
        self._items[key] = tag.name
        return ua.MonitoredItemCreateRequest(
            ItemToMonitor=item,
            MonitoringMode=ua.MonitoringMode.Reporting,
            RequestedParameters=parameters,
        )

    async def _create_items(self, requests: list[ua.MonitoredItemCreateRequest]) -> None:
        if not requests:
            return
        parameters = ua.CreateMonitoredItemsParameters()
        parameters.SubscriptionId = self._subscription_id
        parameters.TimestampsToReturn = ua.TimestampsToReturn.Both
        parameters.ItemsToCreate = requests
        results = await self._client.uaclient.create_monitored_items(parameters)
        for request, result in zip(requests, results, strict=True):
            if result.StatusCode.value >> 30:
                key = int(request.RequestedParameters.ClientHandle)
                self._note_missing(key, result.StatusCode.name)

    def _note_missing(self, key: int, reason: str) -> None:
        tag = self._settings.tags[key]
        self._missing[key] = f"{tag.name} ({tag.address}): {reason}"

    async def _answer(self, inlet: Inlet, result: ua.PublishResult) -> None:
        """Take one answer of the server, which awaits this before it is asked for the next."""
        now_us = microseconds(self._clock())
        readings: list[Reading] = []
        for notification in result.NotificationMessage.NotificationData or ():
            if isinstance(notification, ua.DataChangeNotification):
                for item in notification.MonitoredItems:
                    name = self._items.get(int(item.ClientHandle))
                    if name is not None and not is_waiting(item.Value):
                        readings.append(reading_of(name, item.Value))
                        if overflowed(item.Value):
                            self._end("the server's queue overflowed; raise queue_size")
            elif isinstance(notification, ua.StatusChangeNotification):
                self._end(f"the server ended the subscription: {notification.Status.name}")
        self._answered.set()
        if self._held is not None:
            self._held.extend(readings)
            if len(self._held) > _HELD_AT_MOST:
                await self._released.wait()
            return
        # The server answers a request that was made after the previous answer, and answers with
        # all it has: what was written before the previous answer is here.
        complete = None if result.MoreNotifications else self._previous_answer_us
        await inlet.deliver(readings, sampled_us=complete)
        self._previous_answer_us = now_us

    def _hold(self) -> None:
        if self._held is None:
            self._held = []
            self._released.clear()
        self._answered.clear()

    async def _release(self, inlet: Inlet) -> None:
        while self._held:
            held, self._held = self._held, []
            await inlet.deliver(held)
        self._held = None
        self._released.set()

    def _backfill_start_us(self, inlet: Inlet, key: int) -> int | None:
        settings = self._settings
        overlap_us = round(settings.backfill_overlap_s * 1_000_000)
        start_us = inlet.backfill_from(settings.tags[key].name, overlap_us)
        hours = settings.first_backfill_h if start_us is None else settings.backfill_max_h
        if start_us is None and not hours:
            return None
        earliest_us = microseconds(self._clock() - timedelta(hours=hours))
        return earliest_us if start_us is None else max(start_us, earliest_us)

    async def _backfill(self, inlet: Inlet, starts: Mapping[int, int | None]) -> None:
        end = self._clock() + timedelta(seconds=self._settings.backfill_overlap_s)
        read = 0
        without: list[str] = []
        for key, start_us in starts.items():
            if start_us is None:
                continue
            tag = self._settings.tags[key]
            node = ua.NodeId.from_string(tag.address)
            try:
                async for page in raw_history(self._client, node, from_microseconds(start_us), end):
                    read += len(page)
                    await inlet.deliver(
                        [reading_of(tag.name, value) for value in page if not is_waiting(value)]
                    )
            except NoHistoryError:
                without.append(tag.name)
        _log.info("backfill_done", source=self._name, values_read=read, without_history=without)

    async def _lost(self, exc: Exception) -> None:
        self._end(str(exc) or type(exc).__name__)

    def _end(self, reason: str) -> None:
        if not self._ended.done():
            self._ended.set_result(reason)
