"""A MELSEC controller that speaks 3E frames in binary, for tests.

Written from the frame description alone, byte by byte, and with memory of its own kind, so that it
shares neither code nor mistakes with the driver.
"""

import socketserver
import threading
from typing import Self

# Codes of devices, as hexadecimal digits in the frame; bits are kept one per entry.
CODES = {
    "d": "a8", "w": "b4", "r": "af", "zr": "b0", "sd": "a9", "tn": "c2", "cn": "c5",
    "m": "90", "x": "9c", "y": "9d", "b": "a0", "sm": "91",
}  # fmt: skip
BITS = {"90", "9c", "9d", "a0", "91"}


class Melsec:
    """A controller; devices that were never put do not exist."""

    def __init__(self) -> None:
        self.points: dict[tuple[str, int], int] = {}
        self.limit = 960
        self.requests: list[tuple[str, int, int]] = []
        """Code, first number and count of each."""
        self.routes: set[str] = set()
        self.answer_s = 0.0
        self.end_code: str | None = None
        self._pause = threading.Event()
        self._open: set[object] = set()
        self._server: socketserver.ThreadingTCPServer | None = None
        self.port = 0

    def put(self, device: str, number: int, *values: int) -> None:
        for place, value in enumerate(values):
            self.points[CODES[device], number + place] = value

    def __enter__(self) -> Self:
        controller = self

        class Handler(socketserver.BaseRequestHandler):
            def handle(self) -> None:
                controller._open.add(self.request)
                controller._serve(self.request)
                controller._open.discard(self.request)

        class Server(socketserver.ThreadingTCPServer):
            allow_reuse_address = True
            daemon_threads = True

        self._server = Server(("127.0.0.1", self.port), Handler)
        self.port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        assert self._server is not None
        self._pause.set()
        self._server.shutdown()
        for request in list(self._open):
            request.shutdown(2)  # type: ignore[attr-defined]  # sockets
        self._server.server_close()
        self._pause.clear()

    def _serve(self, request: "object") -> None:
        stream = request.makefile("rb")  # type: ignore[attr-defined]  # a socket
        with stream:
            while True:
                try:
                    head = stream.read(9)
                    if len(head) < 9:
                        return
                    body = stream.read(head[7] | head[8] << 8)
                except OSError:
                    return
                self._pause.wait(self.answer_s)
                try:
                    request.sendall(self.answer(head, body))  # type: ignore[attr-defined]  # the same
                except OSError:
                    return

    def answer(self, head: bytes, body: bytes) -> bytes:
        """Return the answer to a frame."""
        route = head[2:7].hex()
        self.routes.add(route)
        content = self._content(body.hex())
        length = len(content) // 2
        text = "d000" + route + f"{length & 0xFF:02x}{length >> 8:02x}" + content
        return bytes.fromhex(text)

    def _content(self, body: str) -> str:
        """End code and data of a request's part behind its length, both as hexadecimal digits."""
        command, subcommand = body[4:8], body[8:12]
        first = int(body[16:18] + body[14:16] + body[12:14], 16)
        code, count = body[18:20], int(body[22:24] + body[20:22], 16)
        self.requests.append((code, first, count))
        # What failed is told with the route and the command that failed.
        told = "00ffff0300" + command + subcommand
        if self.end_code is not None:
            return self.end_code + told
        if command != "0104" or (subcommand == "0100") != (code in BITS):
            return "59c0" + told
        if count > self.limit:
            return "51c0" + told
        if any((code, first + place) not in self.points for place in range(count)):
            return "56c0" + told
        values = [self.points[code, first + place] for place in range(count)]
        if code in BITS:
            digits = "".join("1" if value else "0" for value in values)
            return "0000" + digits + "0" * (len(digits) % 2)
        return "0000" + "".join(f"{value & 0xFF:02x}{value >> 8:02x}" for value in values)
