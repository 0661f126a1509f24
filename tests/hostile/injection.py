"""Errors of the database's own that one row of one message brings about: triggers on every table.

A trigger raises a SQLSTATE when a row is of the odd message: when its text holds the marker, or its
columns are those of the odd edge or machine. How often that happened is told by a sequence, which
no rollback undoes.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import psycopg.errors

from store import Connection

TERMINATE = "terminate"
"""Instead of an error: the server ends the connection of whoever writes the row."""

_SCHEMA = """
create schema hostile;
create sequence hostile.fired;
create table hostile.armed (
    name text not null, state text not null, marker text not null, columns jsonb
);
create function hostile.refuse() returns trigger language plpgsql security definer as $$
declare
    armed record;
    line jsonb;
    said text;
begin
    for armed in select * from hostile.armed where name = tg_argv[0] loop
        line := to_jsonb(new);
        said := line::text;
        if line @> armed.columns
            or position(armed.marker in said) > 0
            or position(encode(armed.marker::bytea, 'hex') in said) > 0
        then
            perform nextval('hostile.fired');
            if armed.state = 'terminate' then
                perform pg_terminate_backend(pg_backend_pid());
                perform pg_sleep(1);
            end if;
            raise exception 'the row is odd' using errcode = armed.state;
        end if;
    end loop;
    return new;
end $$;
"""
_TABLES = """
select relname from pg_class
where relnamespace = 'public'::regnamespace and relkind in ('r', 'p')
    and relname <> 'schema_migration'
order by relname
"""


@dataclass(frozen=True, slots=True)
class Injection:
    """Which error a row of the odd message raises in which table."""

    table: str
    state: str

    @property
    def state_class(self) -> str:
        """The first two letters of the SQLSTATE."""
        return self.state if self.state == TERMINATE else self.state[:2]


def states() -> dict[str, list[str]]:
    """Return every SQLSTATE that an error may have, by class; TimescaleDB's and an end, too."""
    known = sorted(
        error.sqlstate
        for error in vars(psycopg.errors).values()
        if isinstance(error, type) and issubclass(error, psycopg.Error) and error.sqlstate
    )
    classes: dict[str, list[str]] = {}
    for state in known:
        classes.setdefault(state[:2], []).append(state)
    classes["TS"] = ["TS101", "TS140"]
    classes[TERMINATE] = [TERMINATE]
    return classes


def plan(tables: Sequence[str], seed: int) -> list[Injection]:
    """Return some tables with every class once, in an order that the seed chooses."""
    random = np.random.default_rng(seed)
    classes = states()
    pairs = [
        Injection(table, classes[name][int(random.integers(len(classes[name])))])
        for table in tables
        for name in classes
    ]
    return [pairs[int(k)] for k in random.permutation(len(pairs))]


class Triggers:
    """The triggers of one database; nothing is armed at first."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        connection.execute(_SCHEMA)
        self.tables: list[str] = [name for (name,) in connection.execute(_TABLES)]
        for name in self.tables:
            connection.execute(
                f"create trigger hostile before insert or update on {name}"
                f" for each row execute function hostile.refuse('{name}')".encode()
            )

    def arm(self, injection: Injection, marker: str, columns: dict[str, Any]) -> None:
        """Have the odd message's rows of a table refused from now on."""
        self._connection.execute(
            "insert into hostile.armed values (%s, %s, %s, %s)",
            [injection.table, injection.state, marker, json.dumps(columns) if columns else None],
        )

    def disarm(self) -> None:
        """Refuse nothing any more."""
        self._connection.execute("delete from hostile.armed")

    def fired(self) -> int:
        """Return how often a trigger has raised since the beginning."""
        row = self._connection.execute(
            "select case when is_called then last_value else 0 end from hostile.fired"
        ).fetchone()
        assert row is not None
        return int(row[0])

    def columns_of(self, table: str) -> set[str]:
        """Return the names of a table's columns."""
        found = self._connection.execute(
            "select column_name from information_schema.columns"
            " where table_schema = 'public' and table_name = %s",
            [table],
        )
        return {name for (name,) in found}
