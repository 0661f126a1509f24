"""The commands `nhipmay edge read`, `watch` and `import-tags`: the technician's bench."""

import asyncio
import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from nhipmay.command.console import console
from nhipmay.command.option import Settings, parse_duration
from nhipmay.runtime import missing_extra
from plant.errors import ConfigurationError
from plant.settings import load_settings

if TYPE_CHECKING:
    from rich.table import Table

    from edge_agent import EdgeSettings
    from edge_agent.inspection.look import Look, Onlooker

Only = Annotated[list[str] | None, typer.Option("--source", help="Only this source; repeatable.")]


def read_edge(
    settings: Settings = None,
    source: Only = None,
    patience: Annotated[str, typer.Option(help="How long to wait for all values.")] = "10s",
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,
) -> None:
    """Read each tag once: its value, quality and time, or why there is none. Nothing is sent."""
    loaded, names = _sources(settings, source)
    patience_s = parse_duration(patience).total_seconds()
    looks = asyncio.run(_look(loaded, names, patience_s))
    for name, onlooker in looks.items():
        if as_json:
            for look in onlooker.looks:
                typer.echo(json.dumps({"source": name, **look.fields()}, ensure_ascii=False))
        else:
            console().print(_table(name, onlooker))
    if not all(look.ok for onlooker in looks.values() for look in onlooker.looks):
        raise typer.Exit(1)


def watch_edge(
    settings: Settings = None,
    source: Only = None,
    for_: Annotated[str, typer.Option("--for", help="How long.")] = "1h",
) -> None:
    """Show the values of each tag as they come, until Ctrl+C. Nothing is sent."""
    from rich.console import Group
    from rich.live import Live

    loaded, names = _sources(settings, source)
    shown: dict[str, Onlooker] = {}
    with Live(console=console(), refresh_per_second=4) as live:

        def show(name: str, onlooker: "Onlooker") -> None:
            shown[name] = onlooker
            live.update(Group(*(_table(one, shown[one]) for one in names if one in shown)))

        try:
            asyncio.run(_look(loaded, names, parse_duration(for_).total_seconds(), show))
        except KeyboardInterrupt:
            return


def import_tags(
    file: Annotated[Path, typer.Argument(help="List of tags: CSV or Excel (.xlsx).")],
    work_unit: Annotated[str, typer.Option(help="Machine of all tags: area/line/machine.")],
    out: Annotated[Path | None, typer.Option(help="File of sources to write.")] = None,
    host: Annotated[str, typer.Option(help="Address of the PLC.")] = "192.168.0.1",
    port: Annotated[int | None, typer.Option(help="Its port, if not the usual one.")] = None,
    driver: Annotated[str | None, typer.Option(help="modbus, s7, slmp; else by addresses.")] = None,
    source: Annotated[str, typer.Option(help="Code of the source.")] = "plc",
    sheet: Annotated[str | None, typer.Option(help="Sheet of the workbook.")] = None,
) -> None:
    """Make sources of a PLC's tag list: KEPServerEX, TIA tags, GX Works labels, a sheet.

    Without --out it only shows what it understood.
    """
    try:
        from edge_agent.inspection.tag_list import DRIVERS, read_tag_list
    except ImportError as exc:
        raise missing_extra("edge import-tags", "edge", exc) from exc
    if driver is not None and driver not in DRIVERS:
        raise ConfigurationError(f"'{driver}' is none of {', '.join(DRIVERS)}")
    found = read_tag_list(file, driver, work_unit, sheet)
    console().print(_preview(found.form, found.driver, found.tags))
    for refused in found.refused:
        console().print(f"not taken: {refused}", markup=False, highlight=False, soft_wrap=True)
    if not found.tags:
        raise ConfigurationError(f"{file} has no row that is a tag")
    if out is None:
        console().print("nothing is written: give --out FILE")
        return
    connection: dict[str, Any] = {"host": host} | ({"port": port} if port else {})
    try:
        out.write_text(found.text(source, connection), encoding="utf-8")
    except OSError as exc:
        raise ConfigurationError(f"{out} cannot be written: {exc.strerror}") from exc
    console().print(
        f"wrote {out}: {len(found.tags)} tags, {len(found.refused)} rows not taken",
        markup=False,
    )


def _sources(file: Path | None, only: list[str] | None) -> "tuple[EdgeSettings, list[str]]":
    try:
        from edge_agent import EdgeSettings
    except ImportError as exc:
        raise missing_extra("edge read", "edge", exc) from exc
    settings = load_settings(EdgeSettings, file)
    names = [name for name, source in settings.sources.items() if source.enabled]
    strange = sorted(set(only or ()) - set(names))
    if strange:
        raise ConfigurationError(f"no source {', '.join(strange)}: there are {', '.join(names)}")
    return settings, [name for name in names if not only or name in only]


async def _look(
    settings: "EdgeSettings", names: list[str], patience_s: float, show: Any = None
) -> "dict[str, Onlooker]":
    from edge_agent.inspection.look import look_at

    clock, folder = settings.make_clock(), settings.outbox.file.parent
    shows = {name: None if show is None else _shower(show, name) for name in names}
    found = await asyncio.gather(
        *(
            look_at(one, settings.sources[one], clock, folder, patience_s, shows[one])
            for one in names
        )
    )
    return dict(zip(names, found, strict=True))


def _shower(show: Any, name: str) -> Any:
    return lambda onlooker: show(name, onlooker)


def _table(source: str, onlooker: "Onlooker") -> "Table":
    from rich.table import Table
    from rich.text import Text

    table = Table(title=f"{source}", title_justify="left")
    for title in ("tag", "place", "value", "quality", "time", "reason"):
        table.add_column(title, overflow="fold")
    for look in onlooker.looks:
        table.add_row(*map(Text, _cells(look)))
    return table


def _cells(look: "Look") -> tuple[str, ...]:
    told = look.fields()
    value = "" if look.value is None else f"{look.value} {look.unit}".strip()
    cells = ("tag", "place", "", "quality", "time", "reason")
    return tuple(value if not name else str(told[name] or "") for name in cells)


def _preview(form: str, driver: str, tags: list[dict[str, Any]]) -> "Table":
    from rich.table import Table
    from rich.text import Text

    table = Table(title=f"{form}, {driver}: {len(tags)} tags", title_justify="left")
    titles = ("name", "address", "type", "unit", "role", "description")
    for title in titles:
        table.add_column(title, overflow="fold")
    for tag in tags:
        table.add_row(*(Text(str(tag.get(title, ""))) for title in titles))
    return table
