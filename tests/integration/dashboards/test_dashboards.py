"""Every query of the dashboards, run on a real database and on the real API."""

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest

import dashboards
from dashboards.query import sql
from plant.settings import DatabaseSettings
from store.engine.connection import conninfo
from tests.conftest import migrate
from tests.peers.compose_roles import as_role, compose_database
from tests.peers.postgres import PostgresServer

ROOT = Path(__file__).resolve().parents[3]
SEED = Path(__file__).with_name("test_dashboards.sql")
START = datetime(2026, 3, 2, tzinfo=UTC)
END = START + timedelta(hours=12)
LINE = "co-khi-mau/bien-hoa/gia-cong/day-chuyen-1"
UNIT = f"{LINE}/cnc-1"
VARIABLES = {"place": LINE, "kind": "shift"}

SERIES = {"time": "timestamptz", "metric": "text", "value": "float8"}
COLUMNS = {
    "line_places": {"__text": "text", "__value": "text"},
    "line_states": {"time": "timestamptz", "machine": "text", "state": "text"},
    "line_good": SERIES,
    "line_scrap": SERIES,
    "line_coverage": SERIES,
    "delivery_summary": {
        "issued": "int8",
        "committed": "int8",
        "missing": "int8",
        "dropped": "int8",
        "pending": "int8",
        "lag_s": "float8",
        "buffer_hours_left": "float8",
        "completeness": "float8",
    },
    "delivery_edges": {
        "edge": "text",
        "online": "bool",
        "reported_at": "timestamptz",
        "issued": "int8",
        "committed": "int8",
        "completeness": "float8",
        "missing": "int8",
        "dropped": "int8",
        "rejected": "int8",
        "duplicates": "int8",
        "pending": "int8",
        "lag_s": "float8",
        "buffer_hours_left": "float8",
        "clock_offset_ms": "float8",
        "unreachable": "text",
        "epoch": "text",
    },
    "delivery_reasons": {"reason": "text", "rejections": "int8"},
    "delivery_rejections_hourly": SERIES,
    "delivery_rejections_latest": {
        "received_time": "timestamptz",
        "edge": "text",
        "tag_name": "text",
        "reason": "text",
        "detail": "text",
        "topic": "text",
        "replayed_at": "timestamptz",
    },
}


def expanded(text: str, start: datetime = START, end: datetime = END) -> str:
    """Return a query as Grafana sends it: macros and variables replaced."""
    first, last = (f"'{moment:%Y-%m-%dT%H:%M:%SZ}'" for moment in (start, end))
    text = re.sub(r"\$__timeFilter\(([^()]+)\)", rf"\1 BETWEEN {first} AND {last}", text)
    text = text.replace("$__timeFrom()", first).replace("$__timeTo()", last)
    for name, value in VARIABLES.items():
        quoted = "'" + value.replace("'", "''") + "'"
        text = text.replace(f"${{{name}:sqlstring}}", quoted)
    assert "$" not in text
    return text


@pytest.fixture(scope="module")
def owner(timescale_server: PostgresServer) -> Iterator[DatabaseSettings]:
    """A database made as the compose stack makes it, its owner no superuser, migrated, seeded."""
    with compose_database(timescale_server) as settings:
        migrate(settings)
        with psycopg.connect(conninfo(settings)) as connection:
            connection.execute(SEED.read_bytes())
        yield settings


@pytest.fixture(scope="module")
def reader(owner: DatabaseSettings) -> DatabaseSettings:
    """The same database for the role of Grafana and of the API."""
    return as_role(owner, "nhipmay_reader")


@pytest.fixture
def connection(reader: DatabaseSettings) -> Iterator[psycopg.Connection[tuple[Any, ...]]]:
    with psycopg.connect(conninfo(reader)) as connection:
        yield connection


def rows(
    connection: psycopg.Connection[tuple[Any, ...]], name: str, **window: datetime
) -> list[dict[str, Any]]:
    cursor = connection.execute(expanded(sql(name), **window).encode())
    names = [column.name for column in cursor.description or ()]
    return [dict(zip(names, row, strict=True)) for row in cursor]


# --- the role ---


def test_reader_reads_tables_and_views_of_later_migrations(
    connection: psycopg.Connection[tuple[Any, ...]], owner: DatabaseSettings
) -> None:
    with psycopg.connect(conninfo(owner)) as later:
        later.execute("create table made_later (x integer)")
    connection.execute("select * from made_later")
    connection.execute("select * from measurement_minute")


@pytest.mark.parametrize(
    "statement",
    [
        "delete from measurement",
        "insert into stop_reason (enterprise_id, code, name_vi, name_en) values (1, 'x', 'x', 'x')",
        "create table mine (x integer)",
        "create temporary table mine (x integer)",
    ],
)
def test_reader_is_refused_when_it_writes(
    connection: psycopg.Connection[tuple[Any, ...]], statement: str
) -> None:
    # What a session may switch off is no protection; the grants are.
    connection.execute("set default_transaction_read_only = off")
    connection.commit()

    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        connection.execute(statement.encode())


def test_reader_cannot_read_other_sessions_data_or_passwords(
    connection: psycopg.Connection[tuple[Any, ...]],
) -> None:
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        connection.execute("select * from pg_authid")


# --- SQL targets ---


def test_every_target_is_one_of_the_files_and_every_file_is_used() -> None:
    used = set()
    for text in dashboards.files().values():
        board = json.loads(text)
        used |= {
            query["rawSql"]
            for panel in board["panels"]
            for query in panel["targets"]
            if "rawSql" in query
        }
        used |= {
            variable["query"]
            for variable in board["templating"].get("list") or []
            if variable["type"] == "query"
        }
    files = {file.stem: sql(file.stem) for file in (ROOT / "dashboards/sql").glob("*.sql")}

    assert used == set(files.values())
    assert set(files) == set(COLUMNS)


@pytest.mark.parametrize("name", sorted(COLUMNS))
def test_target_returns_the_columns_that_its_panel_shows(
    connection: psycopg.Connection[tuple[Any, ...]], name: str
) -> None:
    cursor = connection.execute(expanded(sql(name)).encode())
    assert cursor.description is not None

    found = {
        column.name: getattr(connection.adapters.types.get(column.type_code), "name", None)
        for column in cursor.description
    }
    assert found == COLUMNS[name]
    assert cursor.fetchall()


def test_places_are_named_by_their_way(connection: psycopg.Connection[tuple[Any, ...]]) -> None:
    assert [(row["__value"], row["__text"]) for row in rows(connection, "line_places")] == [
        ("co-khi-mau/bien-hoa", "Cơ khí mẫu › Biên Hòa"),
        (LINE, "Cơ khí mẫu › Biên Hòa › Gia công › Dây chuyền 1"),
        (f"{LINE}/cua-1", "Cơ khí mẫu › Biên Hòa › Gia công › Dây chuyền 1 › Máy cưa"),
        (UNIT, "Cơ khí mẫu › Biên Hòa › Gia công › Dây chuyền 1 › Máy tiện"),
    ]


def test_states_begin_at_the_window_and_end_after_the_last(
    connection: psycopg.Connection[tuple[Any, ...]],
) -> None:
    six = START.replace(hour=6)

    found = rows(connection, "line_states", start=six + timedelta(minutes=10))

    assert [(row["time"] - six, row["state"]) for row in found] == [
        (timedelta(minutes=10), "production"),
        (timedelta(minutes=30), "breakdown"),
        (timedelta(minutes=45), "unknown"),
        (timedelta(minutes=60), None),
    ]
    assert {row["machine"] for row in found} == {"Dây chuyền 1 · Máy tiện"}


def test_counts_are_null_when_a_part_of_the_hour_was_not_counted(
    connection: psycopg.Connection[tuple[Any, ...]],
) -> None:
    assert [row["value"] for row in rows(connection, "line_good")] == [42]
    assert [row["value"] for row in rows(connection, "line_scrap")] == [None]
    assert [row["value"] for row in rows(connection, "line_coverage")] == [0.75]


def test_delivery_tells_missing_from_dropped_and_shows_silent_edges(
    connection: psycopg.Connection[tuple[Any, ...]],
) -> None:
    present, past, silent = rows(connection, "delivery_edges")

    assert (present["edge"], present["epoch"]) == ("co-khi-mau/bien-hoa/edge-1", "new")
    assert (present["issued"], present["committed"], present["dropped"]) == (70, 50, 5)
    assert present["missing"] == 15
    # What was refused is settled, but no value.
    assert present["completeness"] == pytest.approx((50 - 3) / 70)
    assert (present["pending"], present["lag_s"], present["rejected"]) == (20, 30.0, 3)
    assert (past["epoch"], past["missing"], past["online"], past["pending"]) == (
        "old",
        0,
        False,
        None,
    )
    assert (silent["edge"], silent["epoch"], silent["issued"], silent["completeness"]) == (
        "co-khi-mau/bien-hoa/edge-2",
        None,
        0,
        None,
    )


def test_delivery_summary_adds_all_lives_up(
    connection: psycopg.Connection[tuple[Any, ...]],
) -> None:
    (total,) = rows(connection, "delivery_summary")

    assert (total["issued"], total["committed"], total["missing"]) == (170, 150, 15)
    assert total["completeness"] == pytest.approx((150 - 3) / 170)


def test_rejections_are_those_of_the_window(
    connection: psycopg.Connection[tuple[Any, ...]],
) -> None:
    assert rows(connection, "delivery_reasons") == [
        {"reason": "out_of_range", "rejections": 2},
        {"reason": "wrong_type", "rejections": 1},
    ]
    hourly = rows(connection, "delivery_rejections_hourly")
    assert [(row["time"].hour, row["metric"], row["value"]) for row in hourly] == [
        (5, "wrong_type", 1),
        (6, "out_of_range", 2),
    ]


# --- API targets ---


@pytest.fixture(scope="module")
def api_answers(reader: DatabaseSettings) -> dict[str, list[tuple[dict[str, Any], Any]]]:
    """Return each API query of the line dashboard by its panel, with what the API answers."""
    from fastapi.testclient import TestClient

    from api import ApiSettings, create_app

    board = json.loads(dashboards.files()["nm-line.json"])
    found: dict[str, list[tuple[dict[str, Any], Any]]] = {}
    times = {"${__timeFrom:date:iso}": START, "${__timeTo:date:iso}": END}
    with TestClient(
        create_app(ApiSettings(database=reader)), base_url="http://localhost"
    ) as client:
        for panel in board["panels"]:
            for query in panel["targets"]:
                if "url" not in query:
                    continue
                sent = {}
                for parameter in query["url_options"]["params"]:
                    value = parameter["value"]
                    if value in times:
                        value = f"{times[value]:%Y-%m-%dT%H:%M:%S.000Z}"
                    for name, chosen in VARIABLES.items():
                        value = value.replace(f"${{{name}}}", chosen)
                    sent[parameter["key"]] = value
                answer = client.get(query["url"], params=sent)
                assert answer.status_code == 200, answer.text
                found.setdefault(panel["title"], []).append((query, answer.json()))
    return found


def test_api_answers_hold_every_column_with_its_type(
    api_answers: dict[str, list[tuple[dict[str, Any], Any]]],
) -> None:
    kinds: dict[str, tuple[type, ...]] = {
        "string": (str,),
        "number": (int, float),
        "boolean": (bool,),
        "timestamp": (str,),
    }
    assert api_answers
    for title, answers in api_answers.items():
        for query, answer in answers:
            assert answer[query["root_selector"]], title
            for row in answer[query["root_selector"]]:
                for column in query["columns"]:
                    value = row[column["selector"]]
                    assert value is None or isinstance(value, kinds[column["type"]]), title
                    if column["type"] == "timestamp":
                        assert str(value).endswith("Z"), title


def test_both_data_sources_give_the_same_oee(
    api_answers: dict[str, list[tuple[dict[str, Any], Any]]],
    connection: psycopg.Connection[tuple[Any, ...]],
) -> None:
    stored = connection.execute(
        "select p.path, availability, effectiveness, quality_ratio, oee, coverage"
        " from oee_result join place p using (place_id) where p.path = %s",
        [UNIT],
    ).fetchall()
    ((_, answer),) = api_answers["Máy · machines"]

    shown = [
        tuple(
            row[name]
            for name in (
                "place",
                "availability",
                "effectiveness",
                "quality_ratio",
                "oee",
                "coverage",
            )
        )
        for row in answer["data"]
    ]
    assert shown == stored
    # Nothing was produced: the ratio stays without a value all the way.
    assert shown[0][3:5] == (None, None)
