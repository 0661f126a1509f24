"""One login per enterprise, which sees views of its own rows and nothing else.

What a login sees follows from `session_user`, which no statement can change. A table that is not
in `SEEN_BY` has no view, so nobody of an enterprise sees it: forgetting means "nobody".
"""

import hashlib
import hmac
from collections.abc import Iterable, Mapping
from datetime import timedelta

import psycopg
from psycopg import sql
from pydantic import SecretStr

from plant.settings import DatabaseSettings
from store.engine.connection import Connection, connect, store_errors
from store.engine.queries import queries

_Q = queries("access/tenant")

MOST_FILES = "2GB"
"""What sorting and joining may put on the disk, per session of a login."""
LONGEST_STATEMENT = timedelta(minutes=15)
"""Longer works nobody; exports are of many statements."""
_SETTINGS = {
    "default_transaction_read_only": "on",
    "statement_timeout": "30s",
    "idle_in_transaction_session_timeout": "60s",
    "work_mem": "16MB",
    "max_parallel_workers_per_gather": "0",
}
"""What sessions of a login begin with."""
DEPARTMENT = ""
"""In place of an enterprise: the login of the department, which sees aggregates of all of them."""

_CONDITION = queries("access/condition")
"""By the column that says whose a row is: the condition."""

SEEN_BY = {
    "place": "place_id",
    **dict.fromkeys(
        ("import_mapping", "product", "stop_reason", "quality_reason"), "enterprise_id"
    ),
    **dict.fromkeys(
        (
            *("edge", "energy_meter", "holiday", "inspection", "lot", "oee_policy"),
            *("planned_maintenance", "production_order", "scrap_booking", "shift_pattern"),
            *("shift_rotation", "tag"),
        ),
        "site_id",
    ),
    **dict.fromkeys(
        (
            *("base_sum", "counter_judgement", "dirty_window", "failure", "minute_sum"),
            *("measurement_latest", "order_run"),
            *("planned_run_time", "routing_step", "state_interval", "state_map", "stop"),
            "stop_classification",
            "stop_division",
            *("anomaly_event", "anomaly_model", "anomaly_remark"),
        ),
        "work_unit_id",
    ),
    **dict.fromkeys(("oee_restatement", "oee_result", "oee_result_past", "oee_target"), "place_id"),
    **dict.fromkeys(
        (
            *("anomaly_limit", "counter_verdict", "measurement", "measurement_minute"),
            *("measurement_rollup", "rollup_pending", "text_measurement"),
        ),
        "tag_id",
    ),
    **dict.fromkeys(
        ("delivery_lag", "delivery_ledger", "edge_configuration", "edge_status", "rejection"),
        "edge_id",
    ),
    "shift_break": "shift_pattern_id",
    "edge_delivery": "edge",
    "place_shown": "place_id",
    "site_disclosure": "place_id",
    "master_data_event": "scope",
    "schema_migration": "everybody",
    "place_version": "everybody",
    "criteria_framework": "everybody",
    "pilot_programme": "everybody",
    "pilot_record": "enterprise_or_closed",
    **dict.fromkeys(
        (
            *("pilot_attachment", "pilot_consent", "pilot_enterprise", "pilot_evidence"),
            *("pilot_evidence_input", "pilot_machine", "pilot_step"),
        ),
        "enterprise",
    ),
    "pilot_pull": "pulled",
}
"""What people of an enterprise see: tables and views, and the column that says whose a row is."""

UNSEEN = frozenset(
    (
        *("anomaly_channel", "anomaly_message", "anomaly_state", "edge_certificate"),
        *("enrolment_token", "foreign_poll", "identity_event", "pilot_release", "rollup_mark"),
        "tag_version",
    )
)
"""Those that none of them sees."""

_AGGREGATES = {
    "place": "department_place",
    "place_shown": "department_place",
    "oee_result": "department_result",
    "oee_result_past": "department_result",
    "schema_migration": "everybody",
    "place_version": "everybody",
    "site_disclosure": "everybody",
    **dict.fromkeys(
        (
            *("criteria_framework", "pilot_programme", "pilot_enterprise", "pilot_consent"),
            *("pilot_release", "pilot_pull"),
        ),
        "everybody",
    ),
    "pilot_record": "department_record",
    **dict.fromkeys(("pilot_evidence", "pilot_step", "pilot_attachment"), "department_part"),
}
"""What the department sees: places down to sites, figures of sites, and records let go."""

_WITHOUT_OTHERS = {
    ("pilot_pull", "enterprises"): sql.SQL(
        "array(select x.enterprise from access.tenant x where x.role_name = session_user)"
    )
}
"""Columns in which a row names other enterprises, and what one of them sees in their place."""

_KINDS_OF_FAULTS = sql.SQL(
    "array(select distinct split_part(fault, ':', 1) from unnest(t.faults) as fault order by 1)"
)
_WITHOUT_MACHINES = {
    ("oee_result", "faults"): _KINDS_OF_FAULTS,
    ("oee_result_past", "faults"): _KINDS_OF_FAULTS,
}
"""Columns in which a row of a site names a machine, and what the department sees in their place."""


def role_of(database: str, enterprise: str) -> str:
    """Return the name of a login; it tells nobody whose it is."""
    return f"nm_{hashlib.sha256(f'{database}/{enterprise}'.encode()).hexdigest()[:24]}"


def login_of(settings: DatabaseSettings, secret: str, enterprise: str) -> DatabaseSettings:
    """Return the settings by which an enterprise's rows are read, or the department's aggregates.

    Passwords are derived from one secret, so that a new enterprise needs no new file.
    """
    role = role_of(settings.name, enterprise)
    word = hmac.new(secret.encode(), role.encode(), hashlib.sha256).hexdigest()
    changes = {"user": role, "password": SecretStr(word), "password_file": None, "pool_size": 4}
    return settings.model_copy(update=changes)


def make_tenants(settings: DatabaseSettings, secret: str) -> list[str]:
    """Make the views anew, and a login per enterprise; return the enterprises that got one now.

    The login of the settings owns the database and may create roles.
    """
    with store_errors(settings), connect(settings) as connection:
        _make_views(connection, "tenant", SEEN_BY, _WITHOUT_OTHERS)
        _make_views(connection, "department", _AGGREGATES, _WITHOUT_MACHINES)
        known: dict[str, str | None] = dict(connection.execute(_Q["present_tenants"]).fetchall())
        enterprises = [row[0] for row in connection.execute(_Q["enterprises"]).fetchall()]
        for enterprise in (DEPARTMENT, *enterprises):
            _make_login(connection, login_of(settings, secret, enterprise), enterprise)
    return [one for one in enterprises if role_of(settings.name, one) not in known]


def enterprises(settings: DatabaseSettings) -> dict[str, str]:
    """Return the Vietnamese names of all enterprises by their codes."""
    with store_errors(settings), connect(settings) as connection:
        return dict(connection.execute(_Q["enterprise_names"]).fetchall())


def end_long_statements(connection: Connection, longest: timedelta = LONGEST_STATEMENT) -> int:
    """End what logins of enterprises have been at for too long; return how many statements.

    A login may lift its own `statement_timeout`, but not this.
    """
    row = connection.execute(_Q["end_long_statements"], {"longest": longest}).fetchone()
    return int(row[0]) if row else 0


def mend_login(connection: Connection, role: str) -> bool:
    """Let a login be as it was made; return whether there is such a one.

    It may change its own password and what its sessions begin with, which nothing forbids in
    PostgreSQL, and would lock out whoever reads by it.
    """
    row = connection.execute(_Q["mend"], {"role": role}).fetchone()
    return row is not None and bool(row[0])


def unlisted(connection: Connection) -> list[str]:
    """Return tables and views that say nothing of who may see them."""
    rows = connection.execute(_Q["unlisted"], {"listed": [*SEEN_BY, *UNSEEN]}).fetchall()
    return [row[0] for row in rows]


def _make_views(
    connection: Connection,
    schema: str,
    seen_by: dict[str, str],
    shown: Mapping[tuple[str, str], sql.SQL],
) -> None:
    present = _relations(connection, seen_by)
    # Made anew, not changed: the view of a table that is listed no more would stay, and show its
    # rows.
    connection.execute(sql.SQL("drop schema if exists {} cascade").format(sql.Identifier(schema)))
    connection.execute(sql.SQL("create schema {}").format(sql.Identifier(schema)))
    for table in present:
        # A barrier: no condition of a query sees a row before this one has let it through.
        view = sql.SQL(
            "create view {schema}.{table} with (security_barrier) as"
            " select {columns} from public.{table} t where {condition}"
        )
        connection.execute(
            view.format(
                schema=sql.Identifier(schema),
                table=sql.Identifier(table),
                columns=sql.SQL(", ").join(
                    sql.SQL("{} as {}").format(
                        shown.get((table, name), sql.Identifier("t", name)), sql.Identifier(name)
                    )
                    for name in _columns(connection, table)
                ),
                condition=sql.SQL(_CONDITION[seen_by[table]]),
            )
        )


def _columns(connection: Connection, table: str) -> list[str]:
    rows = connection.execute(
        "select attname from pg_attribute where attrelid = %s::regclass"
        " and attnum > 0 and not attisdropped order by attnum",
        [f"public.{table}"],
    )
    return [row[0] for row in rows.fetchall()]


def _relations(connection: Connection, names: Iterable[str]) -> list[str]:
    rows = connection.execute(
        "select relname from pg_class where relnamespace = 'public'::regnamespace"
        " and relname = any(%s) and relkind in ('r', 'p', 'v', 'm') order by 1",
        [list(names)],
    )
    return [row[0] for row in rows.fetchall()]


def _make_login(connection: Connection, login: DatabaseSettings, enterprise: str) -> None:
    role = sql.Identifier(login.user)
    schema = "department" if enterprise == DEPARTMENT else "tenant"
    exists = connection.execute("select 1 from pg_roles where rolname = %s", [login.user])
    if exists.fetchone() is None:
        connection.execute(sql.SQL("create role {} login connection limit 10").format(role))
    # A digest goes out, not the word; the same is kept, so that `mend_login` sets it again.
    word = connection.pgconn.encrypt_password(
        (login.secret() or "").encode(), login.user.encode(), b"scram-sha-256"
    ).decode()
    settings = _SETTINGS | {"search_path": schema}
    # Each time: a login that an older version made gets what has been added since.
    for name, value in settings.items():
        setting = sql.SQL("alter role {} set {} = {}")
        connection.execute(setting.format(role, sql.Identifier(name), sql.Literal(value)))
    for statement in (
        sql.SQL("alter role {role} password {word}"),
        sql.SQL("grant connect on database {database} to {role}"),
        sql.SQL("grant usage on schema {schema} to {role}"),
        sql.SQL("grant select on all tables in schema {schema} to {role}"),
    ):
        connection.execute(
            statement.format(
                role=role,
                schema=sql.Identifier(schema),
                database=sql.Identifier(login.name),
                word=sql.Literal(word),
            )
        )
    # Who owns the database sees what the login does, and ends what takes too long: 0193.
    if connection.execute(_Q["is_superuser"]).fetchone() == (False,):
        connection.execute(
            sql.SQL("grant {role} to current_user with inherit true, set false").format(role=role)
        )
    _bound_files(connection, role)
    values = {"role": login.user, "enterprise": enterprise or None, "word": word}
    kept = [f"{name}={value}" for name, value in settings.items()]
    connection.execute(_Q["add_tenant"], values | {"settings": kept})


def _bound_files(connection: Connection, role: sql.Identifier) -> None:
    """Bound what a statement may put aside on the disk; a login cannot lift this by itself."""
    try:
        with connection.transaction():
            statement = sql.SQL("alter role {role} set temp_file_limit = {most}")
            connection.execute(statement.format(role=role, most=sql.Literal(MOST_FILES)))
    except psycopg.errors.InsufficientPrivilege:
        # An older installation: a superuser has not let the owner say so
        # (`docker/database/10-roles.sh`).
        return
