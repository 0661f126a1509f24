"""The command `nhipmay demo`."""

from pathlib import Path
from typing import Annotated

import typer

from nhipmay.command.console import console
from nhipmay.command.option import parse_duration
from nhipmay.runtime import missing_extra


def demo(
    check: Annotated[
        bool,
        typer.Option("--check", help="Run unattended, compare with ground truth, exit 1 if wrong."),
    ] = False,
    duration: Annotated[
        str, typer.Option("--for", help="How long --check runs, such as 120s or 5m.")
    ] = "120s",
    data: Annotated[
        Path | None, typer.Option(help="Folder for everything the demo writes; emptied first.")
    ] = None,
    port: Annotated[
        int | None, typer.Option(help="Port of the live page; else the first free from 8000 on.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Another number makes another history.")] = 2026,
    speed: Annotated[
        float, typer.Option(min=1, max=1000, help="Plant seconds per second.")
    ] = 240.0,
    disorder: Annotated[
        bool | None,
        typer.Option(help="Let machines and lines lie as real ones do; else only --check does."),
    ] = None,
    programme: Annotated[
        bool,
        typer.Option(
            "--programme", help="With a pilot programme of four enterprises; takes minutes more."
        ),
    ] = False,
    python_broker: Annotated[
        bool, typer.Option("--python-broker", help="Do without mosquitto even if it is there.")
    ] = False,
) -> None:
    """Run everything on this machine with two simulated pilot plants, and show the live page."""
    try:
        from nhipmay.demo import DemoOptions, run_check, run_demo
        from nhipmay.demo.folder import default_folder
    except ImportError as exc:
        raise missing_extra("demo", "demo", exc) from exc
    options = DemoOptions(
        data=(data or default_folder()).absolute(),
        port=port,
        seed=seed,
        speed=speed,
        # A first look is to convince; what lies is for proving, or for who asks.
        disorder=check if disorder is None else disorder,
        python_broker=python_broker,
        programme=programme,
    )
    if not check:
        run_demo(options, console())
    elif not run_check(options, parse_duration(duration), console()):
        raise typer.Exit(1)
