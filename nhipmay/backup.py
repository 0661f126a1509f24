"""Backups of the database with PostgreSQL's own programs, and their restoring."""

import hashlib
import os
import shlex
import subprocess
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import IO

from plant.clock import Clock
from plant.errors import ConfigurationError, NhipmayError
from plant.settings import DatabaseSettings
from store import detect, migrate
from store.engine.connection import connect
from store.engine.edition import Edition
from store.engine.restoring import create_beside, drop, finish_restore, named, put_in_place

_TIMESCALE = " EXTENSION - timescaledb "
_OURS = " TABLE public delivery_ledger "
_WORDS = 2_000

Say = Callable[[str], None]


class Programs:
    """How `pg_dump` and `pg_restore` are started: here, from a folder, or within a container."""

    def __init__(self, where: str | None) -> None:
        """`where` is a folder, or a command in front, such as `docker compose exec -T database`."""
        folder = Path(where) if where else None
        self._folder = folder if folder and folder.is_dir() else None
        self._before = shlex.split(where) if where and self._folder is None else []

    def command(self, program: str, *arguments: str) -> list[str]:
        """Return the words that start a program."""
        name = str(self._folder / program) if self._folder else program
        return [*self._before, name, *arguments]

    def run(
        self,
        settings: DatabaseSettings,
        program: str,
        *arguments: str,
        given: IO[bytes] | None = None,
        into: IO[bytes] | None = None,
    ) -> bytes:
        """Run a program to its end and return what it printed, if that does not go `into` a file.

        The password goes by the environment, where other users do not see it. Raises
        ConfigurationError with the program's own words.
        """
        # A standby may be dumped, too; what is restored has to be written.
        secured = {"PGTARGETSESSIONATTRS": "read-write"} if program == "pg_restore" else {}
        if settings.tls is not None:
            secured |= {"PGSSLMODE": "verify-full", "PGSSLROOTCERT": str(settings.tls.ca_file)}
        command = self.command(program, *arguments)
        try:
            done = subprocess.run(
                command,
                env={**os.environ, **secured, "PGPASSWORD": settings.secret() or ""},
                stdin=given or subprocess.DEVNULL,
                stdout=into or subprocess.PIPE,
                stderr=subprocess.PIPE,
                check=False,
            )
        except OSError as exc:
            raise ConfigurationError(
                f"{command[0]} cannot be started ({exc.strerror}); install PostgreSQL's client "
                "programs of the server's version, or say where they are with --programs"
            ) from exc
        if done.returncode:
            words = done.stderr.decode(errors="replace").strip()[-_WORDS:]
            raise ConfigurationError(f"{program} failed: {words}")
        return done.stdout or b""


def where(settings: DatabaseSettings, name: str | None = None) -> list[str]:
    """Return the arguments that name a database to PostgreSQL's programs."""
    return [
        f"--host={','.join(host for host, _ in settings.addresses)}",
        f"--port={','.join(str(port) for _, port in settings.addresses)}",
        f"--username={settings.user}",
        "--no-password",
        f"--dbname={name or settings.name}",
    ]


def backup(settings: DatabaseSettings, file: Path, programs: Programs) -> str:
    """Write a backup of the whole database to a file that is not there yet; return what it is.

    The file has its name only once it is complete and its table of contents can be read.
    """
    if file.exists():
        raise ConfigurationError(f"{file} is there already; a backup never replaces another")
    partial = file.with_name(file.name + ".partial")
    try:
        with partial.open("wb") as output:
            # Of the owner alone: it holds everything.
            partial.chmod(0o600)
            programs.run(settings, "pg_dump", "--format=custom", *where(settings), into=output)
            output.flush()
            os.fsync(output.fileno())
        contents = _contents(settings, partial, programs)
        size = partial.stat().st_size
        # Before the backup has its name: one without a checksum is no backup of ours.
        _beside(file).write_text(f"{_digest(partial)}  {file.name}\n", encoding="utf-8")
        partial.rename(file)
    except OSError as exc:
        partial.unlink(missing_ok=True)
        raise ConfigurationError(f"{file} cannot be written: {exc.strerror}") from exc
    except NhipmayError:
        partial.unlink(missing_ok=True)
        raise
    tables = sum(" TABLE DATA " in line for line in contents)
    return f"wrote {file} and its checksum: {size / 1e6:.1f} MB, {tables} tables"


def restore(
    settings: DatabaseSettings, file: Path, programs: Programs, clock: Clock, say: Say
) -> str:
    """Restore a backup beside the present database, put it in its place, and return what is left.

    The present database is kept under another name. Until the restored one is whole, nothing of
    the present one is touched.
    """
    if not file.is_file():
        raise ConfigurationError(f"there is no backup {file}")
    _check(file)
    contents = _contents(settings, file, programs)
    if not any(_OURS in line for line in contents):
        raise ConfigurationError(f"{file} is no backup of Nhịp Máy")
    timescale = any(_TIMESCALE in line for line in contents)
    stamp = clock().astimezone(UTC).strftime("%Y%m%d_%H%M%S")
    fresh, former = f"{settings.name}_restoring_{stamp}", f"{settings.name}_before_{stamp}"
    say(f"restoring {file} into {fresh} …")
    try:
        create_beside(settings, fresh, timescale=timescale)
        with file.open("rb") as content:
            arguments = ("--exit-on-error", "--no-owner", "--no-privileges")
            programs.run(settings, "pg_restore", *arguments, *where(settings, fresh), given=content)
        newest = finish_restore(settings, fresh, timescale=timescale)
        _same_edition(named(settings, fresh), timescale=timescale)
        # Also gives the services' roles their rights again.
        applied = migrate(named(settings, fresh))
    except NhipmayError:
        drop(settings, fresh)
        raise
    for name in applied:
        say(f"applied {name}")
    kept = put_in_place(settings, fresh, former)
    return _left(settings.name, newest, former if kept else None)


def _beside(file: Path) -> Path:
    return file.with_name(file.name + ".sha256")


def _digest(file: Path) -> str:
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


def _check(file: Path) -> None:
    """Raise ConfigurationError for a backup that was changed: pg_restore takes half of one."""
    try:
        expected = _beside(file).read_text(encoding="utf-8").split()[:1]
    except (OSError, UnicodeDecodeError) as exc:
        raise ConfigurationError(
            f"{_beside(file)} cannot be read: a backup is restored only with its checksum; "
            f"`sha256sum {file.name} > {file.name}.sha256` makes one for a file that you trust"
        ) from exc
    if expected != [_digest(file)]:
        raise ConfigurationError(
            f"{file} does not agree with {_beside(file)}: it was cut short or changed; take another"
        )


def _contents(settings: DatabaseSettings, file: Path, programs: Programs) -> list[str]:
    with file.open("rb") as content:
        listed = programs.run(settings, "pg_restore", "--list", given=content)
    return listed.decode(errors="replace").splitlines()


def _same_edition(settings: DatabaseSettings, *, timescale: bool) -> None:
    with connect(settings) as connection:
        if timescale and detect(connection) is Edition.PLAIN:
            raise ConfigurationError("the backup needs TimescaleDB, which this server has not")


def _left(name: str, newest: datetime | None, former: str | None) -> str:
    state = "it holds no measurement" if newest is None else f"its newest commit is of {newest}"
    kept = f"; the former database is kept as {former}" if former else ""
    return (
        f"{name} is restored, {state}{kept}. Edges notice within a minute of the ingest's start, "
        "send again what they still keep, and the rest is shown as a gap on the page /fleet"
    )
