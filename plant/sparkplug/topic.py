"""Sparkplug topics: `spBv1.0/<group>/<message type>/<edge node>[/<device>]`, and STATE."""

from dataclasses import dataclass
from enum import StrEnum

from plant.errors import ConfigurationError, DataError

NAMESPACE = "spBv1.0"
_RESERVED = "+#/"


class MessageType(StrEnum):
    """What a message is about; N is for a node's own messages, D for those of its devices."""

    NBIRTH = "NBIRTH"
    """Everything that the node itself will report, with present values."""
    DBIRTH = "DBIRTH"
    """Everything that a device will report, with present values."""
    NDATA = "NDATA"
    """Changed values of the node itself."""
    DDATA = "DDATA"
    """Changed values of a device."""
    NDEATH = "NDEATH"
    """The node is gone, and its devices with it; also its Last Will."""
    DDEATH = "DDEATH"
    """The device is gone, while its node is there."""
    NCMD = "NCMD"
    """To a node: write a value, such as the request for a rebirth."""
    DCMD = "DCMD"
    """To a device: write a value."""


OF_DEVICES = frozenset(
    {MessageType.DBIRTH, MessageType.DDATA, MessageType.DDEATH, MessageType.DCMD}
)


@dataclass(frozen=True, slots=True, order=True)
class NodeId:
    """Which edge node: unique within a broker."""

    group_id: str
    edge_node_id: str

    def topic(self, kind: MessageType, device_id: str | None = None) -> str:
        """Return the topic of one of its messages."""
        topic = f"{NAMESPACE}/{self.group_id}/{kind}/{self.edge_node_id}"
        return topic if device_id is None else f"{topic}/{device_id}"

    def __str__(self) -> str:
        return f"{self.group_id}/{self.edge_node_id}"


@dataclass(frozen=True, slots=True)
class Address:
    """What a topic says."""

    kind: MessageType
    node: NodeId
    device_id: str | None


def parse_topic(topic: str) -> Address:
    """Return what a topic of a node or device says; raise DataError `bad_topic` otherwise."""
    parts = topic.split("/")
    if len(parts) not in {4, 5} or parts[0] != NAMESPACE or not all(parts):
        raise DataError("bad_topic", f"{topic!r} is not {NAMESPACE}/group/message/node[/device]")
    try:
        kind = MessageType(parts[2])
    except ValueError as exc:
        raise DataError("bad_topic", f"{parts[2]!r} is no Sparkplug message type") from exc
    if (kind in OF_DEVICES) != (len(parts) == 5):
        raise DataError("bad_topic", f"{kind} with {len(parts)} levels of topic")
    return Address(kind, NodeId(parts[1], parts[3]), parts[4] if len(parts) == 5 else None)


def state_topic(host_id: str) -> str:
    """Return the topic on which a host application says whether it is there."""
    return f"{NAMESPACE}/STATE/{host_id}"


def checked_id(value: str) -> str:
    """Return a group, node, device or host id if it may stand in a topic.

    Raises ConfigurationError otherwise; a group may not be called STATE, which is a topic itself.
    """
    if not value or any(mark in value for mark in _RESERVED) or "\0" in value or value == "STATE":
        raise ConfigurationError(f"{value!r} is no usable Sparkplug id: it has none of + # /")
    return value
