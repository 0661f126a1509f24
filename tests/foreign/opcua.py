"""OPC UA servers of other stacks, each in a process of its own on a loopback port."""

import json
import signal
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

from tests.foreign.running import PROGRAMS, Process, in_node, peer_folder, tell
from tests.peers.services import free_port

Variable = dict[str, Any]


def milliseconds(moment: datetime) -> int:
    return round(moment.timestamp() * 1000)


class _Server:
    """A process that is told by lines and answers each with one."""

    def __init__(self) -> None:
        self.port = free_port()
        self._process: Process | None = None
        self._folder = tempfile.TemporaryDirectory()
        # Open as long as the server runs.
        self._errors = Path(self._folder.name, "errors.log").open("w")  # noqa: SIM115

    @property
    def endpoint(self) -> str:
        return f"opc.tcp://127.0.0.1:{self.port}/"

    def _run(self, command: Sequence[object]) -> str:
        self._process = subprocess.Popen(
            [str(part) for part in command],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            text=True,
        )
        return self._line()

    def _line(self) -> str:
        assert self._process is not None
        assert self._process.stdout is not None
        for line in self._process.stdout:
            if line.startswith(("{", "ready", "ok", "unknown")) or line.strip().isdecimal():
                return line.strip()
        said = Path(self._errors.name).read_text(encoding="utf-8")[-2000:]
        raise AssertionError(f"the server ended with code {self._process.wait()}: {said}")

    def _say(self, line: str) -> str:
        assert self._process is not None
        tell(self._process, line)
        return self._line()

    def kill(self) -> None:
        """End it as a power cut does."""
        if self._process is not None:
            self._process.kill()
            self._process.communicate()
            self._process = None

    stop = kill

    def start(self) -> None:
        raise NotImplementedError

    def freeze(self, *, frozen: bool) -> None:
        """Stop the process in its tracks, or let it go on."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP if frozen else signal.SIGCONT)

    def close(self) -> None:
        self.kill()
        self._errors.close()
        self._folder.cleanup()


class NodeOpcUaServer(_Server):
    """A server of node-opcua; what it was told is there again after `stop` and `start`."""

    namespace = 2

    def __init__(self, **options: Any) -> None:
        super().__init__()
        self._modules = peer_folder("node-opcua")
        self.options: dict[str, Any] = {"variables": [], **options}
        self._latest: dict[str, Variable] = {}
        self._written: list[Variable] = []

    def start(self) -> None:
        folder = Path(self._folder.name)
        options = {"port": self.port, "folder": str(folder), **self.options}
        ready = json.loads(
            self._run(in_node(self._modules, "node_opcua_server.js", json.dumps(options)))
        )
        self.namespace = ready["ready"]
        for what in self._written:
            self.do("write", **what)

    def do(self, what: str, **details: Any) -> Any:
        answer = json.loads(self._say(json.dumps({"do": what, **details})))
        assert "error" not in answer, answer["error"]
        return answer["answer"]

    def add(self, name: str, kind: str, value: object, time: datetime | None, **more: Any) -> None:
        """Give it one more variable, now or at its next start."""
        what = {"name": name, "type": kind, "value": value, **more}
        if time is not None:
            what["time"] = milliseconds(time)
        self.options["variables"].append(what)
        if self._process is not None:
            self.do("add", **what)

    def write(self, name: str, value: object, time: datetime | None, **more: Any) -> None:
        """Set a value; `status` is a name of node-opcua, `unseen` keeps it to the history."""
        what = {"name": name, "value": value, **more}
        if time is not None:
            what["time"] = milliseconds(time)
        self._written.append(what)
        if self._process is not None:
            self.do("write", **what)


class MiloServer(_Server):
    """A server of Eclipse Milo, without history; values are kept over `stop` and `start`."""

    namespace = 2

    def __init__(
        self,
        *,
        items_per_call: int = 1000,
        sessions: int = 20,
        secure: bool = False,
        trusted: Path | None = None,
        witness: Path | None = None,
    ) -> None:
        """`witness` is a file in which it notes what its own sampling saw."""
        super().__init__()
        self._witness = witness
        self._archives = peer_folder("milo")
        self.items_per_call, self.sessions = items_per_call, sessions
        self._secure = secure
        self._trusted = trusted
        self._first: dict[str, str] = {}

    def trust(self, certificate: Path) -> None:
        """Have it believe a client, from its next start on."""
        self._trusted = certificate

    def start(self) -> None:
        given = (self.port, self.items_per_call, self.sessions)
        self._run(
            [
                *("env", f"TRUSTED={self._trusted or ''}"),
                *([f"WITNESS={self._witness}"] if self._witness else []),
                *("java", "-XX:TieredStopAtLevel=1", "-cp", self._archives / "jars" / "*"),
                *(PROGRAMS / "MiloServer.java", self._folder.name, *given),
                "secure" if self._secure else "open",
                *self._first.values(),
            ]
        )

    def add(self, name: str, kind: str, value: object, time: datetime) -> None:
        """Give it one more variable, now or at its next start."""
        self._first[name] = f"add\t{name}\t{kind}\t{value}\t{milliseconds(time)}"
        if self._process is not None:
            self._say(self._first[name])

    def add_many(self, count: int, time: datetime) -> None:
        """Give it variables `v0`, `v1`, … at its next start."""
        self._first["many"] = f"many\t{count}\t{milliseconds(time)}"

    def write(self, name: str, value: object, time: datetime | None) -> None:
        kind = self._first[name].split("\t")[2]
        moment = "-" if time is None else milliseconds(time)
        self._first[name] = f"add\t{name}\t{kind}\t{value}\t{moment}"
        if self._process is not None:
            self._say(f"write\t{name}\t{kind}\t{value}\t{moment}")

    def count(self, what: str) -> int:
        """Return how many `sessions` it has, or how many subscriptions it was made to `lose`."""
        return int(self._say(what))


ServerT = TypeVar("ServerT", bound=_Server)


@contextmanager
def running(server: ServerT) -> Iterator[ServerT]:
    """Start a server, and end it with all that it kept."""
    try:
        server.start()
        yield server
    finally:
        server.close()
