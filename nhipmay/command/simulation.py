"""The commands `nhipmay simulate` and `nhipmay replay`: measurements without a machine."""

from pathlib import Path
from typing import Annotated

import typer

from nhipmay.command.console import console
from nhipmay.command.option import Settings
from nhipmay.runtime import missing_extra, run_service
from plant.settings import load_settings


def simulate(settings: Settings = None) -> None:
    """Run a simulated pilot plant behind a real OPC UA or Modbus TCP server."""
    try:
        from simulators import SimulatorSettings, run
    except ImportError as exc:
        raise missing_extra("simulate", "simulate", exc) from exc
    run_service(load_settings(SimulatorSettings, settings), run)


def replay(
    file: Annotated[Path, typer.Argument(help="Recorded CSV file.")],
    map_file: Annotated[
        Path, typer.Option("--map", help="Which column is which tag of which machine.")
    ],
    outbox: Annotated[
        Path | None, typer.Option(help="Outbox file of the replaying edge; temporary by default.")
    ] = None,
    settings: Annotated[
        Path | None,
        typer.Option(
            "--settings",
            "-s",
            help="Settings file with the platform's database: load the map's plant there first.",
        ),
    ] = None,
) -> None:
    """Play a recorded CSV file through a real edge agent; ends when all of it is committed."""
    try:
        from nhipmay.administration import MigrateSettings
        from nhipmay.administration import replay as replay_file
    except ImportError as exc:
        raise missing_extra("replay", "demo", exc) from exc
    platform = load_settings(MigrateSettings, settings) if settings else None
    console().print(replay_file(file, map_file, outbox, platform))
