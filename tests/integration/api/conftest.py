"""A filled database of each edition, and a client of an API on it."""

from collections.abc import Iterator

import pytest
from fastapi.testclient import TestClient

from api import create_app
from plant.settings import DatabaseSettings
from tests.peers.postgres import PostgresServer
from tests.plants.api_plant import api_settings, seed


@pytest.fixture(scope="session", params=["timescale", "plain"])
def filled(request: pytest.FixtureRequest) -> Iterator[DatabaseSettings]:
    """A filled database of each edition that no test writes to."""
    server: PostgresServer = request.getfixturevalue(
        "timescale_server" if request.param == "timescale" else "plain_postgres_server"
    )
    name = server.create_database(template=request.getfixturevalue(f"{request.param}_template"))
    seed(server.settings(name))
    yield server.settings(name)
    server.drop_database(name)


@pytest.fixture(scope="session")
def client(filled: DatabaseSettings) -> Iterator[TestClient]:
    with TestClient(create_app(api_settings(filled)), base_url="http://localhost") as client:
        yield client
