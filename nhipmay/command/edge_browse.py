"""The command `nhipmay edge browse`: what a source has, as tags to choose from."""

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from nhipmay.command.console import console
from nhipmay.command.option import Settings, parse_duration
from nhipmay.runtime import missing_extra
from plant.clock import system_clock
from plant.errors import ConfigurationError
from plant.settings import read_mapping

if TYPE_CHECKING:
    from rich.table import Table

    from edge_agent.inspection.browse.found import Browsed

_SHOWN = 60
"""Rows of the preview; the file has all."""


def browse_source(
    address: Annotated[
        str,
        typer.Argument(
            help="opc.tcp://HOST:4840/, http://HOST:5000, mqtt://HOST, sparkplug://HOST."
        ),
    ],
    work_unit: Annotated[str, typer.Option(help="Machine of all tags: area/line/machine.")],
    out: Annotated[Path | None, typer.Option(help="File of sources to write.")] = None,
    source: Annotated[str, typer.Option(help="Code of the source.")] = "plc",
    match: Annotated[
        list[str] | None, typer.Option(help="Only places like this (*temp*); repeatable.")
    ] = None,
    under: Annotated[
        str | None,
        typer.Option(help="Begin here: OPC UA node, MTConnect device, topic filter, group."),
    ] = None,
    with_: Annotated[
        list[str] | None,
        typer.Option("--with", help="Setting of the source: security_policy=auto; repeatable."),
    ] = None,
    for_: Annotated[str, typer.Option("--for", help="How long to listen at a broker.")] = "15s",
    rebirth: Annotated[
        bool, typer.Option("--rebirth", help="Ask Sparkplug nodes for their births (NCMD).")
    ] = False,
    settings: Settings = None,
) -> None:
    """Show what a source has, and write it as a file of tags. Nothing is sent to the platform.

    OPC UA: the tree of the server. MTConnect: the probe. MQTT: topics seen, and values within
    their messages. Sparkplug: births, as the block `sparkplug` of the ingest.
    """
    try:
        from edge_agent.drivers.tag import machine_path
        from edge_agent.inspection.browse.address import Wish, browse, options
    except ImportError as exc:
        raise missing_extra("edge browse", "edge", exc) from exc
    wish = Wish(
        address,
        options(with_ or ()),
        under,
        parse_duration(for_).total_seconds(),
        rebirth,
        *_of_settings(settings),
    )
    found = asyncio.run(browse(wish, system_clock))
    found.only(match or ())
    console().print(_preview(found, machine_path(work_unit)))
    for passed in found.passed_over[:_SHOWN]:
        console().print(f"not taken: {passed}", markup=False, highlight=False, soft_wrap=True)
    if len(found.passed_over) > _SHOWN:
        console().print(f"and {len(found.passed_over) - _SHOWN} more that are not taken")
    if not found.places:
        raise ConfigurationError(f"nothing was found at {address}")
    if out is None:
        console().print("nothing is written: give --out FILE")
        return
    try:
        out.write_text(found.text(source, work_unit), encoding="utf-8")
    except OSError as exc:
        raise ConfigurationError(f"{out} cannot be written: {exc.strerror}") from exc
    console().print(f"wrote {out}: {len(found.places)} tags", markup=False)


def _of_settings(file: Path | None) -> tuple[Path, tuple[str, str] | None]:
    """Return where the edge keeps certificates, and its site, from settings without sources too."""
    if file is None:
        return Path.cwd(), None
    content: dict[str, Any] = read_mapping(file)
    outbox, edge = content.get("outbox"), content.get("edge")
    kept = outbox.get("file") if isinstance(outbox, dict) else None
    site = None
    if isinstance(edge, dict) and {"enterprise", "site"} <= edge.keys():
        site = str(edge["enterprise"]), str(edge["site"])
    return Path(str(kept)).parent if kept else Path.cwd(), site


def _preview(found: "Browsed", work_unit: str) -> "Table":
    from rich.table import Table
    from rich.text import Text

    more = len(found.places) - _SHOWN
    table = Table(
        title=f"{found.driver}: {len(found.places)} tags",
        title_justify="left",
        caption=f"and {more} more" if more > 0 else None,
    )
    titles = ("name", "value", "unit", "description", "place")
    for title in titles:
        table.add_column(title, overflow="fold")
    for place, tag in zip(found.places[:_SHOWN], found.tags(work_unit), strict=False):
        where = str(tag.get("address") or tag.get("data_item") or tag.get("topic") or place.path)
        part = str(tag.get("path", ""))
        cells = (tag["name"], place.value, tag.get("unit", ""), tag.get("description", ""))
        table.add_row(*(Text(str(cell)) for cell in (*cells, f"{where} {part}".strip())))
    return table
