"""The commands `nhipmay authority …`."""

from pathlib import Path
from typing import Annotated

import typer

from nhipmay.command.console import console
from nhipmay.command.option import Settings
from nhipmay.runtime import missing_extra
from plant.settings import load_settings

app = typer.Typer(no_args_is_help=True, help="Keep the certificate authorities.")


@app.command("create")
def create_authority(
    folder: Annotated[Path, typer.Argument(help="Folder of secrets; what is there stays.")],
    address: Annotated[
        list[str] | None,
        typer.Option(help="More names of a server, such as broker=mqtt.example; may be repeated."),
    ] = None,
) -> None:
    """Make the two authorities and the services' certificates, or those that are due again."""
    try:
        from nhipmay.authority import create_authority as create
    except ImportError as exc:
        raise missing_extra("authority create", "ingest", exc) from exc
    for file in create(folder, address or []):
        typer.echo(f"made {file}")


@app.command("revocation-list")
def write_revocation_list(settings: Settings = None) -> None:
    """Write the list that the broker reads again, from the database."""
    try:
        from nhipmay.authority import AdministrationSettings, write_list
    except ImportError as exc:
        raise missing_extra("authority revocation-list", "ingest", exc) from exc
    count = write_list(load_settings(AdministrationSettings, settings))
    console().print(f"{count} certificates are revoked")
