"""All nodes of a host application: messages in, what they change in the database out. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from ingest.decoding.message import Message
from ingest.sparkplug.delivery import Delivery, Refusal
from ingest.sparkplug.rebirth import RebirthRequests
from ingest.sparkplug.run import Fast, Run, Table
from ingest.sparkplug.session import (
    Incoming,
    NodeSession,
    PlainData,
    Step,
    Verdict,
    data_of,
)
from ingest.sparkplug.settings import SparkplugSettings
from ingest.sparkplug.telling import CLOCK_SLACK_US, EPOCH, Node, OpenRun, Telling
from plant.clock import microseconds
from plant.errors import DataError
from plant.native.message import EdgeAddress
from plant.sparkplug import (
    NAMESPACE,
    REBIRTH,
    Address,
    DataType,
    MessageType,
    Metric,
    NodeId,
    Payload,
    PlainPayload,
    encode,
    opened,
    parse_topic,
    plain_payloads,
)

_DATA = "DATA/"
_WORTH_COLUMNS = 8
"""So many messages at once are read by columns: of fewer, each costs less by itself."""
_MOST_ADDRESSES = 20_000


@dataclass(frozen=True, slots=True)
class Receipt:
    """What the connection says of a message beside its content."""

    generation: int
    """Which connection it came by."""
    duplicate: bool = False


Found = list[Delivery | OpenRun]


class Fleet:
    """The nodes that the settings name. Times called `now` are seconds that never jump."""

    def __init__(self, settings: SparkplugSettings, max_text_length: int) -> None:
        self._settings = settings
        self._telling = Telling(settings, max_text_length)
        self._nodes = {
            node.node: Node(
                node,
                NodeSession(settings.reorder_timeout_s, counts_connections=node.counts_connections),
            )
            for node in settings.nodes
        }
        self._requests = RebirthRequests(
            settings.rebirth_delay_s, settings.rebirth_pause_s, settings.rebirths_per_s
        )
        self._addresses: dict[str, Address] = {}
        self._noted_at = float("-inf")

    def receive(self, messages: Sequence[Message], now: float) -> list[Delivery]:
        """Return what messages change; nothing yet of those that wait for others."""
        found: Found = []
        plain = self._plain(messages)
        for message, payload in zip(messages, plain, strict=True):
            found += self._received(message, payload, now)
        return self._settled(found, now)

    def _plain(self, messages: Sequence[Message]) -> Sequence[PlainPayload | None]:
        if len(messages) < _WORTH_COLUMNS:
            return [None] * len(messages)
        limit = self._settings.max_payload_bytes
        return plain_payloads(
            [
                message.payload
                if _DATA in message.topic
                and max(message.size, len(message.payload)) <= limit
                and message.size <= len(message.payload)
                and not message.retained
                else None
                for message in messages
            ]
        )

    def _received(self, message: Message, plain: PlainPayload | None, now: float) -> Found:
        try:
            address = self._addresses.get(message.topic) or self._parsed(message.topic)
            node = self._nodes.get(address.node)
            if node is None:
                return [_refused(message, _stranger(address))]
        except DataError as exc:
            return [_refused(message, Refusal(exc.reason, exc.detail))]
        if plain is None:
            # It may change what those before it are judged by.
            self._end_runs(node, now)
        try:
            incoming = self._opened(message, address, plain)
        except DataError as exc:
            refused = _refused(message, Refusal(exc.reason, exc.detail), node.settings.address)
            return [*self._misunderstood(address, message, now), refused]
        deliveries: Found = []
        assert isinstance(message.receipt, Receipt)
        if node.generation not in {None, message.receipt.generation}:
            # A birth or death may have been missed in between, and a clean session brings nothing
            # again: so nothing of the former session stands, least of all its aliases.
            self._end_runs(node, now)
            deliveries += self._lost(address.node, now, message.received_time)
        node.generation = message.receipt.generation
        steps = node.session.receive(incoming, now)
        if incoming.address.kind is MessageType.NBIRTH and not message.retained:
            afresh = any(step.incoming is incoming and step.event for step in steps)
            self._requests.born(address.node, afresh=afresh)
        return deliveries + self._told(address.node, steps, now)

    def _parsed(self, topic: str) -> Address:
        if len(self._addresses) >= _MOST_ADDRESSES:
            self._addresses.clear()
        address = self._addresses[topic] = parse_topic(topic)
        return address

    def pass_time(self, now: float, at: datetime, *, patient: bool = False) -> list[Delivery]:
        """Return what time brings: messages no longer waited for, and who is still there.

        Whoever is `patient` waits on, because what is missing may be here already, unread.
        """
        found: Found = []
        for name, node in self._nodes.items() if not patient else ():
            found += self._told(name, node.session.pass_time(now), now)
        deliveries = self._settled(found, now)
        if now - self._noted_at >= self._settings.status_interval_s:
            self._noted_at = now
            deliveries += [
                self._telling.presence(node, at, online=True)
                for node in self._nodes.values()
                if node.session.online
            ]
        return deliveries

    def lose(self, now: float, at: datetime, standing: int | None = None) -> list[Delivery]:
        """Return what it means that connections to the broker ended: nothing known is fresh.

        Nodes that were heard on the one that is `standing` are not concerned. To be called once
        everything that came by the others was received.
        """
        found: Found = []
        for name, node in self._nodes.items():
            if node.generation not in {None, standing}:
                found += self._lost(name, now, at)
        return self._settled(found, now)

    def _misunderstood(self, address: Address, message: Message, now: float) -> Found:
        """Return what it means that a message cannot be read; its node is asked for its births.

        What a birth would have said of metrics and aliases is not known: no value after it is
        judged by the birth before.
        """
        deliveries: Found = []
        if message.retained:
            pass
        elif address.kind is MessageType.NBIRTH:
            deliveries = self._lost(address.node, now, message.received_time)
        elif address.kind is MessageType.DBIRTH:
            node = self._nodes[address.node]
            death = node.session.forget(address.device_id)
            if death is not None:
                made_up = message._replace(payload=b"")
                deliveries = [replace(self._telling.died(node, death, made_up), counted=False)]
        self._requests.want(address.node, now)
        return deliveries

    def _lost(self, name: NodeId, now: float, at: datetime) -> Found:
        node = self._nodes[name]
        node.generation = None
        steps, death = node.session.lose(now)
        deliveries = self._told(name, steps, now)
        if death is not None:
            made_up = Message(name.topic(MessageType.NDEATH), b"", at)
            deliveries.append(
                replace(self._telling.died(node, death, made_up), message=made_up, counted=False)
            )
        return deliveries

    def absent(self, at: datetime) -> list[Delivery]:
        """Return that nobody is known to be there: what the host says when it starts."""
        return [self._telling.presence(node, at, online=False) for node in self._nodes.values()]

    def ask_all(self, now: float) -> None:
        """Ask for the births of all nodes that are not there: the host has just come itself.

        A node that reports changes only may be silent for hours, and its first word would be lost.
        """
        absent = [name for name, node in self._nodes.items() if not node.session.online]
        self._requests.want_all(absent, now)

    def commands(self, now: float, at: datetime) -> list[tuple[str, bytes]]:
        """Return topics and payloads of the requests for births that are due now."""
        at_ms = microseconds(at) // 1000
        wish = Metric(name=REBIRTH, timestamp=at_ms, datatype=DataType.BOOLEAN, value=True)
        payload = encode(Payload(timestamp=at_ms, metrics=[wish]))
        return [(node.topic(MessageType.NCMD), payload) for node in self._requests.due(now)]

    @property
    def online(self) -> int:
        """How many nodes are there."""
        return sum(node.session.online for node in self._nodes.values())

    @property
    def topics(self) -> list[str]:
        """What to subscribe to, apart from STATE: everything, so that no node stays unseen."""
        return [f"{NAMESPACE}/#"]

    def knows(self, address: Address) -> bool:
        """Tell whether the settings name the node."""
        return address.node in self._nodes

    # --- from steps to deliveries ---

    def _opened(self, message: Message, address: Address, plain: PlainPayload | None) -> Incoming:
        repeated = isinstance(message.receipt, Receipt) and message.receipt.duplicate
        if plain is not None:
            return Incoming(message, address, plain, repeated)
        limit = self._settings.max_payload_bytes
        size = max(message.size, len(message.payload))
        if size > limit or size > len(message.payload):
            raise DataError("too_large", f"{size} bytes; at most {limit} are taken")
        return Incoming(message, address, opened(message.payload, limit), repeated)

    def _told(self, name: NodeId, steps: Iterable[Step], now: float) -> Found:
        node = self._nodes[name]
        found: Found = []
        for step in steps:
            if step.verdict is Verdict.RETRY or self._added_to_run(node, step, found):
                continue
            self._end_runs(node, now)
            found.append(self._telling.delivery(node, step))
        if node.session.wants_birth:
            node.session.wants_birth = False
            self._requests.want(name, now)
        return found

    def _added_to_run(self, node: Node, step: Step, found: Found) -> bool:
        """Tell whether it is data that could be put to that before it, or begins a run."""
        if not isinstance(step.event, PlainData):
            return False
        name = step.incoming.address.device_id
        device = node.devices.get(name)
        if device is None:
            return False
        opened_run = node.runs.get(name)
        if opened_run is None:
            definitions = step.event.definitions
            if device.table is None:
                device.table = Table(definitions, device.bound)
            run = Run(device.table, node.settings.address, EPOCH, CLOCK_SLACK_US)
            opened_run = node.runs[name] = OpenRun(node, device, definitions, run)
            found.append(opened_run)
        opened_run.run.add(step.incoming, may_repeat=step.event.may_repeat)
        return True

    def _end_runs(self, node: Node, now: float) -> None:
        """Find out what the data before a moment tell, by what holds until then."""
        for one in node.runs.values():
            self._ended(one, now)
        node.runs.clear()

    def _ended(self, one: OpenRun, now: float) -> Sequence[Delivery]:
        if one.deliveries is not None:
            return one.deliveries
        one.deliveries = []
        address = one.node.settings.address
        for part in one.run.parts():
            if isinstance(part, Fast):
                one.device.latest_us = max(one.device.latest_us, part.latest_us)
                first, *more = part.messages
                delivery = Delivery(
                    first, address, EPOCH, data=part.data, may_repeat=part.may_repeat, more=more
                )
            else:
                incoming, may_repeat = part
                data = data_of(one.definitions, incoming.payload.metrics, may_repeat=may_repeat)
                if data.unknown:
                    self._requests.want(one.node.settings.node, now)
                base = Delivery(incoming.message, address, EPOCH)
                delivery = self._telling.reported(one.node, one.device, data, incoming, base)
            one.deliveries.append(delivery)
        return one.deliveries

    def _settled(self, found: Found, now: float) -> list[Delivery]:
        deliveries: list[Delivery] = []
        for one in found:
            if isinstance(one, OpenRun):
                deliveries += self._ended(one, now)
                one.node.runs.clear()
            else:
                deliveries.append(one)
        return deliveries


def _refused(message: Message, refusal: Refusal, sender: EdgeAddress | None = None) -> Delivery:
    return Delivery(message, sender, EPOCH if sender else "", refusals=(refusal,))


def _stranger(address: Address) -> Refusal:
    said = f"{address.node} is no edge yet: name it in the ingest's settings, sparkplug.nodes"
    return Refusal("unmapped_node", said, once=True)
