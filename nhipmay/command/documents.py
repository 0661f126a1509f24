"""The command `nhipmay import`: master data and MES facts."""

from pathlib import Path
from typing import Annotated

import typer

from nhipmay.command.console import console
from nhipmay.command.option import Settings
from nhipmay.runtime import missing_extra


def import_documents(
    file: Annotated[
        Path | None, typer.Argument(help="CSV, XLSX, JSON or B2MML file to import.")
    ] = None,
    kind: Annotated[
        str | None, typer.Option(help="What the file holds, such as products or orders.")
    ] = None,
    preview: Annotated[
        bool, typer.Option("--preview", help="Say what would happen, and write nothing.")
    ] = False,
    site: Annotated[
        str | None, typer.Option(help="Site (enterprise/site) where the file names none.")
    ] = None,
    enterprise: Annotated[
        str | None, typer.Option(help="Enterprise where the file names none.")
    ] = None,
    time_zone: Annotated[
        str | None, typer.Option(help="Zone of times written without an offset.")
    ] = None,
    sheet: Annotated[str | None, typer.Option(help="Sheet of a workbook; else its first.")] = None,
    mapping: Annotated[
        str | None, typer.Option(help="Confirmed mapping that the file is read by.")
    ] = None,
    who: Annotated[str, typer.Option(help="Who imports, for the trail.")] = "",
    reason: Annotated[str, typer.Option(help="Why, for the trail of corrections.")] = "",
    reasons: Annotated[
        str | None,
        typer.Option(help="Instead of a file: the reasons of a sector, mechanical or food."),
    ] = None,
    sql: Annotated[
        Path | None, typer.Option(help="Instead of a file: settings of a foreign table.")
    ] = None,
    watch: Annotated[
        bool, typer.Option("--watch", help="With --sql: read it again and again.")
    ] = False,
    template: Annotated[
        bool, typer.Option("--template", help="Print the header of a table of this kind.")
    ] = False,
    settings: Settings = None,
) -> None:
    """Import master data and MES facts: everything in the file, or nothing and a report."""
    try:
        from nhipmay.importing import ImportOptions, run_import
    except ImportError as exc:
        raise missing_extra("import", "ingest", exc) from exc
    options = ImportOptions(
        file=file,
        kind=kind,
        preview=preview,
        site=site,
        enterprise=enterprise,
        time_zone=time_zone,
        sheet=sheet,
        mapping=mapping,
        who=who,
        reason=reason,
        reasons=reasons,
        sql=sql,
        watch=watch,
        template=template,
        settings=settings,
    )
    if not run_import(options, console()):
        raise typer.Exit(1)
