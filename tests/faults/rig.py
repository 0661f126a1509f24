"""A whole platform to break: real mosquitto, TimescaleDB and ingest, with proxies between them."""

import subprocess
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import psycopg
import yaml

from plant.description import PlantDescription
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

    def __init__(self, edges: list[str]) -> None:
        self._edges = edges
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
        # A killed broker comes back as it was up to a second ago.
        self.broker = brokers(settings=["autosave_interval 1", "max_inflight_messages 4000"])
        self._make_disks()
        prepare = self.database_disk.mount if self.database_disk else lambda _: None
        self.server = enter(PostgresServer.timescale(_SERVER, prepare))
        if self.database_disk:
            self._stack.callback(self.database_disk.unmount)
        self._stack.callback(self.server.kill)
        self.database = self.server.settings(self.server.create_database())
        migrate(self.database)
        load_plant(self.database, _plant(self._edges))
        self.edge_line = enter(Proxy(self.broker.port))
        self.ingest_line = enter(Proxy(self.broker.port))
        self.database_line = enter(Proxy(self.server.port))
        self.metrics_port = free_port()
        self._stack.callback(self._end_ingests)
        self.start_ingest()

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
            "broker": {"port": self.ingest_line.port, "keepalive_s": KEEPALIVE_S},
            "database": database
            | {"port": self.database_line.port, "password": self.database.secret()},
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
            "broker": {"port": self.edge_line.port, "keepalive_s": KEEPALIVE_S},
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
