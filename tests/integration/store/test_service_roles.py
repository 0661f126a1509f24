"""The roles of the ingest and of analytics: they do their work, own nothing, and may do no more."""

from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest

from analytics import AnalyticsSettings
from analytics.proof import recompute_from_raw
from analytics.service import compute_pass
from plant.errors import ConfigurationError
from plant.measurement import ValueType
from plant.mes import KINDS, parse
from plant.mes.parsing import Item
from plant.native.message import EdgeAddress, TagDeclaration
from plant.settings import DatabaseSettings
from store import connect, migrate
from store.edge.configuration_book import configuration_page
from store.engine.connection import conninfo
from store.engine.grant import ROLES
from store.mes.store import MesStore
from store.mes.writing import Provenance
from tests.integration.ingests import fetched, take
from tests.peers.compose_roles import as_role, compose_database
from tests.peers.postgres import PostgresServer
from tests.plants.deliveries import NOW, birth, data, status
from tests.plants.figure_plant import SAW, FigurePlant, at
from tests.plants.mes_documents import SAMPLES

EDGE = EdgeAddress("dong-nai", "bien-hoa", "edge-1")
WARMTH = TagDeclaration("cua/nhiet-do", SAW, unit="Cel", low=-20, high=200)
COLD = TagDeclaration("cua/do-lanh", SAW, unit="Cel")
NOTE = TagDeclaration("cua/ghi-chu", SAW, value_type=ValueType.TEXT)
Ask = Callable[[str, str], list[tuple[Any, ...]]]


@pytest.fixture(scope="module")
def owner(timescale_server: PostgresServer) -> Iterator[DatabaseSettings]:
    with compose_database(timescale_server) as settings:
        migrate(settings)
        yield settings


@pytest.fixture(scope="module")
def figures(owner: DatabaseSettings) -> Iterator[FigurePlant]:
    figures = FigurePlant(owner)
    figures.run_steadily(SAW, 0, 2)
    figures.report(2)
    yield figures
    figures.close()


@pytest.fixture
def ask(owner: DatabaseSettings) -> Ask:
    def execute(role: str, statement: str) -> list[tuple[Any, ...]]:
        with psycopg.connect(conninfo(as_role(owner, role)), autocommit=True) as connection:
            cursor = connection.execute(statement.encode())
            return cursor.fetchall() if cursor.description else []

    return execute


def test_the_ingest_takes_everything_that_arrives(
    owner: DatabaseSettings, figures: FigurePlant
) -> None:
    login = as_role(owner, "nhipmay_ingest")

    messages = [
        *(birth([WARMTH, NOTE], edge=EDGE), status(edge=EDGE)),
        *(data(1, [20.5, 21.0], tag=WARMTH.name, edge=EDGE),),
        *(data(3, ["một", "hai"], tag=NOTE.name, edge=EDGE),),
        data(9, ["x"], tag="cua/không-có", edge=EDGE),
    ]
    take(login, messages)

    for table, name in (("measurement", WARMTH.name), ("text_measurement", NOTE.name)):
        query = f"select count(*) from {table} join tag using (tag_id) where name = '{name}'"
        assert fetched(owner, query) == [(2,)]
    assert fetched(owner, "select reason from rejection") == [("unknown_tag",)]


def test_a_missing_right_stops_the_ingest_with_words(
    owner: DatabaseSettings, figures: FigurePlant
) -> None:
    login = as_role(owner, "nhipmay_ingest")
    known = birth([COLD], edge=EDGE)
    with connect(owner, autocommit=True) as connection:
        connection.execute("revoke insert on measurement from nhipmay_ingest")
        try:
            # No message is refused for it, whatever it is.
            with pytest.raises(ConfigurationError, match="may not insert measurement; grant it"):
                take(login, [known, data(1, [22.5], tag=COLD.name, epoch="e7", edge=EDGE)])
        finally:
            connection.execute("grant insert on measurement to nhipmay_ingest")
    assert fetched(owner, "select count(*) from rejection where epoch = 'e7'") == [(0,)]
    take(login, [known, data(1, [22.5], tag=COLD.name, epoch="e7", edge=EDGE)])
    assert fetched(owner, "select count(*) from measurement where value = 22.5") == [(1,)]


def test_the_ingest_writes_documents_and_pushes_configurations(
    owner: DatabaseSettings, figures: FigurePlant
) -> None:
    login = as_role(owner, "nhipmay_ingest")
    store = MesStore(login)
    for kind, sample in SAMPLES.items():
        documents = [parse(KINDS[kind], sample, Item(0))]
        report = store.write(documents, Provenance("ERP", "mqtt", NOW, "đồng bộ"))
        assert report.fit, (kind, report.words())
    store.close()

    with configuration_page(login, EDGE.identity) as page:
        page.write("sources: {}", "0" * 64, NOW, "kỹ thuật", "thử")
    take(login, [status(edge=EDGE, config_version=page.version)])

    assert fetched(owner, "select state from edge_configuration") == [("applied",)]


def test_analytics_computes_and_proves_figures(
    owner: DatabaseSettings, figures: FigurePlant
) -> None:
    login = as_role(owner, "nhipmay_analytics")
    settings = AnalyticsSettings(database=login)
    with connect(login) as connection:
        assert compute_pass(connection, settings, at(2)).complete

    assert figures.result(SAW, "hour", 0)["produced_quantity"] == 89
    assert recompute_from_raw(settings, SAW).identical


@pytest.mark.parametrize("role", sorted(ROLES))
def test_a_role_of_a_service_owns_nothing_and_leads_nowhere(ask: Ask, role: str) -> None:
    assert ask(role, "select rolsuper, rolcreaterole, rolcreatedb, rolreplication, rolbypassrls"
               " from pg_roles where rolname = current_user") == [(False,) * 5]  # fmt: skip
    assert ask(role, "select relname from pg_class where relowner = current_user::regrole") == []
    assert ask(role, "select 1 from pg_auth_members where member = current_user::regrole") == []


@pytest.mark.parametrize(
    "statement",
    [
        "delete from measurement",
        "update measurement set value = 0",
        "delete from rejection",
        "update rejection set raw = ''",
        "delete from delivery_ledger",
        "delete from master_data_event",
        "insert into oee_result default values",
        "insert into edge default values",
        "update edge set revoked_at = null",
        "insert into edge_certificate default values",
        "insert into enrolment_token default values",
        "update place set path = 'x'",
        "delete from dirty_window",
        "insert into schema_migration default values",
        "alter table measurement add column a integer",
        "drop table measurement",
        "create table mine (a integer)",
        "create role other",
        "set role nhipmay",
        "alter default privileges grant all on tables to nhipmay_ingest",
        "copy product to program 'cat'",
        "select pg_read_file('/etc/passwd')",
    ],
)
def test_the_ingest_may_do_nothing_else(ask: Ask, statement: str) -> None:
    if statement.startswith("alter default"):
        # It may say so of its own tables, of which it has none.
        ask("nhipmay_ingest", statement)
        statement = "create table mine (a integer)"
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        ask("nhipmay_ingest", statement)


@pytest.mark.parametrize(
    "statement",
    [
        "insert into measurement default values",
        "delete from measurement",
        "delete from text_measurement",
        "update delivery_ledger set issued_id = 0",
        "insert into product default values",
        "update stop_classification set reason_code = 'x'",
        "delete from oee_restatement",
        "update place set time_zone = 'UTC'",
        "insert into edge_certificate default values",
        "create table mine (a integer)",
        "truncate oee_result",
        "set role nhipmay",
    ],
)
def test_analytics_may_do_nothing_else(ask: Ask, statement: str) -> None:
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        ask("nhipmay_analytics", statement)


def test_migrations_are_for_the_owner_only(owner: DatabaseSettings) -> None:
    for role in ROLES:
        with pytest.raises(ConfigurationError, match=r"permission denied|must be owner"):
            migrate(as_role(owner, role))
