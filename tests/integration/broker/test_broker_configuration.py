"""The compose stack's broker files on a real mosquitto: who comes in, and may say and hear what."""

import re
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion

from ingest.broker.expulsion import expel
from plant.errors import BrokerUnavailableError
from plant.identity import Authority, Identity, new_key
from plant.native.message import EdgeAddress, Leaf
from plant.settings import BrokerSettings
from tests.peers.identities import ACL, Caller, Stack, identity_file, stack
from tests.peers.mqtt import patient
from tests.peers.services import BrokerFactory, MosquittoBroker

EDGE = EdgeAddress("co-khi-mau", "bien-hoa", "edge-1")
OTHER = EdgeAddress("thuc-pham-mau", "long-thanh", "edge-1")
# Not named in the access list: the patterns are for every edge.
NEW = EdgeAddress("co-khi-mau", "bien-hoa", "edge-7")
GROUP = f"{EDGE.enterprise}.{EDGE.site}"

Call = Callable[..., Caller]

each_version = pytest.mark.parametrize("version", ["5", "3.1.1"])


@pytest.fixture(scope="module")
def running(mosquitto: BrokerFactory, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with stack(mosquitto, tmp_path_factory.mktemp("secrets")) as running:
        yield running


@pytest.fixture
def call() -> Iterator[Call]:
    callers: list[Caller] = []

    def connect(
        settings: BrokerSettings,
        client_id: str = "any",
        version: str = "5",
        *,
        lasting: bool = False,
    ) -> Caller:
        callers.append(Caller(settings, client_id, version=version, lasting=lasting))
        return callers[-1]

    yield connect
    for caller in callers:
        caller.close()


@pytest.fixture
def as_edge(running: Stack, call: Call, tmp_path: Path) -> Call:
    def connect(address: EdgeAddress, version: str = "5") -> Caller:
        file = identity_file(tmp_path, running.edges(), address.identity)
        return call(running.edge(file), address.client_id, version)

    return connect


@pytest.fixture
def ingest(running: Stack, call: Call) -> Caller:
    return call(running.service("ingest"), "nm-ingest-1")


@each_version
def test_edge_speaks_for_itself_only(as_edge: Call, ingest: Caller, version: str) -> None:
    edge = as_edge(NEW, version)
    assert edge.is_in
    for leaf in (Leaf.DATA, Leaf.BIRTH, Leaf.STATUS):
        ingest.subscribe(f"nm/v1/+/+/+/{leaf}")

    for topic in (NEW.topic(Leaf.ACK), OTHER.topic(Leaf.DATA), EDGE.topic(Leaf.DATA), "else"):
        # With 3.1.1 a broker cannot say no: what arrives is what counts.
        assert edge.may_publish(topic, b"forged") is (version == "3.1.1")
    for leaf in (Leaf.DATA, Leaf.BIRTH, Leaf.STATUS):
        assert edge.may_publish(NEW.topic(leaf), leaf.encode())

    heard = [ingest.hear() for _ in range(3)]
    assert heard == [(NEW.topic(leaf), leaf.encode()) for leaf in ("data", "birth", "status")]


@each_version
def test_edge_hears_what_is_for_itself_only(as_edge: Call, ingest: Caller, version: str) -> None:
    edge, other = as_edge(EDGE, version), as_edge(OTHER, version)
    edge.subscribe("nm/v1/#")
    # mosquitto grants a subscription and holds the messages back: what arrives is what counts.
    for leaf in (Leaf.ACK, Leaf.CONFIG, "command"):
        edge.subscribe(OTHER.topic(leaf))
    other.subscribe("nm/v1/#")

    for leaf in (Leaf.CONFIG, "command", Leaf.ACK):
        for address in (OTHER, EDGE):
            assert ingest.may_publish(address.topic(leaf), address.enterprise.encode())

    for caller, address in ((edge, EDGE), (other, OTHER)):
        wanted = [
            (address.topic(leaf), address.enterprise.encode())
            for leaf in ("config", "command", "ack")
        ]
        assert [caller.hear() for _ in range(3)] == wanted
        assert caller.has_heard_nothing


def test_sparkplug_node_is_bound_to_its_edge(as_edge: Call, running: Stack, call: Call) -> None:
    node, other = as_edge(EDGE), as_edge(OTHER)
    host = call(running.service("ingest-sparkplug"))
    for topic in ("spBv1.0/+/NDATA/+", "spBv1.0/+/DBIRTH/+/+"):
        host.subscribe(topic)
    node.subscribe(f"spBv1.0/{GROUP}/NCMD/edge-1")
    other.subscribe("spBv1.0/#")

    assert not other.may_publish(f"spBv1.0/{GROUP}/NDATA/edge-1")
    assert not node.may_publish(f"spBv1.0/{GROUP}/NCMD/edge-1")
    assert not node.may_publish("spBv1.0/STATE/nhipmay")
    assert node.may_publish(f"spBv1.0/{GROUP}/NDATA/edge-1", b"n")
    assert node.may_publish(f"spBv1.0/{GROUP}/DBIRTH/edge-1/cnc-1", b"d")
    assert host.may_publish(f"spBv1.0/{GROUP}/NCMD/edge-1", b"rebirth")
    assert host.may_publish("spBv1.0/STATE/nhipmay", b"{}")

    assert [host.hear()[1], host.hear()[1]] == [b"n", b"d"]
    assert node.hear() == (f"spBv1.0/{GROUP}/NCMD/edge-1", b"rebirth")
    assert other.hear() == ("spBv1.0/STATE/nhipmay", b"{}")
    assert other.has_heard_nothing


def test_an_edge_cannot_take_the_place_of_another_by_its_client_id(
    as_edge: Call, running: Stack, call: Call, tmp_path: Path
) -> None:
    victim = as_edge(EDGE)
    file = identity_file(tmp_path, running.edges(), OTHER.identity)

    thief = call(running.edge(file), EDGE.identity)

    assert thief.is_in
    assert victim.may_publish(EDGE.topic(Leaf.DATA))
    assert victim.ended.empty()


def test_ingest_only_acknowledges_and_commands(ingest: Caller) -> None:
    assert ingest.may_publish(EDGE.topic(Leaf.ACK))
    assert not ingest.may_publish(EDGE.topic(Leaf.DATA))
    assert not ingest.may_publish(f"spBv1.0/{GROUP}/NDATA/edge-1")


SERVICE_NAMES = sorted(set(re.findall(r"^user @(\S+)$", ACL, re.MULTILINE)))


@pytest.mark.parametrize("name", [*SERVICE_NAMES, "@ingest", "nm-ingest-1", "nm-sparkplug-nhipmay"])
def test_the_edges_authority_gives_nobody_the_rights_of_a_service(
    name: str, running: Stack, call: Call, ingest: Caller, tmp_path: Path
) -> None:
    impostor = call(running.edge(identity_file(tmp_path, running.edges(), name)), "nm-ingest-1")
    for topic in ("nm/v1/#", "spBv1.0/#", "$SYS/broker/uptime"):
        impostor.subscribe(topic)

    assert impostor.is_in
    for topic in (
        *(EDGE.topic(leaf) for leaf in (Leaf.ACK, Leaf.CONFIG, "command", Leaf.DATA)),
        *("spBv1.0/STATE/nhipmay", f"spBv1.0/{GROUP}/NCMD/edge-1"),
        *(f"spBv1.0/{GROUP}/NDATA/edge-1", f"nm/v1/{EDGE.enterprise}/{EDGE.site}/mes/products"),
    ):
        assert not impostor.may_publish(topic, b"forged")
    # The session of the ingest is as it was, and what it says is not heard.
    assert ingest.may_publish(EDGE.topic(Leaf.ACK), b"for the edge alone")
    assert ingest.ended.empty()
    assert impostor.has_heard_nothing


@pytest.mark.parametrize("name", ["health", "ingest-mes", "ingest-sparkplug"])
def test_a_service_cannot_take_the_session_of_another_by_its_client_id(
    name: str, running: Stack, call: Call, ingest: Caller
) -> None:
    ingest.subscribe(EDGE.topic(Leaf.DATA))

    thief = call(running.service(name), running.name_of("ingest"))

    assert thief.is_in
    assert ingest.may_publish(EDGE.topic(Leaf.ACK))
    assert ingest.ended.empty()


def test_what_comes_while_the_ingest_is_away_waits_for_it(
    running: Stack, call: Call, as_edge: Call
) -> None:
    topic = EDGE.topic(Leaf.DATA)
    first = call(running.service("ingest"), lasting=True)
    first.subscribe(topic)
    first.close()
    edge = as_edge(EDGE)
    assert edge.may_publish(topic, b"before the restart")
    edge.close()
    running.broker.restart()
    edge = as_edge(EDGE)
    assert edge.may_publish(topic, b"after it")

    again = call(running.service("ingest"), lasting=True)

    assert [again.hear()[1], again.hear()[1]] == [b"before the restart", b"after it"]
    again.forget()


def test_health_hears_that_the_broker_lives_and_nothing_else(running: Stack, call: Call) -> None:
    health = call(running.service("health"))
    health.subscribe("$SYS/broker/uptime")

    assert b"seconds" in health.hear()[1]
    assert not health.may_publish(EDGE.topic(Leaf.DATA))


def test_administrator_has_nothing_to_say(running: Stack, call: Call) -> None:
    administrator = call(running.service("administrator"))

    for topic in (EDGE.topic(Leaf.DATA), EDGE.topic(Leaf.COMMAND), "nm/v1/administrator/data"):
        assert not administrator.may_publish(topic)


def stranger(running: Stack, folder: Path) -> BrokerSettings:
    """An identity of an authority with the same name and another key."""
    return running.edge(
        identity_file(folder, Authority.create("nhipmay edges", datetime.now(UTC)), EDGE.identity)
    )


def expired(running: Stack, folder: Path) -> BrokerSettings:
    age = timedelta(days=91)
    return running.edge(identity_file(folder, running.edges(), EDGE.identity, age=age))


def ingest_among_administrators(running: Stack, folder: Path) -> BrokerSettings:
    """A service's certificate where any client id may be taken."""
    return running.service("ingest").model_copy(update={"port": running.administration_port})


def administrator_among_services(running: Stack, folder: Path) -> BrokerSettings:
    """The administrator's certificate at the listener of the services."""
    return running.service("administrator").model_copy(update={"port": running.services_port})


def nobody(running: Stack, folder: Path) -> BrokerSettings:
    settings = running.edge(folder)
    assert settings.tls is not None
    return settings.model_copy(
        update={"tls": settings.tls.model_copy(update={"certificate_file": None})}
    )


def edge_among_services(running: Stack, folder: Path) -> BrokerSettings:
    """An edge's certificate in the name of a service, at the listener of the services."""
    file = identity_file(folder, running.edges(), "ingest")
    return running.edge(file).model_copy(update={"port": running.services_port})


def server_as_client(running: Stack, folder: Path) -> BrokerSettings:
    """The certificate of a server, which is none of a client."""
    key = new_key()
    names = ["localhost"]
    certificate = running.edges().for_server(
        EDGE.identity, key.public_key(), datetime.now(UTC), names
    )
    file = folder / "server.pem"
    file.write_bytes(Identity(key, certificate).to_pem())
    return running.edge(file)


@pytest.mark.parametrize(
    "who",
    [
        *(stranger, expired, nobody, edge_among_services, server_as_client),
        *(ingest_among_administrators, administrator_among_services),
    ],
)
@each_version
def test_nobody_comes_in_without_a_certificate_that_counts_here(
    who: Callable[[Stack, Path], BrokerSettings],
    version: str,
    running: Stack,
    call: Call,
    tmp_path: Path,
) -> None:
    assert not call(who(running, tmp_path), version=version).is_in


def test_an_expulsion_tells_when_the_broker_still_lets_the_client_in(
    broker: MosquittoBroker,
) -> None:
    settings = BrokerSettings(port=broker.port)
    client = patient(Client(CallbackAPIVersion.VERSION2, EDGE.identity))
    # It comes back as soon as it is thrown out, as nothing was revoked here.
    client.on_disconnect = lambda *_: threading.Thread(target=client.reconnect).start()
    client.connect("127.0.0.1", broker.port)
    client.loop_start()
    out: list[float] = []

    with pytest.raises(BrokerUnavailableError, match="crlfile"):
        expel(settings, EDGE.identity, watch_s=20, give_up_s=0, on_thrown_out=out.append)

    assert len(out) == 1
    client.on_disconnect = None
    client.disconnect()
    client.loop_stop()


def test_every_pattern_is_of_the_edge_itself() -> None:
    patterns = re.findall(r"^pattern \w+ (\S+)$", ACL, re.MULTILINE)

    assert patterns
    assert [pattern for pattern in patterns if not pattern.startswith("nm/v1/%u/")] == []
