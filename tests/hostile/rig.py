"""A whole platform for hostile senders: broker, database with triggers, an ingest of all kinds."""

import subprocess
import sys
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import paho.mqtt.client as paho
import yaml
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

from store import connect, load_plant, migrate
from tests.hostile import native_letters, other_letters, witness
from tests.hostile.injection import Triggers
from tests.hostile.letter import DEVICE_EDGE, EDGES, NODE_EDGE, ODD_EDGE, Author, Letter
from tests.hostile.witness import Witness
from tests.ingest_counters import unsettled
from tests.peers.mqtt import patient
from tests.peers.postgres import PostgresServer
from tests.peers.services import BrokerFactory, free_port
from tests.plants.figure_plant import description
from tests.plants.mes_documents import write_samples
from tests.waiting import HANG_S, wait_until

ROOT = Path(__file__).resolve().parents[2]


class HostileRig:
    """The services of many rounds; leaving the context ends them and removes what they wrote."""

    def __init__(self) -> None:
        self._stack = ExitStack()
        self._ingest: subprocess.Popen[bytes] | None = None
        self._sayers: list[paho.Client] = []

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
        self.folder = Path(enter(tempfile.TemporaryDirectory(prefix="nhipmay-hostile-")))
        self.kept_file = self.folder / "kept.jsonl"
        brokers = BrokerFactory()
        self._stack.callback(brokers.remove_all)
        self.broker = brokers(settings=["max_inflight_messages 4000", "max_queued_messages 0"])
        self.server = enter(PostgresServer.timescale())
        self.database = self.server.settings(self.server.create_database())
        migrate(self.database)
        edges = [*EDGES, ODD_EDGE, DEVICE_EDGE, NODE_EDGE]
        load_plant(self.database, description(edges=edges))
        load_plant(self.database, witness.plant())
        write_samples(self.database)
        self.connection = enter(connect(self.database, autocommit=True))
        self.triggers = Triggers(self.connection)
        self.metrics_port = free_port()
        self._stack.callback(self._end)
        self._start()
        wait_until(lambda: unsettled(self.metrics_port) is not None, what="the ingest to start")
        # Sparkplug is said with QoS 0, on another connection: its order is that of one sender.
        self._sayers = [self._sayer("ke"), self._sayer("nut")]
        self.witness = Witness(self.broker.port)
        self._stack.callback(self.witness.close)
        sent_to = wait_until(lambda: self.witness.sent_to, what="the witness to speak")
        wait_until(lambda: self.witness.is_answered_to(sent_to), what="the witness's first answer")

    def _start(self) -> None:
        database = self.database.model_dump(mode="json", exclude={"password", "password_file"})
        content: dict[str, Any] = {
            "broker": {"port": self.broker.port},
            "database": database | {"password": self.database.secret()},
            "sparkplug": {"nodes": [other_letters.NODE_SETTINGS], "rebirth_delay_s": 0},
            "mes": {},
            "kept_file": str(self.kept_file),
            "metrics_port": self.metrics_port,
        }
        file = self.folder / "ingest.yaml"
        file.write_text(yaml.safe_dump(content, allow_unicode=True), encoding="utf-8")
        command = [sys.executable, "-m", "nhipmay", "ingest", "--settings", str(file)]
        with (self.folder / "ingest.log").open("ab") as output:
            self._ingest = subprocess.Popen(command, cwd=ROOT, stdout=output, stderr=output)

    def _end(self) -> None:
        if self._ingest is not None:
            self._ingest.kill()
            self._ingest.wait()

    def _sayer(self, name: str) -> paho.Client:
        client = patient(
            paho.Client(
                CallbackAPIVersion.VERSION2, client_id=name, protocol=MQTTProtocolVersion.MQTTv5
            )
        )
        client.max_inflight_messages_set(100)
        client.connect("127.0.0.1", self.broker.port)
        client.loop_start()
        self._stack.callback(client.loop_stop)
        self._stack.callback(client.disconnect)
        return client

    def introduce(self, author: Author) -> None:
        """Announce the tags of the hostile edges once."""
        births = [native_letters.birth(author, code, native_letters.SAW) for code in EDGES]
        births.append(native_letters.birth(author, ODD_EDGE, native_letters.GRINDER))
        self.say([*births, other_letters.device_birth(author)])
        announced = "select count(distinct edge_id) from tag join edge using (edge_id)"
        announced += " where code = any(%s)"
        codes = [*EDGES, ODD_EDGE, DEVICE_EDGE]
        wait_until(
            lambda: self.connection.execute(announced, [codes]).fetchone() == (len(codes),),
            what="the births",
        )

    def say(self, letters: Sequence[Letter]) -> None:
        """Publish in order; return when the broker has all that is said with QoS 1."""
        said = []
        for letter in letters:
            sayer = self._sayers[0 if letter.qos else 1]
            said.append(
                sayer.publish(letter.topic, letter.payload, qos=letter.qos, retain=letter.retain)
            )
        for one in said:
            one.wait_for_publish(HANG_S)

    def odd_columns(self, table: str) -> dict[str, Any]:
        """Return by which columns the odd edge's rows of a table are told, if by any."""
        columns = self.triggers.columns_of(table)
        if "edge_id" in columns and table not in {"rejection", "tag"}:
            query = "select edge_id from edge where code = %s"
            return {"edge_id": self._number(query, ODD_EDGE)}
        if table == "shift_pattern":
            return {"name": "ca-2"}
        if table == "dirty_window":
            return {"work_unit_id": self._number(
                "select place_id from place where path = %s", native_letters.GRINDER
            )}  # fmt: skip
        return {}

    def _number(self, query: str, value: str) -> int:
        row = self.connection.execute(query.encode(), [value]).fetchone()
        assert row is not None
        return int(row[0])

    def still_runs(self) -> list[str]:
        """Return in words that the ingest has ended, if it has."""
        assert self._ingest is not None
        code = self._ingest.poll()
        if code is None:
            return []
        return [f"the ingest ended with code {code}: {self.log()}"]

    def revive(self) -> None:
        """Start the ingest again if it has ended, so that the next round has one."""
        assert self._ingest is not None
        if self._ingest.poll() is not None:
            self._start()
            wait_until(lambda: unsettled(self.metrics_port) is not None, what="the ingest")

    def log(self) -> str:
        """Return the last lines of the ingest's log."""
        lines = (self.folder / "ingest.log").read_text(errors="replace").splitlines()
        return "\n".join(lines[-12:])

    def imbalance(self) -> list[str]:
        """Return what the ingest has received and not settled."""
        rest = unsettled(self.metrics_port)
        if rest is None:
            return ["the ingest does not answer"]
        # The witness speaks all the time, so a few are always on their way.
        if rest["messages"] < 0 or rest["measurements"] < 0 or rest["messages"] > 5:
            return [f"received and not settled: {rest}"]
        return []

    def memory_mb(self) -> int:
        """Return the most memory that the ingest has used."""
        assert self._ingest is not None
        try:
            status = Path(f"/proc/{self._ingest.pid}/status").read_text()
        except OSError:
            return 0
        return next(
            (int(line.split()[1]) // 1024 for line in status.splitlines() if "VmHWM" in line), 0
        )
