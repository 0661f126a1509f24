"""An edge agent's side of the contract, and what is then in the database."""

import queue
import threading
import time
from collections.abc import Sequence
from typing import Any

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

from ingest import IngestSettings
from ingest.settings import GroupSettings
from plant.clock import microseconds, system_clock
from plant.native.message import (
    SCHEMA,
    Ack,
    DataBatch,
    EdgeAddress,
    Leaf,
    TagDeclaration,
    decode_ack,
    encode,
)
from plant.settings import BrokerSettings, DatabaseSettings, LogSettings
from tests.integration.ingests import fetched
from tests.peers.mqtt import patient
from tests.peers.services import MosquittoBroker
from tests.plants.deliveries import EDGE, STATE, TAGS, TEMPERATURE, birth, status
from tests.waiting import AGAIN_S, HANG_S, wait_until

ROWS = 40
"""Measurements in a message."""


class FakeEdge:
    """An edge agent reduced to its side of the contract: it repeats what is not acknowledged."""

    def __init__(self, port: int, address: EdgeAddress = EDGE, epoch: str = "e1") -> None:
        self.address = address
        self.epoch = epoch
        self.committed_to = 0
        self.answered = threading.Event()
        self.acks: queue.Queue[Ack] = queue.Queue()
        self.client = patient(
            paho.Client(
                CallbackAPIVersion.VERSION2,
                client_id=address.client_id,
                protocol=MQTTProtocolVersion.MQTTv5,
            )
        )
        self.client.reconnect_delay_set(1, 1)
        self.client.on_connect = self._on_connect
        self.client.on_message = self._on_message
        self.client.connect("127.0.0.1", port)
        self.client.loop_start()

    def _on_connect(self, *_: Any) -> None:
        self.client.subscribe(self.address.topic(Leaf.ACK), qos=1)

    def _on_message(self, _client: paho.Client, _userdata: Any, message: paho.MQTTMessage) -> None:
        ack = decode_ack(bytes(message.payload))
        if ack.epoch == self.epoch:
            self.committed_to = max(self.committed_to, ack.committed_to)
            self.answered.set()
        self.acks.put(ack)

    def announce(self, tags: Sequence[TagDeclaration] = TAGS) -> None:
        """Publish the birth, and heartbeats until the ingest is there to answer one."""
        payload = birth(tags).payload
        self.client.publish(self.address.topic(Leaf.BIRTH), payload, qos=1, retain=True)
        self.answered.clear()
        wait_until(self._beat, what="an answer to a heartbeat")

    def _beat(self) -> bool:
        sent_us = microseconds(system_clock())
        beat = status(edge=self.address, epoch=self.epoch, pending=0, sent_us=sent_us)
        self.client.publish(beat.topic, beat.payload, qos=1)
        return self.answered.wait(AGAIN_S)

    def publish(self, first_message: int, messages: int) -> None:
        """Publish data messages; message m has the ids after `m * ROWS`."""
        for number in range(first_message, first_message + messages):
            first = number * ROWS + 1
            now_us = microseconds(system_clock())
            batch = DataBatch(
                SCHEMA,
                self.epoch,
                first,
                first + ROWS - 1,
                now_us,
                [TEMPERATURE.name, STATE.name],
                [0] * (ROWS - 1) + [1],
                [now_us + k for k in range(ROWS)],
                [*((first + k) / 1e6 for k in range(ROWS - 1)), "EXECUTE"],
            )
            self.client.publish(self.address.topic(Leaf.DATA), encode(batch), qos=1)

    def deliver(self, messages: int) -> None:
        """Repeat what is not acknowledged until all is."""
        deadline = time.monotonic() + HANG_S
        while self.committed_to < messages * ROWS:
            assert time.monotonic() < deadline, f"acknowledged only to {self.committed_to}"
            try:
                self.acks.get(timeout=AGAIN_S)
            except queue.Empty:
                first = self.committed_to // ROWS
                self.publish(first, messages - first)

    def close(self) -> None:
        """Leave."""
        self.client.disconnect()
        self.client.loop_stop()


def settings_of(
    mosquitto: MosquittoBroker, database: DatabaseSettings, **changed: Any
) -> IngestSettings:
    content = {
        "broker": BrokerSettings(port=mosquitto.port),
        "database": database,
        "group": GroupSettings(max_wait_s=0.02),
        "log": LogSettings(level="error"),
    }
    return IngestSettings(**(content | changed))


def assert_exactly_once(database: DatabaseSettings, messages: int) -> None:
    """Every number that was sent is there, once, and so is every text; nothing was refused."""
    assert_committed(database, messages)
    assert fetched(database, "select count(*) from rejection") == [(0,)]


def assert_committed(database: DatabaseSettings, messages: int) -> None:
    values = [
        round(value * 1e6)
        for (value,) in fetched(database, "select value from measurement order by value")
    ]
    assert values == [m * ROWS + k + 1 for m in range(messages) for k in range(ROWS - 1)]
    assert fetched(database, "select count(*) from text_measurement") == [(messages,)]
    assert fetched(database, "select committed::text, rejected_count from delivery_ledger") == [
        (f"{{[1,{messages * ROWS + 1})}}", 0)
    ]
