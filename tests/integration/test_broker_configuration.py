"""The compose stack's broker files on a real mosquitto: who may say and hear what."""

import queue
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import paho.mqtt.client as mqtt
import pytest
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from plant.native import EdgeAddress, Leaf
from tests.services import BrokerFactory, MosquittoBroker, host_of, recorded

BROKER = Path(__file__).resolve().parents[2] / "docker/broker"
ACL = (BROKER / "acl").read_text("utf-8")
USERS = re.findall(r"^user (\S+)$", ACL, re.MULTILINE)
EDGE = EdgeAddress("co-khi-mau", "bien-hoa", "edge-1")
OTHER = EdgeAddress("thuc-pham-mau", "long-thanh", "edge-1")
EDGE_USER = f"{EDGE.enterprise}.{EDGE.site}.{EDGE.edge}"
OTHER_USER = f"{OTHER.enterprise}.{OTHER.site}.{OTHER.edge}"
# What the fixture sets itself: address, users, files and folders.
PLACED = {
    "#",
    "acl_file",
    "allow_anonymous",
    "listener",
    "log_dest",
    "log_timestamp_format",
    "password_file",
    "persistence",
    "persistence_location",
}


class Asked:
    """A connected MQTT 5 client that waits for the broker's answer to each request."""

    def __init__(self, broker: MosquittoBroker, user: str | None) -> None:
        self._answers: queue.Queue[ReasonCode] = queue.Queue()
        self._messages: queue.Queue[str] = queue.Queue()
        self._client = mqtt.Client(CallbackAPIVersion.VERSION2, protocol=mqtt.MQTTv5)
        if user is not None:
            self._client.username_pw_set(user, f"word of {user}")
        self._client.on_connect = lambda *said: self._answers.put(said[3])
        self._client.on_subscribe = lambda *said: self._answers.put(said[3][0])
        self._client.on_publish = self._published
        self._client.on_message = lambda *said: self._messages.put(said[2].payload.decode())
        self._client.connect("127.0.0.1", broker.port)
        self._client.loop_start()
        self.connected = self._answers.get(timeout=10)

    def _published(
        self,
        client: mqtt.Client,
        userdata: object,
        message_id: int,
        reason: ReasonCode,
        properties: Properties | None,
    ) -> None:
        self._answers.put(reason)

    def may_publish(self, topic: str, payload: str = "x") -> bool:
        self._client.publish(topic, payload, qos=1)
        return not self._answers.get(timeout=10).is_failure

    def may_subscribe(self, topic: str) -> bool:
        self._client.subscribe(topic, qos=1)
        return not self._answers.get(timeout=10).is_failure

    def heard(self) -> str:
        return self._messages.get(timeout=10)

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()


@pytest.fixture(scope="module")
def stack_broker(mosquitto: BrokerFactory) -> Iterator[MosquittoBroker]:
    lines = (BROKER / "mosquitto.conf").read_text("utf-8").splitlines()
    kept = [line for line in lines if line and line.split()[0] not in PLACED]
    broker = mosquitto(
        passwords={user: f"word of {user}" for user in USERS},
        settings=[*kept, "acl_file {folder}/acl"],
        files={"acl": ACL},
    )
    yield broker
    broker.remove()


@pytest.fixture
def ask(stack_broker: MosquittoBroker) -> Iterator[Callable[[str | None], Asked]]:
    clients: list[Asked] = []

    def connect(user: str | None) -> Asked:
        clients.append(Asked(stack_broker, user))
        return clients[-1]

    yield connect
    for client in clients:
        client.close()


def test_nobody_connects_without_a_name(ask: Callable[[str | None], Asked]) -> None:
    assert ask(None).connected.is_failure
    assert ask("somebody").connected.is_failure


def test_edge_speaks_for_itself_only(ask: Callable[[str | None], Asked]) -> None:
    edge = ask(EDGE_USER)

    assert [edge.may_publish(EDGE.topic(leaf)) for leaf in ("data", "birth", "status")] == [
        True
    ] * 3
    assert not edge.may_publish(EDGE.topic(Leaf.ACK))
    assert not edge.may_publish(OTHER.topic(Leaf.DATA))
    assert not edge.may_publish("something/else")


def test_edge_hears_its_own_acks_only(ask: Callable[[str | None], Asked]) -> None:
    edge, other, ingest = (
        ask(EDGE_USER),
        ask(f"{OTHER.enterprise}.{OTHER.site}.edge-1"),
        ask("ingest"),
    )
    assert edge.may_subscribe(EDGE.topic(Leaf.ACK))
    # mosquitto 2 grants a subscription and holds the messages back: what arrives is what counts.
    other.may_subscribe("nm/v1/#")
    other.may_subscribe(OTHER.topic(Leaf.ACK))

    assert ingest.may_publish(EDGE.topic(Leaf.ACK), "to edge")
    assert ingest.may_publish(OTHER.topic(Leaf.ACK), "to other")

    assert edge.heard() == "to edge"
    assert other.heard() == "to other"


def test_ingest_hears_every_edge_and_only_acknowledges(
    ask: Callable[[str | None], Asked],
) -> None:
    ingest, edge = ask("ingest"), ask(EDGE_USER)

    for leaf in (Leaf.DATA, Leaf.BIRTH, Leaf.STATUS):
        assert ingest.may_subscribe(f"nm/v1/+/+/+/{leaf}")
        assert edge.may_publish(EDGE.topic(leaf), leaf)
        assert ingest.heard() == leaf
    assert not ingest.may_publish(EDGE.topic(Leaf.DATA))


def test_health_hears_that_the_broker_lives_and_nothing_else(
    ask: Callable[[str | None], Asked],
) -> None:
    health = ask("health")

    assert health.may_subscribe("$SYS/broker/uptime")
    assert "seconds" in health.heard()
    assert not health.may_publish(EDGE.topic(Leaf.DATA))


def test_start_script_hashes_the_secrets_and_becomes_the_command(mosquitto: BrokerFactory) -> None:
    host = host_of(recorded("mosquitto"))
    folder = host.make_folder()
    files = {
        "start.sh": (BROKER / "start.sh").read_text("utf-8"),
        "broker-ingest": "one word",
        "broker-a.b.edge-1": "another\n",
        "database-reader": "not for the broker",
    }
    for name, text in files.items():
        (folder / name).write_text(text)
        host.give(folder / name)
    inside = host.seen(folder)

    host.run(
        "env",
        f"NHIPMAY_SECRETS={inside}",
        f"NHIPMAY_PASSWORDS={inside}/passwords",
        *("sh", f"{inside}/start.sh", "touch", f"{inside}/started"),
    )

    passwords = (folder / "passwords").read_text()
    assert (folder / "passwords").stat().st_mode & 0o077 == 0
    assert (folder / "started").exists()
    shutil.rmtree(folder)
    assert sorted(re.findall(r"^(\S+):\$7\$", passwords, re.MULTILINE)) == ["a.b.edge-1", "ingest"]
    assert "word" not in passwords
    assert "another" not in passwords
