"""The command `nhipmay evaluate`: how good detection is, on data whose truth is known."""

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table as Grid

from nhipmay.command.console import console
from nhipmay.runtime import missing_extra
from plant.errors import ConfigurationError

app = typer.Typer(help="Measure how good detection is, from raw files.", no_args_is_help=True)


@app.callback()
def _evaluate() -> None:
    """Measure how good detection is, from raw files."""


@app.command()
def anomaly(
    data: Annotated[Path, typer.Option(help="Folder of the data set, as it is published.")],
    protocol: Annotated[str, typer.Option(help="skab, tep, nab or events.")],
    json_file: Annotated[
        Path | None, typer.Option("--json", help="File the figures are written to.")
    ] = None,
) -> None:
    """Run the live detector over a data set and print its figures beside trivial ones."""
    try:
        from analytics.anomaly.evaluation import PROTOCOLS
    except ImportError as exc:
        raise missing_extra("evaluate", "analytics", exc) from exc
    if protocol not in PROTOCOLS:
        raise ConfigurationError(f"'{protocol}' is no protocol; there are {', '.join(PROTOCOLS)}")
    if not data.is_dir():
        raise ConfigurationError(f"{data} is no folder")
    with console().status("learning") as status:
        found = PROTOCOLS[protocol](data, status.update)
    for table in found.tables:
        grid = Grid(*table.columns, title=table.title, title_justify="left")
        for row in table.rows:
            grid.add_row(*row)
        console().print(grid)
    if json_file is not None:
        json_file.write_text(json.dumps(found.figures, indent=2) + "\n", encoding="utf-8")


@app.command()
def plants(
    folder: Annotated[Path, typer.Argument(help="Folder the recordings are written to.")],
    days: Annotated[float, typer.Option(help="Machine-days without a fault.")] = 60.0,
    faults: Annotated[int, typer.Option(help="Recordings of each kind of fault.")] = 10,
    seed: Annotated[int, typer.Option(help="The same seed writes the same plants.")] = 1,
) -> None:
    """Write recordings of simulated machines with known faults, for the protocol `events`."""
    try:
        from simulators.condition import write_recordings
    except ImportError as exc:
        raise missing_extra("evaluate", "simulate", exc) from exc
    with console().status("simulating") as status:
        write_recordings(folder, days, faults, seed, status.update)
