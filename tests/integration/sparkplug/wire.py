"""What Sparkplug tests over a real broker share: ears, settings, and what the database says."""

import queue
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import paho.mqtt.client as paho
import yaml
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

from ingest import IngestSettings
from plant.settings import BrokerSettings, DatabaseSettings, LogSettings
from plant.sparkplug import MessageType, NodeId, State, decode_state
from tests.integration.edge.sources import OpcUaSource
from tests.integration.ingests import fetched
from tests.peers.mqtt import patient
from tests.peers.services import MosquittoBroker
from tests.peers.sparkplug_nodes import host_settings
from tests.waiting import HANG_S

STATE_TOPIC = "spBv1.0/STATE/nhipmay"
START = datetime(2026, 3, 2, 6, tzinfo=UTC)


def settings_of(
    broker: MosquittoBroker, database: DatabaseSettings, **sparkplug: Any
) -> IngestSettings:
    return IngestSettings(
        broker=BrokerSettings(port=broker.port),
        database=database,
        sparkplug=host_settings(**sparkplug),
        log=LogSettings(level="error"),
    )


@dataclass(frozen=True, slots=True)
class Heard:
    """One message as the broker delivered it."""

    topic: str
    payload: bytes
    qos: int
    retain: bool


class Ear:
    """Hears everything of the Sparkplug namespace, and speaks when it is told to."""

    def __init__(self, port: int, will: tuple[str, bytes] | None = None) -> None:
        self.heard: list[Heard] = []
        self.states: queue.Queue[State] = queue.Queue()
        self._client = patient(
            paho.Client(CallbackAPIVersion.VERSION2, protocol=MQTTProtocolVersion.MQTTv5)
        )
        if will is not None:
            self._client.will_set(*will, qos=1)
        self._ready = queue.Queue[bool]()
        self._client.on_connect = lambda client, *_: client.subscribe("spBv1.0/#", qos=1)
        self._client.on_subscribe = lambda *_: self._ready.put(True)
        self._client.on_message = self._on_message
        self._client.connect("127.0.0.1", port)
        self._client.loop_start()
        self._ready.get(timeout=HANG_S)

    def _on_message(self, _client: object, _user: object, message: paho.MQTTMessage) -> None:
        if message.topic.startswith("spBv1.0/STATE/"):
            self.states.put(decode_state(bytes(message.payload)))
        self.heard.append(Heard(message.topic, bytes(message.payload), message.qos, message.retain))

    def say(self, topic: str, payload: bytes, *, qos: int = 0, retain: bool = False) -> None:
        self._client.publish(topic, payload, qos=qos, retain=retain).wait_for_publish(HANG_S)

    def of(self, kind: MessageType) -> list[Heard]:
        """What was heard of one kind of message."""
        return [m for m in self.heard if f"/{kind}/" in m.topic]

    def await_state(self, online: bool) -> State:
        """Wait for the next STATE that says so."""
        deadline = time.monotonic() + HANG_S
        while True:
            state = self.states.get(timeout=max(0.01, deadline - time.monotonic()))
            if state.online is online:
                return state

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def vanish(self) -> None:
        """Break the connection without a word."""
        socket = self._client.socket()
        assert socket is not None
        self._client.loop_stop()
        socket.close()


def numbers(database: DatabaseSettings, tag: str) -> list[Any]:
    """The stored numbers of a tag by source time."""
    query = (
        "select value from measurement join tag using (tag_id) "
        f"where name = '{tag}' order by source_time, received_time"
    )
    return [value for (value,) in fetched(database, query)]


def texts(database: DatabaseSettings, tag: str) -> list[Any]:
    query = (
        "select value from text_measurement join tag using (tag_id) "
        f"where name = '{tag}' order by source_time, received_time"
    )
    return [value for (value,) in fetched(database, query)]


def edge_online(database: DatabaseSettings, edge: str = "edge-1") -> bool:
    query = f"select online from edge_status join edge using (edge_id) where code = '{edge}'"
    return fetched(database, query) == [(True,)]


def edge_file(folder: Path, port: int, source: OpcUaSource, **sparkplug: Any) -> Path:
    unit = "xuong-1/day-chuyen-1/tien-1"
    content = {
        "edge": {"enterprise": "co-khi-thu", "site": "bien-hoa", "code": "edge-2"},
        "broker": {"port": port},
        "output": "sparkplug",
        "sparkplug": {"primary_host": "nhipmay", "settle_s": 0.5} | sparkplug,
        "outbox": {"file": str(folder / "outbox.sqlite"), "flush_interval_ms": 20},
        "publishing": {"linger_ms": 20},
        "log": {"level": "error"},
        "sources": {
            "line-1": {
                "driver": "opcua",
                "endpoint": source.endpoint,
                "publishing_interval_ms": 50,
                "backfill_max_h": 1_000_000,
                "tags": [
                    {
                        "name": "tien-1/nhiet-do",
                        "work_unit": unit,
                        "address": "ns=2;s=temperature",
                        "unit": "Cel",
                        "high": 1000.0,
                    },
                    {
                        "name": "tien-1/trang-thai",
                        "work_unit": unit,
                        "address": "ns=2;s=state",
                        "role": "state",
                        "states": {6: "EXECUTE"},
                    },
                ],
            }
        },
    }
    file = folder / "edge.yaml"
    file.write_text(yaml.safe_dump(content), encoding="utf-8")
    return file


EDGE_NODE = NodeId("co-khi-thu.bien-hoa", "edge-2")
EDGE_DEVICE = "xuong-1.day-chuyen-1.tien-1"
AS_EDGE_2: dict[str, Any] = {
    "group_id": EDGE_NODE.group_id,
    "edge_node_id": EDGE_NODE.edge_node_id,
    "edge": "edge-2",
    "work_unit": None,
    "devices": {},
    "metrics": [],
}


def at(second: int) -> datetime:
    return START + timedelta(seconds=second)
