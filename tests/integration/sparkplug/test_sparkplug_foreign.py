"""Our host and our edge node with foreign implementations, in stacks of their own.

`python setup/foreign_peers.py` makes them; tests are skipped without theirs.
"""

import json
import threading
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from store import load_plant
from tests.foreign.running import in_python, peer, peer_folder, tell
from tests.integration.edge.agents import AgentThread
from tests.integration.edge.sources import OpcUaSource
from tests.integration.ingests import fetched, running
from tests.integration.sparkplug.wire import (
    EDGE_DEVICE,
    EDGE_NODE,
    Ear,
    at,
    edge_file,
    edge_online,
    numbers,
    settings_of,
    texts,
)
from tests.peers.services import MosquittoBroker
from tests.plants.deliveries import plant
from tests.waiting import wait_until


@pytest.fixture
def stack() -> Path:
    return peer_folder("sparkplug-python")


def foreign_node(name: str, **more: Any) -> dict[str, Any]:
    return {"group_id": "Foreign", "edge_node_id": name, "metrics": []} | more


def test_a_node_by_pysparkplug_is_stored_to_its_death(
    broker: MosquittoBroker, plain_database: Any, stack: Path
) -> None:
    load_plant(plain_database, plant())
    settings = settings_of(broker, plain_database, node=foreign_node("pysparkplug"))
    with closing(Ear(broker.port)) as ear, running(settings):
        ear.await_state(online=True)
        with peer(*in_python(stack, "pysparkplug_node.py", broker.port)) as node:
            wait_until(lambda: numbers(plain_database, "tien-1/temperature") == [20.0])
            tell(node, 21, 22.5)
            wait_until(lambda: numbers(plain_database, "tien-1/temperature") == [20, 21, 22.5])
            assert numbers(plain_database, "tien-1/count") == [-5]
            assert numbers(plain_database, "tien-1/small") == [-1]
            assert numbers(plain_database, "tien-1/big") == [float(2**64 - 1)]
            assert numbers(plain_database, "tien-1/running") == [1.0]
            assert numbers(plain_database, "tien-1/nothing") == [None]
            assert texts(plain_database, "tien-1/note") == ["bắt đầu"]
            assert numbers(plain_database, "khoan-1/voltage") == [12.5]
            assert edge_online(plain_database)
            tell(node, "die")
            wait_until(lambda: not edge_online(plain_database), what="the node's death")
    assert fetched(plain_database, "select reason, detail from rejection") == []


def test_a_node_by_mqtt_spb_wrapper_is_stored_though_it_counts_wrongly(
    broker: MosquittoBroker, plain_database: Any, stack: Path
) -> None:
    """It puts DATA/ before the names of births, and its deaths have another bdSeq."""
    load_plant(plain_database, plant())
    node_settings = foreign_node("wrapper", counts_connections=False)
    name = "tien-1/DATA/temperature"
    with (
        closing(Ear(broker.port)) as ear,
        running(settings_of(broker, plain_database, node=node_settings)),
    ):
        ear.await_state(online=True)
        with peer(*in_python(stack, "wrapper_node.py", broker.port)) as node:
            wait_until(lambda: numbers(plain_database, name) == [20.0])
            tell(node, 21, 22.5)
            wait_until(lambda: numbers(plain_database, name) == [20, 21, 22.5])
            assert texts(plain_database, "tien-1/DATA/note") == ["bắt đầu"]
            tell(node, "quit")
            wait_until(lambda: not edge_online(plain_database), what="the node's death")
    assert fetched(plain_database, "select reason, detail from rejection") == []


def test_our_edge_node_is_understood_by_pysparkplug(
    broker: MosquittoBroker, tmp_path: Path, stack: Path
) -> None:
    with (
        OpcUaSource(temperature=(20.0, at(0)), state=(6, at(0))) as source,
        peer(
            *in_python(
                stack,
                "pysparkplug_listener.py",
                broker.port,
                EDGE_NODE.group_id,
                EDGE_NODE.edge_node_id,
                EDGE_DEVICE,
            )
        ) as listener,
    ):
        assert listener.stdout is not None
        lines: list[dict[str, Any]] = []
        assert listener.stdout.readline() == "ready\n"
        stdout = listener.stdout
        reader = threading.Thread(
            target=lambda: lines.extend(json.loads(line) for line in stdout), daemon=True
        )
        reader.start()
        with AgentThread(edge_file(tmp_path, broker.port, source, primary_host=None)):
            wait_until(lambda: _values(lines, "tien-1/nhiet-do")[-1:] == [20.0])
            source.write("temperature", 21.5, at(1))
            wait_until(lambda: _values(lines, "tien-1/nhiet-do")[-1:] == [21.5])
        wait_until(lambda: lines[-1]["kind"] == "NDEATH")
    assert [line["kind"] for line in lines[:2]] == ["NBIRTH", "DBIRTH"]
    assert "EXECUTE" in _values(lines, "tien-1/trang-thai")


def _values(lines: list[dict[str, Any]], name: str) -> list[Any]:
    return [
        metric["value"]
        for line in list(lines)
        for metric in line["metrics"]
        if metric["name"] == name and metric["value"] is not None
    ]
