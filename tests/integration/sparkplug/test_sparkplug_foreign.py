"""Our host and our edge node with foreign implementations, in stacks of their own.

`python setup/foreign_peers.py` makes them; tests are skipped without theirs.
"""

import json
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from plant.settings import DatabaseSettings
from plant.sparkplug import MessageType
from store import load_plant
from tests.foreign.running import (
    Process,
    in_java,
    in_node,
    in_python,
    peer,
    peer_folder,
    tell,
)
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


@contextmanager
def foreign(
    stack: str, broker: MosquittoBroker, database: DatabaseSettings, *arguments: str
) -> Iterator[Process]:
    """A node of another stack that our host stores."""
    folder = peer_folder(stack)
    if stack == "tahu":
        command = in_java(folder, "TahuNode.java", broker.port, *arguments)
    else:
        command = in_node(folder, "sparkplug_client_node.js", broker.port, *arguments)
    load_plant(database, plant())
    settings = settings_of(broker, database, node=foreign_node(stack))
    with closing(Ear(broker.port)) as ear, running(settings):
        ear.await_state(online=True)
        with peer(*command) as node:
            yield node


@pytest.mark.parametrize(
    "compress", [(), ("DEFLATE",), ("GZIP",)], ids=["plain", "deflate", "gzip"]
)
@pytest.mark.parametrize("stack", ["sparkplug-client", "tahu"])
def test_a_node_of_another_stack_is_stored_whole_in_a_burst(
    broker: MosquittoBroker, plain_database: DatabaseSettings, stack: str, compress: tuple[str, ...]
) -> None:
    """Node and device in turn, members of a template, compressed or not; Tahu before 1970 too."""
    with foreign(stack, broker, plain_database, *compress) as node:
        stored = partial(numbers, plain_database)
        wait_until(lambda: stored("tien-1/temperature") == [20.0], what="the birth")
        assert stored("tien-1/motor/speed") == [1450.0]
        assert texts(plain_database, "tien-1/note") == ["bắt đầu"]
        since = "1969-07-20T20:17:40" if stack == "tahu" else "2026-03-02T06:00:00"
        assert texts(plain_database, "tien-1/since") == [f"{since}.000+00:00"]
        tell(node, 21, "burst 500", "udt 1500", 22)
        wait_until(lambda: stored("tien-1/temperature") == [20, 21, 22], what="the last value")
        assert stored("tien-1/count") == [-5, *(k for k in range(1, 501) if k % 10)]
        assert stored("khoan-1/voltage") == [12.5, *range(10, 501, 10)]
        assert stored("tien-1/motor/speed") == [1450.0, 1500.0]
    rejected = fetched(plain_database, "select reason, detail from rejection")
    assert rejected == []


def test_aliases_that_tahu_deals_anew_keep_their_values_apart(
    broker: MosquittoBroker, plain_database: DatabaseSettings
) -> None:
    with foreign("tahu", broker, plain_database) as node:
        stored = partial(numbers, plain_database)
        wait_until(lambda: stored("tien-1/temperature") == [20.0], what="the birth")
        tell(node, "burst 20", "swap", "burst 20", 21, "swap", "burst 20", 22)
        wait_until(lambda: 22.0 in stored("tien-1/temperature"), what="the last value")
        counts = [k for k in range(1, 21) if k % 10]
        counted = [value for value in stored("tien-1/count") if value != -5]
        assert counted == counts * 3
        assert set(stored("tien-1/temperature")) == {20.0, 21.0, 22.0}
    assert fetched(plain_database, "select reason from rejection") == []


def test_a_foreign_node_is_asked_for_its_births_when_the_host_comes_later(
    broker: MosquittoBroker, plain_database: DatabaseSettings
) -> None:
    """The node says nothing by itself; its first change after that is stored."""
    load_plant(plain_database, plant())
    folder = peer_folder("sparkplug-client")
    settings = settings_of(broker, plain_database, node=foreign_node("sparkplug-client"))
    command = in_node(folder, "sparkplug_client_node.js", broker.port)
    with closing(Ear(broker.port)) as ear, peer(*command) as node:
        wait_until(lambda: ear.of(MessageType.DBIRTH), what="the node's births")
        with running(settings):
            wait_until(lambda: edge_online(plain_database), what="the births asked for")
            wait_until(lambda: numbers(plain_database, "tien-1/temperature") == [20.0])
            tell(node, 21)
            wait_until(lambda: numbers(plain_database, "tien-1/temperature") == [20, 21])
        assert len(ear.of(MessageType.NCMD)) == 1
