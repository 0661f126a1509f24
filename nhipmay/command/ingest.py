"""The commands `nhipmay ingest …`: the service, and rejections that are mended."""

from typing import Annotated

import typer

from nhipmay.command.console import console
from nhipmay.command.option import Settings
from nhipmay.runtime import missing_extra, run_service
from plant.settings import load_settings

app = typer.Typer(invoke_without_command=True)


@app.callback()
def ingest(context: typer.Context, settings: Settings = None) -> None:
    """Take measurements from the broker into the database, each exactly once."""
    if context.invoked_subcommand is not None:
        return
    try:
        from ingest import IngestSettings, run
    except ImportError as exc:
        raise missing_extra("ingest", "ingest", exc) from exc
    run_service(load_settings(IngestSettings, settings), run)


@app.command("replay-rejected")
def replay_rejected(
    reason: Annotated[str, typer.Option(help="Reason of the rejections, such as unknown_tag.")],
    settings: Settings = None,
) -> None:
    """Write what was rejected for a reason, once its cause is mended; each exactly once."""
    try:
        from ingest import IngestSettings
        from ingest import replay_rejected as replay_rejections
    except ImportError as exc:
        raise missing_extra("ingest replay-rejected", "ingest", exc) from exc
    done = replay_rejections(load_settings(IngestSettings, settings), reason)
    console().print(
        f"{done.examined} rejections examined, {done.settled} settled, "
        f"{done.written} measurements written"
    )
