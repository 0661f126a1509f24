"""A door in front of a broker that lets no MQTT 5 client through."""

import contextlib
import socket
import threading
from typing import Self

from tests.waiting import HANG_S

UNSUPPORTED_VERSION = b"\x20\x03\x00\x84\x00"
"""CONNACK of MQTT 5 with reason code 0x84, no properties."""


class OldBroker:
    """Forwards connections to a real broker, but answers those of MQTT 5 with `answer`."""

    def __init__(self, broker_port: int, answer: bytes) -> None:
        self._broker_port = broker_port
        self._answer = answer
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.versions: list[int] = []
        """Protocol levels of the connections so far: 4 is MQTT 3.1.1."""

    def __enter__(self) -> Self:
        threading.Thread(target=self._listen, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.close()

    def _listen(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with client:
            first = client.recv(4096)
            level = first[first.index(b"MQTT") + 4]
            self.versions.append(level)
            if level == 5:
                client.sendall(self._answer)
                return
            with socket.create_connection(("127.0.0.1", self._broker_port)) as broker:
                broker.sendall(first)
                back = threading.Thread(target=_pump, args=(broker, client), daemon=True)
                back.start()
                _pump(client, broker)
                back.join(HANG_S)


def _pump(source: socket.socket, sink: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            sink.sendall(data)
        sink.shutdown(socket.SHUT_WR)
