"""Sessions of many nodes in bursts, with aliases dealt anew, while the database stops now and then.

The suite runs a short form; `NHIPMAY_SPARKPLUG_SESSIONS=400` is the long one.
"""

import os
import random
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager
from threading import Event, Thread

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

from ingest import IngestSettings
from plant.clock import microseconds, system_clock
from plant.description import PlantDescription
from plant.settings import BrokerSettings, DatabaseSettings, LogSettings
from plant.sparkplug import MessageType, parse_topic
from store import connect, load_plant
from tests.integration.ingests import fetched, running
from tests.integration.sparkplug.wire import Ear
from tests.peers.mqtt import patient
from tests.peers.permuting_nodes import PermutingNode, settings_for
from tests.peers.services import MosquittoBroker
from tests.plants.deliveries import plant
from tests.waiting import wait_until

SESSIONS = int(os.environ.get("NHIPMAY_SPARKPLUG_SESSIONS", "60"))
NODES = 20
TOLD = (
    "select name, value, count(*) from measurement join tag using (tag_id) "
    "where value is not null group by name, value"
)


def test_every_session_of_a_burst_is_stored_under_its_tags(
    broker: MosquittoBroker, plain_database: DatabaseSettings
) -> None:
    chance = random.Random(SESSIONS)
    sessions = max(1, SESSIONS // NODES)
    start_ms = microseconds(system_clock()) // 1000 - 1_000 * sessions * 25
    nodes = [PermutingNode(number, chance, start_ms) for number in range(NODES)]
    for node in nodes:
        for session in range(sessions):
            if session:
                node.act(chance.choice(["rebirth", "new session", "death"]))
            for _ in range(15):
                node.act(chance.choice(["data", "node data"]))
    load_plant(plain_database, with_edges(NODES))
    settings = IngestSettings(
        broker=BrokerSettings(port=broker.port),
        database=plain_database,
        sparkplug=settings_for(NODES, rebirth_delay_s=5),
        log=LogSettings(level="error"),
    )
    with closing(Ear(broker.port)) as ear, running(settings):
        ear.await_state(online=True)
        with pauses(plain_database, chance), publishing(broker.port) as client:
            for node in nodes:
                say(client, node)
            while waiting := [node for node in nodes if node.messages]:
                node = chance.choice(waiting)
                for _ in range(chance.randint(1, 60)):
                    say(client, node)
        told = sum((node.told for node in nodes), Counter[tuple[str, float]]())
        wait_until(lambda: stored(plain_database) >= told, what="every value")
        assert stored(plain_database) == told
    assert fetched(plain_database, "select reason, detail from rejection") == []
    assert asked_after_a_birth(ear) == []


def say(client: paho.Client, node: PermutingNode) -> None:
    """Publish the node's next message, if it has one."""
    if node.messages:
        message = node.messages.pop(0)
        client.publish(message.topic, message.payload, qos=0)


def stored(database: DatabaseSettings) -> Counter[tuple[str, float]]:
    rows = fetched(database, TOLD)
    return Counter({(name, value): count for name, value, count in rows})


def asked_after_a_birth(ear: Ear) -> list[str]:
    """Nodes that were asked for births though they had announced themselves."""
    born = set()
    asked = []
    for message in ear.heard:
        if "/STATE/" in message.topic:
            continue
        address = parse_topic(message.topic)
        if address.kind is MessageType.NBIRTH:
            born.add(address.node)
        elif address.kind is MessageType.NCMD and address.node in born:
            asked.append(str(address.node))
    return asked


def with_edges(count: int) -> PlantDescription:
    """The plant of the tests with an edge for each node."""
    described = plant().model_dump(mode="json")
    described["sites"][0]["edges"] = [f"sp-{number}" for number in range(count)]
    return PlantDescription.model_validate(described)


@contextmanager
def pauses(database: DatabaseSettings, chance: random.Random) -> Iterator[None]:
    """Keep everybody from writing for moments at random."""
    over = Event()
    lengths = [chance.uniform(0.05, 1.0) for _ in range(1_000)]

    def hold() -> None:
        with connect(database) as connection:
            while not over.is_set():
                connection.execute(b"lock table measurement in exclusive mode")
                over.wait(lengths.pop())
                connection.rollback()
                over.wait(lengths.pop() / 2)

    thread = Thread(target=hold, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


@contextmanager
def publishing(port: int) -> Iterator[paho.Client]:
    """A client whose messages have left this machine at the end."""
    client = patient(paho.Client(CallbackAPIVersion.VERSION2, protocol=MQTTProtocolVersion.MQTTv5))
    client.connect("127.0.0.1", port)
    client.loop_start()
    try:
        yield client
        last = client.publish("nm/test/end", b"", qos=1)
        wait_until(last.is_published, what="the last message to arrive")
    finally:
        client.disconnect()
        client.loop_stop()
