"""A session that hears nothing, though its connection stands: noticed, renewed, and all arrives."""

import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress

from ingest.broker.mailbox import Mailbox
from ingest.broker.share import Share
from ingest.broker.source import MqttSource
from ingest.selfstat import Selfstat
from plant.clock import system_clock
from plant.settings import BrokerSettings
from tests.integration.fake_edge import FakeEdge
from tests.peers.services import MosquittoBroker
from tests.waiting import wait_until

_PUBLISH = 3


class DeafLine:
    """A line to a broker on which, at first, nothing that is published comes back."""

    def __init__(self, port: int, deaf: int) -> None:
        self.connections = 0
        self._to = port
        self._deaf = deaf
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._threads[0].start()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                near, _ = self._listener.accept()
                far = socket.create_connection(("127.0.0.1", self._to))
                self.connections += 1
                deaf = self.connections <= self._deaf
                for work, ends in ((_pass, (near, far)), (_pass_packets, (far, near, deaf))):
                    thread = threading.Thread(target=work, args=ends, daemon=True)
                    thread.start()
                    self._threads.append(thread)

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for thread in self._threads:
            thread.join()


def _pass(source: socket.socket, sink: socket.socket) -> None:
    with suppress(OSError), source, sink:
        while data := source.recv(65_536):
            sink.sendall(data)
        sink.shutdown(socket.SHUT_RDWR)


def _pass_packets(source: socket.socket, sink: socket.socket, deaf: bool) -> None:
    with suppress(OSError, struct.error, IndexError), source.makefile("rb") as stream:
        while head := stream.read(1):
            length, raw = 0, b""
            while True:
                raw += stream.read(1)
                length |= (raw[-1] & 127) << 7 * (len(raw) - 1)
                if raw[-1] < 128:
                    break
            packet = head + raw + stream.read(length)
            if not (deaf and head[0] >> 4 == _PUBLISH):
                sink.sendall(packet)


@contextmanager
def listening(port: int, selfstat: Selfstat) -> Iterator[MqttSource]:
    source = MqttSource(
        BrokerSettings(port=port),
        "nm-ingest-deaf",
        Mailbox(1_000, 1_000_000),
        system_clock,
        selfstat,
        Share(),
        quiet_s=1,
    )
    source.start()
    try:
        yield source
    finally:
        source.close()


def test_a_deaf_session_is_renewed(broker: MosquittoBroker) -> None:
    selfstat = Selfstat()
    with closing(DeafLine(broker.port, deaf=2)) as line, listening(line.port, selfstat) as source:
        wait_until(lambda: line.connections == 1, what="a connection")
        with closing(FakeEdge(broker.port)) as edge:
            # Only two deaf connections in a row, and the session itself is given up.
            wait_until(
                lambda: selfstat.snapshot().events["session_given_up"] == 1, what="a new session"
            )
            heard = []

            def listen() -> bool:
                edge.publish(0, 1)
                heard.extend(source.receive(10, 0.1))
                return bool(heard)

            wait_until(listen, what="a message")

    assert selfstat.snapshot().events["session_deaf"] == 2


def test_a_quiet_session_is_left_alone(broker: MosquittoBroker) -> None:
    selfstat = Selfstat()
    with listening(broker.port, selfstat) as source, closing(FakeEdge(broker.port)) as edge:
        wait_until(lambda: source.probes() >= 3, what="some probes")
        edge.publish(0, 1)
        wait_until(lambda: source.receive(10, 0.1), what="a message")

    assert selfstat.snapshot().events["session_deaf"] == 0
