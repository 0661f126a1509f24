"""Fixtures, by subject: services, databases, brokers, browser, data."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import hypothesis
import pytest
from paho.mqtt.client import Client
from paho.mqtt.enums import MQTTErrorCode
from playwright.sync_api import Page

from plant.settings import DatabaseSettings
from tests.examples import examples
from tests.peers.chromium import Chromium
from tests.peers.postgres import PostgresServer
from tests.peers.services import (
    BrokerFactory,
    MosquittoBroker,
    ServiceAbsentError,
    recorded,
    url_of,
)

ROOT = Path(__file__).resolve().parent.parent

# A shared machine has slow moments; what takes long is the test's own timeout to say.
# NHIPMAY_EXAMPLES=5000 searches longer; a run of the suite tries 100 of each property.
hypothesis.settings.register_profile("nhipmay", deadline=None, max_examples=examples())
hypothesis.settings.load_profile("nhipmay")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark every test by its folder: a test cannot be in the wrong run for want of a mark.

    Whole scenarios come first: the other processes of a run share what is left meanwhile.
    """
    for item in items:
        folder = item.path.relative_to(ROOT / "tests").parts[0]
        if folder in {"integration", "e2e", "browser"}:
            item.add_marker(folder)
    items.sort(key=lambda item: item.get_closest_marker("e2e") is None)


@contextmanager
def or_skip() -> Iterator[None]:
    """Skip, with the reason, for want of a service; fail where the services must be there."""
    try:
        yield
    except ServiceAbsentError as reason:
        if os.environ.get("CI") == "true" or os.environ.get("NHIPMAY_REQUIRE_SERVICES") == "1":
            pytest.fail(str(reason))
        pytest.skip(str(reason))


# --- databases ---


@pytest.fixture(scope="session")
def timescale_server() -> Iterator[PostgresServer]:
    """A private PostgreSQL 17 with TimescaleDB (Apache edition), for the whole run."""
    with or_skip():
        server = PostgresServer.timescale()
    with server:
        yield server


@pytest.fixture(scope="session")
def plain_postgres_server() -> Iterator[PostgresServer]:
    """A private PostgreSQL without extensions: the one the demo embeds."""
    with or_skip():
        server = PostgresServer.plain()
    with server:
        yield server


def migrate(database: DatabaseSettings) -> None:
    """Bring an empty database to our schema: the one place where the fixtures meet `store`."""
    import store

    store.migrate(database)


def migrated_template(server: PostgresServer) -> str:
    """Create a migrated database that tests get copies of; return its name."""
    name = server.create_database()
    migrate(server.settings(name))
    server.seal_template(name)
    return name


@pytest.fixture(scope="session")
def timescale_template(timescale_server: PostgresServer) -> str:
    return migrated_template(timescale_server)


@pytest.fixture(scope="session")
def plain_template(plain_postgres_server: PostgresServer) -> str:
    return migrated_template(plain_postgres_server)


def fresh_database(server: PostgresServer, template: str) -> Iterator[DatabaseSettings]:
    name = server.create_database(template=template)
    yield server.settings(name)
    server.drop_database(name)


@pytest.fixture
def database(
    timescale_server: PostgresServer, timescale_template: str
) -> Iterator[DatabaseSettings]:
    """A migrated, empty TimescaleDB database of this test's own."""
    yield from fresh_database(timescale_server, timescale_template)


@pytest.fixture
def plain_database(
    plain_postgres_server: PostgresServer, plain_template: str
) -> Iterator[DatabaseSettings]:
    """The same on plain PostgreSQL."""
    yield from fresh_database(plain_postgres_server, plain_template)


@pytest.fixture(params=["timescaledb", "plain"])
def each_database(request: pytest.FixtureRequest) -> DatabaseSettings:
    """The same on each edition: the test runs twice."""
    fixture = "database" if request.param == "timescaledb" else "plain_database"
    database: DatabaseSettings = request.getfixturevalue(fixture)
    return database


@pytest.fixture
def database_url(database: DatabaseSettings) -> str:
    """The address of this test's `database`."""
    return url_of(database)


@pytest.fixture
def each_database_url(each_database: DatabaseSettings) -> str:
    """The address of this test's `each_database`."""
    return url_of(each_database)


# --- brokers ---


@pytest.fixture(scope="session", autouse=True)
def no_sockets_left_by_paho() -> Iterator[None]:
    """Close the sockets with which paho wakes its thread; it leaves them to the collector.

    That may find them before their client, and then blames whatever test is running.
    """
    stop = Client.loop_stop

    def stop_and_close(client: Client) -> MQTTErrorCode:
        code = stop(client)
        client._reset_sockets(sockpair_only=True)
        return code

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Client, "loop_stop", stop_and_close)
        yield


@pytest.fixture(scope="session")
def mosquitto() -> Iterator[BrokerFactory]:
    """Start brokers: `mosquitto(passwords=…, settings=…, files=…)`; they end with the run."""
    with or_skip():
        factory = BrokerFactory()
    yield factory
    factory.remove_all()


@pytest.fixture
def broker(mosquitto: BrokerFactory) -> Iterator[MosquittoBroker]:
    """A started broker of this test's own that lets anyone in."""
    broker = mosquitto()
    yield broker
    broker.remove()


# --- browser ---


@pytest.fixture(scope="session")
def chromium() -> Chromium:
    """The machine's Chromium: `with chromium.launch() as browser`."""
    with or_skip():
        return Chromium(Path(recorded("chromium")["program"]))


@pytest.fixture
def page(chromium: Chromium) -> Iterator[Page]:
    """An empty page in a browser of this test's own."""
    with chromium.launch() as browser:
        yield browser.new_page()


# --- data ---


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The reference data beside the checkout; not part of the project."""
    folder = ROOT.parent / "shared" / "data"
    if not folder.is_dir():
        pytest.skip("no shared/data folder beside this checkout")
    return folder
