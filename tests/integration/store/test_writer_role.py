"""The role by which the API writes in compose: every route that writes works, nothing else does."""

import csv
import io
import uuid
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from fastapi.testclient import TestClient
from pydantic import SecretStr

from api import ApiSettings, create_app
from plant.settings import DatabaseSettings
from store import migrate
from store.engine.connection import conninfo
from store.mes.key import IN_MEMORY
from tests.peers.compose_roles import as_role, compose_database
from tests.peers.postgres import PostgresServer
from tests.plants.figure_plant import MORNING, SAW, FigurePlant
from tests.plants.mes_documents import ENTERPRISE, SAMPLES

WRITABLE = {
    "energy_meter",
    "holiday",
    "import_mapping",
    "inspection",
    "lot",
    "oee_target",
    "order_run",
    "planned_maintenance",
    "planned_run_time",
    "product",
    "production_order",
    "quality_reason",
    "routing_step",
    "scrap_booking",
    "shift_break",
    "shift_pattern",
    "shift_rotation",
    "stop_reason",
}
ADDED_TO = {
    "dirty_window",
    "edge_certificate",
    "enrolment_token",
    "identity_event",
    "master_data_event",
    "counter_verdict",
    "stop_classification",
    "stop_division",
}
CHANGED_COLUMNS = {
    ("edge", "revoked_at"),
    ("edge_certificate", "retires_at"),
    ("edge_certificate", "revoked_at"),
    ("enrolment_token", "used_at"),
    ("pilot_consent", "withdrawn_at"),
    ("pilot_consent", "withdrawn_by"),
    ("pilot_record", "changed_at"),
    ("pilot_record", "content"),
    ("pilot_record", "sha256"),
    ("pilot_record", "status"),
    ("place", "time_zone"),
    ("place", "time_zone_origin"),
    ("stop", "classification_id"),
    ("stop", "stop_reason"),
}


@pytest.fixture(scope="module")
def owner(timescale_server: PostgresServer) -> Iterator[DatabaseSettings]:
    with compose_database(timescale_server) as settings:
        migrate(settings)
        plant = FigurePlant(settings)
        plant.connection.execute(
            "insert into stop (work_unit_id, start_time, element, state, stop_kind)"
            " select place_id, %s, 'delay', 'HELD', 'held' from place where path = %s",
            (MORNING, SAW),
        )
        plant.close()
        yield settings


@pytest.fixture
def client(owner: DatabaseSettings) -> Iterator[TestClient]:
    settings = ApiSettings(
        database=as_role(owner, "nhipmay_reader"),
        writer=as_role(owner, "nhipmay_writer"),
        token=SecretStr("bi-mat"),
    )
    with TestClient(create_app(settings), base_url="http://localhost") as client:
        client.headers["Authorization"] = "Bearer bi-mat"
        yield client


@pytest.fixture
def writer(owner: DatabaseSettings) -> Iterator[psycopg.Connection[tuple[Any, ...]]]:
    settings = as_role(owner, "nhipmay_writer")
    with psycopg.connect(conninfo(settings), autocommit=True) as connection:
        yield connection


def test_every_route_that_writes_works(client: TestClient) -> None:
    for kind, sample in SAMPLES.items():
        for changed in (sample, sample | _correction(sample)):
            answer = client.post(f"/api/v1/mes/{kind}", json={"documents": [changed]})
            assert answer.status_code == 200, (kind, answer.text)
    said = {
        "client_id": str(uuid.uuid4()),
        "place": SAW,
        "stop_start": MORNING.isoformat(),
        "reason": "hong-may",
    }
    classified = client.post("/api/v1/stops/classification", json=said)
    assert classified.status_code == 201, classified.text
    assert classified.json()["holds"]
    for kind, sample in reversed(SAMPLES.items()):
        if kind == "time-zones":
            continue
        gone = client.post(
            f"/api/v1/mes/{kind}", json={"documents": [sample | {"withdrawn": True}]}
        )
        assert gone.status_code == 200, (kind, gone.text)


def _correction(sample: dict[str, Any]) -> dict[str, Any]:
    changes = {"name_vi": "Tên khác", "description": "khác", "source": "khác", "quantity": 7}
    return {name: value for name, value in changes.items() if name in sample}


def test_a_long_file_is_imported(client: TestClient) -> None:
    out = io.StringIO()
    table = csv.writer(out)
    table.writerow(["enterprise", "code", "name_vi"])
    # More keys than are kept in memory: the temporary table is needed.
    table.writerows([ENTERPRISE, f"sp-{n}", "x"] for n in range(IN_MEMORY + 10))

    answer = client.post(
        "/api/v1/mes-files",
        files={"file": ("x.csv", out.getvalue().encode())},
        data={"kind": "products", "preview": "true"},
    )

    assert answer.status_code == 200, answer.text
    assert answer.json()["created"] == IN_MEMORY + 10


def test_no_other_table_can_be_written(
    owner: DatabaseSettings, writer: psycopg.Connection[tuple[Any, ...]]
) -> None:
    rights = {
        (table, right)
        for table, right in writer.execute(
            "select table_name, lower(privilege_type) from information_schema.table_privileges"
            " where grantee = 'nhipmay_writer' and table_schema = 'public'"
        )
        if right != "select"
    }
    expected = {(table, right) for table in WRITABLE for right in ("insert", "update", "delete")}
    expected |= {(table, "insert") for table in ADDED_TO} | {("dirty_window", "update")}
    kept = ("anomaly_channel", "anomaly_limit", "anomaly_model")
    expected |= {(table, right) for table in kept for right in ("insert", "update")}
    expected |= {("anomaly_remark", "insert")}
    drafts = ("pilot_evidence", "pilot_evidence_input", "pilot_machine")
    expected |= {(table, right) for table in drafts for right in ("insert", "update", "delete")}
    added = (
        "attachment",
        "consent",
        "enterprise",
        "programme",
        "pull",
        "record",
        "release",
        "step",
    )
    expected |= {(f"pilot_{table}", "insert") for table in added}
    expected |= {("criteria_framework", "insert")}
    assert rights == expected
    columns = set(
        writer.execute(
            "select distinct table_name, column_name from information_schema.column_privileges"
            " where grantee = 'nhipmay_writer' and privilege_type = 'UPDATE'"
            # What accounts need is in a schema of its own, see test_service_roles.
            " and table_schema = 'public'"
        ).fetchall()
    )
    whole = {table for table, right in expected if right == "update"}
    assert {pair for pair in columns if pair[0] not in whole} == CHANGED_COLUMNS


@pytest.mark.parametrize(
    "statement",
    [
        "delete from measurement",
        "update oee_result set oee = 1",
        "insert into base_sum default values",
        "delete from master_data_event",
        "update master_data_event set who = 'x'",
        "update stop_classification set reason_code = 'x'",
        "delete from dirty_window",
        "delete from edge_certificate",
        "update edge_certificate set pem = 'x'",
        "update enrolment_token set expires_at = now()",
        "update place set bottleneck_id = null",
        "delete from stop",
        "update stop set end_time = now()",
        "truncate product",
        "drop table product",
        "create table mine (a integer)",
        "alter table product add column a integer",
        "create role other",
        "delete from schema_migration",
        "select pg_read_file('/etc/passwd')",
        "copy product to program 'cat'",
    ],
)
def test_what_the_api_does_not_write_is_refused(
    writer: psycopg.Connection[tuple[Any, ...]], statement: str
) -> None:
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        writer.execute(statement.encode())


def test_rights_of_an_older_schema_are_taken_away_by_migrate(
    owner: DatabaseSettings, writer: psycopg.Connection[tuple[Any, ...]]
) -> None:
    with psycopg.connect(conninfo(owner), autocommit=True) as connection:
        connection.execute("grant delete on oee_result to nhipmay_writer")
    writer.execute("delete from oee_result where window_start > now() + interval '100 years'")

    assert migrate(owner) == []

    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        writer.execute("delete from oee_result")
