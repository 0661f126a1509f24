"""The command `nhipmay doctor`."""

from pathlib import Path
from typing import Annotated

import typer

from nhipmay.command.console import console


def doctor(
    settings: Annotated[
        list[Path] | None,
        typer.Option("--settings", "-s", help="Settings file to examine; may be repeated."),
    ] = None,
) -> None:
    """Say in plain words what is wrong with this installation or with a settings file."""
    from nhipmay.doctor import examine

    healthy = True
    for finding in examine(settings or []):
        mark = "[green]ok[/]     " if finding.ok else "[bold red]problem[/]"
        console().print(mark, f" {finding.subject}: ", end="")
        console().print(finding.words, markup=False, highlight=False, soft_wrap=True)
        healthy = healthy and finding.ok
    if not healthy:
        raise typer.Exit(1)
