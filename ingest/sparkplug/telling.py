"""What the steps of a node's session change in the database: births, values, deaths. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from ingest.decoding.message import Message
from ingest.sparkplug.definition import Definitions
from ingest.sparkplug.delivery import Delivery, Presence, Refusal, Sample, data_parcel
from ingest.sparkplug.mapping import Bound, UnmappedDeviceError, bound, is_measured
from ingest.sparkplug.naming import prefixes
from ingest.sparkplug.run import Run, Table
from ingest.sparkplug.session import (
    Birth,
    Data,
    Death,
    Incoming,
    NodeSession,
    PlainData,
    Reading,
    Step,
    Verdict,
)
from ingest.sparkplug.settings import NodeSettings, SparkplugSettings
from plant.clock import microseconds
from plant.errors import DataError
from plant.measurement import Quality
from plant.sparkplug import (
    MessageType,
    Metric,
    Payload,
    PlainPayload,
)

EPOCH = "sparkplug"
"""What stands for the epoch of an outbox, which a Sparkplug node does not have."""
CLOCK_SLACK_US = 300_000_000
"""How far a node's clock may be ahead for its times to be taken as the newest."""


@dataclass(slots=True)
class Device:
    """What a device's metrics are to us; the node itself counts as one."""

    bound: Bound
    latest_us: int = 0
    """Source time of its newest value."""
    table: Table | None = None
    """Made when it is first asked for."""


@dataclass(slots=True)
class Node:
    """One node with its session and what its metrics are to us."""

    settings: NodeSettings
    session: NodeSession
    generation: int | None = None
    """Which connection its session was heard on."""
    devices: dict[str | None, Device] = field(default_factory=dict)
    runs: dict[str | None, "OpenRun"] = field(default_factory=dict)
    """Data that later messages of the device may be added to."""


@dataclass(slots=True)
class OpenRun:
    """Data messages of one device: its place among the deliveries until they are known."""

    node: Node
    device: Device
    definitions: Definitions
    run: Run
    deliveries: list[Delivery] | None = None


class Telling:
    """Makes deliveries of steps; what a node's metrics are to us is kept with the node."""

    def __init__(self, settings: SparkplugSettings, max_text_length: int) -> None:
        """Remember what tags are made of."""
        self._reorder_timeout_s = settings.reorder_timeout_s
        self._max_text_length = max_text_length
        self._prefixes = prefixes(settings.nodes)

    def delivery(self, node: Node, step: Step) -> Delivery:
        """Return what a step tells."""
        message = step.incoming.message
        delivery = Delivery(message, node.settings.address, EPOCH)
        if step.verdict is Verdict.REJECT:
            rows = sum(map(is_measured, step.incoming.payload.metrics))
            refusal = Refusal(step.reason, step.detail, rows, once=step.reason == "retained")
            return replace(delivery, refusals=(refusal,))
        match step.event:
            case Birth():
                return self._born(node, step.event, step.incoming, delivery)
            case Data():
                device = node.devices.get(step.incoming.address.device_id)
                return self.reported(node, device, step.event, step.incoming, delivery)
            case PlainData():
                # Of a device that is no machine yet.
                metrics = tuple(step.incoming.payload.metrics)
                return replace(delivery, refusals=(_no_machine(step.incoming, metrics),))
            case Death():
                return self.died(node, step.event, message, step.incoming.payload)
            case _:
                return replace(delivery, repeated=True)

    def _born(self, node: Node, birth: Birth, incoming: Incoming, base: Delivery) -> Delivery:
        device = incoming.address.device_id
        if device is None:
            # Whoever was there before has to announce itself again.
            node.devices = {}
            at = incoming.message.received_time
            base = replace(base, presence=self.presence(node, at, online=True).presence)
        try:
            others = {name: other.bound for name, other in node.devices.items()}
            found = bound(
                node.settings, device, birth.definitions, self._prefixes, others, birth.doubled
            )
        except UnmappedDeviceError as exc:
            return replace(base, refusals=(_unmapped(exc, birth.definitions),))
        node.devices[device] = born = Device(found)
        refusals: tuple[Refusal, ...] = ()
        if birth.nameless:
            said = f"{birth.nameless} metrics of a birth have no name"
            refusals = (Refusal("malformed", said, birth.nameless, whole=False),)
        tags = [binding.tag for binding in found.bindings.values()]
        delivery = replace(base, tags=tags, refusals=refusals)
        return self._with_data(delivery, node, born, incoming, birth.readings)

    def reported(
        self, node: Node, device: Device | None, data: Data, incoming: Incoming, base: Delivery
    ) -> Delivery:
        """Return what values tell, added to `base`."""
        if device is None:
            metrics = tuple(reading.metric for reading in data.readings)
            return replace(base, refusals=(_no_machine(incoming, metrics),))
        if data.unknown:
            said = f"no birth defines {', '.join(data.unknown[:10])}; the node is asked for one"
            base = replace(
                base,
                refusals=(Refusal("unknown_metric", said, len(data.unknown), whole=False),),
            )
        return self._with_data(base, node, device, incoming, data.readings)

    def _with_data(
        self,
        base: Delivery,
        node: Node,
        device: Device,
        incoming: Incoming,
        readings: Sequence[Reading],
    ) -> Delivery:
        believable_us = microseconds(base.message.received_time) + CLOCK_SLACK_US
        samples = []
        timeless = 0
        broken: list[str] = []
        tagless: dict[str, list[str]] = {}
        for reading in readings:
            binding = device.bound.bindings.get(reading.name)
            if binding is None:
                if reading.name in device.bound.refused:
                    reason, words = device.bound.refused[reading.name]
                    tagless.setdefault(reason, []).append(words)
                continue
            time_ms = reading.metric.timestamp
            if time_ms is None:
                time_ms = incoming.payload.timestamp
            if time_ms is None:
                timeless += 1
                continue
            try:
                value, quality = binding.value(reading.metric, reading.datatype)
            except DataError as exc:
                broken.append(f"{reading.name}: {exc.detail}")
                continue
            time_us = time_ms * 1000
            if time_us <= believable_us:
                # Of believable times only: one date far ahead would put every mark of a death
                # (`died`) behind it.
                device.latest_us = max(device.latest_us, time_us)
            tag = binding.tag.name
            samples.append(Sample(tag, time_us, value, quality, reading.may_repeat))
        refusals = list(base.refusals)
        if timeless:
            said = "values without a time of their own or of their message"
            refusals.append(Refusal("no_time", said, timeless, whole=False))
        if broken:
            said = "; ".join(broken[:10])
            refusals.append(Refusal("malformed", said, len(broken), whole=False))
        for reason, words_of in tagless.items():
            said = "; ".join(sorted(set(words_of[:10])))
            refusals.append(Refusal(reason, said, len(words_of), whole=False))
        return self._with_samples(replace(base, refusals=tuple(refusals)), node, samples)

    def died(
        self,
        node: Node,
        death: Death,
        message: Message,
        payload: Payload | PlainPayload | None = None,
    ) -> Delivery:
        """Mark every tag of what is gone: no value may stand on as if it were still reported."""
        at = message.received_time
        at_us = microseconds(at)
        samples = []
        whole = None in death.devices
        if not whole and payload is not None and payload.timestamp is not None:
            # A will was written when its connection began; only a device's death tells its time.
            at_us = payload.timestamp * 1000
        for name in death.devices:
            device = node.devices.pop(name, None)
            if device is None:
                continue
            # Behind the last value, by our clock or by the node's: a mark before it would leave
            # that value standing. 1000 µs are the smallest step of Sparkplug's time.
            marked_us = max(at_us, device.latest_us + 1000)
            samples += [
                Sample(binding.tag.name, marked_us, None, Quality.BAD)
                for binding in device.bound.bindings.values()
            ]
        delivery = Delivery(message, node.settings.address, EPOCH)
        if whole:
            delivery = replace(delivery, presence=Presence(False, at))
        return self._with_samples(delivery, node, samples)

    def _with_samples(self, base: Delivery, node: Node, samples: Sequence[Sample]) -> Delivery:
        parcel = data_parcel(
            base.message, node.settings.address, EPOCH, samples, self._max_text_length
        )
        repeats = tuple(sample.may_repeat for sample in samples)
        return replace(base, data=parcel, may_repeat=repeats)

    def presence(self, node: Node, at: datetime, *, online: bool) -> Delivery:
        """Return that a node is there, or is not."""
        # What is still waited for was measured within the reorder timeout.
        margin = timedelta(seconds=self._reorder_timeout_s)
        presence = Presence(online, at, at - margin if online else None)
        made_up = Message(node.settings.node.topic(MessageType.NBIRTH), b"", at)
        return Delivery(made_up, node.settings.address, EPOCH, presence=presence, counted=False)


def _no_machine(incoming: Incoming, metrics: Iterable[Metric]) -> Refusal:
    device = incoming.address.device_id
    error = UnmappedDeviceError("unmapped_device", f"device {device!r} is no machine yet")
    return _unmapped(error, metrics)


def _unmapped(exc: DataError, metrics: Iterable[Metric]) -> Refusal:
    return Refusal(exc.reason, exc.detail, sum(map(is_measured, metrics)), once=True)
