"""A Modbus server in Go (simonvetter/modbus), which takes one client at a time."""

import os
import shutil
import socket
import subprocess
import termios
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.foreign.running import PROGRAMS, Process, peer, peer_folder, tell
from tests.peers.services import free_port


class GoModbus:
    """A running server; words are given as numbers."""

    def __init__(self, process: Process, port: int, rtu_port: int) -> None:
        self._process = process
        self.port, self.rtu_port = port, rtu_port

    def set(self, unit: int, space: str, start: int, *words: int) -> None:
        self.do(f"set {unit} {space} {start} {' '.join(map(str, words))}")

    def do(self, command: str) -> int:
        """Give a command; return how many requests there have been."""
        tell(self._process, command)
        assert self._process.stdout is not None
        return int(self._process.stdout.readline().removeprefix("done "))

    @contextmanager
    def serial_line(self) -> Iterator[str]:
        """A pair of pseudo terminals as a serial line with the server at its other end."""
        ours, theirs = os.openpty()
        for side in (ours, theirs):
            mode = termios.tcgetattr(side)
            mode[0] = mode[1] = mode[3] = 0
            termios.tcsetattr(side, termios.TCSANOW, mode)
        link = socket.create_connection(("127.0.0.1", self.rtu_port))

        def pass_on(take: int, give: int) -> None:
            while data := os.read(take, 4096):
                os.write(give, data)

        threads = [
            threading.Thread(target=_until_closed, args=(pass_on, *ends), daemon=True)
            for ends in ((ours, link.fileno()), (link.fileno(), ours))
        ]
        for thread in threads:
            thread.start()
        try:
            yield os.ttyname(theirs)
        finally:
            link.shutdown(socket.SHUT_RDWR)
            os.close(theirs)
            for thread in threads:
                thread.join()
            link.close()
            os.close(ours)


def _until_closed(pass_on: Callable[[int, int], None], take: int, give: int) -> None:
    try:
        pass_on(take, give)
    except OSError:
        return


def built(folder: Path) -> Path:
    """Build the program in a folder; skips the test where the peer is not there."""
    modules = peer_folder("modbus-go")
    program = folder / "modbus_server"
    for name in ("go.mod", "go.sum"):
        shutil.copy(modules / name, folder / name)
    shutil.copy(PROGRAMS / "modbus_server.go", folder / "main.go")
    environment = os.environ | {"GOMODCACHE": str(modules / "mod"), "GOPROXY": "off"}
    environment["GOFLAGS"] = "-mod=mod -modcacherw"
    done = subprocess.run(
        ["go", "build", "-o", str(program), "."],
        cwd=folder, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return program


@contextmanager
def running(program: Path) -> Iterator[GoModbus]:
    port, rtu_port = free_port(), free_port()
    with peer(program, port, rtu_port) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        yield GoModbus(process, port, rtu_port)
