"""How fast the ingest commits what does not come from our own edges: Sparkplug, and plain JSON.

Both go through a real mosquitto into the database, as fast as the ingest takes them. Time runs from
the first message sent to the last value committed, as the ingest's own counters tell it.
"""

import json
import socket
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Event, Thread
from urllib.request import urlopen

from bench.load import DEVICES, ENTERPRISE, NODES, device_address, node_address
from bench.publisher import connected, publish_packet
from plant.clock import microseconds, system_clock
from plant.native.message import SCHEMA, Birth, EdgeAddress, TagDeclaration, encode
from plant.sparkplug import BD_SEQ, DataType, MessageType, Metric, NodeId, Payload
from plant.sparkplug import encode as encode_payload

METRICS = 10
FIELDS = 5
_DEVICE = "may"
_DAY_US = 86_400_000_000
_GIVE_UP_S = 120.0


@dataclass(frozen=True, slots=True)
class Door:
    """A way in: what is said first, and the load."""

    name: str
    target: float
    """Values per second."""
    first: Sequence[tuple[str, bytes]]
    messages: Sequence[tuple[str, bytes]]
    values: int
    """In each message."""
    qos: int


def sparkplug_settings() -> dict[str, object]:
    """Return the nodes as the ingest's settings name them."""
    nodes = []
    for number in range(NODES):
        address = node_address(number)
        nodes.append(
            {
                "group_id": "bench",
                "edge_node_id": f"nut-{number}",
                "enterprise": ENTERPRISE,
                "site": address.site,
                "edge": address.edge,
                "devices": {_DEVICE: "xuong/day-chuyen/may-1"},
                "metrics": [
                    {"device": _DEVICE, "metric": f"m{k}", "name": f"nut-{number}/m{k}"}
                    for k in range(METRICS)
                ],
            }
        )
    return {"host_id": "bench", "nodes": nodes}


def sparkplug(messages: int) -> Door:
    """Return births of all nodes, and DDATA of ten metrics from each in turn."""
    start_ms = (microseconds(system_clock()) - _DAY_US) // 1000
    first, data = [], []
    for number in range(NODES):
        node = NodeId("bench", f"nut-{number}")
        bd_seq = Metric(name=BD_SEQ, datatype=DataType.INT64, value=0, timestamp=start_ms)
        birth = Payload(timestamp=start_ms, metrics=[bd_seq], seq=0)
        first.append((node.topic(MessageType.NBIRTH), encode_payload(birth)))
        metrics = [
            Metric(f"m{k}", k + 1, start_ms, DataType.DOUBLE, value=float(k))
            for k in range(METRICS)
        ]
        device = Payload(timestamp=start_ms, metrics=metrics, seq=1)
        first.append((node.topic(MessageType.DBIRTH, _DEVICE), encode_payload(device)))
    for number in range(messages):
        turn, which = divmod(number, NODES)
        at_ms = start_ms + 100 * (turn + 1)
        metrics = [
            Metric(None, k + 1, at_ms, None, value=70 + turn % 100 * 0.1 + k)
            for k in range(METRICS)
        ]
        payload = Payload(timestamp=at_ms, metrics=metrics, seq=(turn + 2) % 256)
        topic = NodeId("bench", f"nut-{which}").topic(MessageType.DDATA, _DEVICE)
        data.append((topic, encode_payload(payload)))
    return Door("sparkplug", 100_000, first, data, METRICS, 0)


def devices(messages: int) -> Door:
    """Return births of all devices, and messages of five fields from each in turn."""
    start_us = microseconds(system_clock()) - _DAY_US
    first, data = [], []
    for number in range(DEVICES):
        address = device_address(number)
        tags = [
            TagDeclaration(f"{address.edge}/v{k}", f"{address.site_path}/xuong/day-chuyen/may-1")
            for k in range(FIELDS)
        ]
        birth = encode(Birth(SCHEMA, "bench", "bench", 0, tags))
        first.append((_topic(address, "birth"), birth))
    for number in range(messages):
        turn, which = divmod(number, DEVICES)
        said: dict[str, float] = {f"v{k}": round(70 + turn % 100 * 0.1 + k, 2) for k in range(5)}
        said["time"] = (start_us + turn * 100_000) / 1e6
        data.append((_topic(device_address(which), "values"), json.dumps(said).encode()))
    return Door("device", 50_000, first, data, FIELDS, 1)


def _topic(address: EdgeAddress, leaf: str) -> str:
    return f"nm/v1/{address.enterprise}/{address.site}/{address.edge}/{leaf}"


def pour(
    port: int, door: Door, metrics_port: int, cpu_s: Callable[[], float]
) -> tuple[float, float]:
    """Publish all of it; return the seconds until it was committed, and those of CPU."""
    with connected(port) as peer, _reading(peer):
        # Whoever says its birth before the ingest listens is not heard.
        wanted = 0
        while _written(metrics_port, "messages") < wanted or not wanted:
            wanted = _written(metrics_port, "messages") + len(door.first)
            peer.sendall(b"".join(_packets(door.first, 1)))
            time.sleep(2.0)
        packets = list(_packets(door.messages, door.qos))
        wanted = _written(metrics_port) + len(packets) * door.values
        start, used = time.perf_counter(), cpu_s()
        for low in range(0, len(packets), 500):
            peer.sendall(b"".join(packets[low : low + 500]))
        _await(metrics_port, wanted)
        return time.perf_counter() - start, cpu_s() - used


def _packets(messages: Sequence[tuple[str, bytes]], qos: int) -> Iterator[bytes]:
    for number, (topic, payload) in enumerate(messages):
        yield publish_packet(topic, payload, number % 60_000 + 1 if qos else 0)


@contextmanager
def _reading(peer: socket.socket) -> Iterator[None]:
    """Throw away what the broker says meanwhile."""
    over = Event()

    def read() -> None:
        while not over.is_set() and peer.recv(1 << 16):
            pass

    thread = Thread(target=read, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        peer.shutdown(socket.SHUT_RDWR)
        thread.join()


def answers(port: int) -> bool:
    """Tell whether the ingest can be asked for its counters."""
    try:
        _written(port)
    except OSError:
        return False
    return True


def _written(port: int, what: str = "measurements") -> int:
    """Return how many values, or messages, the ingest has committed."""
    with urlopen(f"http://127.0.0.1:{port}/metrics", timeout=30) as answer:
        text: str = answer.read().decode()
    name = f'nhipmay_ingest_{what}_settled_total{{as="written"}}'
    return next(int(float(line.split()[-1])) for line in text.splitlines() if name in line)


def _await(port: int, wanted: int) -> None:
    give_up = time.monotonic() + _GIVE_UP_S
    while (written := _written(port)) < wanted:
        if time.monotonic() > give_up:
            raise TimeoutError(f"{written} of {wanted} values are committed")
        time.sleep(0.02)
