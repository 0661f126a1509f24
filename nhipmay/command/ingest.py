"""The commands `nhipmay ingest …`: the service, and rejections that are mended."""

import sys
from typing import Annotated, Final

import typer

from nhipmay.command.console import console
from nhipmay.command.option import Settings
from nhipmay.runtime import missing_extra, run_service
from plant.settings import load_settings

# The thread that writes has little to do after each answer of the database; by default it would
# wait 5 ms each time for the one that decodes, and the database with it.
_SWITCH_INTERVAL_S: Final = 0.0002

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
    sys.setswitchinterval(_SWITCH_INTERVAL_S)
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
