"""Calls to other systems: to the address that was let through, once, and with an end."""

import ipaddress
import socket
import threading
import time

import pytest

from plant.errors import TransientError
from plant.outgoing import call
from tests.waiting import HANG_S

LOOPBACK = [ipaddress.ip_network("127.0.0.0/8")]


class Server:
    """Answers each connection on loopback with fixed bytes, a piece at a time."""

    def __init__(self, *pieces: bytes, pause_s: float = 0.0) -> None:
        self.asked: list[bytes] = []
        self._pieces = pieces
        self._pause_s = pause_s
        self._ended = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://name.invalid:{self._listener.getsockname()[1]}/x"
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def _serve(self) -> None:
        connection, _ = self._listener.accept()
        with connection:
            asked = b""
            # Head and body may come in two pieces.
            while not asked.endswith(b"said") and (more := connection.recv(10_000)):
                asked += more
            self.asked.append(asked)
            for piece in self._pieces:
                try:
                    connection.sendall(piece)
                except OSError:
                    return
                self._ended.wait(self._pause_s)

    def close(self) -> None:
        self._ended.set()
        self._thread.join()
        self._listener.close()


def asked(server: Server, **more: float) -> tuple[int, bytes]:
    try:
        answer = call(
            "POST",
            server.url,
            body=b"said",
            networks=LOOPBACK,
            resolve=lambda _host, _port: ["127.0.0.1"],
            **more,  # type: ignore[arg-type]
        )
    finally:
        server.close()
    return answer.status, answer.body


def test_a_call_goes_to_the_address_that_was_let_through_under_its_name() -> None:
    server = Server(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")

    assert asked(server) == (200, b"ok")
    assert b"Host: name.invalid:" in server.asked[0]
    assert server.asked[0].endswith(b"said")


def test_nobody_follows_a_redirection() -> None:
    away = b"HTTP/1.1 302 Found\r\nLocation: http://169.254.169.254/\r\nContent-Length: 0\r\n\r\n"

    assert asked(Server(away)) == (302, b"")


def test_an_answer_without_end_is_cut_off() -> None:
    endless = b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 200_000

    with pytest.raises(TransientError, match="more than 1000 bytes"):
        asked(Server(endless), most_bytes=1000)


@pytest.mark.parametrize("start", [b"HTTP/1.1 200 OK\r\n\r\n", b"HTTP/1.1 200 OK\r\nX: "])
def test_an_answer_letter_by_letter_has_an_end(start: bytes) -> None:
    began = time.monotonic()

    with pytest.raises(TransientError):
        asked(Server(start, *[b"x"] * 100_000, pause_s=0.05), timeout_s=0.4)
    assert time.monotonic() - began < HANG_S
