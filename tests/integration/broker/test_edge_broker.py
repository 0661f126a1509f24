"""The edge's side of the broker: half-open lines under TLS, and several brokers."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from edge_agent.broker import AddressChoice, Connected, PahoLink, Refused, VersionChoice, paho_link
from plant.errors import BrokerUnavailableError
from plant.native.message import EdgeAddress, Leaf
from plant.settings import BrokerSettings
from tests.faults.proxy import Line, Proxy
from tests.integration.edge.agents import AgentThread, settings_file
from tests.integration.edge.plants import UNIT
from tests.integration.edge.platform import FakePlatform
from tests.peers.identities import Stack, identity_file
from tests.peers.identities import stack as running_stack
from tests.peers.services import BrokerFactory, MosquittoBroker, free_port
from tests.waiting import wait_until

ADDRESS = EdgeAddress("co-khi-mau", "bien-hoa", "edge-1")


@pytest.fixture
def stack(mosquitto: BrokerFactory, tmp_path: Path) -> Iterator[Stack]:
    secrets = tmp_path / "secrets"
    secrets.mkdir()
    with running_stack(mosquitto, secrets) as stack:
        yield stack


def link_of(settings: BrokerSettings) -> PahoLink:
    return PahoLink(
        settings,
        VersionChoice("5"),
        ADDRESS.client_id,
        ADDRESS.topic(Leaf.ACK),
        (ADDRESS.topic(Leaf.STATUS), b""),
        addresses=AddressChoice(settings.addresses),
    )


def test_a_secured_line_that_fell_silent_is_noticed(
    stack: Stack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(paho_link, "_CONNECT_TIMEOUT_S", 1.0)
    identity = identity_file(tmp_path, stack.edges(), ADDRESS.identity)
    with Proxy(stack.edges_port) as proxy:
        settings = stack.edge(identity).model_copy(update={"port": proxy.port, "keepalive_s": 5})
        link = link_of(settings)
        link.open()
        wait_until(lambda: isinstance(link.next_event(0.1), Connected), what="the connection")
        # A router has forgotten the connection: both ends still hold it open.
        proxy.become(Line.SILENT)
        link.publish(ADDRESS.topic(Leaf.STATUS), b"{}", retain=True)
        wait_until(lambda: isinstance(link.next_event(0.1), Refused), what="the end of it")
        link.close()
        # On the same line a new one is taken, but its handshake never answered.
        stuck = link_of(settings)
        with pytest.raises(BrokerUnavailableError, match="does not answer"):
            stuck.open()
        stuck.close()
        proxy.mend(breaking=False)
        again = link_of(settings)
        again.open()
        wait_until(lambda: isinstance(again.next_event(0.1), Connected), what="the new connection")
        again.close()


def test_everything_arrives_by_the_broker_that_is_there(
    tmp_path: Path, broker: MosquittoBroker
) -> None:
    (tmp_path / "record.csv").write_text("t,x\n2026-03-02T06:00:00+07:00,1\n")
    record = {
        "driver": "csv",
        "file": str(tmp_path / "record.csv"),
        "time_column": "t",
        "rate": "max",
        "tags": [{"name": "tron-1/x", "work_unit": UNIT, "column": "x"}],
    }
    platform = FakePlatform(broker.port)
    hosts = ",".join(f"127.0.0.1:{port}" for port in (free_port(), free_port(), broker.port))
    file = settings_file(tmp_path, broker.port, {"record": record}, broker={"host": hosts})
    try:
        with AgentThread(file) as agent:
            platform.await_rows(1)
            assert agent.join().acknowledged == 1
    finally:
        platform.close()
