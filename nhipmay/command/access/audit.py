"""The commands `nhipmay audit …`, for the owner of the database."""

from pathlib import Path
from typing import Annotated

import typer

from nhipmay.command.console import console
from nhipmay.command.option import Settings
from nhipmay.runtime import missing_extra, stop_on_signals
from plant.settings import DatabaseSettings, load_settings

app = typer.Typer(no_args_is_help=True, help="Seal and verify the audit.")


@app.command("seal")
def seal_audit(
    heads: Annotated[Path, typer.Argument(help="File of signed heads, away from the database.")],
    key: Annotated[Path, typer.Option(help="Ed25519 key (PEM); made when it is not there.")],
    every: Annotated[
        int | None, typer.Option(min=1, help="Go on, and seal again after so many seconds.")
    ] = None,
    settings: Settings = None,
) -> None:
    """Sign the audit's last entry and append it to the file of heads."""
    try:
        from nhipmay.auditing import seal, seal_again_and_again
    except ImportError as exc:
        raise missing_extra("audit seal", "api", exc) from exc
    if every is None:
        console().print(seal(_database(settings), heads, key))
    else:
        stop = stop_on_signals()
        seal_again_and_again(_database(settings), heads, key, every, stop)


@app.command("verify")
def verify_audit(
    heads: Annotated[Path, typer.Argument(help="File of signed heads.")],
    key: Annotated[Path, typer.Option(help="The key, or its public half (PEM).")],
    settings: Settings = None,
) -> None:
    """Follow the chain of the audit; exit code 1 when an entry was changed, deleted or cut off."""
    try:
        from nhipmay.auditing import verify
    except ImportError as exc:
        raise missing_extra("audit verify", "api", exc) from exc
    verdict = verify(_database(settings), heads, key)
    for fault in verdict.faults:
        console().print(fault)
    if verdict.faults:
        raise typer.Exit(1)
    console().print(f"{verdict.entries} entries: the chain is whole, and so is every sealed head")


def _database(settings: Path | None) -> DatabaseSettings:
    from nhipmay.administration import MigrateSettings

    return load_settings(MigrateSettings, settings).database
