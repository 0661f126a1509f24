"""The commands `nhipmay analytics` and `nhipmay recompute`: figures."""

from typing import Annotated

import typer

from nhipmay.command.console import console
from nhipmay.command.option import Settings, parse_moment
from nhipmay.runtime import missing_extra, run_service
from plant.settings import load_settings


def analytics(settings: Settings = None) -> None:
    """Turn measurements into states, counts and OEE as they arrive."""
    try:
        from analytics import AnalyticsSettings, run
    except ImportError as exc:
        raise missing_extra("analytics", "analytics", exc) from exc
    run_service(load_settings(AnalyticsSettings, settings), run)


def recompute(
    place: Annotated[
        str | None, typer.Option(help="Path of a place; everywhere, if left out.")
    ] = None,
    start: Annotated[
        str | None, typer.Option("--from", help="Moment with offset: 2026-03-02T06:00:00+07:00.")
    ] = None,
    end: Annotated[
        str | None, typer.Option("--to", help="Moment with offset; as far as figures reach.")
    ] = None,
    settings: Settings = None,
) -> None:
    """Compute figures again from the measurements; exit code 1 when any row differs."""
    try:
        from analytics import AnalyticsSettings, recompute_from_raw
    except ImportError as exc:
        raise missing_extra("recompute", "analytics", exc) from exc
    report = recompute_from_raw(
        load_settings(AnalyticsSettings, settings), place, parse_moment(start), parse_moment(end)
    )
    console().print(f"{report.unit_hours} hours of machines computed again")
    for table, found in report.tables.items():
        console().print(f"{table}: {found.rows} rows before, {found.differing} differ")
    console().print("identical" if report.identical else "[bold red]not identical[/]")
    if not report.identical:
        raise typer.Exit(1)
