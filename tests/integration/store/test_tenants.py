"""Isolation in SQL: the login of an enterprise sees its own rows, whatever it says."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import psycopg
import pytest

from plant.settings import DatabaseSettings
from store import connect
from store.access.account import AccessStore
from store.access.tenant import (
    DEPARTMENT,
    SEEN_BY,
    UNSEEN,
    end_long_statements,
    login_of,
    make_tenants,
    unlisted,
)
from store.engine.connection import conninfo
from tests.peers.compose_roles import as_role, compose_database
from tests.peers.postgres import PostgresServer
from tests.plants.figure_plant import at
from tests.plants.two_enterprises import FOREIGN, FOREIGN_WORDS, OWN, SECRET, prepared
from tests.waiting import HANG_S, wait_until

Ask = Callable[[str], list[tuple[Any, ...]]]


@pytest.fixture(scope="module")
def owner(timescale_server: PostgresServer) -> Iterator[DatabaseSettings]:
    with compose_database(timescale_server) as owner:
        prepared(owner)
        yield owner


def asker(settings: DatabaseSettings) -> Ask:
    def ask(statement: str) -> list[tuple[Any, ...]]:
        with psycopg.connect(conninfo(settings), autocommit=True) as connection:
            cursor = connection.execute(statement.encode())
            return cursor.fetchall() if cursor.description else []

    return ask


@pytest.fixture
def own(owner: DatabaseSettings) -> Ask:
    return asker(login_of(owner, SECRET, OWN))


@pytest.fixture
def department(owner: DatabaseSettings) -> Ask:
    return asker(login_of(owner, SECRET, DEPARTMENT))


def test_every_table_says_who_may_see_it(owner: DatabaseSettings) -> None:
    with connect(owner) as connection:
        assert unlisted(connection) == []
    assert not UNSEEN & set(SEEN_BY)


@pytest.mark.parametrize("table", sorted(SEEN_BY))
def test_a_view_holds_the_rows_of_its_enterprise_and_no_others(
    owner: DatabaseSettings, own: Ask, table: str
) -> None:
    other = asker(login_of(owner, SECRET, FOREIGN))
    whole = asker(owner)
    mine, theirs = own(f"select * from {table}"), other(f"select * from {table}")
    all_rows = whole(f"select * from public.{table}")

    if SEEN_BY[table] == "everybody":
        assert mine == theirs
        return
    assert sorted(map(str, mine + theirs)) == sorted(map(str, all_rows))
    assert not set(map(str, mine)) & set(map(str, theirs))


def test_both_enterprises_have_something_to_hide(owner: DatabaseSettings, own: Ask) -> None:
    other = asker(login_of(owner, SECRET, FOREIGN))
    for table in ("place", "tag", "measurement", "stop", "edge"):
        assert own(f"select count(*) from {table}")[0][0] > 0
        assert other(f"select count(*) from {table}")[0][0] > 0


ATTEMPTS = [
    "select * from public.place",
    "select * from public.measurement",
    "select * from access.tenant",
    "select * from access.account",
    "select access.append_audit('{}')",
    "set role nhipmay",
    "set session authorization nhipmay",
    "insert into place (path) values ('x')",
    "update tag set name = 'x'",
    "delete from stop",
    "create table mine (a integer)",
    "create temporary table mine (a integer)",
    "create function f() returns int language sql as 'select 1'",
    "create schema mine",
    "copy place to program 'cat'",
    "copy place from '/etc/passwd'",
    "select pg_read_file('/etc/passwd')",
    "select lo_import('/etc/passwd')",
    "alter role current_user superuser",
    "create role other",
    "select * from tenant.place for update",
    "select query_to_xml('select * from public.place', true, false, '')",
    "select table_to_xml('public.place', true, false, '')",
    "select dblink('x')",
    "explain analyze select * from public.tag",
    "set local role nhipmay_reader",
    "reset session authorization; select * from public.place",
    "alter view place owner to current_user",
    "select pg_catalog.set_config('role', 'nhipmay', false)",
    "select pg_ls_dir('/')",
    "select pg_stat_file('/etc/passwd')",
    "select * from pg_authid",
    "select * from pg_statistic",
    "select * from pg_largeobject",
    "select pg_logical_emit_message(false, 'a', 'b'), pg_switch_wal()",
    "do $$ begin execute 'select 1 from public.place'; end $$",
    "prepare p as select * from public.place; execute p",
    "begin; declare c cursor for select * from public.place; fetch c",
    "create materialized view mine as select 1",
    "create operator public.=== (leftarg = text, rightarg = text, function = texteq)",
    "refresh materialized view public.measurement_minute",
    "select public.note_place_change()",
    "select public.nhipmay_chunks_of_history(true)",
]


@pytest.mark.parametrize("statement", ATTEMPTS)
def test_no_statement_leads_further(
    owner: DatabaseSettings, own: Ask, department: Ask, statement: str
) -> None:
    for ask in (own, department):
        with pytest.raises(psycopg.Error):
            ask(statement)
    # That a session only reads is its default, which it may change: rights hold without it.
    for enterprise in (OWN, DEPARTMENT):
        settings = login_of(owner, SECRET, enterprise)
        with psycopg.connect(conninfo(settings), autocommit=True) as connection:
            connection.execute("set default_transaction_read_only = off")
            with pytest.raises(psycopg.Error) as refused:
                connection.execute(statement.encode())
            assert refused.value.sqlstate != "25006"


@pytest.mark.parametrize(
    "first",
    [
        "set search_path = public, tenant",
        "set default_transaction_read_only = off",
        "set row_security = off",
        "reset all",
        "discard all",
        "set session_replication_role = replica",
    ],
)
def test_no_setting_shows_more(owner: DatabaseSettings, first: str) -> None:
    with psycopg.connect(conninfo(login_of(owner, SECRET, OWN)), autocommit=True) as connection:
        try:
            connection.execute(first.encode())
        except psycopg.errors.InsufficientPrivilege:
            return
        rows = connection.execute("select distinct split_part(path, '/', 1) from tenant.place")
        assert rows.fetchall() == [(OWN,)]
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("select 1 from public.place")


@pytest.mark.parametrize(
    "condition",
    [
        # Errors and functions that would tell of rows that the view holds back.
        "1 / (case when path like 'co-khi-thu%' then 0 else 1 end) = 1",
        "cast(case when path like 'co-khi-thu%' then path else '1' end as integer) = 1",
        "case when path like 'co-khi-thu%' then pg_sleep(60) is null else false end",
        "length(path) > 0 or true",
    ],
)
def test_no_condition_sees_a_row_before_the_view_does(own: Ask, condition: str) -> None:
    rows = own(f"select split_part(path, '/', 1) from place where {condition}")

    assert {row[0] for row in rows} <= {OWN}


def test_catalogues_tell_no_names(own: Ask) -> None:
    told = [
        own("select string_agg(rolname, ' ') from pg_roles"),
        own("select string_agg(query, ' ') from pg_stat_activity"),
        own("select string_agg(most_common_vals::text, ' ') from pg_stats"),
        own("select string_agg(coalesce(histogram_bounds::text, ''), ' ') from pg_stats"),
        own("select string_agg(obj_description(oid), ' ') from pg_class"),
    ]

    assert FOREIGN not in str(told)
    assert own("select count(*) from pg_stats where schemaname = 'public'") == [(0,)]


def test_whoever_was_told_of_an_enterprise_is_shown_without_the_others_of_that_pull(
    owner: DatabaseSettings, own: Ask, department: Ask
) -> None:
    with psycopg.connect(conninfo(owner)) as connection:
        connection.execute(
            "insert into pilot_pull (at, consumer, dataset, way, rows_given, correlation,"
            " enterprises) values (%(at)s, 'so', 'd', 'api', 2, 'c', %(both)s),"
            " (%(at)s, 'so', 'd', 'api', 1, 'c', %(other)s)",
            {"at": at(1), "both": [OWN, FOREIGN], "other": [FOREIGN]},
        )
    try:
        assert own("select enterprises, rows_given from pilot_pull") == [([OWN], 2)]
        assert own(f"select count(*) from pilot_pull where '{FOREIGN}' = any(enterprises)") == [
            (0,)
        ]
        assert len(department("select enterprises from pilot_pull")) == 2
    finally:
        with psycopg.connect(conninfo(owner)) as connection:
            connection.execute("alter table pilot_pull disable trigger user")
            connection.execute("delete from pilot_pull")
            connection.execute("alter table pilot_pull enable trigger user")


def test_the_department_sees_sites_and_their_figures_only(department: Ask) -> None:
    assert {row[0] for row in department("select level from place")} == {"enterprise", "site"}
    assert department("select count(*) from oee_result")[0][0] > 0
    assert {row[0] for row in department("select level from place_shown")} == {
        "enterprise",
        "site",
    }
    levels = "select distinct p.level from oee_result r join place p using (place_id)"
    assert department(levels) == [("site",)]
    let_go = {"criteria_framework"} | {one for one in SEEN_BY if one.startswith("pilot_")}
    # What single machines did, and which there are, is no part of a record.
    let_go -= {"pilot_evidence_input", "pilot_machine"}
    figures = {"place", "place_shown", "place_version", "oee_result", "oee_result_past"}
    figures |= {"schema_migration", "site_disclosure"}
    for table in set(SEEN_BY) - figures - let_go:
        with pytest.raises(psycopg.errors.UndefinedTable):
            department(f"select * from {table}")


def test_sites_of_fewer_than_three_machines_are_not_told_to_the_department(
    owner: DatabaseSettings, department: Ask, own: Ask
) -> None:
    counted = (
        "select count(*) from oee_result r join place p using (place_id) where p.level = 'site'"
    )
    assert department(counted) == own(counted)
    assert department("select bool_and(is_told) from site_disclosure") == [(True,)]
    with psycopg.connect(conninfo(owner)) as connection:
        taken = "update place set in_service_until = %s where path like '%%/them-_'"
        connection.execute(taken, (at(0),))
    try:
        assert department(counted) == department("select count(*) from oee_result_past") == [(0,)]
        assert own(counted)[0][0] > 0
    finally:
        with psycopg.connect(conninfo(owner)) as connection:
            connection.execute(taken, (None,))


def test_a_new_enterprise_gets_a_login_and_making_them_again_changes_nothing(
    owner: DatabaseSettings,
) -> None:
    with psycopg.connect(conninfo(owner)) as connection:
        connection.execute(
            "insert into place (level, path, name_vi, name_en)"
            " values ('enterprise', 'moi', 'Mới', 'New')"
        )

    assert make_tenants(owner, SECRET) == ["moi"]
    assert make_tenants(owner, SECRET) == []
    assert asker(login_of(owner, SECRET, "moi"))("select path from place") == [("moi",)]
    with pytest.raises(psycopg.OperationalError):
        asker(login_of(owner, "another secret", OWN))("select 1")
    # Others count the places of the two.
    with psycopg.connect(conninfo(owner)) as connection:
        connection.execute("delete from place where path = 'moi'")


NOT_OURS = "nspname not in ('pg_catalog', 'information_schema', 'tenant', 'department')"
READABLE = (
    "select format('%I.%I', n.nspname, c.relname) from pg_class c"
    " join pg_namespace n on n.oid = c.relnamespace"
    " where c.relkind in ('r', 'v', 'm', 'p', 'f') and n."
    f"{NOT_OURS} and n.nspname not like 'pg_toast%' and n.nspname not like 'pg_temp%'"
    " and has_schema_privilege(n.oid, 'usage') and has_table_privilege(c.oid, 'select')"
)
CALLABLE = (
    "select p.oid::regprocedure::text from pg_proc p join pg_namespace n on n.oid = p.pronamespace"
    " where has_schema_privilege(n.oid, 'usage') and has_function_privilege(p.oid, 'execute')"
    " and p.prosecdef and not exists"
    # TimescaleDB's own are its own to answer for.
    " (select from pg_depend d where d.objid = p.oid and d.deptype = 'e')"
)


def test_what_else_can_be_read_names_nobody_and_shows_no_measurement(
    own: Ask, department: Ask
) -> None:
    for ask in (own, department):
        others = [row[0] for row in ask(READABLE)]
        # TimescaleDB's own books: which chunks there are and what was computed when.
        assert {name.partition(".")[0] for name in others} <= {
            *("_timescaledb_catalog", "_timescaledb_config", "timescaledb_information"),
            *("timescaledb_experimental", "_timescaledb_cache", "_timescaledb_internal"),
        }
        told = []
        for name in others:
            try:
                told.append(str(ask(f"select t::text from {name} t")))
            except psycopg.errors.InsufficientPrivilege:
                # A view of what they may not read itself.
                continue
        words = "\n".join(told)
        assert not [word for word in (*FOREIGN_WORDS, OWN) if word in words]
        chunks = [name for name in others if "_hyper_" in name]
        assert chunks == []


def test_no_function_works_with_the_rights_of_another(own: Ask, department: Ask) -> None:
    for ask in (own, department):
        assert ask(CALLABLE) == []


def test_a_login_of_an_enterprise_belongs_to_no_other_role(own: Ask, department: Ask) -> None:
    for ask in (own, department):
        assert (
            ask(
                "select r.rolname from pg_auth_members m join pg_roles r on r.oid = m.roleid"
                " where m.member = (select oid from pg_roles where rolname = session_user)"
            )
            == []
        )
        assert ask(
            "select rolsuper, rolcreaterole, rolcreatedb, rolbypassrls, rolreplication"
            " from pg_roles where rolname = session_user"
        ) == [(False,) * 5]


def test_what_a_login_may_put_on_the_disk_is_bounded_whatever_it_sets(
    owner: DatabaseSettings,
) -> None:
    with psycopg.connect(conninfo(login_of(owner, SECRET, OWN)), autocommit=True) as connection:
        connection.execute("set default_transaction_read_only = off")
        for lifted in ("set", "alter role current_user set"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(f"{lifted} temp_file_limit = -1".encode())
        assert connection.execute("show temp_file_limit").fetchone() == ("2GB",)


def test_a_login_gives_nobody_what_it_sees(owner: DatabaseSettings, department: Ask) -> None:
    with psycopg.connect(conninfo(login_of(owner, SECRET, OWN)), autocommit=True) as connection:
        connection.execute("set default_transaction_read_only = off")
        # A warning only: it has nothing to give.
        connection.execute("grant select on tenant.place to public")
        connection.execute("grant usage on schema tenant to public")
    assert department("select has_schema_privilege('tenant', 'usage')") == [(False,)]
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        department("select * from tenant.place")


def test_a_statement_that_lifted_its_own_limit_is_ended(owner: DatabaseSettings) -> None:
    writer = as_role(owner, "nhipmay_writer")
    ended: list[str] = []

    def work() -> None:
        with psycopg.connect(conninfo(login_of(owner, SECRET, OWN)), autocommit=True) as connection:
            try:
                connection.execute("set statement_timeout = 0")
                connection.execute("select pg_sleep(600)")
            except psycopg.errors.QueryCanceled as exc:
                ended.append(exc.diag.sqlstate or "")

    with ThreadPoolExecutor() as pool, connect(writer, autocommit=True) as connection:
        done = pool.submit(work)
        # Nobody else is ended, and nothing that has only begun.
        assert end_long_statements(connection, timedelta(hours=1)) == 0
        wait_until(
            lambda: end_long_statements(connection, timedelta(0)) == 1 or None,
            what="the statement to be found",
        )
        done.result(HANG_S)
    assert ended == ["57014"]


def test_no_login_of_an_enterprise_ends_the_work_of_others(
    owner: DatabaseSettings, own: Ask
) -> None:
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        own("select access.end_long_statements('0')")
    with psycopg.connect(conninfo(login_of(owner, SECRET, FOREIGN))) as other:
        for ending in ("pg_cancel_backend", "pg_terminate_backend"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                own(f"select {ending}({other.info.backend_pid})")
        assert other.execute("select 1").fetchone() == (1,)


def test_what_a_question_costs_grows_with_ones_own_rows_only(owner: DatabaseSettings) -> None:
    """A plan that went through everybody's rows would tell by its time how many others have."""

    def read(enterprise: str) -> dict[str, float]:
        ask = asker(login_of(owner, SECRET, enterprise))
        found = {}
        for table in ("measurement", "tag", "place", "stop"):
            lines = ask(f"explain (analyze, buffers, costs off, timing off) select * from {table}")
            removed = [line[0] for line in lines if "Rows Removed" in line[0]]
            found[table] = sum(float(line.rpartition(":")[2]) for line in removed)
        return found

    before = read(OWN)
    with psycopg.connect(conninfo(owner)) as connection:
        connection.execute(
            "insert into measurement (tag_id, source_time, received_time, value, quality)"
            " select tag_id, now() + n * interval '1 second', now(), n, 0"
            " from tag, generate_series(1, 20000) n where name = 'tien-1/nhiet-do'"
        )
        connection.execute("analyze measurement")
    after = read(OWN)
    with psycopg.connect(conninfo(owner)) as connection:
        connection.execute(
            "delete from measurement using tag t where t.tag_id = measurement.tag_id"
            " and t.name = 'tien-1/nhiet-do' and source_time > now()"
        )

    assert after["measurement"] - before["measurement"] < 20_000


@pytest.mark.parametrize(
    "change",
    [
        "alter role current_user password 'other'",
        "alter role current_user password null",
        "alter role current_user set search_path = nowhere",
        "alter role current_user set statement_timeout = 1",
    ],
)
def test_a_login_that_changed_itself_is_mended(
    owner: DatabaseSettings, timescale_server: PostgresServer, change: str
) -> None:
    settings = login_of(owner, SECRET, OWN)

    def kept() -> tuple[Any, ...]:
        with psycopg.connect(superuser, autocommit=True) as connection:
            row = connection.execute(
                "select a.rolpassword, r.rolconfig from pg_authid a join pg_roles r using (oid)"
                " where a.rolname = %s",
                [settings.user],
            ).fetchone()
            assert row is not None
            return row[0], sorted(row[1])

    superuser = timescale_server.url(owner.name)
    whole = kept()
    with psycopg.connect(conninfo(settings), autocommit=True) as connection:
        connection.execute("set default_transaction_read_only = off")
        connection.execute(change.encode())
    assert kept() != whole
    store = AccessStore(as_role(owner, "nhipmay_writer"))
    try:
        assert store.mend_login(settings.user)
        assert not store.mend_login("nhipmay")
        assert not store.mend_login("nm_unknown")
    finally:
        store.close()

    assert kept() == whole
