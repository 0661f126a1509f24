"""The honest edge of another enterprise: it goes on, and notes how long each answer took."""

import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass

import msgspec
import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

from plant.clock import microseconds, system_clock
from plant.description import PlantDescription
from plant.native.message import (
    SCHEMA,
    Ack,
    Birth,
    DataBatch,
    EdgeAddress,
    Leaf,
    TagDeclaration,
    encode,
)
from tests.peers.mqtt import patient

ADDRESS = EdgeAddress("that-tha", "nha-may", "nhan-chung")
TAG = TagDeclaration(
    "nhan-chung/nhiet-do", "that-tha/nha-may/xuong/day-chuyen/may", low=0, high=1e9
)
ROWS = 5
EVERY_S = 0.1
"""Between two of its messages."""
AGAIN_AFTER_S = 5.0
"""An edge says again what was not answered."""
_EPOCH = "w1"


def plant() -> PlantDescription:
    """Return the witness's enterprise: one machine."""
    line = {
        "code": "day-chuyen",
        "name_vi": "Dây chuyền",
        "work_units": [{"code": "may", "name_vi": "Máy"}],
    }
    area = {"code": "xuong", "name_vi": "Xưởng", "work_centers": [line]}
    site = {"code": "nha-may", "name_vi": "Nhà máy", "edges": ["nhan-chung"], "areas": [area]}
    return PlantDescription.model_validate(
        {"enterprise": {"code": "that-tha", "name_vi": "Thật thà"}, "sites": [site]}
    )


@dataclass(slots=True)
class _Sent:
    last_id: int
    payload: bytes
    at: float
    said_at: float


class Witness:
    """Publishes without a pause until it is closed."""

    def __init__(self, port: int) -> None:
        self._lock = threading.Lock()
        self._waiting: list[_Sent] = []
        self._delays: list[float] = []
        self._next_id = 1
        self._end = threading.Event()
        self.repeats = 0
        self._client = patient(
            paho.Client(
                CallbackAPIVersion.VERSION2,
                client_id=ADDRESS.client_id,
                protocol=MQTTProtocolVersion.MQTTv5,
            )
        )
        self._client.on_connect = self._on_connect
        self._client.on_message = self._on_message
        self._client.connect("127.0.0.1", port)
        self._client.loop_start()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._end.set()
        self._thread.join()
        self._client.disconnect()
        self._client.loop_stop()

    @property
    def sent_to(self) -> int:
        """The highest id that was sent."""
        with self._lock:
            return self._next_id - 1

    def is_answered_to(self, row_id: int) -> bool:
        """Whether everything up to an id is acknowledged."""
        with self._lock:
            return not self._waiting or self._waiting[0].last_id > row_id

    def delays(self, since: int = 0) -> Sequence[float]:
        """Return the seconds from each message to its ack; those that still wait, until now."""
        now = time.monotonic()
        with self._lock:
            return [*self._delays[since:], *(now - one.at for one in self._waiting)]

    @property
    def answers(self) -> int:
        """How many messages are answered."""
        with self._lock:
            return len(self._delays)

    def _on_connect(self, *_: object) -> None:
        self._client.subscribe(ADDRESS.topic(Leaf.ACK), qos=1)
        now_us = microseconds(system_clock())
        birth = Birth(SCHEMA, _EPOCH, "0", now_us, [TAG])
        self._client.publish(ADDRESS.topic(Leaf.BIRTH), encode(birth), qos=1, retain=True)

    def _on_message(self, _client: object, _user: object, message: paho.MQTTMessage) -> None:
        ack = msgspec.json.decode(message.payload, type=Ack)
        now = time.monotonic()
        with self._lock:
            while self._waiting and self._waiting[0].last_id <= ack.committed_to:
                self._delays.append(now - self._waiting.pop(0).at)

    def _run(self) -> None:
        while not self._end.wait(EVERY_S):
            now = time.monotonic()
            with self._lock:
                late = [one for one in self._waiting if now - one.said_at > AGAIN_AFTER_S]
                first = self._next_id
                self._next_id += ROWS
            now_us = microseconds(system_clock())
            batch = DataBatch(
                SCHEMA,
                _EPOCH,
                first,
                first + ROWS - 1,
                now_us,
                [TAG.name],
                [0] * ROWS,
                [now_us + k for k in range(ROWS)],
                [float(first + k) for k in range(ROWS)],
            )
            sent = _Sent(first + ROWS - 1, encode(batch), now, now)
            with self._lock:
                self._waiting.append(sent)
            for one in [*late, sent]:
                one.said_at = now
                self._client.publish(ADDRESS.topic(Leaf.DATA), one.payload, qos=1)
            self.repeats += len(late)
