"""Sparkplug nodes for tests: the messages of one, and the settings of a host that knows it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from ingest.decoding.message import Message
from ingest.sparkplug.fleet import Receipt
from ingest.sparkplug.settings import SparkplugSettings
from plant.sparkplug import (
    BD_SEQ,
    REBIRTH,
    SEQUENCE,
    DataType,
    MessageType,
    Metric,
    NodeId,
    Payload,
    encode,
)
from tests.plants.deliveries import NOW, NOW_US

NODE = NodeId("Nhà máy", "gateway 1")
DEVICE = "CNC 1"
NOW_MS = NOW_US // 1000
LATHE_PATH = "xuong-1/day-chuyen-1/tien-1"
DRILL_PATH = "xuong-1/day-chuyen-1/khoan-1"

TEMPERATURE = Metric(name="temperature", alias=1, datatype=DataType.DOUBLE, value=20.0)
COUNT = Metric(name="count", alias=2, datatype=DataType.INT32, value=5)
STATE = Metric(name="state", alias=3, datatype=DataType.INT32, value=6)
NOTE = Metric(name="note", alias=4, datatype=DataType.STRING, value="bắt đầu")
METRICS = (TEMPERATURE, COUNT, STATE, NOTE)


def host_settings(**changed: object) -> SparkplugSettings:
    """Return settings of a host that knows the node, and which machine its device is."""
    node = {
        "group_id": NODE.group_id,
        "edge_node_id": NODE.edge_node_id,
        "enterprise": "co-khi-thu",
        "site": "bien-hoa",
        "edge": "edge-1",
        "work_unit": DRILL_PATH,
        "devices": {DEVICE: LATHE_PATH},
        "metrics": [
            {
                "device": DEVICE,
                "metric": "state",
                "role": "state",
                "states": {6: "EXECUTE", 11: "HELD"},
            },
            {"device": DEVICE, "metric": "count", "role": "good_count"},
        ],
    }
    node |= changed.pop("node", {})  # type: ignore[call-overload]  # keyword arguments of tests
    return SparkplugSettings.model_validate({"nodes": [node], "rebirth_delay_s": 0} | changed)


@dataclass(slots=True)
class NodeScript:
    """Makes the messages of one node in order; `at_ms` is its clock."""

    node: NodeId = NODE
    bd_seq: int = 0
    seq: int = 0
    at_ms: int = NOW_MS

    def node_birth(self, metrics: Sequence[Metric] = (), *, bd_seq: int | None = None) -> Message:
        """The birth of the node; with `bd_seq` that of a new connection."""
        self.bd_seq = self.bd_seq if bd_seq is None else bd_seq
        self.seq = 0
        own = [
            Metric(name=BD_SEQ, datatype=DataType.INT64, value=self.bd_seq),
            Metric(name=REBIRTH, datatype=DataType.BOOLEAN, value=False),
        ]
        return self.message(MessageType.NBIRTH, [*own, *metrics])

    def device_birth(
        self, metrics: Sequence[Metric] = METRICS, device: str = DEVICE, ahead_ms: int = 0
    ) -> Message:
        """The birth of a device; values are as old as the message, less `ahead_ms`."""
        dated = [
            metric if metric.timestamp else with_(metric, timestamp=self.at_ms - ahead_ms)
            for metric in metrics
        ]
        return self.message(MessageType.DBIRTH, dated, device)

    def data(self, *metrics: Metric, device: str | None = DEVICE) -> Message:
        """Values, by default of the device."""
        kind = MessageType.NDATA if device is None else MessageType.DDATA
        return self.message(kind, metrics, device)

    def value(self, alias: int, value: float | str | None, **more: object) -> Metric:
        """A value as DATA carries it: an alias, a time, no name and no type."""
        self.at_ms += 1
        return with_(Metric(alias=alias, timestamp=self.at_ms, value=value), **more)

    def node_death(self, bd_seq: int | None = None) -> Message:
        """The death of the node."""
        number = self.bd_seq if bd_seq is None else bd_seq
        metric = Metric(name=BD_SEQ, datatype=DataType.INT64, value=number)
        topic = self.node.topic(MessageType.NDEATH)
        return Message(topic, encode(Payload(metrics=[metric])), NOW, receipt=Receipt(1))

    def device_death(self, device: str = DEVICE) -> Message:
        """The death of a device."""
        return self.message(MessageType.DDEATH, (), device)

    def message(
        self, kind: MessageType, metrics: Sequence[Metric], device: str | None = None
    ) -> Message:
        """The next message in sequence; the node's clock goes on by a second."""
        payload = Payload(timestamp=self.at_ms, metrics=list(metrics), seq=self.seq)
        self.seq = (self.seq + 1) % SEQUENCE
        self.at_ms += 1000
        received = NOW + timedelta(milliseconds=self.at_ms - NOW_MS)
        return Message(self.node.topic(kind, device), encode(payload), received, receipt=Receipt(1))


def with_(metric: Metric, **changed: object) -> Metric:
    """Return the metric with other fields."""
    return Metric(**({name: getattr(metric, name) for name in metric.__struct_fields__} | changed))


def retained(message: Message) -> Message:
    """Return the message as a broker delivers what it kept."""
    return message._replace(retained=True)
