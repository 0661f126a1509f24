"""The contract's plant behind MTConnect, MQTT and S7: a speed, a count, one tag that is absent."""

import json
import struct
from datetime import UTC, datetime, timedelta
from typing import Any

from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion
from snap7.server import Server
from snap7.type import SrvArea

from tests.integration.edge.mtconnect_agent import Item, MtConnectAgent
from tests.peers.mqtt import patient
from tests.peers.services import MosquittoBroker, free_port
from tests.waiting import HANG_S

START = datetime(2026, 3, 2, 6, tzinfo=UTC)
UNIT = "dong-chai/chuyen-a/tron-1"
TOPIC = "xuong/tron-1/telemetry"


def at(second: int) -> datetime:
    return START + timedelta(seconds=second)


def tag(name: str, **where: Any) -> dict[str, Any]:
    return {"name": f"tron-1/{name}", "work_unit": UNIT, **where}


class MtConnectPlant:
    """An agent with two data items."""

    gives_time = True

    def __init__(self, agent: MtConnectAgent, *, interval_ms: int) -> None:
        self.agent = agent
        self._interval_ms = interval_ms
        self.start, self.stop = agent.start, agent.stop
        self.write(0, 1.5, 100)

    def settings(self, *, with_absent: bool) -> dict[str, Any]:
        names = ["speed", "count", *(["absent"] if with_absent else [])]
        return {
            "driver": "mtconnect",
            "url": self.agent.url,
            "interval_ms": self._interval_ms,
            "poll_interval_s": 0.02,
            "heartbeat_ms": 100,
            "timeout_s": 30,
            "retry_missing_s": 0.2,
            "tags": [tag(name, data_item=f"i-{name}") for name in names],
        }

    def write(self, second: int, speed: float, count: int) -> None:
        self.agent.observe("i-speed", speed, at(second))
        self.agent.observe("i-count", count, at(second))

    def add_absent(self) -> None:
        self.agent.add(Item("i-absent", "absent"))
        self.agent.observe("i-absent", 7, at(0))


class MqttPlant:
    """A device that publishes JSON, retained, to a broker of its own."""

    gives_time = True

    def __init__(self, broker: MosquittoBroker) -> None:
        self._broker = broker
        self._fields: dict[str, float] = {}
        self.start, self.stop = broker.start, broker.stop
        self.write(0, 1.5, 100)

    def settings(self, *, with_absent: bool) -> dict[str, Any]:
        names = ["speed", "count", *(["absent"] if with_absent else [])]
        return {
            "driver": "mqtt",
            "broker": {"port": self._broker.port},
            "client_id": "edge-1-tron",
            "timeout_s": 30,
            "time": {"path": "t", "format": "ms"},
            "tags": [tag(name, topic="xuong/+/telemetry", path=f"data.{name}") for name in names],
        }

    def write(self, second: int, speed: float, count: int) -> None:
        self._fields |= {"speed": speed, "count": count}
        self.publish(second)

    def add_absent(self) -> None:
        self._fields["absent"] = 7
        self.publish(1)

    def publish(self, second: int) -> None:
        content = {"t": int(at(second).timestamp() * 1000), "data": self._fields}
        publish(self._broker, TOPIC, json.dumps(content), retain=True)


def publish(
    broker: MosquittoBroker, topic: str, payload: str | bytes, *, retain: bool = False
) -> None:
    """Publish with QoS 1 as a device of its own, and wait until the broker has it."""
    client = patient(Client(CallbackAPIVersion.VERSION2))
    client.connect("127.0.0.1", broker.port)
    client.loop_start()
    client.publish(topic, payload, qos=1, retain=retain).wait_for_publish(HANG_S)
    client.disconnect()
    client.loop_stop()


class S7Plant:
    """A controller with one data block; it gives no time."""

    gives_time = False

    def __init__(self) -> None:
        self.port = free_port()
        self.memory = bytearray(64)
        self.reads: list[tuple[int, int, int]] = []
        """Block, first byte and size of every read."""
        self._areas: dict[tuple[SrvArea, int], bytearray] = {(SrvArea.DB, 1): self.memory}
        self._server: Server | None = None
        self.write(0, 1.5, 100)
        self.start()

    def put_area(self, area: SrvArea, number: int, content: bytearray) -> None:
        """Give the controller more memory, or a longer data block."""
        self._areas[area, number] = content
        if self._server is not None:
            self._server.register_area(area, number, content)

    def take_area(self, area: SrvArea, number: int) -> None:
        del self._areas[area, number]
        if self._server is not None:
            self._server.unregister_area(area, number)

    def start(self) -> None:
        server = Server(log=False)
        for (area, number), content in self._areas.items():
            server.register_area(area, number, content)
        server.set_read_events_callback(
            lambda event: self.reads.append((event.EvtParam2, event.EvtParam3, event.EvtParam4))
        )
        server.start_to("127.0.0.1", self.port)
        self._server = server

    def stop(self) -> None:
        if self._server is not None:
            self._server.stop()
            self._server = None

    def settings(self, *, with_absent: bool) -> dict[str, Any]:
        absent = tag("absent", address="DB2.DBW0")
        return {
            "driver": "s7",
            "host": "127.0.0.1",
            "port": self.port,
            "poll_interval_s": 0.02,
            "timeout_s": 30,
            "retry_missing_s": 0.3,
            "tags": [
                tag("speed", address="DB1.DBD4", type="real"),
                tag("count", address="DB1.DBD8", type="udint"),
                *([absent] if with_absent else []),
            ],
        }

    def write(self, _second: int, speed: float, count: int) -> None:
        self.memory[4:12] = struct.pack(">fI", speed, count)

    def add_absent(self) -> None:
        self.put_area(SrvArea.DB, 2, bytearray(struct.pack(">H", 7)))
