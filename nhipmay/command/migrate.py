"""The command `nhipmay migrate`."""

from pathlib import Path
from typing import Annotated

import typer

from nhipmay.command.console import console
from nhipmay.command.option import Settings
from nhipmay.runtime import missing_extra
from plant.settings import load_settings


def migrate(
    settings: Settings = None,
    plant: Annotated[
        list[Path] | None,
        typer.Option("--plant", help="Plant description to load afterwards; may be repeated."),
    ] = None,
) -> None:
    """Bring the database to the present schema, and load plant descriptions."""
    try:
        from nhipmay.administration import MigrateSettings
        from nhipmay.administration import migrate as migrate_database
    except ImportError as exc:
        raise missing_extra("migrate", "ingest", exc) from exc
    for line in migrate_database(load_settings(MigrateSettings, settings), plant or []):
        console().print(line)
