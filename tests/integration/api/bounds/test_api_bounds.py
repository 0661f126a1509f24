"""What a request may be: its host, its bytes, its body, its time; on a real server."""

import contextlib
import resource
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from api.http import protocol
from tests.peers.services import free_port
from tests.waiting import HANG_S, wait_until

MOST_MEMORY_MB = 300
OPEN_PATHS = ("/api/v1/edge-certificates", "/sign-in", "/health/live", "/static/x", "/metrics")


class Server:
    """The API as a process of its own, whose memory is its own."""

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        settings = {"port": self.port, "database": {"port": 1}, "hosts": ["nm.example"]}
        file = folder / "api.yaml"
        file.write_text(yaml.safe_dump(settings))
        command = [sys.executable, "-m", "nhipmay", "api", "--settings", str(file)]
        self.process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
        wait_until(self._answers, what="the API to answer")

    def _answers(self) -> bool:
        assert self.process.poll() is None
        try:
            return self.ask(b"GET /health/live HTTP/1.1\r\nHost: localhost\r\n\r\n")[0] == 200
        except OSError:
            return False

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=HANG_S)

    def ask(self, head: bytes) -> tuple[int, bytes]:
        with self.connect() as line:
            line.sendall(head)
            return answer_on(line)

    @property
    def peak_mb(self) -> float:
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        (peak,) = (row.split()[1] for row in status.splitlines() if row.startswith("VmHWM"))
        return int(peak) / 1024


def answer_on(line: socket.socket) -> tuple[int, bytes]:
    """Return status and first bytes of the body of the answer; (0, b"") when there is none."""
    got = b""
    while b"\r\n\r\n" not in got:
        part = line.recv(65536)
        if not part:
            return 0, got
        got += part
    head, _, body = got.partition(b"\r\n\r\n")
    return int(head.split()[1]), body


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    server = Server(tmp_path_factory.mktemp("api"))
    yield server
    server.process.terminate()
    server.process.wait()


@pytest.mark.parametrize("path", [*OPEN_PATHS, "/api/v1/mes/products", "/api/v1/places"])
@pytest.mark.parametrize("chunked", [True, False])
def test_a_huge_body_is_refused_wherever_it_goes_and_kept_nowhere(
    server: Server, path: str, chunked: bool
) -> None:
    how = b"Transfer-Encoding: chunked" if chunked else b"Content-Length: 314572800"
    with server.connect() as line:
        head = f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        line.sendall(head.encode() + how + b"\r\n\r\n")
        block = b" " * 65536
        piece = b"10000\r\n" + block + b"\r\n" if chunked else block
        # Beyond every route's limit; what is not read after the answer need not be sent.
        with contextlib.suppress(OSError):
            for _ in range(320):
                line.sendall(piece)
        status, body = answer_on(line)

    # A path that takes no body may say so before it has read one.
    takes = path in {"/api/v1/edge-certificates", "/sign-in"} or not chunked
    assert status in ({413} if takes else {403, 404, 405, 413}), body
    assert server.peak_mb < MOST_MEMORY_MB


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("localhost", 200),
        ("LOCALHOST:8000", 200),
        ("127.0.0.1:9", 200),
        ("[::1]:8000", 200),
        ("nm.example", 200),
        ("evil.example", 421),
        ("evil.example:8000", 421),
        ("localhost.evil.example", 421),
        ("nm.example.evil", 421),
        ("127.0.0.1.evil.example", 421),
        ("", 421),
        ("localhost@evil.example", 421),
        ("[::1].evil", 421),
    ],
)
def test_a_foreign_host_is_refused(server: Server, host: str, status: int) -> None:
    assert server.ask(f"GET /health/live HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())[0] == status


@pytest.mark.parametrize(
    "address",
    ["/api/v1/tags?place=a%00b", "/place/a%00", "/board/hours/x%00", "/?lang=%00", "/%00"],
)
def test_a_zero_byte_in_an_address_is_a_bad_request(server: Server, address: str) -> None:
    status, body = server.ask(f"GET {address} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())

    assert status == 400, body


def test_half_open_requests_hold_up_nobody(server: Server) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 4096), hard))
    try:
        with contextlib.ExitStack() as lines:
            held = []
            for _ in range(1_100):
                line = lines.enter_context(server.connect())
                with contextlib.suppress(OSError):
                    line.sendall(b"GET / HTTP/1.1\r\nHost: local")
                held.append(line)

            assert server.ask(b"GET /health/live HTTP/1.1\r\nHost: localhost\r\n\r\n")[0] == 200
            assert server.peak_mb < MOST_MEMORY_MB
            ended = sum(is_ended(line) for line in held)
            assert ended >= 1_100 - protocol.MOST_WAITING - 1
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def is_ended(line: socket.socket) -> bool:
    line.setblocking(False)
    try:
        return line.recv(1) == b""
    except BlockingIOError:
        return False
    except OSError:
        return True


BEGUN = [
    b"",
    b"GET /health/live HTTP/1.1\r\nHost: loc",
    b"GET /health/live HTTP/1.1\r\nHost: localhost\r\n\r\nGET /he",
]


def test_what_does_not_come_is_not_waited_for(server: Server) -> None:
    with contextlib.ExitStack() as lines:
        heads = [lines.enter_context(server.connect()) for _ in BEGUN]
        for line, begun in zip(heads, BEGUN, strict=True):
            line.sendall(begun)
        body = lines.enter_context(server.connect())
        body.sendall(
            b"POST /api/v1/edge-certificates HTTP/1.1\r\nHost: localhost\r\n"
            b"Content-Type: application/json\r\nContent-Length: 900\r\n\r\n{"
        )

        for line in heads:
            # Until the end: longer than the socket's own patience would be a failure.
            with contextlib.suppress(ConnectionResetError):
                while line.recv(65536):
                    pass
        assert answer_on(body)[0] == 408
