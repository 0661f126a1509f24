"""A whole platform to break: real mosquitto, TimescaleDB and ingest, with proxies between them."""

import os
import signal
import subprocess
import sys
import tempfile
from contextlib import ExitStack, suppress
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import psycopg
import yaml

from nhipmay.authority import create_authority
from plant.description import PlantDescription
from plant.identity import Authority, Identity, new_key
from plant.native.message import EdgeAddress
from store import load_plant, migrate
from tests.faults.disk import SmallDisk
from tests.faults.proxy import Proxy
from tests.ingest_counters import unsettled
from tests.peers.postgres import PostgresServer
from tests.peers.services import BrokerFactory, ServiceAbsentError, free_port, url_of

ROOT = Path(__file__).resolve().parents[2]
ENTERPRISE, SITE = "thu-loi", "nha-may"
KEEPALIVE_S = 5

# The rest is as of all tests: not even commits wait for the disk, unless who commits insists.
_SERVER = {"min_wal_size": "32MB", "max_wal_size": "128MB"}


def address(edge: str) -> EdgeAddress:
    """Return an edge of the rig as topics name it."""
    return EdgeAddress(ENTERPRISE, SITE, edge)


class Rig:
    """The services of many rounds; leaving the context ends them and removes what they wrote."""

    def __init__(self, edges: list[str], *, tls: bool = False) -> None:
        """Remember the edges, and whether all lines speak TLS."""
        self._edges = edges
        self.tls = tls
        self._frozen: list[int] = []
        self._stack = ExitStack()
        self._ingests: dict[str, subprocess.Popen[bytes]] = {}
        self.edge_disk: SmallDisk | None = None
        self.database_disk: SmallDisk | None = None
        self.no_disk: str = ""
        """Why there is no disk that can be full; empty when there is."""

    def __enter__(self) -> Self:
        try:
            self._set_up()
        except BaseException:  # an interrupted set-up, too, leaves no server running
            self._stack.close()
            raise
        return self

    def __exit__(
        self,
        _type: type[BaseException] | None,
        _exc: BaseException | None,
        _tb: TracebackType | None,
    ) -> None:
        self._stack.close()

    def _set_up(self) -> None:
        enter = self._stack.enter_context
        self.folder = Path(enter(tempfile.TemporaryDirectory(prefix="nhipmay-faults-")))
        brokers = BrokerFactory()
        self._stack.callback(brokers.remove_all)
        broker_port, settings, files = self._listener()
        # A killed broker comes back as it was up to a second ago.
        settings += ["autosave_interval 1", "max_inflight_messages 4000"]
        self.broker = brokers(settings=settings, files=files)
        self._make_disks()
        prepare = self.database_disk.mount if self.database_disk else lambda _: None
        self.server = enter(PostgresServer.timescale(_SERVER, prepare))
        if self.database_disk:
            self._stack.callback(self.database_disk.unmount)
        self._stack.callback(self.server.kill)
        self.database = self.server.settings(self.server.create_database())
        migrate(self.database)
        load_plant(self.database, _plant(self._edges))
        if self.tls:
            self._encrypt_database()
        self.image = self.folder / "database"
        """Where a copy of the database's files may lie."""
        self.edge_line = enter(Proxy(broker_port or self.broker.port))
        self.ingest_line = enter(Proxy(broker_port or self.broker.port, speaks_mqtt=not self.tls))
        self.database_line = enter(Proxy(self.server.port))
        self.metrics_port = free_port()
        self._stack.callback(self._end_ingests)
        self.start_ingest()

    def _listener(self) -> tuple[int, list[str], dict[str, str]]:
        """Return port, settings and files of the broker's listener for TLS; nothing without it."""
        if not self.tls:
            return 0, [], {}
        self.secrets = self.folder / "secrets"
        self.secrets.mkdir()
        create_authority(self.secrets, [])
        port = free_port()
        certificate = "{folder}/broker.pem"
        settings = [f"listener {port} 127.0.0.1", f"certfile {certificate}"]
        settings.append(f"keyfile {certificate}")
        return port, settings, {"broker.pem": self._identity("broker").decode("ascii")}

    def _identity(self, name: str) -> bytes:
        """Return key and certificate of a server that is called localhost."""
        authority = Authority.from_pem((self.secrets / "authority-services").read_bytes())
        key = new_key()
        now = datetime.now(UTC)
        return Identity(
            key, authority.for_server(name, key.public_key(), now, ["localhost"])
        ).to_pem()

    def _encrypt_database(self) -> None:
        file = self.server.folder / "data" / "tls-database"
        file.write_bytes(self._identity("database"))
        file.chmod(0o600)
        self.server.host.give(file)
        settings = {"ssl_cert_file": file.name, "ssl_key_file": file.name, "ssl": "on"}
        with psycopg.connect(self.server.url(), autocommit=True) as superuser:
            for name, value in settings.items():
                superuser.execute(f"alter system set {name} = '{value}'".encode())
            superuser.execute("select pg_reload_conf()")

    def _by(self, line: Proxy) -> dict[str, Any]:
        """Return the settings of a connection through a line."""
        if not self.tls:
            return {"port": line.port}
        tls = {"ca_file": str(self.secrets / "authority-services.pem")}
        return {"host": "localhost", "port": line.port, "tls": tls}

    # --- processes that stand still ---

    def freeze(self, pids: list[int]) -> None:
        """Stop processes as a debugger or a starved machine would."""
        for pid in pids:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGSTOP)
                self._frozen.append(pid)

    def thaw(self) -> None:
        """Let everything that was stopped go on."""
        while self._frozen:
            with suppress(ProcessLookupError):
                os.kill(self._frozen.pop(), signal.SIGCONT)

    def ingest_pids(self) -> list[int]:
        """Return the processes of the ingests that run."""
        return [one.pid for one in self._ingests.values() if one.poll() is None]

    def _make_disks(self) -> None:
        disk = SmallDisk()
        self.outbox_folder = self.folder / "outboxes"
        self.outbox_folder.mkdir()
        try:
            disk.mount(self.outbox_folder)
        except ServiceAbsentError as reason:
            self.no_disk = str(reason)
            return
        self._stack.callback(disk.unmount)
        self.edge_disk = disk
        self.database_disk = SmallDisk()

    # --- the ingest ---

    def start_ingest(self, name: str = "1", instance: str = "1") -> None:
        """Start an ingest; several of the same instance take each other's connection away."""
        database = self.database.model_dump(mode="json", exclude={"password", "password_file"})
        first = name == "1"
        content: dict[str, Any] = {
            "broker": self._by(self.ingest_line) | {"keepalive_s": KEEPALIVE_S},
            "database": database
            | self._by(self.database_line)
            | {"password": self.database.secret()},
            "kept_file": str(self.folder / "kept.jsonl"),
            "instance": instance,
        }
        if first:
            content["metrics_port"] = self.metrics_port
        file = self.folder / f"ingest-{name}.yaml"
        file.write_text(yaml.safe_dump(content))
        self._ingests[name] = self._start(file, "nhipmay", "ingest")

    def kill_ingest(self, name: str = "1") -> None:
        """Kill an ingest as a power cut would."""
        process = self._ingests.pop(name)
        process.kill()
        process.wait()

    def check_ingest(self) -> None:
        """Raise AssertionError when an ingest has ended by itself."""
        for name, process in self._ingests.items():
            code = process.poll()
            assert code is None, f"ingest {name} ended with code {code}: {self.log('ingest')}"

    def _end_ingests(self) -> None:
        for name in list(self._ingests):
            self.kill_ingest(name)

    def unsettled(self) -> dict[str, float] | None:
        """Return received less written, duplicate and rejected, of messages and of measurements.

        None while the ingest does not answer.
        """
        return unsettled(self.metrics_port)

    # --- edges ---

    def start_edge(self, edge: str, sources: dict[str, Any], clock_file: Path) -> "EdgeProcess":
        """Start an agent with the outbox of that edge."""
        content = {
            "edge": {"enterprise": ENTERPRISE, "site": SITE, "code": edge},
            "broker": self._by(self.edge_line) | {"keepalive_s": KEEPALIVE_S},
            "outbox": {"file": str(self.outbox(edge)), "flush_interval_ms": 20},
            "publishing": {
                "linger_ms": 50,
                "batch_rows": 50,
                "ack_timeout_s": 1,
                "status_interval_s": 1,
            },
            "sources": sources,
        }
        file = self.folder / f"{edge}.yaml"
        file.write_text(yaml.safe_dump(content, allow_unicode=True), encoding="utf-8")
        return self._start(file, "tests.faults.stepped_edge", str(clock_file), "edge")

    def outbox(self, edge: str) -> Path:
        """Return the outbox file of an edge."""
        return self.outbox_folder / edge / "outbox.sqlite"

    def _start(self, file: Path, module: str, *arguments: str) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", module, *arguments, "--settings", str(file)]
        with (self.folder / f"{file.stem}.log").open("ab") as output:
            return subprocess.Popen(
                command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=output, stderr=output
            )

    def log(self, beginning: str) -> str:
        """Return the last lines of the logs whose name begins so."""
        return "\n".join(
            f"--- {file.name}\n" + "\n".join(file.read_text(errors="replace").splitlines()[-25:])
            for file in sorted(self.folder.glob(f"{beginning}*.log"))
        )

    # --- the database ---

    def fetched(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        """Ask the database itself, past the proxy."""
        with psycopg.connect(url_of(self.database)) as connection:
            return connection.execute(query.encode(), values).fetchall()

    def whole_again(self) -> None:
        """Undo whatever is still broken, so that the next round begins in order."""
        self.thaw()
        for disk in (self.edge_disk, self.database_disk):
            if disk is not None:
                disk.empty()
        for line in (self.edge_line, self.ingest_line, self.database_line):
            line.mend(breaking=True)
        if self.broker.process is None:
            self.broker.start()
        self.server.revive()
        for name in list(self._ingests):
            if name != "1" or self._ingests[name].poll() is not None:
                self.kill_ingest(name)
        if "1" not in self._ingests:
            self.start_ingest()


EdgeProcess = subprocess.Popen[bytes]


def _plant(edges: list[str]) -> PlantDescription:
    machines = [{"code": edge, "name_vi": f"Máy {edge}"} for edge in edges]
    line = {"code": "day-chuyen", "name_vi": "Dây chuyền", "work_units": machines}
    area = {"code": "xuong", "name_vi": "Xưởng", "work_centers": [line]}
    site = {"code": SITE, "name_vi": "Nhà máy", "edges": edges, "areas": [area]}
    return PlantDescription.model_validate(
        {"enterprise": {"code": ENTERPRISE, "name_vi": "Thử lỗi"}, "sites": [site]}
    )
