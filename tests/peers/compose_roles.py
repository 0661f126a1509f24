"""A database with the roles of the compose stack, made by its own script."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
from pydantic import SecretStr

from plant.settings import DatabaseSettings
from tests.peers.postgres import PostgresServer
from tests.peers.services import recorded

SCRIPT = Path(__file__).resolve().parents[2] / "docker/database/10-roles.sh"
PASSWORDS = {
    "nhipmay": 'the owner\'s "word"',
    "nhipmay_ingest": "the ingest's %word",
    "nhipmay_analytics": "the analysts' (word)",
    "nhipmay_reader": "the reader's \\word",
    "nhipmay_writer": "the writer's $word",
}
FILES = {
    "nhipmay": "database-nhipmay",
    "nhipmay_ingest": "database-ingest",
    "nhipmay_analytics": "database-analytics",
    "nhipmay_reader": "database-reader",
    "nhipmay_writer": "database-writer",
}

LETS_IN = """\
local all all trust
host all all 127.0.0.1/32 trust
host all all all scram-sha-256
"""
"""As the image writes it."""


@contextmanager
def compose_database(server: PostgresServer) -> Iterator[DatabaseSettings]:
    """Make the database as the stack makes it; its owner is no superuser. Not migrated."""
    name = server.create_database()
    with psycopg.connect(server.url(name), autocommit=True) as superuser:
        # The image of the stack does this before our script runs.
        superuser.execute("CREATE EXTENSION timescaledb")
    folder = server.host.make_folder()
    texts = {FILES[role]: f"{password}\n" for role, password in PASSWORDS.items()}
    texts["pg_hba.conf"] = LETS_IN
    for file, text in (texts | {SCRIPT.name: SCRIPT.read_text("utf-8")}).items():
        (folder / file).write_text(text)
        server.host.give(folder / file)
    inside = server.host.seen(folder)
    server.host.run(
        "env",
        f"PATH={recorded('timescaledb')['bin']}:/usr/bin:/bin",
        "PGHOST=127.0.0.1",
        f"PGPORT={server.port}",
        f"PGPASSWORD={server.password}",
        "POSTGRES_USER=postgres",
        f"POSTGRES_DB={name}",
        f"NHIPMAY_SECRETS={inside}",
        # A copy: this server has no TLS.
        f"PGDATA={inside}",
        "sh",
        f"{inside}/{SCRIPT.name}",
    )
    assert "hostssl all all all scram-sha-256" in (folder / "pg_hba.conf").read_text()
    shutil.rmtree(folder)
    try:
        yield as_role(DatabaseSettings(port=server.port, name=name), "nhipmay")
    finally:
        server.drop_database(name)
        with psycopg.connect(server.url(), autocommit=True) as superuser:
            # What the owner was given and gave holds it.
            superuser.execute("REVOKE SET ON PARAMETER temp_file_limit FROM nhipmay")
            logins = superuser.execute("SELECT rolname FROM pg_roles WHERE rolname LIKE 'nm\\_%'")
            for role in (*(row[0] for row in logins.fetchall()), *PASSWORDS):
                superuser.execute(f"DROP ROLE {role}".encode())


def as_role(database: DatabaseSettings, role: str) -> DatabaseSettings:
    """Return the same database for another of the roles."""
    return database.model_copy(update={"user": role, "password": SecretStr(PASSWORDS[role])})
