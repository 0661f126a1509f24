"""The MQTT driver: one broker of existing devices."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Final

from paho.mqtt.client import topic_matches_sub

from edge_agent.broker import AddressChoice, VersionChoice
from edge_agent.drivers.contract import Inlet, Reading
from edge_agent.drivers.mqtt.link import Answered, Arrived, Ended, Event, MqttLink, Subscribed
from edge_agent.drivers.mqtt.message import MessageReader
from edge_agent.drivers.mqtt.redelivery import Redelivery
from edge_agent.drivers.mqtt.settings import MqttSettings
from edge_agent.drivers.supervision import keep_connected
from plant.clock import Clock, microseconds
from plant.errors import SourceUnavailableError

PROBE_S: Final = 2.0
"""How often the broker is asked whether it is still there (wall time)."""
_RETRY_WRITE_S: Final = 0.5


class MqttDriver:
    """Takes what devices publish; see the package's README."""

    keeps_repeats = False

    def __init__(self, name: str, settings: MqttSettings, clock: Clock) -> None:
        self._name = name
        self._settings = settings
        self._clock = clock
        self._versions = VersionChoice(settings.broker.protocol)
        self._addresses = AddressChoice(settings.broker.addresses)

    async def run(self, inlet: Inlet) -> None:
        """Deliver until cancelled; see `Driver.run`."""
        reader = MessageReader(
            self._settings, topic_matches_sub, lambda tag: inlet.backfill_from(tag, 0)
        )
        redelivery = Redelivery(inlet.position())
        await keep_connected(
            lambda connected: self._session(inlet, reader, redelivery, connected), inlet
        )

    async def _session(
        self,
        inlet: Inlet,
        reader: MessageReader,
        redelivery: Redelivery,
        connected: Callable[[], None],
    ) -> None:
        loop = asyncio.get_running_loop()
        link = MqttLink(self._settings, self._versions, self._clock, loop, self._addresses)
        try:
            await asyncio.to_thread(link.open)
            await self._follow(link, inlet, reader, redelivery, connected)
        except TimeoutError as exc:
            raise self._unavailable("the broker does not answer") from exc
        except OSError as exc:
            raise self._unavailable(f"nothing answers ({exc.strerror or exc})") from exc
        finally:
            # Not awaited to its end when cancelled: paho's thread ends by itself.
            await asyncio.shield(asyncio.to_thread(link.close))

    async def _follow(
        self,
        link: MqttLink,
        inlet: Inlet,
        reader: MessageReader,
        redelivery: Redelivery,
        connected: Callable[[], None],
    ) -> None:
        loop = asyncio.get_running_loop()
        heard_at = probed_at = loop.time()
        probed_us: int | None = None
        subscribed = False
        refused: list[str] = []
        while True:
            events = await link.events(PROBE_S / 2)
            now = loop.time()
            if events:
                heard_at = now
            elif now - heard_at > self._settings.timeout_s + PROBE_S:
                raise self._unavailable("the broker does not answer")
            sampled_us = None
            for event in events:
                if isinstance(event, Subscribed):
                    subscribed = True
                    refused.extend(event.refused)
                    connected()
                elif isinstance(event, Answered):
                    sampled_us, probed_us = probed_us, None
            readings = self._read(reader, redelivery, events)
            if sampled_us is not None or readings or refused or reader.problems:
                inlet.unreachable([*self._denied(refused), *reader.problems])
            await self._deliver(link, inlet, reader, redelivery, events, readings, sampled_us)
            ended = next((event for event in events if isinstance(event, Ended)), None)
            if ended is not None:
                raise self._unavailable(ended.reason)
            if subscribed and probed_us is None and now - probed_at >= PROBE_S:
                probed_at, probed_us = now, microseconds(self._clock())
                link.probe()

    def _read(
        self, reader: MessageReader, redelivery: Redelivery, events: Sequence[Event]
    ) -> list[Reading]:
        """Return the readings of the messages that were not taken before."""
        readings: list[Reading] = []
        for event in events:
            if not isinstance(event, Arrived):
                continue
            message = event.message
            mark = event.packet_id, message.topic, message.payload
            if event.repeated and redelivery.known(*mark):
                continue
            readings.extend(reader.read(message))
            if event.qos and reader.stamps_arrival:
                redelivery.take(*mark)
        return readings

    async def _deliver(
        self,
        link: MqttLink,
        inlet: Inlet,
        reader: MessageReader,
        redelivery: Redelivery,
        events: Sequence[Event],
        readings: Sequence[Reading],
        sampled_us: int | None,
    ) -> None:
        """Deliver readings, and acknowledge their messages once the outbox has them."""
        if reader.unreadable:
            inlet.unreadable(reader.unreadable)
            reader.unreadable = 0
        arrived = [event for event in events if isinstance(event, Arrived)]
        if not arrived and sampled_us is None:
            return
        position = str(redelivery) if arrived and reader.stamps_arrival else None
        await inlet.deliver(readings, sampled_us=sampled_us, position=position)
        if arrived:
            # A full disk tells nobody when it has room again.
            while not await inlet.written():  # noqa: ASYNC110
                await asyncio.sleep(_RETRY_WRITE_S)
            for event in arrived:
                link.acknowledge(event)

    def _denied(self, refused: Sequence[str]) -> list[str]:
        return sorted(
            f"{tag.name} ({tag.topic}): the broker denies reading this topic"
            for tag in self._settings.tags
            if tag.topic in refused
        )

    def _unavailable(self, reason: str) -> SourceUnavailableError:
        broker = self._settings.broker
        return SourceUnavailableError(self._name, [f"{broker.host}:{broker.port}: {reason}"])
