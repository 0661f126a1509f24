"""The commands `nhipmay authority …`."""

from pathlib import Path
from typing import Annotated

import typer

from nhipmay.command.console import console
from nhipmay.command.option import Settings
from nhipmay.runtime import missing_extra, run_service
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
def write_revocation_list(
    settings: Settings = None,
    every: Annotated[
        float | None,
        typer.Option(min=1, help="Stay, and look again after so many seconds, for ever."),
    ] = None,
) -> None:
    """Write the list that the broker reads again, from the database."""
    try:
        from nhipmay.authority import AdministrationSettings, keep_list, write_list
    except ImportError as exc:
        raise missing_extra("authority revocation-list", "ingest", exc) from exc
    loaded = load_settings(AdministrationSettings, settings)
    if every is None:
        console().print(f"{write_list(loaded)} certificates are revoked")
        return
    run_service(loaded, lambda known, stop: keep_list(known, every, stop))
