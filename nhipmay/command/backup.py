"""The commands `nhipmay backup` and `nhipmay restore`."""

from pathlib import Path
from typing import Annotated

import typer

from nhipmay.command.console import console
from nhipmay.command.option import Settings
from nhipmay.runtime import missing_extra
from plant.settings import load_settings

_Programs = Annotated[
    str | None,
    typer.Option(
        "--programs",
        help="Folder of pg_dump and pg_restore, or a command to put in front of them.",
    ),
]


def backup(
    file: Annotated[Path, typer.Argument(help="Where to write the backup; not there yet.")],
    settings: Settings = None,
    programs: _Programs = None,
) -> None:
    """Write the whole database to a file; services go on meanwhile."""
    try:
        from nhipmay.administration import MigrateSettings
        from nhipmay.backup import Programs
        from nhipmay.backup import backup as write_backup
    except ImportError as exc:
        raise missing_extra("backup", "ingest", exc) from exc
    loaded = load_settings(MigrateSettings, settings)
    console().print(
        write_backup(loaded.database, file, Programs(programs)), markup=False, soft_wrap=True
    )


def restore(
    file: Annotated[Path, typer.Argument(help="A backup of `nhipmay backup`.")],
    settings: Settings = None,
    programs: _Programs = None,
) -> None:
    """Put a backup in the place of the database, which is kept under another name."""
    try:
        from nhipmay.administration import MigrateSettings
        from nhipmay.backup import Programs
        from nhipmay.backup import restore as restore_backup
    except ImportError as exc:
        raise missing_extra("restore", "ingest", exc) from exc
    loaded = load_settings(MigrateSettings, settings)

    def say(line: str) -> None:
        console().print(line, markup=False, soft_wrap=True)

    say(restore_backup(loaded.database, file, Programs(programs), loaded.make_clock(), say))
