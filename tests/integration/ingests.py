"""Running ingests under test: in a thread, or as a process that can be killed."""

import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import psycopg
import yaml
from psycopg import sql

from ingest import IngestSettings, run
from ingest.commit.committer import Committer
from ingest.decoding.message import Message
from ingest.decoding.opening import open_parcel
from ingest.selfstat import Selfstat
from ingest.settings import LimitSettings
from plant.errors import ConfigurationError
from plant.settings import DatabaseSettings
from store import connect
from store.delivery.store import PostgresDeliveryStore
from tests.plants.deliveries import NOW
from tests.waiting import HANG_S


@contextmanager
def running(settings: IngestSettings) -> Iterator[None]:
    """Run an ingest in a thread of this process; its errors are raised at the end."""
    stop = threading.Event()
    failures: list[BaseException] = []

    def work() -> None:
        try:
            run(settings, stop)
        except ConfigurationError as exc:
            failures.append(exc)

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(HANG_S)
    assert not thread.is_alive()
    if failures:
        raise failures[0]


def take(
    database: DatabaseSettings, messages: Sequence[Message], limits: LimitSettings | None = None
) -> None:
    """Commit messages as the ingest does."""
    limits = limits or LimitSettings()
    with closing(PostgresDeliveryStore(database)) as store:
        committer = Committer(store, Selfstat(), lambda: NOW, limits, threading.Event())
        for _ in committer.commit([open_parcel(message, limits) for message in messages]):
            pass


def fetched(database: DatabaseSettings, query: str) -> list[tuple[Any, ...]]:
    with connect(database) as connection:
        return connection.execute(query.encode()).fetchall()


@contextmanager
def outage(database: DatabaseSettings) -> Iterator[None]:
    """Throw everyone out of the database and let no one in for a while."""
    name = sql.Identifier(database.name)
    allow = sql.SQL("alter database {} allow_connections {}")
    with psycopg.connect(
        host=database.host,
        port=database.port,
        user=database.user,
        password=database.secret(),
        dbname="postgres",
        autocommit=True,
    ) as administrator:
        administrator.execute(allow.format(name, sql.SQL("false")))
        administrator.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity where datname = %s",
            [database.name],
        )
        try:
            yield
        finally:
            administrator.execute(allow.format(name, sql.SQL("true")))


def write_settings(folder: Path, settings: IngestSettings) -> Path:
    content = settings.model_dump(mode="json", exclude={"clock"})
    assert settings.database.password is not None
    content["database"]["password"] = settings.database.password.get_secret_value()
    file = folder / "ingest.yaml"
    file.write_text(yaml.safe_dump(content))
    return file


def start_process(file: Path) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-m", "nhipmay", "ingest", "--settings", str(file)])
