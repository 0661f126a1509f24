"""One subscription at a server: made, fed, watched, taken up again, made anew."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

from asyncua import ua
from asyncua.client.client import Client
from asyncua.ua.status_codes import StatusCodes
from asyncua.ua.uaerrors import UaError, UaStatusCodeError, UaStructParsingError

from edge_agent.drivers.opcua.portion import Limits
from edge_agent.drivers.opcua.settings import OpcUaSettings

_KEEPALIVE_S = 1.0
_SILENCES = 3
"""Keep-alives that may be missing before a subscription is no longer believed in."""
_GRACE_S = 0.5
_LIFETIME_S = 300.0
_GONE = frozenset({StatusCodes.BadNoSubscription, StatusCodes.BadSubscriptionIdInvalid})
_PATIENT = frozenset({StatusCodes.BadTimeout, StatusCodes.BadTooManyPublishRequests})
_PAUSE_S = 0.2

OnAnswer = Callable[[ua.NotificationMessage, bool], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Revised:
    """What a server made of the wishes for one item."""

    sampling_ms: float
    queue_size: int


@dataclass(slots=True)
class LeftSubscription:
    """A subscription that a lost connection left at the server."""

    id: int
    period_s: float
    last_sequence: int
    items: set[int] = field(default_factory=set)


class SubscriptionGoneError(Exception):
    """The server has the subscription no more, or is silent about it; the words say which."""


class Subscription:
    """A subscription of one session; items are known by the client handles that tags have."""

    def __init__(self, client: Client, settings: OpcUaSettings, limits: Limits) -> None:
        self._client = client
        self._settings = settings
        self._limits = limits
        self._id = 0
        self._period_s = 0.0
        self._sequence = 0
        self._items: set[int] = set()
        self.revised: dict[int, Revised] = {}
        """By handle, what the server granted."""

    def left(self) -> LeftSubscription | None:
        """Return what a later connection takes up."""
        if not self._id:
            return None
        return LeftSubscription(self._id, self._period_s, self._sequence, set(self._items))

    @property
    def items(self) -> frozenset[int]:
        """The handles of the items that the server watches."""
        return frozenset(self._items)

    async def create(self) -> None:
        """Make it at the server, without items."""
        wanted_ms = self._settings.publishing_interval_ms
        keepalives = max(1, round(_KEEPALIVE_S * 1000 / wanted_ms))
        parameters = ua.CreateSubscriptionParameters(
            RequestedPublishingInterval=wanted_ms,
            RequestedMaxKeepAliveCount=keepalives,
            RequestedLifetimeCount=max(3 * keepalives, round(_LIFETIME_S * 1000 / wanted_ms)),
            MaxNotificationsPerPublish=0,
            PublishingEnabled=True,
            Priority=0,
        )
        created = await self._client.uaclient.create_subscription(parameters, _unused)
        self._id, self._sequence = created.SubscriptionId, 0
        self._items.clear()
        interval_s = created.RevisedPublishingInterval / 1000
        self._period_s = max(_KEEPALIVE_S, interval_s * max(1, created.RevisedMaxKeepAliveCount))

    async def take_up(self, left: LeftSubscription, *, resumed: bool, answer: OnAnswer) -> bool:
        """Go on with what an earlier connection left; return whether the server still has it.

        With the session resumed it is there as it was, else it is transferred. Messages that were
        sent but never arrived are asked for again.
        """
        self._id, self._period_s = left.id, left.period_s
        self._sequence, self._items = left.last_sequence, set(left.items)
        waiting: Sequence[int] = ()
        try:
            if not resumed:
                parameters = ua.TransferSubscriptionsParameters([left.id], SendInitialValues=True)
                (result,) = await self._client.uaclient.transfer_subscriptions(parameters)
                if result.StatusCode.value >> 30:
                    raise SubscriptionGoneError(result.StatusCode.name)
                waiting = result.AvailableSequenceNumbers or ()
            await self._republish(waiting, answer)
        except (UaError, SubscriptionGoneError):
            self._id = 0
            self._items.clear()
            return False
        return True

    async def _republish(self, numbers: Sequence[int], answer: OnAnswer) -> None:
        """Fetch what was sent on the lost connection: those told of, else one after the other."""
        for number in sorted(numbers) if numbers else (self._sequence + 1,):
            if number <= self._sequence:
                continue
            try:
                message = await self._client.uaclient.session.republish(self._id, number)
            except UaStatusCodeError as exc:
                if exc.code == StatusCodes.BadMessageNotAvailable:
                    return
                raise
            self._sequence = number
            await answer(message, False)

    async def delete(self) -> None:
        """End it at the server, which may not know it any more."""
        if self._id:
            id_, self._id = self._id, 0
            try:
                await self._client.uaclient.delete_subscriptions([id_])
            except UaStatusCodeError:
                return

    async def add(self, requests: Sequence[ua.MonitoredItemCreateRequest]) -> dict[int, str]:
        """Have items watched; return by handle the reasons of those that are refused."""
        refused: dict[int, str] = {}

        async def create(
            part: Sequence[ua.MonitoredItemCreateRequest],
        ) -> list[ua.MonitoredItemCreateResult]:
            parameters = ua.CreateMonitoredItemsParameters()
            parameters.SubscriptionId = self._id
            parameters.TimestampsToReturn = ua.TimestampsToReturn.Both
            parameters.ItemsToCreate = list(part)
            return await self._client.uaclient.create_monitored_items(parameters)

        async for part, results in self._limits.items.each(requests, create):
            for request, result in zip(part, results, strict=True):
                handle = int(request.RequestedParameters.ClientHandle)
                if result.StatusCode.value >> 30:
                    refused[handle] = result.StatusCode.name
                else:
                    self._items.add(handle)
                    self.revised[handle] = Revised(
                        result.RevisedSamplingInterval, int(result.RevisedQueueSize)
                    )
        return refused

    async def follow(self, answer: OnAnswer) -> None:
        """Take answer after answer, one request at a time, so that their order is theirs.

        Raises SubscriptionGoneError when the subscription has to be made anew, and the library's
        errors when the connection is lost. `answer` gets each message and whether the server has
        more at once.
        """
        acknowledged: list[ua.SubscriptionAcknowledgement] = []
        heard = time.monotonic()
        while True:
            try:
                response = await self._published(acknowledged, answer)
                acknowledged = []
                response.ResponseHeader.ServiceResult.check()
            except UaStructParsingError:
                # What is in it cannot be read; the next may be.
                acknowledged = []
                continue
            except UaStatusCodeError as exc:
                acknowledged = []
                if exc.code in _GONE:
                    raise SubscriptionGoneError(type(exc).__name__) from exc
                if exc.code in _PATIENT and time.monotonic() - heard < self._patience_s():
                    await asyncio.sleep(_PAUSE_S)
                    continue
                raise
            result = response.Parameters
            if result.SubscriptionId != self._id:
                # One that an earlier agent left in this session.
                if result.SubscriptionId:
                    await self._client.uaclient.delete_subscriptions([result.SubscriptionId])
                continue
            heard = time.monotonic()
            message = result.NotificationMessage
            if message.NotificationData:
                await self._fill(message.SequenceNumber, answer)
                await answer(message, bool(result.MoreNotifications))
                self._sequence = message.SequenceNumber
                acknowledged = [
                    ua.SubscriptionAcknowledgement(self._id, ua.Counter(message.SequenceNumber))
                ]
            else:
                # A keep-alive tells the number of the next message.
                await self._fill(message.SequenceNumber, answer)
                await answer(message, bool(result.MoreNotifications))

    async def _published(
        self, acknowledged: Sequence[ua.SubscriptionAcknowledgement], answer: OnAnswer
    ) -> ua.PublishResponse:
        """Return the server's next answer, which may take until its next keep-alive.

        When that stays away the server is asked after the subscription: many say by nothing but
        silence that it is gone. One that answers nothing at all is left to the client, which
        watches the connection: what its subscription holds is not given up.
        """
        waiting = asyncio.ensure_future(self._client.uaclient.publish(list(acknowledged)))
        since = time.monotonic()
        allowed_s, silences = self._period_s + _GRACE_S, 0
        try:
            while silences < _SILENCES:
                await asyncio.wait([waiting], timeout=allowed_s)
                if waiting.done():
                    return waiting.result()
                silences += await self._answers(answer)
                allowed_s = self._period_s
        finally:
            waiting.cancel()
            await asyncio.gather(waiting, return_exceptions=True)
        raise SubscriptionGoneError(f"silent for {time.monotonic() - since:.0f} s")

    async def _answers(self, answer: OnAnswer) -> bool:
        """Ask for the message that should have come; return whether the server said anything.

        Raises the library's error when it says that the subscription is gone.
        """
        try:
            async with asyncio.timeout(self._period_s):
                await self._republish((), answer)
        except TimeoutError:
            return False
        except UaStatusCodeError as exc:
            if exc.code in _GONE:
                raise
        return True

    async def _fill(self, number: int, answer: OnAnswer) -> None:
        """Fetch messages that were sent before this number but did not come."""
        missing = range(self._sequence + 1, number)
        if self._sequence and 0 < len(missing) < 1000:
            for one in missing:
                await self._republish([one], answer)
            self._sequence = number - 1

    def _patience_s(self) -> float:
        return _SILENCES * self._period_s + _GRACE_S


async def _unused(_: ua.PublishResult) -> None:
    """Stands where the library wants a callback: answers come through `follow`."""
