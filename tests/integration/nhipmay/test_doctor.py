"""`nhipmay doctor` of an edge: it logs in, publishes, reads, and has words for whatever happens."""

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion
from typer.testing import CliRunner

from edge_agent.configuration.kept import Kept, KeptSources, Refusal
from edge_agent.drivers import factory
from edge_agent.inspection import broker as inspection_broker
from edge_agent.inspection import look
from nhipmay import doctor
from nhipmay.cli import app
from plant.native.message import SCHEMA, Ack, EdgeAddress, Leaf, encode
from plant.native.message import Refusal as Refused
from plant.settings import BrokerSettings
from tests.integration.edge.mtconnect_agent import Item, MtConnectAgent
from tests.integration.edge.plants import UNIT, at
from tests.peers.identities import Stack, identity_file
from tests.peers.identities import stack as running_stack
from tests.peers.mqtt import patient
from tests.peers.services import BrokerFactory, MosquittoBroker, free_port
from tests.waiting import AGAIN_S, HANG_S

ADDRESS = EdgeAddress("co-khi-mau", "bien-hoa", "edge-1")


@pytest.fixture(autouse=True)
def _patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a busy machine all of it takes longer."""
    monkeypatch.setattr(inspection_broker, "_PATIENCE_S", HANG_S)
    monkeypatch.setattr(doctor, "_PATIENCE_S", HANG_S)


def settings_file(folder: Path, broker: BrokerSettings, sources: dict[str, Any]) -> Path:
    """Settings whose outbox folder is not yet there."""
    content = {
        "edge": {"enterprise": "co-khi-mau", "site": "bien-hoa", "code": "edge-1"},
        "broker": broker.model_dump(mode="json", exclude_none=True),
        "outbox": {"file": str(folder / "not-yet" / "outbox.sqlite")},
        "sources": sources,
    }
    file = folder / "edge.yaml"
    file.write_text(yaml.safe_dump(content), encoding="utf-8")
    return file


def found(file: Path) -> dict[str, str]:
    """What the doctor said, by subject; each with `ok` or `problem` before it."""
    result = CliRunner().invoke(app, ["doctor", "-s", str(file)], terminal_width=5000)
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    assert "Traceback" not in result.output
    said = {}
    for line in result.output.splitlines():
        mark, _, rest = line.partition(" ")
        subject, _, words = rest.strip().partition(": ")
        said[subject] = f"{mark}: {words}"
    return said


def tag(**where: str) -> dict[str, Any]:
    return {"name": f"tron-1/{'-'.join(where)}", "work_unit": UNIT, **where}


@pytest.fixture
def agent() -> Iterator[MtConnectAgent]:
    with MtConnectAgent(Item("i-x", "Xpos")) as agent:
        agent.observe("i-x", 12.5, at(0))
        yield agent


def machine(agent: MtConnectAgent) -> dict[str, Any]:
    return {"driver": "mtconnect", "url": agent.url, "tags": [tag(data_item="i-x")]}


def test_an_edge_in_order_is_found_in_order(
    mosquitto: BrokerFactory, tmp_path: Path, agent: MtConnectAgent
) -> None:
    """E3: by the access list of the compose stack, with the edge's own certificate."""
    secrets = tmp_path / "secrets"
    secrets.mkdir()
    with running_stack(mosquitto, secrets) as stack:
        said = found(edge_of(stack, tmp_path, machine(agent)))
    assert [line for line in said.values() if line.startswith("problem")] == []
    assert ADDRESS.identity in said["broker certificates"]
    assert said["publishing"].startswith(f"ok: {ADDRESS.topic(Leaf.DOCTOR)} went to the broker")
    assert said["source cnc"] == "ok: 1 of 1 tags have a value"
    assert said["configuration"] == "ok: the sources of this file"


def edge_of(stack: Stack, folder: Path, source: dict[str, Any]) -> Path:
    identity = identity_file(folder, stack.edges(), ADDRESS.identity)
    return settings_file(folder, stack.edge(identity), {"cnc": source})


@pytest.mark.parametrize(
    ("rights", "words", "patience_s"),
    [
        ("topic read nm/v1/#\n", "does not let this edge write", HANG_S),
        # This broker takes any subscription, and then gives nothing.
        ("topic write nm/v1/#\n", "does not come back", AGAIN_S),
    ],
)
def test_an_access_list_that_keeps_the_edge_out_is_told(
    rights: str,
    words: str,
    patience_s: float,
    mosquitto: BrokerFactory,
    tmp_path: Path,
    agent: MtConnectAgent,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    log_in = inspection_broker.Visit.log_in

    def logged_in(visit: inspection_broker.Visit) -> str:
        words = log_in(visit)
        # Only what never comes is not waited for.
        monkeypatch.setattr(inspection_broker, "_PATIENCE_S", patience_s)
        return words

    monkeypatch.setattr(inspection_broker.Visit, "log_in", logged_in)
    broker = mosquitto(settings=["acl_file {folder}/acl"], files={"acl": rights})
    file = settings_file(tmp_path, BrokerSettings(port=broker.port), {"cnc": machine(agent)})
    said = found(file)
    assert words in said["publishing"], said


def test_what_the_platform_refused_is_told_with_its_mend(
    broker: MosquittoBroker, tmp_path: Path, agent: MtConnectAgent
) -> None:
    """E4: the ack that the broker keeps says it."""
    refused = [Refused("unknown_work_unit", 7, "tron-1/x", "no machine a/b/c")]
    ack = Ack(SCHEMA, "epoch", 7, 1, refused=refused)
    client = patient(Client(CallbackAPIVersion.VERSION2, "platform"))
    client.connect("127.0.0.1", broker.port)
    client.loop_start()
    topic = ADDRESS.topic(Leaf.ACK)
    client.publish(topic, encode(ack), qos=1, retain=True).wait_for_publish(HANG_S)
    client.disconnect()
    client.loop_stop()
    file = settings_file(tmp_path, BrokerSettings(port=broker.port), {"cnc": machine(agent)})
    told = found(file)["refused by the platform"]
    assert told.startswith("problem: 7 × unknown_work_unit of tron-1/x (no machine a/b/c): correct")


def test_every_source_that_is_not_there_has_words(tmp_path: Path) -> None:
    """E1, E2: nothing answers anywhere, files are missing, and the outbox folder is not there."""
    dead = free_port()
    sources: dict[str, dict[str, Any]] = {
        "opcua": {"endpoint": f"opc.tcp://127.0.0.1:{dead}/", "tags": [tag(address="ns=2;s=x")]},
        "modbus": {
            "host": "127.0.0.1",
            "port": dead,
            "tags": [tag(address="hr:1") | {"name": "a"}],
        },
        "mtconnect": {
            "url": f"https://127.0.0.1:{dead}",
            "ca_file": str(tmp_path / "no-authority.pem"),
            "tags": [tag(data_item="x")],
        },
        "mqtt": {
            "broker": {"port": dead},
            "client_id": "doctor-test",
            "tags": [tag(topic="a/b")],
        },
        "s7": {
            "host": "127.0.0.1",
            "port": dead,
            "tags": [tag(address="DB1.DBD0") | {"name": "b"}],
        },
        "slmp": {"host": "127.0.0.1", "port": dead, "tags": [tag(address="D1") | {"name": "c"}]},
        "csv": {
            "file": str(tmp_path / "no-file.csv"),
            "time_column": "t",
            "tags": [tag(column="x")],
        },
    }
    for driver, source in sources.items():
        source["driver"] = driver
    said = found(settings_file(tmp_path, BrokerSettings(port=dead), sources))
    assert said["login at the broker"].startswith("problem: no MQTT broker at 127.0.0.1")
    for driver in sources:
        words = said[f"source {driver}"]
        assert words.startswith("problem: 0 of 1 tags have a value; "), (driver, words)
        assert "Error" not in words.replace("SourceUnavailableError", ""), (driver, words)


def test_a_fault_of_the_doctor_itself_ends_one_finding_only(
    broker: MosquittoBroker, tmp_path: Path, agent: MtConnectAgent, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = settings_file(
        tmp_path, BrokerSettings(port=broker.port), {"one": machine(agent), "two": machine(agent)}
    )
    content = yaml.safe_load(file.read_text(encoding="utf-8"))
    content["sources"]["two"]["tags"][0]["name"] = "tron-1/other"
    file.write_text(yaml.safe_dump(content), encoding="utf-8")
    make = factory.make_driver

    def faulty(name: str, *more: Any) -> Any:
        if name == "one":
            raise ZeroDivisionError("a fault")
        return make(name, *more)

    monkeypatch.setattr(look, "make_driver", faulty)
    said = found(file)
    assert said["source one"].startswith("problem: it could not be looked at (ZeroDivisionError")
    assert said["source two"] == "ok: 1 of 1 tags have a value"


def test_the_configuration_in_force_is_what_is_read(
    broker: MosquittoBroker, tmp_path: Path, agent: MtConnectAgent
) -> None:
    file = settings_file(
        tmp_path, BrokerSettings(port=broker.port), {"cnc": {**machine(agent), "url": "http://x:1"}}
    )
    pushed = yaml.safe_dump({"sources": {"pushed": machine(agent)}})
    digest = hashlib.sha256(pushed.encode()).hexdigest()
    kept = Kept(
        good=KeptSources(4, digest, pushed),
        refused=Refusal(5, digest, "no such driver"),
        edge=ADDRESS.identity,
    )
    kept.write(tmp_path / "not-yet" / "outbox.sqlite.config.json")
    said = found(file)
    assert said["source pushed"] == "ok: 1 of 1 tags have a value"
    assert "source cnc" not in said
    assert said["configuration"] == (
        "problem: version 4, pushed by the platform; version 5: no such driver, which is not used"
    )
