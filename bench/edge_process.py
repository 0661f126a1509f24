"""The edge of the benchmark: the real `nhipmay edge` in a process, and a platform that confirms."""

import compileall
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

from bench.load import EDGES, MACHINES
from plant.clock import microseconds, system_clock
from plant.delivery.idset import EMPTY, IdSet
from plant.native.message import SCHEMA, Ack, Leaf, decode_data, encode

EDGE = EDGES[0]
_PACKAGES = ("edge_agent", "nhipmay", "plant")


@dataclass(frozen=True, slots=True)
class Memory:
    """Megabytes of a process."""

    rss: float
    pss: float

    @classmethod
    def of(cls, pid: int) -> "Memory":
        """Return what the kernel counts at present."""
        found = {}
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:]:
            name, _, rest = line.partition(":")
            found[name] = int(rest.split()[0]) / 1024
        return cls(found["Rss"], found["Pss"])


def tag(k: int, address: str) -> dict[str, str]:
    """Return the settings of a tag of a machine of the load's plant."""
    machine = f"may-{k % MACHINES + 1}"
    work_unit = f"xuong/day-chuyen/{machine}"
    return {"name": f"{machine}/gia-tri-{k:04}", "work_unit": work_unit, "address": address}


@contextmanager
def edge(
    folder: Path, broker_port: int, source: Mapping[str, Any], **outbox: Any
) -> Iterator[subprocess.Popen[bytes]]:
    """Run the agent on an outbox in the folder."""
    content = {
        "edge": {"enterprise": EDGE.enterprise, "site": EDGE.site, "code": EDGE.edge},
        "broker": {"port": broker_port},
        "outbox": {"file": str(folder / "outbox.sqlite"), **outbox},
        "log": {"level": "warning"},
        "sources": {"plc": dict(source)},
    }
    file = folder / "edge.yaml"
    file.write_text(yaml.safe_dump(content), encoding="utf-8")
    command = [sys.executable, "-m", "nhipmay", "edge", "--settings", str(file)]
    # As it is installed: with its byte code, which `pip` leaves beside it.
    for package in _PACKAGES:
        compileall.compile_dir(package, quiet=1)
    process = subprocess.Popen(command)
    try:
        yield process
    finally:
        process.terminate()
        process.wait(30)


class Platform:
    """Takes data and confirms them at once, so that the edge works as it does every day."""

    def __init__(self, port: int) -> None:
        self.rows = 0
        self.tags: set[str] = set()
        """Names of the tags that came."""
        self._ids: dict[str, IdSet] = {}
        self._subscribed = threading.Event()
        self._client = Client(
            CallbackAPIVersion.VERSION2, "bench-platform", protocol=MQTTProtocolVersion.MQTTv5
        )
        self._client.on_message = self._on_message
        self._client.on_subscribe = lambda *_: self._subscribed.set()
        self._client.connect("127.0.0.1", port)
        self._client.subscribe(EDGE.topic(Leaf.DATA), qos=1)
        self._client.loop_start()
        assert self._subscribed.wait(10)

    def close(self) -> None:
        """Leave."""
        self._client.disconnect()
        self._client.loop_stop()

    def _on_message(self, client: Client, _user: object, message: MQTTMessage) -> None:
        batch = decode_data(bytes(message.payload))
        known = self._ids.get(batch.epoch, EMPTY)
        self._ids[batch.epoch] = known.union(IdSet.of([(batch.first_id, batch.last_id + 1)]))
        self.rows += len(batch.value)
        self.tags.update(batch.tags)
        committed_to = self._ids[batch.epoch].contiguous_to()
        ack = Ack(SCHEMA, batch.epoch, committed_to, microseconds(system_clock()))
        client.publish(EDGE.topic(Leaf.ACK), encode(ack), qos=1, retain=True)
