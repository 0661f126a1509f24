"""A database restored beside the present one, then put in its place by renaming.

Nothing is overwritten: the present one keeps its content under another name. Commands on whole
databases cannot have parameters, so names go in as quoted identifiers.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

from psycopg import sql

from plant.settings import DatabaseSettings
from store.engine.connection import Connection, connect, store_errors
from store.engine.queries import queries

_Q = queries("engine/restoring")


def create_beside(settings: DatabaseSettings, name: str, *, timescale: bool) -> None:
    """Create an empty database on the server of the settings, ready to be restored into.

    Raises ConfigurationError without the right to do that, or when there is one of that name.
    """
    # An empty template: the common one may have extensions already.
    with _server(settings) as connection:
        connection.execute(
            sql.SQL("create database {} template template0").format(sql.Identifier(name))
        )
    if timescale:
        with connect(named(settings, name), autocommit=True) as connection:
            connection.execute("create extension timescaledb")
            connection.execute(_Q["timescale_pre_restore"])


def finish_restore(settings: DatabaseSettings, name: str, *, timescale: bool) -> datetime | None:
    """End the restoring of a database; return when the newest measurement in it was committed."""
    with connect(named(settings, name), autocommit=True) as connection:
        if timescale:
            connection.execute(_Q["timescale_post_restore"])
        row = connection.execute(_Q["newest_commit"]).fetchone()
        assert row is not None
        newest: datetime | None = row[0]
        return newest


def drop(settings: DatabaseSettings, name: str) -> None:
    """Drop a database, if there is one of that name."""
    with _server(settings) as connection:
        connection.execute(
            sql.SQL("drop database if exists {} with (force)").format(sql.Identifier(name))
        )


def put_in_place(settings: DatabaseSettings, name: str, former: str) -> bool:
    """Give a restored database the name of the settings, and the present one the name `former`.

    Who is connected to the present one is thrown out. Returns False when there was none.
    """
    present = sql.Identifier(settings.name)
    with _server(settings) as connection:
        row = connection.execute(_Q["has_database"], {"name": settings.name}).fetchone()
        there = bool(row and row[0])
        if there:
            _close(connection, settings.name)
            try:
                connection.execute(
                    sql.SQL("alter database {} rename to {}").format(
                        present, sql.Identifier(former)
                    )
                )
            except BaseException:
                _open(connection, settings.name)
                raise
        _close(connection, name)
        connection.execute(
            sql.SQL("alter database {} rename to {}").format(sql.Identifier(name), present)
        )
        _open(connection, settings.name)
        if there:
            _open(connection, former)
        return there


def named(settings: DatabaseSettings, name: str) -> DatabaseSettings:
    """Return the settings of another database of the same server."""
    return settings.model_copy(update={"name": name})


def _close(connection: Connection, name: str) -> None:
    connection.execute(
        sql.SQL("alter database {} allow_connections false").format(sql.Identifier(name))
    )
    connection.execute(_Q["end_sessions"], {"name": name})


def _open(connection: Connection, name: str) -> None:
    connection.execute(
        sql.SQL("alter database {} allow_connections true").format(sql.Identifier(name))
    )


@contextmanager
def _server(settings: DatabaseSettings) -> Iterator[Connection]:
    """A connection to the server's own database, in which databases are made and renamed."""
    with (
        store_errors(settings),
        connect(named(settings, "postgres"), autocommit=True) as connection,
    ):
        yield connection
