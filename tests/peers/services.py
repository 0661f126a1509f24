"""The real servers that tests talk to: where they run, and mosquitto (see also `postgres.py`).

`setup/test_services.py` says what the machine has. Each server is private to the test run: a free
loopback port, a folder of its own thrown away at the end, a user that is not root. It ends with
its fixture; when the tests are killed instead, the kernel ends it (`setpriv --pdeathsig`).
"""

import json
import os
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nhipmay.demo.ports import free_ports
from plant.settings import DatabaseSettings
from tests.waiting import AGAIN_S, HANG_S, wait_until

CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "nhipmay"
FOLDER = "nhipmay-test"


class ServiceAbsentError(Exception):
    """The machine lacks a service; says which and why."""


@dataclass(frozen=True, slots=True)
class Host:
    """Where a server runs: what its commands start with, its root folder, its files' owner."""

    prefix: tuple[str, ...] = ()
    root: Path = Path("/")
    owner: tuple[int, int] | None = None

    def make_folder(self) -> Path:
        """Return a new empty folder that the server may write to, as this process sees it."""
        parent = self.root / "tmp"
        for left_over in parent.glob(f"{FOLDER}-*"):
            if not process_lives(int(left_over.name.split("-")[2])):
                shutil.rmtree(left_over, ignore_errors=True)
        folder = Path(tempfile.mkdtemp(prefix=f"{FOLDER}-{os.getpid()}-", dir=parent))
        self.give(folder)
        return folder

    def give(self, path: Path) -> None:
        """Make the server's user the owner of a file."""
        if self.owner:
            os.chown(path, *self.owner)

    def seen(self, path: Path) -> str:
        """Return `path` as the server sees it."""
        return f"/{path.relative_to(self.root)}"

    def run(self, *command: str) -> None:
        """Run a command beside the server.

        Raises:
            AssertionError: it failed; with what it printed.
        """
        done = subprocess.run(
            [*self.prefix, *command], cwd="/", capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, f"{command[0]}: {done.stdout}{done.stderr}"

    def start(self, command: Sequence[str], log: Path) -> subprocess.Popen[bytes]:
        """Start the server, out of reach of the terminal's Ctrl-C: its fixture ends it."""
        with log.open("ab") as output:
            return subprocess.Popen(
                [*self.prefix, *command],
                cwd="/",
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )


def process_lives(pid: int) -> bool:
    """Tell whether a process of that id is running."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def free_port() -> int:
    """Return a loopback TCP port that nothing listens on."""
    return free_ports(["server"])["server"]


def recorded(service: str) -> dict[str, Any]:
    """Return what `setup/test_services.py` wrote about a service.

    Raises:
        ServiceAbsentError: with the reason.
    """
    record = CACHE / "test-services.json"
    if not record.exists():
        raise ServiceAbsentError("no test services yet: run `python setup/test_services.py`")
    entries: dict[str, dict[str, Any]] = json.loads(record.read_text())
    if service not in entries:
        raise ServiceAbsentError(f"{service}: {entries['missing'].get(service, 'not recorded')}")
    return entries[service]


def host_of(entry: Mapping[str, Any]) -> Host:
    """Return the host of a recorded server."""
    owner = entry["owner"]
    return Host(tuple(entry["prefix"]), Path(entry["root"]), tuple(owner) if owner else None)


def end(process: subprocess.Popen[bytes], how: signal.Signals) -> None:
    """Signal a server and wait for its end; one that does not obey is killed."""
    process.send_signal(how)
    try:
        process.wait(HANG_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def url_of(database: DatabaseSettings) -> str:
    """Return the address of a database, for tools and drivers."""
    return (
        f"postgresql://{database.user}:{database.secret()}"
        f"@{database.host}:{database.port}/{database.name}"
    )


@dataclass(slots=True)
class MosquittoBroker:
    """A mosquitto on a loopback port that stays its own through stops, kills and restarts."""

    host: Host
    folder: Path
    port: int
    command: tuple[str, ...]
    process: subprocess.Popen[bytes] | None = None
    others: tuple[int, ...] = ()
    """The ports of its other listeners, which it opens one after another."""

    @property
    def log(self) -> str:
        """What the broker has logged since it was created."""
        return "".join(
            path.read_text(errors="replace")
            for name in ("output.log", "mosquitto.log")
            if (path := self.folder / name).exists()
        )

    def start(self) -> None:
        """Start the broker and wait until all its listeners are open; sessions it kept are back."""
        assert self.process is None, "the broker is already running"
        self.process = self.host.start(self.command, self.folder / "output.log")
        try:
            wait_until(self._answers, what="mosquitto to answer")
        except AssertionError as exc:
            self.kill()
            raise AssertionError(f"{exc}; its log ends with\n{self.log[-2000:]}") from exc

    def _answers(self) -> bool:
        assert self.process is not None
        if self.process.poll() is not None:
            raise AssertionError(f"mosquitto ended with code {self.process.returncode}")
        try:
            for port in (self.port, *self.others):
                socket.create_connection(("127.0.0.1", port), timeout=AGAIN_S).close()
        except OSError:
            return False
        return True

    def stop(self) -> None:
        """Stop the broker as an administrator would: it keeps sessions and messages on disk."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """Take the broker away as a power cut would: what it had in memory only is lost."""
        self._end(signal.SIGKILL)

    def _end(self, how: signal.Signals) -> None:
        if self.process is not None:
            end(self.process, how)
            self.process = None

    def wipe(self) -> None:
        """Throw away what the stopped broker kept: sessions, messages, retained ones."""
        assert self.process is None, "the broker is still running"
        for file in self.folder.glob("mosquitto.db*"):
            file.unlink()

    def restart(self) -> None:
        """Stop and start the broker."""
        self.stop()
        self.start()

    def remove(self) -> None:
        """Kill the broker and throw its folder away; a second time does nothing."""
        self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)


class BrokerFactory:
    """Starts brokers and removes them all at the end."""

    def __init__(self) -> None:
        self._entry = recorded("mosquitto")
        self._brokers: list[MosquittoBroker] = []

    def __call__(
        self,
        *,
        passwords: Mapping[str, str] | None = None,
        settings: Iterable[str] = (),
        files: Mapping[str, str] | None = None,
    ) -> MosquittoBroker:
        """Return a started broker.

        Args:
            passwords: users and their passwords; without them anyone may connect.
            settings: more lines of mosquitto.conf; `{folder}` in them is the broker's folder.
            files: files put into that folder (an ACL, certificates), by name.
        """
        host = host_of(self._entry)
        folder = host.make_folder()
        inside = host.seen(folder)
        port = free_port()
        lines = [
            f"listener {port} 127.0.0.1",
            f"allow_anonymous {'false' if passwords else 'true'}",
            "persistence true",
            f"persistence_location {inside}/",
            # The default of 1000 is far below what gathers while a consumer is away.
            "max_queued_messages 1000000",
            "set_tcp_nodelay true",
            f"log_dest file {inside}/mosquitto.log",
            "log_timestamp_format %Y-%m-%dT%H:%M:%S",
            *(line.replace("{folder}", inside) for line in settings),
        ]
        written = dict(files or {})
        if passwords:
            lines.append(f"password_file {inside}/passwords")
            written["passwords"] = "".join(f"{user}:{word}\n" for user, word in passwords.items())
        written["mosquitto.conf"] = "\n".join(lines) + "\n"
        for name, text in written.items():
            path = folder / name
            path.write_text(text)
            path.chmod(0o600)
            host.give(path)
        if passwords:
            host.run("mosquitto_passwd", "-U", f"{inside}/passwords")
        command = (self._entry["program"], "-c", f"{inside}/mosquitto.conf")
        others = tuple(int(line.split()[1]) for line in lines[1:] if line.startswith("listener "))
        broker = MosquittoBroker(host, folder, port, command, others=others)
        self._brokers.append(broker)
        broker.start()
        return broker

    def remove_all(self) -> None:
        """Remove every broker started here."""
        for broker in self._brokers:
            broker.remove()
