"""Migrations on real servers: repeated, at the same time, changed, and by an older program."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from pydantic import SecretStr

from plant.errors import ConfigurationError, StoreUnavailableError
from plant.settings import DatabaseSettings
from store import Edition, check_migrated, connect, detect, migrate
from store.engine.migration import migrations
from tests.peers.postgres import PostgresServer
from tests.peers.services import free_port

NAMES = [migration.name for migration in migrations()]


@pytest.fixture(params=["timescale_server", "plain_postgres_server"])
def server(request: pytest.FixtureRequest) -> PostgresServer:
    server: PostgresServer = request.getfixturevalue(request.param)
    return server


@pytest.fixture
def empty(server: PostgresServer) -> Iterator[DatabaseSettings]:
    """An empty database of this test's own."""
    name = server.create_database()
    yield server.settings(name)
    server.drop_database(name)


@pytest.mark.vital
def test_everything_is_applied_once_and_nothing_the_second_time(empty: DatabaseSettings) -> None:
    assert migrate(empty) == NAMES
    assert migrate(empty) == []
    with connect(empty) as connection:
        check_migrated(connection)


def test_each_migration_is_applied_once_when_services_start_together(
    empty: DatabaseSettings,
) -> None:
    with ThreadPoolExecutor(4) as pool:
        applied = list(pool.map(lambda _: migrate(empty), range(4)))

    assert sorted(applied) == [[], [], [], NAMES]


def test_a_changed_migration_is_refused(empty: DatabaseSettings) -> None:
    migrate(empty)
    with connect(empty) as connection:
        connection.execute("update schema_migration set checksum = 'other' where number = 2")

    with pytest.raises(ConfigurationError, match=r"0002_measurement\.sql has changed"):
        migrate(empty)


def test_a_newer_database_is_refused(empty: DatabaseSettings) -> None:
    migrate(empty)
    with connect(empty) as connection:
        connection.execute("insert into schema_migration values (9999, 'later', 'x')")

    with pytest.raises(ConfigurationError, match="newer nhipmay"):
        migrate(empty)


def test_a_database_without_our_tables_is_told_to_migrate(empty: DatabaseSettings) -> None:
    with connect(empty) as connection, pytest.raises(ConfigurationError, match="nhipmay migrate"):
        check_migrated(connection)


def test_the_edition_is_what_the_server_offers(
    database: DatabaseSettings, plain_database: DatabaseSettings
) -> None:
    with connect(database) as connection:
        assert detect(connection) is Edition.TIMESCALE_APACHE
        hypertables = connection.execute(
            "select hypertable_name from timescaledb_information.hypertables order by 1"
        ).fetchall()
    assert hypertables == [("measurement",), ("text_measurement",)]
    with connect(plain_database) as connection:
        assert detect(connection) is Edition.PLAIN


def test_minutes_are_summed_up_alike_on_each_edition(each_database: DatabaseSettings) -> None:
    with connect(each_database) as connection:
        connection.execute(
            "insert into measurement values"
            " (1, '2026-03-02 08:00:10Z', now(), 1, 0), (1, '2026-03-02 08:00:50Z', now(), 3, 0),"
            " (1, '2026-03-02 08:00:55Z', now(), 99, 2), (1, '2026-03-02 08:01:00Z', now(), 5, 0)"
        )
        rows = connection.execute(
            "select samples, mean, low, high from measurement_minute order by minute"
        ).fetchall()

    assert rows == [(2, 2.0, 1.0, 3.0), (1, 5.0, 5.0, 5.0)]


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"password": SecretStr("wrong")}, "password for user .* is wrong"),
        ({"name": "nowhere"}, "there is no database nowhere"),
    ],
)
def test_what_a_person_must_mend_is_said_in_words(
    plain_postgres_server: PostgresServer, wrong: dict[str, object], words: str
) -> None:
    settings = plain_postgres_server.settings("postgres").model_copy(update=wrong)

    with pytest.raises(ConfigurationError, match=words):
        migrate(settings)


def test_a_user_without_rights_is_told_so(empty: DatabaseSettings) -> None:
    with connect(empty) as connection:
        connection.execute("drop role if exists weak")
        connection.execute("create role weak login password 'weak'")
    weak = empty.model_copy(update={"user": "weak", "password": SecretStr("weak")})

    with pytest.raises(ConfigurationError, match=r"weak: permission denied"):
        migrate(weak)


def test_an_absent_server_is_worth_another_try() -> None:
    nobody = DatabaseSettings(port=free_port())

    with pytest.raises(StoreUnavailableError, match="cannot be used"):
        migrate(nobody)
