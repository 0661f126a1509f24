"""`nhipmay edge browse` on servers of other stacks, by the commands of its page of the guide."""

import re
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml
from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion
from typer.testing import CliRunner, Result

from edge_agent.configuration.sources import checked_for
from ingest.sparkplug.settings import SparkplugSettings
from nhipmay.cli import app
from plant.native.message import EdgeAddress
from tests.foreign.opcua import NodeOpcUaServer, running
from tests.foreign.running import in_java, in_node, peer, peer_folder
from tests.integration.edge.floor.test_edge_opcua import at
from tests.integration.edge.mtconnect_agent import Item, MtConnectAgent
from tests.peers.mqtt import patient
from tests.peers.services import MosquittoBroker
from tests.waiting import HANG_S, wait_until

PAGE = Path(__file__).parents[4] / "docs" / "how-to" / "browse-a-source.md"
UNIT = "dong-chai/chuyen-a/tron-1"


def commands(scheme: str) -> list[list[str]]:
    """The commands of the page for one kind of address."""
    text = PAGE.read_text(encoding="utf-8")
    lines = "".join(re.findall(r"```sh\n(.*?)```", text, re.DOTALL)).splitlines()
    return [shlex.split(line)[1:] for line in lines if f" {scheme}://" in line]


def ran(command: Sequence[str], address: str, *more: str) -> Result:
    ours = [address if "://" in part else part for part in command]
    return CliRunner().invoke(app, [*ours, *more], terminal_width=300)


def sources(file: Path) -> dict[str, Any]:
    """The one source that a file has, which an edge takes."""
    text = file.read_text(encoding="utf-8")
    checked_for(EdgeAddress("e", "s", "c"), text)
    (source,) = yaml.safe_load(text)["sources"].values()
    found: dict[str, Any] = source
    return found


def by_name(source: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {tag.pop("name"): tag for tag in source["tags"]}


def test_the_tree_of_a_server_becomes_a_file_of_tags(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """node-opcua, which takes one node a request: folders, units, parts of values."""
    monkeypatch.chdir(tmp_path)
    server = NodeOpcUaServer(limits={"maxNodesPerBrowse": 1, "maxNodesPerRead": 3})
    server.add("speed", "Double", 71.5, at(0), folder="Spindle", unit="rpm", description="Trục")
    server.add("note", "String", "chạy", at(0), folder="Spindle")
    server.add("array", "Double", [1.5, 2.5], at(0), folder="Axes")
    server.add("long", "Int32", [0] * 200, at(0), folder="Axes")
    server.options["variables"] += [
        {"name": "mode", "enumeration": ["STOP", "RUN"], "value": 1, "time": 1_700_000_000_000},
        {
            "name": "axis",
            "structure": {"Position": "Double", "Name": "String"},
            "value": {"position": 12.5, "name": "X"},
            "time": 1_700_000_000_000,
        },
    ]
    with running(server):
        look, write = commands("opc.tcp")
        looked = ran(look, server.endpoint)
        assert looked.exit_code == 0, (looked.output, looked.exception)
        assert "nothing is written" in looked.output
        assert "Axes/long: an array of 200 elements" in looked.output
        assert ran(write, server.endpoint).exit_code == 0
        written = sources(tmp_path / "sources.yaml")
        assert written["endpoint"] == server.endpoint
        address = "nsu=urn:nhipmay:test;s=speed"
        expected = {"address": address, "unit": "rpm", "description": "Trục"}
        assert by_name(written) == {"tron-1/speed": expected}
        everything = ran([*look, "--out", "all.yaml"], server.endpoint)
        assert everything.exit_code == 0, everything.output
        found = by_name(sources(tmp_path / "all.yaml"))
        # What was written is read, each value by its own rule.
        file = tmp_path / "edge.yaml"
        identity = {
            "edge": {"enterprise": "e", "site": "s", "code": "c"},
            "outbox": {"file": str(tmp_path / "outbox.sqlite")},
        }
        content = yaml.safe_load((tmp_path / "all.yaml").read_text(encoding="utf-8"))
        file.write_text(yaml.safe_dump(identity | content), encoding="utf-8")
        read = CliRunner().invoke(
            app, ["edge", "read", "-s", str(file), "--patience", f"{HANG_S:g}s"]
        )
        assert read.exit_code == 0, read.output
    assert found["tron-1/Axes/array/1"]["path"] == "[1]"
    assert found["tron-1/Spindle/note"]["value_type"] == "text"
    assert found["tron-1/mode"]["value_type"] == "text"
    assert found["tron-1/axis/Position"] == {
        "address": "nsu=urn:nhipmay:test;s=axis",
        "path": "Position",
    }
    assert found["tron-1/axis/Name"]["value_type"] == "text"
    assert len(found) == 7


def test_the_probe_of_an_agent_becomes_a_file_of_tags(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    items = (
        Item("x1", "Xpos"),
        Item("m1", "mode", "EVENT", "ControllerMode"),
        Item("c1", "alarm", "CONDITION", "System"),
    )
    with MtConnectAgent(*items) as agent:
        agent.observe("x1", 12.5, at(0))
        agent.observe("m1", "AUTOMATIC", at(0))
        (command,) = commands("http")
        result = ran(command, agent.url)
    assert result.exit_code == 0, (result.output, result.exception)
    assert "12.5" in result.output
    assert by_name(sources(tmp_path / "cnc-1.yaml")) == {
        "cnc-1/Xpos": {"data_item": "x1", "description": "POSITION"},
        "cnc-1/mode": {"data_item": "m1", "description": "CONTROLLERMODE", "value_type": "text"},
        "cnc-1/alarm": {"data_item": "c1", "description": "SYSTEM", "value_type": "text"},
    }


def test_topics_and_the_values_in_their_messages_become_a_file_of_tags(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, broker: MosquittoBroker
) -> None:
    monkeypatch.chdir(tmp_path)
    client = patient(Client(CallbackAPIVersion.VERSION2, "devices"))
    client.connect("127.0.0.1", broker.port)
    client.loop_start()
    kept: dict[str, str | bytes] = {
        "xuong/plug/SENSOR": '{"Time":"2026-03-02T06:00:00","ENERGY":{"Power":120,"Name":"a"}}',
        "xuong/kep": '{"timestamp":1772431200000,"values":[{"id":"L1.Speed","v":71.5,"q":true,'
        '"t":1772431200000}]}',
        "xuong/plain": "23,5 °C",
        "xuong/bytes": b"\xff\xfe\x00\x81",
        "khac/not-ours": "1",
    }
    for topic, payload in kept.items():
        client.publish(topic, payload, qos=1, retain=True).wait_for_publish(HANG_S)
    client.disconnect()
    client.loop_stop()
    (command,) = commands("mqtt")
    command[command.index("15s")] = "1s"
    result = ran(command, f"mqtt://127.0.0.1:{broker.port}")
    assert result.exit_code == 0, (result.output, result.exception)
    assert "xuong/bytes: 4 bytes that are no text" in result.output
    written = sources(tmp_path / "mqtt.yaml")
    assert written["broker"] == {"host": "127.0.0.1", "port": broker.port}
    assert by_name(written) == {
        "tron-1/plug/SENSOR/ENERGY/Power": {
            "topic": "xuong/plug/SENSOR", "path": "ENERGY.Power", "time": {"path": "Time"},
        },
        "tron-1/plug/SENSOR/ENERGY/Name": {
            "topic": "xuong/plug/SENSOR", "path": "ENERGY.Name", "value_type": "text",
            "time": {"path": "Time"},
        },
        "tron-1/kep/values/L1.Speed": {
            "topic": "xuong/kep", "path": 'values[id="L1.Speed"].v',
            "time": {"path": "@.t"}, "quality": {"path": "@.q"},
        },
        "tron-1/plain": {"topic": "xuong/plain"},
    }  # fmt: skip


@pytest.mark.parametrize("stack", ["sparkplug-client", "tahu"])
def test_births_become_settings_of_the_sparkplug_host(
    stack: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, broker: MosquittoBroker
) -> None:
    """The node was born before anybody listened, and is asked for its births."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "edge.yaml").write_text(
        "edge: {enterprise: co-khi-mau, site: bien-hoa, code: edge-1}", encoding="utf-8"
    )
    folder = peer_folder(stack)
    program = (
        in_java(folder, "TahuNode.java", broker.port)
        if stack == "tahu"
        else in_node(folder, "sparkplug_client_node.js", broker.port)
    )
    (command,) = commands("sparkplug")
    command[command.index("15s")] = "2s"
    with peer(*program) as node:

        def births() -> bool:
            # It says something now and then; a node of which nothing is heard is not known.
            assert node.stdin is not None
            node.stdin.write("21\n")
            node.stdin.flush()
            result = ran(command, f"sparkplug://127.0.0.1:{broker.port}")
            file = tmp_path / "sparkplug.yaml"
            return result.exit_code == 0 and "CNC 1" in file.read_text(encoding="utf-8")

        wait_until(births, what="the births that were asked for")
    content = yaml.safe_load((tmp_path / "sparkplug.yaml").read_text(encoding="utf-8"))
    (found,) = SparkplugSettings.model_validate(content["sparkplug"]).nodes
    assert (found.enterprise, found.site, found.edge) == ("co-khi-mau", "bien-hoa", stack)
    assert found.devices == {"CNC 1": UNIT}
    metrics = {(metric.device, metric.metric) for metric in found.metrics}
    assert {("CNC 1", "temperature"), ("CNC 1", "motor/speed"), (None, "voltage")} <= metrics


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("modbus://192.168.1.10", "import-tags"),
        ("opc.tcp://127.0.0.1:1/", "127.0.0.1:1"),
        ("mqtt://127.0.0.1:1", "127.0.0.1:1"),
        ("http://127.0.0.1:1", "127.0.0.1:1"),
        ("mqtts://127.0.0.1", "tls.ca_file"),
        ("mqtt://a:b@127.0.0.1", "password_file"),
        ("mqtt://127.0.0.1:x", "mqtt://127.0.0.1:x"),
        ("opc.tcp:// ", "endpoint"),
        ("sparkplug://127.0.0.1", "names enterprise and site|says enterprise and site"),
    ],
)
def test_what_cannot_be_browsed_is_told_in_words(address: str, words: str) -> None:
    result = CliRunner().invoke(app, ["edge", "browse", address, "--work-unit", UNIT])
    assert result.exit_code != 0
    assert re.search(words, f"{result.output} {result.exception}")


@pytest.mark.parametrize("option", ["password=x", "nothing", "a=1=2: [", "username.x=1"])
def test_a_setting_that_cannot_be_is_told(option: str) -> None:
    command = ["edge", "browse", "opc.tcp://127.0.0.1:1/", "--work-unit", UNIT]
    result = CliRunner().invoke(app, [*command, "--with", option])
    assert result.exit_code != 0
    assert not isinstance(result.exception, KeyError | TypeError | AttributeError)
