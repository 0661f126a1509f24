"""The messages of a Sparkplug edge node: births, data and deaths, in sequence. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from edge_agent.outbox import Row, Slice, TagMemory
from plant.measurement import Quality, TagRole, Value, ValueType
from plant.native.message import TagDeclaration
from plant.sparkplug import (
    BD_SEQ,
    REBIRTH,
    SEQUENCE,
    DataType,
    MessageType,
    Metric,
    NodeId,
    Payload,
    PropertySet,
    PropertyValue,
    State,
    encode,
    quality_property,
)

OWN = "nhipmay/"
"""Prefix of the properties that say what a metric means to our platform."""
VERSION = "Properties/Agent Version"

Publication = tuple[str, bytes]
"""Topic and payload."""


def device_of(declaration: TagDeclaration) -> str:
    """Return the device that a tag belongs to: its machine as `area.line.machine`."""
    return ".".join(declaration.work_unit.split("/")[2:])


class EdgeNode:
    """One connection of a node: what it has announced, and the next sequence number.

    Every machine is a device, every tag one of its metrics under its own name. Aliases count
    from 1 through all tags; the node's own metrics have none.
    """

    def __init__(
        self,
        node: NodeId,
        bd_seq: int,
        declarations: Sequence[TagDeclaration],
        agent_version: str,
    ) -> None:
        self._node = node
        self._bd_seq = bd_seq
        self._agent_version = agent_version
        self._alias = {tag.name: alias for alias, tag in enumerate(declarations, 1)}
        self._device = {tag.name: device_of(tag) for tag in declarations}
        self._tags: dict[str, list[TagDeclaration]] = {}
        for tag in declarations:
            self._tags.setdefault(device_of(tag), []).append(tag)
        self._text = {tag.name for tag in declarations if tag.value_type is ValueType.TEXT}
        self._alive: set[str] = set()
        self._announced_to = 0
        self._seq = 0

    @property
    def devices(self) -> Iterable[str]:
        """All devices, whether they are there or not."""
        return self._tags

    def death(self, now_ms: int) -> Publication:
        """Return the death of the node; also its Last Will, made before it connects."""
        bd_seq = Metric(name=BD_SEQ, timestamp=now_ms, datatype=DataType.INT64, value=self._bd_seq)
        payload = Payload(timestamp=now_ms, metrics=[bd_seq])
        return self._node.topic(MessageType.NDEATH), encode(payload)

    def births(
        self,
        memory: Mapping[str, TagMemory],
        issued_id: int,
        now_ms: int,
        absent: frozenset[str] = frozenset(),
    ) -> list[Publication]:
        """Return the births of the node and of its devices, but for absent ones.

        They carry the newest value of each tag. Rows up to `issued_id` that are sent from now on
        are therefore history.
        """
        # Hosts take what is not history for the present value: an older row sent after a birth
        # without the mark would set their screens back.
        self._announced_to = issued_id
        self._seq = 0
        self._alive = set()
        own = [
            Metric(name=BD_SEQ, timestamp=now_ms, datatype=DataType.INT64, value=self._bd_seq),
            Metric(name=REBIRTH, timestamp=now_ms, datatype=DataType.BOOLEAN, value=False),
            Metric(
                name=VERSION, timestamp=now_ms, datatype=DataType.STRING, value=self._agent_version
            ),
        ]
        births = [(self._node.topic(MessageType.NBIRTH), self._numbered(own, now_ms))]
        births += [
            self.device_birth(device, memory, now_ms)
            for device in self._tags
            if device not in absent
        ]
        return births

    def device_birth(
        self, device: str, memory: Mapping[str, TagMemory], now_ms: int
    ) -> Publication:
        """Return the birth of one device."""
        self._alive.add(device)
        metrics = [
            self._definition(tag, memory.get(tag.name), now_ms) for tag in self._tags[device]
        ]
        return self._node.topic(MessageType.DBIRTH, device), self._numbered(metrics, now_ms)

    def device_death(self, device: str, now_ms: int) -> Publication:
        """Return the death of one device."""
        self._alive.discard(device)
        return self._node.topic(MessageType.DDEATH, device), self._numbered([], now_ms)

    def is_alive(self, device: str) -> bool:
        """Tell whether the device is announced."""
        return device in self._alive

    def knows(self, tag: str) -> bool:
        """Tell whether the settings name the tag."""
        return tag in self._device

    def unannounced(self, rows: Slice) -> list[str]:
        """Return the devices of rows that are not announced, as far as they are known at all."""
        devices = {self._device[row.tag] for row in rows.rows if row.tag in self._device}
        return sorted(devices - self._alive)

    def data(self, rows: Slice, now_ms: int) -> list[Publication]:
        """Return the messages that carry rows, one for each device, in chronological order.

        Rows of tags that the settings no longer name are left out: no birth defines them.
        """
        by_device: dict[str, list[tuple[int, Row]]] = {}
        for number, row in enumerate(rows.rows, rows.first_id):
            device = self._device.get(row.tag)
            if device is not None:
                by_device.setdefault(device, []).append((number, row))
        messages = []
        for device, held in by_device.items():
            # The specification wants the values of a message in the order of time; the outbox has
            # that of coming.
            held.sort(key=lambda pair: pair[1].time_us)
            metrics = [self._metric(row, number <= self._announced_to) for number, row in held]
            topic = self._node.topic(MessageType.DDATA, device)
            messages.append((topic, self._numbered(metrics, now_ms)))
        return messages

    def _numbered(self, metrics: list[Metric], now_ms: int) -> bytes:
        payload = Payload(timestamp=now_ms, metrics=metrics, seq=self._seq)
        self._seq = (self._seq + 1) % SEQUENCE
        return encode(payload)

    def _metric(self, row: Row, historical: bool) -> Metric:
        value, datatype = _carried(row.value)
        declared = DataType.STRING if row.tag in self._text else DataType.DOUBLE
        return Metric(
            alias=self._alias[row.tag],
            # Sparkplug has milliseconds. Equal values of a tag within one are a single one to a
            # host that compares (docs/decisions/0010).
            timestamp=row.time_us // 1000,
            # What does not fit its tag is sent as it is: the host is to refuse it, not we.
            datatype=None if datatype in {None, declared} else datatype,
            is_historical=True if historical else None,
            is_null=True if row.value is None else None,
            properties=quality_property(row.quality),
            value=value,
        )

    def _definition(self, tag: TagDeclaration, known: TagMemory | None, now_ms: int) -> Metric:
        last = known.last if known else None
        declared = DataType.STRING if tag.value_type is ValueType.TEXT else DataType.DOUBLE
        value, datatype = _carried(last.value if last else None)
        fits = datatype == declared
        said = _meaning(tag)
        trust = quality_property(last.quality if last and fits else Quality.BAD)
        if trust is not None:
            said = PropertySet([*said.keys, *trust.keys], [*said.values, *trust.values])
        return Metric(
            name=tag.name,
            alias=self._alias[tag.name],
            timestamp=last.time_us // 1000 if last else now_ms,
            datatype=declared,
            is_null=None if fits else True,
            properties=said,
            value=value if fits else None,
        )


def _carried(value: Value) -> tuple[float | str | None, DataType | None]:
    if value is None:
        return None, None
    if isinstance(value, str):
        return value, DataType.STRING
    return float(value), DataType.DOUBLE


def _meaning(tag: TagDeclaration) -> PropertySet:
    """Return what a tag means as properties: the usual ones, and those of our own platform."""
    texts = {
        f"{OWN}work_unit": "/".join(tag.work_unit.split("/")[2:]),
        f"{OWN}role": "" if tag.role is TagRole.NONE else tag.role.value,
        "engUnit": tag.unit,
        "documentation": tag.description,
    }
    numbers = {
        f"{OWN}low": tag.low,
        f"{OWN}high": tag.high,
        f"{OWN}counter_modulus": tag.counter_modulus,
        f"{OWN}max_rate_per_s": tag.max_rate_per_s,
        f"{OWN}max_silence_s": tag.max_silence_s,
    }
    found: dict[str, PropertyValue] = {
        key: PropertyValue(type=DataType.STRING, value=text) for key, text in texts.items() if text
    }
    found |= {
        key: PropertyValue(type=DataType.DOUBLE, value=float(number))
        for key, number in numbers.items()
        if number is not None
    }
    return PropertySet(list(found), list(found.values()))


@dataclass(slots=True)
class PrimaryHost:
    """Whether the host that a node waits for is there, by its STATE messages."""

    online: bool = False
    _timestamp: int = -1

    def hear(self, state: State) -> None:
        """Take note of a message; one older than the newest known changes nothing."""
        if state.timestamp >= self._timestamp:
            self._timestamp = state.timestamp
            self.online = state.online
