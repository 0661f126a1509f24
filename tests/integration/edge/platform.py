"""The other side of the wire for tests: takes batches, keeps each id once, and acknowledges."""

import threading
from collections import Counter
from datetime import UTC, datetime

from paho.mqtt.client import Client, ConnectFlags, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.reasoncodes import ReasonCode

from plant.clock import microseconds
from plant.measurement import Value
from plant.native.message import (
    SCHEMA,
    Ack,
    Birth,
    Config,
    DataBatch,
    EdgeAddress,
    Leaf,
    Status,
    decode_birth,
    decode_data,
    decode_status,
    encode,
)
from tests.peers.mqtt import patient
from tests.waiting import HANG_S, wait_until

ADDRESS = EdgeAddress("co-khi-mau", "bien-hoa", "edge-1")
Stored = tuple[str, int, Value, int]


class FakePlatform:
    """A small ingest: what it has taken is in `rows`, in the order of the ids of each epoch."""

    def __init__(self, port: int, *, acknowledging: bool = True) -> None:
        self.acknowledging = acknowledging
        self.messages: list[str] = []
        """Leaves of the topics, in the order of arrival."""
        self.births: list[Birth] = []
        self.statuses: list[Status] = []
        self.batches: list[DataBatch] = []
        self.repeated_ids = 0
        self._stored: dict[tuple[str, int], Stored] = {}
        self._lock = threading.Lock()
        self._ready = threading.Event()
        self._client = patient(
            Client(
                CallbackAPIVersion.VERSION2, "fake-platform", protocol=MQTTProtocolVersion.MQTTv5
            )
        )
        self._client.on_connect = self._on_connect
        self._client.on_subscribe = lambda *_: self._ready.set()
        self._client.on_message = self._on_message
        self._client.reconnect_delay_set(min_delay=1, max_delay=1)
        self._client.connect("127.0.0.1", port, clean_start=True)
        self._client.loop_start()
        assert self._ready.wait(HANG_S)

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    @property
    def rows(self) -> list[Stored]:
        with self._lock:
            return [self._stored[key] for key in sorted(self._stored, key=lambda key: key[1])]

    @property
    def latest_status(self) -> Status | None:
        return self.statuses[-1] if self.statuses else None

    def values(self, tag: str) -> list[Value]:
        """The values of one tag by source time."""
        return [row[2] for row in sorted(self.rows, key=lambda row: row[1]) if row[0] == tag]

    def times(self, tag: str) -> list[int]:
        return sorted(row[1] for row in self.rows if row[0] == tag)

    def await_rows(self, count: int) -> list[Stored]:
        """Wait until so many rows have come and return all, none of them twice."""
        wait_until(
            lambda: len(self._stored) >= count,
            what=f"{count} rows (there are {len(self._stored)})",
        )
        rows = self.rows
        twice = [key for key, times in Counter(row[:2] for row in rows).items() if times > 1]
        assert not twice, f"taken twice: {twice[:5]}"
        return rows

    def acknowledge(self, epoch: str, committed_to: int) -> None:
        """Publish an ack, true or not."""
        now_us = microseconds(datetime.now(UTC))
        message = Ack(schema=SCHEMA, epoch=epoch, committed_to=committed_to, sent_us=now_us)
        self._client.publish(ADDRESS.topic(Leaf.ACK), encode(message), qos=1, retain=True)

    def push(self, message: Config | bytes) -> None:
        """Publish a configuration, retained as the platform does."""
        payload = message if isinstance(message, bytes) else encode(message)
        self._client.publish(ADDRESS.topic(Leaf.CONFIG), payload, qos=1, retain=True)

    def acknowledge_all(self) -> None:
        """Confirm what has come so far, and everything from now on."""
        self.acknowledging = True
        for epoch in {epoch for epoch, _ in self._stored}:
            self.acknowledge(epoch, self._contiguous(epoch))

    def _on_connect(
        self, client: Client, _user: object, _flags: ConnectFlags, _code: ReasonCode, _more: object
    ) -> None:
        client.subscribe("nm/v1/+/+/+/+", qos=1)

    def _on_message(self, _client: Client, _user: object, message: MQTTMessage) -> None:
        leaf = message.topic.rpartition("/")[2]
        payload = bytes(message.payload)
        self.messages.append(leaf)
        if leaf == Leaf.BIRTH:
            self.births.append(decode_birth(payload))
        elif leaf == Leaf.STATUS:
            status = decode_status(payload)
            self.statuses.append(status)
            if self.acknowledging and status.online:
                self.acknowledge(status.epoch, self._contiguous(status.epoch))
        elif leaf == Leaf.DATA:
            self._take(decode_data(payload))

    def _take(self, batch: DataBatch) -> None:
        self.batches.append(batch)
        qualities = batch.quality or [0] * len(batch.tag)
        with self._lock:
            for offset, tag in enumerate(batch.tag):
                key = batch.epoch, batch.first_id + offset
                if key in self._stored:
                    self.repeated_ids += 1
                    continue
                self._stored[key] = (
                    batch.tags[tag],
                    batch.time_us[offset],
                    batch.value[offset],
                    qualities[offset],
                )
        if self.acknowledging:
            self.acknowledge(batch.epoch, self._contiguous(batch.epoch))

    def _contiguous(self, epoch: str) -> int:
        with self._lock:
            committed = 0
            while (epoch, committed + 1) in self._stored:
                committed += 1
            return committed
