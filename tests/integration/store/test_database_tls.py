"""The database over TLS: encrypted, and by the right name and authority, or not at all."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest

from nhipmay.authority import create_authority
from plant.errors import ConfigurationError
from plant.identity import Authority, Identity, new_key
from plant.settings import DatabaseSettings, DatabaseTlsSettings
from store import connect
from tests.peers.postgres import PostgresServer
from tests.waiting import wait_until


@pytest.fixture
def secrets(timescale_server: PostgresServer, tmp_path: Path) -> Iterator[Path]:
    """Authorities as of the stack; the server shows a certificate for `localhost` meanwhile."""
    server = timescale_server
    create_authority(tmp_path, [])
    authority = Authority.from_pem((tmp_path / "authority-services").read_bytes())
    key = new_key()
    certificate = authority.for_server(
        "database", key.public_key(), datetime.now(UTC), ["localhost"]
    )
    file = server.folder / "data" / "tls-database"
    file.write_bytes(Identity(key, certificate).to_pem())
    file.chmod(0o600)
    server.host.give(file)
    with psycopg.connect(server.url(), autocommit=True) as superuser:
        for name, value in (
            ("ssl_cert_file", "tls-database"),
            ("ssl_key_file", "tls-database"),
            ("ssl", "on"),
        ):
            superuser.execute(f"alter system set {name} = '{value}'".encode())
        superuser.execute("select pg_reload_conf()")
    settings = server.settings().model_copy(
        update={
            "host": "localhost",
            "tls": DatabaseTlsSettings(ca_file=tmp_path / "authority-services.pem"),
        }
    )
    wait_until(lambda: is_encrypted(settings), what="the server to speak TLS")
    yield tmp_path
    with psycopg.connect(server.url(), autocommit=True) as superuser:
        superuser.execute("alter system reset all")
        superuser.execute("select pg_reload_conf()")


def is_encrypted(settings: DatabaseSettings) -> bool:
    try:
        with connect(settings) as connection:
            row = connection.execute(
                "select ssl from pg_stat_ssl where pid = pg_backend_pid()"
            ).fetchone()
    except ConfigurationError:
        return False
    return bool(row and row[0])


def test_only_the_right_authority_and_name_are_believed(
    timescale_server: PostgresServer, secrets: Path
) -> None:
    right = timescale_server.settings().model_copy(update={"host": "localhost"})
    tls = DatabaseTlsSettings(ca_file=secrets / "authority-edges.pem")

    with pytest.raises(ConfigurationError, match="not one of"):
        connect(right.model_copy(update={"tls": tls}))
    tls = DatabaseTlsSettings(ca_file=secrets / "authority-services.pem")
    with pytest.raises(ConfigurationError, match="another name"):
        connect(right.model_copy(update={"tls": tls, "host": "127.0.0.1"}))
    tls = DatabaseTlsSettings(ca_file=secrets / "absent.pem")
    with pytest.raises(ConfigurationError, match="cannot be read"):
        connect(right.model_copy(update={"tls": tls}))


def test_a_server_without_tls_is_not_believed(
    plain_postgres_server: PostgresServer, tmp_path: Path
) -> None:
    create_authority(tmp_path, [])
    tls = DatabaseTlsSettings(ca_file=tmp_path / "authority-services.pem")

    with pytest.raises(ConfigurationError, match="does not speak TLS"):
        connect(plain_postgres_server.settings().model_copy(update={"tls": tls}))
