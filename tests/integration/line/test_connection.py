"""The line to a broker: the same contract with every broker, in both versions of MQTT."""

import queue
import socket
import threading
import time
import uuid
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager

import pytest
from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion

from ingest.line import packet
from ingest.line.connection import Line
from ingest.line.endpoint import Endpoint
from ingest.line.packet import Login, Publish, Version
from tests.conftest import or_skip
from tests.foreign.brokers import hivemq, nats
from tests.peers.mqtt import patient
from tests.peers.services import BrokerFactory, MosquittoBroker
from tests.waiting import HANG_S, wait_until

BROKERS: list[tuple[str, Version]] = [
    ("mosquitto", 4),
    ("mosquitto", 5),
    ("nats", 4),
    ("hivemq", 4),
    ("hivemq", 5),
]
FILTER = "line/small/#"
SMALL = [f"{k}".encode() for k in range(3_000)]


class Listener:
    """A consumer that keeps what came, and has room for as much as it is told."""

    def __init__(self, filters: Sequence[str] = (FILTER,)) -> None:
        self.filters = filters
        self.room: int | None = None
        self.came: queue.Queue[Publish] = queue.Queue()
        self.granted = threading.Event()
        self.denied: list[str] = []

    def connected(self, line: Line) -> None:
        line.subscribe(self.filters)

    def subscribed(self, _line: Line, _filters: Sequence[str], denied: Sequence[str]) -> None:
        self.denied += denied
        self.granted.set()

    def take(self, _line: Line, messages: Sequence[Publish]) -> int:
        taken = messages if self.room is None else messages[: max(0, self.room)]
        if self.room is not None:
            self.room -= len(taken)
        for message in taken:
            self.came.put(message)
        return len(taken)

    def next(self) -> Publish:
        return self.came.get(timeout=HANG_S)


@contextmanager
def lines(port: int, version: Version, listener: Listener, login: Login) -> Iterator[Line]:
    line = Line(Endpoint("127.0.0.1", port, None, version, 1_000_000), login, listener)
    assert line.open() is None
    try:
        assert listener.granted.wait(HANG_S)
        yield line
    finally:
        line.close()
        assert line.ended.wait(HANG_S)


def login(*, lasting: bool = True, keepalive_s: int = 30, receive_maximum: int = 65_535) -> Login:
    # A name of its own: brokers are shared by the cases.
    return Login(f"line-{uuid.uuid4()}", keepalive_s, lasting, 600, None, None, receive_maximum)


@pytest.fixture(scope="module")
def ports() -> Iterator[dict[str, int]]:
    """The brokers that were needed so far, by name; they run until the module has ended."""
    with ExitStack() as stack:
        yield _Ports(stack)


class _Ports(dict[str, int]):
    def __init__(self, stack: ExitStack) -> None:
        super().__init__()
        self._stack = stack

    def __missing__(self, name: str) -> int:
        if name == "mosquitto":
            factory = BrokerFactory()
            self._stack.callback(factory.remove_all)
            self[name] = factory().port
        else:
            self[name] = self._stack.enter_context({"nats": nats, "hivemq": hivemq}[name]())
        return self[name]


@pytest.fixture(params=BROKERS, ids=lambda case: f"{case[0]}-{case[1]}")
def case(request: pytest.FixtureRequest, ports: dict[str, int]) -> tuple[int, Version]:
    name, version = request.param
    with or_skip():
        return ports[name], version


def publish(port: int, payloads: Sequence[bytes], topic: str = "line/small/one") -> None:
    client = patient(Client(CallbackAPIVersion.VERSION2))
    client.max_inflight_messages_set(20)
    client.connect("127.0.0.1", port)
    client.loop_start()
    for sent in [client.publish(topic, payload, qos=1) for payload in payloads]:
        sent.wait_for_publish(HANG_S)
    client.disconnect()
    client.loop_stop()


def test_every_message_comes_once_and_in_order(case: tuple[int, Version]) -> None:
    port, version = case
    listener = Listener()
    with lines(port, version, listener, login()) as line:
        publisher = threading.Thread(target=publish, args=(port, SMALL))
        publisher.start()
        for expected in SMALL:
            message = listener.next()
            assert message.payload == expected
            line.acknowledge([message.number])
        publisher.join()
    assert listener.came.empty()


def test_what_is_not_acknowledged_comes_again_on_the_next_line(case: tuple[int, Version]) -> None:
    port, version = case
    who = login()
    listener = Listener()
    with lines(port, version, listener, who) as line:
        publish(port, SMALL[:15])
        # HiveMQ may hold back what follows a message that is not acknowledged.
        for expected in SMALL[:9]:
            message = listener.next()
            assert message.payload == expected
            line.acknowledge([message.number])
        # The broker has heard of these once it answers what came after them.
        listener.granted.clear()
        line.subscribe(["line/other"])
        assert listener.granted.wait(HANG_S)
    again = Listener()
    with lines(port, version, again, who) as line:
        for expected in SMALL[9:15]:
            message = again.next()
            assert message.payload == expected
            line.acknowledge([message.number])


def test_a_line_without_room_reads_no_more_but_stays(case: tuple[int, Version]) -> None:
    """Longer than the broker waits for a sign of life, which is one and a half times this."""
    port, version = case
    listener = Listener()
    listener.room = 10
    # Long enough for a busy machine: one that stands still this long would end any line.
    keepalive_s = 10
    with lines(port, version, listener, login(keepalive_s=keepalive_s)) as line:
        publish(port, SMALL[:200])
        # HiveMQ may hold back what follows a message that is not acknowledged.
        for expected in SMALL[:10]:
            message = listener.next()
            assert message.payload == expected
            line.acknowledge([message.number])
        until = time.monotonic() + 1.5 * keepalive_s + 1
        wait_until(lambda: time.monotonic() > until, what="more time than the broker has patience")
        assert not line.ended.is_set()
        assert listener.came.empty()
        listener.room = None
        line.offer_again()
        for expected in SMALL[10:200]:
            message = listener.next()
            assert message.payload == expected
            line.acknowledge([message.number])


def test_of_messages_that_are_too_large_the_beginning_comes(
    case: tuple[int, Version],
) -> None:
    port, version = case
    listener = Listener()
    with lines(port, version, listener, login()) as line:
        for size in (900_000, 3_000_000, 10):
            publish(port, [bytes(size)])
            message = listener.next()
            assert message.size == size
            if size < 1_000_000:
                assert len(message.payload) == size
            else:
                assert 100_000 < len(message.payload) < 200_000
            line.acknowledge([message.number])


def kept(port: int) -> dict[str, bytes]:
    """Return what the broker keeps of all that was announced."""
    found: dict[str, bytes] = {}

    def note(_client: Client, _user: object, message: MQTTMessage) -> None:
        found[message.topic] = bytes(message.payload)

    client = patient(Client(CallbackAPIVersion.VERSION2))
    client.on_message = note
    client.connect("127.0.0.1", port)
    client.subscribe("line/said/+", qos=1)
    client.loop_start()
    wait_until(lambda: len(found) == 400, what="something of every topic")
    client.disconnect()
    client.loop_stop()
    return found


def test_the_broker_keeps_the_newest_announcement_of_each_topic(
    case: tuple[int, Version],
) -> None:
    """More of them than may be under way at a time."""
    port, version = case
    with lines(port, version, Listener(), login()) as line:
        for round_ in range(3):
            line.announce((f"line/said/{k}", f"{round_}".encode()) for k in range(400))
        wait_until(lambda: not line.unannounced(), what="all announcements to be taken")
        # A broker may take a moment to keep what it has taken, so it is asked again and again.
        wait_until(lambda: set(kept(port).values()) == {b"2"}, what="the newest to be kept")


def test_filters_can_be_given_up(case: tuple[int, Version]) -> None:
    port, version = case
    listener = Listener(["line/small/a", "line/small/b"])
    with lines(port, version, listener, login()) as line:
        line.unsubscribe(["line/small/a"])
        line.publish("line/small/b", b"asked after it was given up")
        line.acknowledge([listener.next().number])
        publish(port, [b"1"], "line/small/a")
        publish(port, [b"2"], "line/small/b")
        assert listener.next().payload == b"2"


def test_a_broker_that_is_away_or_ends_is_told_apart(broker: MosquittoBroker) -> None:
    listener = Listener()
    line = Line(Endpoint("127.0.0.1", broker.port, None, 5), login(), listener)
    assert line.open() is None
    broker.stop()
    assert line.ended.wait(HANG_S)
    assert line.reason
    line.close()
    absent = Line(Endpoint("127.0.0.1", broker.port, None, 5), login(), listener)
    assert "refused" in (absent.open() or "")
    assert absent.ended.is_set()
    absent.close()


def test_a_peer_that_hangs_up_at_once_may_not_know_this_version() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def hang_up() -> None:
            peer, _ = server.accept()
            peer.recv(1000)
            peer.close()

        threading.Thread(target=hang_up).start()
        line = Line(Endpoint("127.0.0.1", server.getsockname()[1], None, 5), login(), Listener())
        assert line.open() is not None
        assert line.hung_up


def test_a_peer_that_falls_silent_is_noticed() -> None:
    """It answers CONNECT and then nothing: a half-open link."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        peers = []

        def answer_once() -> None:
            peer, _ = server.accept()
            peers.append(peer)
            peer.recv(1000)
            peer.sendall(b"\x20\x03\x00\x00\x00")

        threading.Thread(target=answer_once).start()
        who = login(keepalive_s=1)
        line = Line(Endpoint("127.0.0.1", server.getsockname()[1], None, 5), who, Listener())
        assert line.open() is None
        assert line.ended.wait(HANG_S)
        assert "no sign of life" in (line.reason or "")
        peers[0].close()


def test_the_farewell_is_said_whenever_the_line_is_closed() -> None:
    """Else the broker publishes the Last Will, though who leaves has said so."""

    class ClosedBetween(Line):
        """Another thread closes it just after what it had to say was written."""

        def _write(self) -> None:
            super()._write()
            if self._in_flight:
                self._closing = True

    heard = bytearray()
    with socket.create_server(("127.0.0.1", 0)) as server:

        def listen() -> None:
            peer, _ = server.accept()
            heard.extend(peer.recv(1000))
            peer.sendall(b"\x20\x03\x00\x00\x00")
            while said := peer.recv(1000):
                heard.extend(said)
            peer.close()

        thread = threading.Thread(target=listen)
        thread.start()
        endpoint = Endpoint("127.0.0.1", server.getsockname()[1], None, 5)
        line = ClosedBetween(endpoint, login(), Listener([]))
        assert line.open() is None
        line.announce([("line/said", b"away")])
        assert line.ended.wait(HANG_S)
        thread.join()
    assert heard.count(b"away") == 1
    assert heard.endswith(b"away" + packet.DISCONNECT)


def test_nonsense_from_the_peer_ends_the_line_with_words() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def babble() -> None:
            peer, _ = server.accept()
            peer.recv(1000)
            peer.sendall(packet.pubacks([1]) + b"HTTP/1.1 400 Bad Request" * 9)
            peer.close()

        threading.Thread(target=babble).start()
        line = Line(Endpoint("127.0.0.1", server.getsockname()[1], None, 4), login(), Listener())
        assert "cannot be read" in (line.open() or "")
