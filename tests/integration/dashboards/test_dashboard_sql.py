"""Every SQL query of the boards, run as the login that the tenant's data source has."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest

from dashboards.alerting import RULES, Rule, rule_group
from dashboards.query import BY_STEP, sql
from plant.settings import DatabaseSettings
from store.access.tenant import DEPARTMENT, login_of, make_tenants
from store.engine.connection import conninfo
from tests.conftest import migrate
from tests.integration.dashboards.grafana_plant import (
    BOARDS,
    END,
    ENTERPRISE,
    LINE,
    SECRET,
    SEED,
    START,
    UNIT,
    Connection,
    expanded,
    overrides,
    rows,
    sql_targets,
    variables,
)
from tests.peers.compose_roles import compose_database
from tests.peers.postgres import PostgresServer

ROOT = Path(__file__).resolve().parents[3]
SIX = START.replace(hour=6)
LONG = ["time", "path", "name", "value"]


@pytest.fixture(scope="module")
def owner(timescale_server: PostgresServer) -> Iterator[DatabaseSettings]:
    """A database made as the compose stack makes it, its owner no superuser, migrated, seeded."""
    with compose_database(timescale_server) as settings:
        migrate(settings)
        with psycopg.connect(conninfo(settings)) as connection:
            connection.execute(SEED.read_bytes())
        make_tenants(settings, SECRET)
        yield settings


@pytest.fixture
def connection(owner: DatabaseSettings) -> Iterator[Connection]:
    """The login of the enterprise's data source."""
    with psycopg.connect(conninfo(login_of(owner, SECRET, ENTERPRISE))) as connection:
        yield connection


@pytest.fixture
def department(owner: DatabaseSettings) -> Iterator[Connection]:
    with psycopg.connect(conninfo(owner)) as connection:
        # It is told of sites of three machines or more.
        connection.execute(
            "insert into place (parent_id, level, path, name_vi, name_en)"
            " select place_id, 'work_unit', path || '/cnc-9', 'Máy thứ ba', 'Third machine'"
            " from place where level = 'work_center'"
        )
    with psycopg.connect(conninfo(login_of(owner, SECRET, DEPARTMENT))) as connection:
        yield connection
    with psycopg.connect(conninfo(owner)) as connection:
        connection.execute("delete from place where path like '%/cnc-9'")


def columns_of(connection: Connection, text: str, uid: str) -> list[str]:
    (tag,) = connection.execute(
        "select coalesce(min(tag_id), 0) from tag" if uid == "nm-machine" else "select 0"
    ).fetchone() or (0,)
    cursor = connection.execute(expanded(text, variables(uid, tag)).encode())
    found = [column.name for column in cursor.description or ()]
    assert cursor.rowcount <= 5000
    return found


@pytest.mark.parametrize("uid", sorted(set(BOARDS) - {"nm-department"}))
def test_every_query_of_a_tenants_board_gives_what_its_panel_shows(
    uid: str, connection: Connection
) -> None:
    for panel, text in sql_targets(uid):
        found = columns_of(connection, text, uid)
        if panel["type"] == "annotation":
            assert found == ["time", "timeEnd", "text", "tags"], panel["title"]
        elif panel["type"] == "timeseries" and not overrides(panel):
            assert found == LONG, panel["title"]
        else:
            assert set(overrides(panel)) <= set(found), panel["title"]


def test_the_departments_board_runs_as_the_department_and_names_no_machine(
    department: Connection,
) -> None:
    for panel, text in sql_targets("nm-department"):
        found = columns_of(department, text, "nm-department")
        assert set(overrides(panel)) <= set(found)
    queries = ("department_trend", "department_marks")
    shown = [str(row) for query in queries for row in rows(department, query)]
    assert any("machine_silent" in row for row in shown)
    assert not any("cnc" in row or "Máy" in row for row in shown)
    with pytest.raises(psycopg.errors.UndefinedTable):
        rows(department, "states")


def test_every_file_is_used_by_a_board() -> None:
    used = {text for uid in BOARDS for _, text in sql_targets(uid)}
    for board in BOARDS.values():
        used |= {
            variable["query"]
            for variable in board["templating"].get("list") or []
            if variable["type"] == "query"
        }
    used |= {sql(rule.uid) for rule in RULES}
    names = {file.stem for file in (ROOT / "dashboards/sql").glob("*.sql")}
    files = {name: sql(name) for name in (names - {"by_step"}) | BY_STEP.keys()}

    assert [name for name, text in files.items() if text not in used] == []


@pytest.mark.parametrize(
    "statement",
    [
        "select * from edge_certificate",
        "select * from public.edge_certificate",
        "select * from public.enrolment_token",
        "select * from access.account",
        "select * from pg_authid",
        "create temporary table mine (x integer)",
        "set session authorization nhipmay",
    ],
)
def test_a_viewer_reads_no_secret_whatever_he_sends(connection: Connection, statement: str) -> None:
    connection.execute("set statement_timeout = 0")

    with pytest.raises(psycopg.Error):
        connection.execute(statement.encode())


def test_places_are_named_by_their_way_in_the_order_of_the_flow(connection: Connection) -> None:
    found = [(row["__value"], row["__text"]) for row in rows(connection, "line_places")]

    assert found[:4] == [
        ("co-khi-mau/bien-hoa", "Cơ khí mẫu › Biên Hòa"),
        (LINE, "Cơ khí mẫu › Biên Hòa › Gia công › Dây chuyền 1"),
        (f"{LINE}/cua-1", "Cơ khí mẫu › Biên Hòa › Gia công › Dây chuyền 1 › Máy cưa"),
        (UNIT, "Cơ khí mẫu › Biên Hòa › Gia công › Dây chuyền 1 › Máy tiện"),
    ]


def test_machines_of_one_name_are_told_apart(owner: DatabaseSettings) -> None:
    with psycopg.connect(conninfo(owner)) as connection:
        connection.execute(
            """
            insert into place (parent_id, level, path, name_vi, name_en, position)
            select parent_id, level, replace(path, '-1', '-2'), 'Dây chuyền 2', 'Line 2', 2
            from place where path = %s
            """,
            [LINE],
        )
        connection.execute(
            """
            insert into place (parent_id, level, path, name_vi, name_en, position)
            select place_id, 'work_unit', path || '/cnc-1', 'Máy tiện', 'Lathe', 1
            from place where path like '%%/day-chuyen-2'
            """
        )
        shown = connection.execute(
            "select shown_vi from place_shown where level = 'work_unit' order by flow"
        ).fetchall()
        connection.rollback()

    assert [name for (name,) in shown] == [
        "Máy cưa",
        "Dây chuyền 1 · Máy tiện",
        "Dây chuyền 2 · Máy tiện",
    ]


def test_an_hours_value_does_not_depend_on_the_window(connection: Connection) -> None:
    whole = rows(connection, "good_parts")
    for minutes in (1, 29, 31, 59):
        begun = rows(connection, "good_parts", start=SIX + timedelta(minutes=minutes))
        assert [row for row in whole if row["time"] == SIX] == [
            row for row in begun if row["time"] == SIX
        ]
    assert [row["value"] for row in whole] == [42]
    assert [row["value"] for row in rows(connection, "scrap_parts")] == [None]
    assert [row["value"] for row in rows(connection, "coverage_steps")] == [0.75]


def test_a_step_that_is_not_over_says_so(owner: DatabaseSettings) -> None:
    with psycopg.connect(conninfo(owner)) as connection:
        connection.execute("delete from base_sum where slice_start > %s", [SIX])
        (row,) = rows(connection, "good_parts")
        connection.rollback()

    assert row["name"] == "Máy tiện · chưa trọn"
    assert row["value"] == 40


def test_states_begin_at_the_window_and_end_after_the_last(connection: Connection) -> None:
    found = rows(connection, "states", start=SIX + timedelta(minutes=10))

    assert [(row["time"] - SIX, row["state"]) for row in found] == [
        (timedelta(minutes=10), "production"),
        (timedelta(minutes=30), "breakdown"),
        (timedelta(minutes=45), "unknown"),
        (timedelta(minutes=60), None),
    ]
    assert {(row["path"], row["name"]) for row in found} == {(UNIT, "Máy tiện")}


def test_neighbours_that_are_alike_are_one_band_and_many_become_steps(
    owner: DatabaseSettings,
) -> None:
    blinking = """
        insert into state_interval (work_unit_id, start_time, end_time, element)
        select place_id, %s + n * interval '4 seconds', %s + (n + 1) * interval '4 seconds',
            case when n %% {} = 0 then 'down' else 'production' end
        from place, generate_series(0, 9999) n where path = %s
    """
    with psycopg.connect(conninfo(owner)) as connection:
        begin = START - timedelta(days=9)
        until = begin + timedelta(hours=12)
        connection.execute(blinking.format(10_001).encode(), [begin, begin, UNIT])
        # The first is another one; all the others are one.
        assert len(rows(connection, "states", start=begin, end=until)) == 3
        connection.execute("delete from state_interval where start_time < %s", [START])
        connection.execute(blinking.format(3).encode(), [begin, begin, UNIT])
        found = rows(connection, "states", start=begin, end=until)
        connection.rollback()

    assert 40 < len(found) < 60
    assert {row["state"] for row in found[:-1]} == {"production"}


def test_the_newest_whole_window_is_shown_and_the_running_one_apart(
    owner: DatabaseSettings,
) -> None:
    with psycopg.connect(conninfo(owner)) as connection:
        connection.execute(
            """
            insert into oee_result (
                place_id, kind, window_start, window_end, oee, coverage, missing, policy_version,
                formula_version, as_of, final
            )
            select place_id, 'shift', %s, %s, 0, 1, '{}', 1, '1', %s, false
            from place where path = %s
            """,
            [SIX + timedelta(hours=2), SIX + timedelta(hours=10), SIX + timedelta(hours=3), LINE],
        )
        (newest,) = rows(connection, "newest", end=END + timedelta(days=1))
        (running,) = rows(connection, "running", end=END)
        connection.rollback()

    assert (newest["availability"], newest["oee"], newest["coverage"]) == (0.5, None, 0.75)
    assert (running["oee"], running["coverage"]) == (0, 1)
    assert running["whole_end"] == START + timedelta(hours=8)


def test_a_stop_that_lasts_is_marked_to_the_end_of_the_range(owner: DatabaseSettings) -> None:
    with psycopg.connect(conninfo(owner)) as connection:
        connection.execute(
            "insert into stop (work_unit_id, start_time, element, stop_kind)"
            " select place_id, %s, 'delay', 'breakdown' from place where path = %s",
            [SIX, UNIT],
        )
        (mark,) = rows(connection, "stop_marks", {**variables("nm-machine")})
        connection.rollback()

    assert (mark["time"], mark["timeEnd"]) == (SIX, END)
    assert mark["text"].startswith("Chưa rõ lý do")


def say(connection: Connection, kind: str, hour: int, level: str, faults: list[str]) -> None:
    """Say something of the figures of all places of a level in an hour of the seeded day."""
    connection.execute(
        """
        insert into oee_result (
            place_id, kind, window_start, window_end, business_date, shift, oee, coverage, missing,
            policy_version, formula_version, as_of, final, faults
        )
        select
            place_id, %(kind)s, %(start)s, %(end)s, '2026-03-02', 'ca-2', 0.4, 1, '{}', 1, '1',
            %(end)s, true, %(faults)s
        from place where level = %(level)s
        """,
        {
            "kind": kind,
            "start": START + timedelta(hours=hour),
            "end": START + timedelta(hours=hour + 1),
            "level": level,
            "faults": faults,
        },
    )


def test_what_is_said_of_a_figure_stands_over_its_time_once(owner: DatabaseSettings) -> None:
    reset = "counter_reset:good_count"
    with psycopg.connect(conninfo(owner)) as connection:
        say(connection, "hour", 6, "work_unit", [reset])
        say(connection, "hour", 6, "work_center", [reset, "buffer_drawn_down"])
        say(connection, "hour", 7, "work_center", [])
        marks = rows(connection, "figure_marks", {**variables("nm-line")})
        of_range = rows(connection, "said_of_range", {**variables("nm-line")})
        longer = rows(connection, "figure_marks", start=START - timedelta(days=9), end=END)
        connection.rollback()

    (mark,) = marks
    assert (mark["time"], mark["timeEnd"]) == (SIX, SIX + timedelta(hours=1))
    assert mark["text"].splitlines() == [
        "Dây chuyền 1: buffer_drawn_down",
        f"Máy cưa: {reset}",
        f"Máy tiện: {reset}",
    ]
    # Beyond four days by shift, as hours would be too many to read.
    assert {mark["timeEnd"] - mark["time"] for mark in longer} == {timedelta(hours=8)}
    assert {(row["name"], row["faults"], row["hours"]) for row in of_range} == {
        ("Dây chuyền 1", "buffer_drawn_down", 1),
        ("Máy cưa", reset, 1),
        ("Máy tiện", reset, 1),
    }


def test_a_marked_figure_is_marked_in_its_trend_also_where_there_is_none(
    owner: DatabaseSettings,
) -> None:
    with psycopg.connect(conninfo(owner)) as connection:
        say(connection, "shift", 9, "work_center", ["counter_undecided:good_count"])
        say(connection, "shift", 10, "work_center", [])
        trend = rows(connection, "place_trend", {**variables("nm-line")})
        by_place = rows(connection, "oee_trend", {**variables("nm-line")})
        connection.rollback()

    # Of the seeded shift OEE is not known, and a machine was silent in it.
    assert [row["marked"] for row in trend] == [0, 0.4, None]
    assert [row["marked"] for row in by_place] == [0, 0.4, None]


def test_delivery_tells_missing_from_dropped_and_shows_silent_edges(
    connection: Connection,
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


def test_delivery_summary_adds_all_lives_up(connection: Connection) -> None:
    (total,) = rows(connection, "delivery_summary")

    assert (total["issued"], total["committed"], total["missing"]) == (170, 150, 15)
    assert total["completeness"] == pytest.approx((150 - 3) / 170)


def test_rejections_are_those_of_the_window(connection: Connection) -> None:
    assert rows(connection, "delivery_reasons") == [
        {"reason": "out_of_range", "rejections": 2},
        {"reason": "wrong_type", "rejections": 1},
    ]
    hourly: list[dict[str, Any]] = rows(connection, "delivery_rejections_hourly")
    assert [(row["time"].hour, row["name"], row["value"]) for row in hourly] == [
        (5, "wrong_type", 1),
        (6, "out_of_range", 2),
    ]


# --- alert rules ---


def firing(connection: Connection, uid: str) -> list[str]:
    """Return what a rule would call people for now, as Grafana's threshold decides."""
    rule = next(one for one in RULES if one.uid == uid)
    found = []
    for row in rows(connection, uid):
        assert isinstance(row["value"], float), row
        if row["value"] > rule.limit if rule.beyond == "gt" else row["value"] < rule.limit:
            found.append(row["name"])
    return found


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.uid)
def test_a_rule_asks_for_one_number_of_each_as_the_tenant(
    rule: Rule, connection: Connection
) -> None:
    """More numbers, or a time, and Grafana would not take the rows for values by label."""
    cursor = connection.execute(sql(rule.uid).encode())
    kinds = {
        column.name: getattr(connection.adapters.types.get(column.type_code), "name", "")
        for column in cursor.description or ()
    }

    assert kinds.pop("value") == "float8"
    assert kinds.keys() <= {"name", "path"}
    assert set(kinds.values()) == {"text"}
    assert "$" not in sql(rule.uid)


def test_rules_call_for_what_is_wrong_and_for_nothing_else(owner: DatabaseSettings) -> None:
    with psycopg.connect(conninfo(owner)) as connection:
        connection.execute(
            """
            update edge_status set reported_at = now() - interval '10 minutes',
                sampled_time = now(), buffer_hours_left = 3
            """
        )
        connection.execute(
            """
            update oee_result set window_start = now() - interval '9 hours',
                window_end = now() - interval '1 hour', as_of = now(), oee = 0.4
            """
        )
        connection.execute(
            "insert into oee_target (place_id, valid_from, planned_oee)"
            " select place_id, '2020-01-01', 0.6 from place where level = 'site'"
        )
        connection.execute(
            "update base_sum set slice_start = now() - interval '3 hours' + (slice_start - hour),"
            " slice_end = now() - interval '3 hours' + (slice_end - hour),"
            " hour = now() - interval '3 hours'"
        )
        connection.execute(
            "insert into stop (work_unit_id, start_time, element)"
            " select place_id, now() - interval '45 minutes', 'delay' from place where path = %s",
            [UNIT],
        )
        wrong = {rule.uid: firing(connection, rule.uid) for rule in RULES}
        connection.execute("update edge_status set reported_at = now(), pending = 0")
        connection.execute("update oee_result set oee = 0.7, coverage = 0.95")
        connection.execute("update stop set start_time = now() - interval '5 minutes'")
        connection.execute("update base_sum set slice_end = now() where slice_start = hour")
        connection.execute("update delivery_ledger set issued_id = 60, dropped = '{[41,51)}'")
        connection.execute("update edge_status set issued_id = 60")
        right = {rule.uid: firing(connection, rule.uid) for rule in RULES}
        connection.rollback()

    assert wrong == {
        "alert_edge_silent": ["co-khi-mau/bien-hoa/edge-1"],
        "alert_buffer_low": ["co-khi-mau/bien-hoa/edge-1"],
        "alert_ledger_gap": [],
        "alert_coverage": ["Dây chuyền 1"],
        "alert_long_stop": ["Máy tiện"],
        "alert_oee_under_target": ["Dây chuyền 1"],
        "alert_anomaly": [],
        "alert_figures_behind": ["Biên Hòa"],
    }
    assert right == {uid: [] for uid in wrong}


def test_a_gap_that_no_edge_keeps_is_called_for(owner: DatabaseSettings) -> None:
    with psycopg.connect(conninfo(owner)) as connection:
        connection.execute("update edge_status set pending = 0")
        found = firing(connection, "alert_ledger_gap")
        connection.rollback()

    assert found == ["co-khi-mau/bien-hoa/edge-1"]


def test_an_anomaly_calls_until_somebody_says_a_word(owner: DatabaseSettings) -> None:
    with psycopg.connect(conninfo(owner)) as connection:
        connection.execute(
            """
            insert into anomaly_model (work_unit_id, status, reason, tag_ids, step_ms, train_from,
                train_to, trial_to, created_at, created_by)
            select place_id, 'live', 'commissioning', '{1}', 1000, '2026-01-01', '2026-01-02',
                '2026-01-03', now(), 'an'
            from place where path = %s
            """,
            [UNIT],
        )
        connection.execute(
            """
            insert into anomaly_event (
                event_id, work_unit_id, model_id, kind, start_time, opened_at
            )
            select 'one', work_unit_id, model_id, 'model', now() - interval '1 hour', now()
            from anomaly_model
            """
        )
        before = firing(connection, "alert_anomaly")
        connection.execute(
            """
            insert into anomaly_remark (client_id, event_id, work_unit_id, span_start, span_end,
                verdict, said_at, said_by)
            select gen_random_uuid(), event_id, work_unit_id, now(), now(), 'acknowledged', now(),
                'an'
            from anomaly_event
            """
        )
        after = firing(connection, "alert_anomaly")
        connection.rollback()

    assert (before, after) == (["Máy tiện"], [])


def test_rules_have_uids_of_their_own_and_no_variables() -> None:
    rules = rule_group()["rules"]

    assert len({rule["uid"] for rule in rules}) == len(rules)
    for rule in rules:
        assert rule["condition"] == "B"
        assert [part["refId"] for part in rule["data"]] == ["A", "B"]
        assert len(rule["uid"]) <= 40
