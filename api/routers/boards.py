"""Boards as pages, and their tables as JSON, CSV and XLSX."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Path, Query, Request
from fastapi.responses import HTMLResponse, Response

from api.access.declaration import asks_for
from api.access.role import Right
from api.http.context import Context, ContextDep, tree_of
from api.http.places import PlaceTree
from api.http.problems import bad_option
from api.http.windows import End, Start, window
from api.http.wire import WindowOut
from api.pages.boards import Board, Inquiry, tables_of
from api.pages.boards.registry import BOARDS, BoardName
from api.pages.boards.wire import BoardColumnOut, BoardOut, BoardRowsOut, BoardTableOut
from api.pages.cards import fault_words
from api.pages.picking import PickDep, choices, resolve
from api.routers.pages import LanguageQuery, PagesDep, inert_json
from api.routers.places import PlacePath
from api.settings import Language
from api.tables.file import CSV_TYPE, XLSX_TYPE, csv_bytes, download, xlsx_bytes
from api.tables.listing import FILES
from api.tables.table import Cell, Table
from api.words.catalogue import CATALOGUES
from api.words.formatting import DASH, Formatter
from plant.calendar import Window
from plant.kpi.oee import oee_of
from plant.place import Level
from store.reading.board_row import AsOfRow
from store.reading.reading import Reading
from store.reading.row import PlaceRow

router = APIRouter(prefix="/api/v1", tags=["boards"])
page_router = APIRouter(tags=["pages"])

LONGEST = timedelta(days=93)
SPANS = (8, 24, 168, 720)
DEFAULT_HOURS = 24
_HOUR = timedelta(hours=1)
Tag = Annotated[str | None, Query(max_length=200, description="spc: name of a number tag.")]
Chart = Annotated[str | None, Query(max_length=8, description="spc: `imr` or `xbar`.")]
StopKindQuery = Annotated[
    Literal["", "breakdown", "held", "suspended", "stopped", "down"] | None,
    Query(description="stops: list those of one kind."),
]
Limit = Annotated[str | None, Query(max_length=32, description="spc: a tolerance limit.")]


@dataclass(frozen=True, slots=True)
class Trust:
    """How far a board's figures can be trusted, in words."""

    coverage: float | None
    coverage_words: str
    as_of: datetime | None
    final: bool
    unknown: bool
    """Whether part of the time is unknown."""
    faults: tuple[str, ...] = ()
    """What must be said beside every figure, in words."""


@router.get(
    "/boards/{board}",
    response_model=BoardOut,
    responses=FILES,
)
@asks_for(Right.FIGURES)
def read_board(
    *,
    context: ContextDep,
    board: BoardName,
    place: PlacePath,
    start: Start = None,
    end: End = None,
    format: Annotated[  # noqa: A002  # the word of the address
        Literal["json", "csv", "xlsx"], Query(description="`csv` is one table, `xlsx` all.")
    ] = "json",
    table: Annotated[str | None, Query(max_length=40, description="csv: which table.")] = None,
    lang: Annotated[Language, Query(description="Language of names and words.")] = "vi",
    tag: Tag = None,
    chart: Chart = None,
    lsl: Limit = None,
    usl: Limit = None,
    kind: StopKindQuery = None,
) -> Response | BoardOut:
    """Return the tables of a board over whole hours, the last 24 by default.

    Names and words are in the language asked for; keys, times and numbers are not.
    """
    asked = _whole_hours(
        window(start, end, now=context.clock(), default=timedelta(days=1), longest=LONGEST)
    )
    options = _options(tag, chart, lsl, usl, kind)
    with inquiry(context, place, asked, lang, options) as q:
        found = BOARDS[board](q)
        trust = trust_of(q)
        behind = behind_words(q)
        name = q.name(q.place)
    tables = tables_of(found)
    title = q.words(f"title.{board}")
    stem = f"{board}-{place.replace('/', '-')}-{q.formatter.local(asked.start):%Y%m%d}"
    if format == "csv":
        return download(csv_bytes(_named(tables, table)), CSV_TYPE, f"{stem}.csv")
    if format == "xlsx":
        content = xlsx_bytes(about(q, found, trust, behind, title), tables, q.formatter.zone)
        return download(content, XLSX_TYPE, f"{stem}.xlsx")
    return BoardOut(
        board=board,
        title=title,
        place=place,
        name=name,
        start=asked.start,
        end=asked.end,
        coverage=trust.coverage,
        as_of=trust.as_of,
        final=trust.final,
        faults=list(trust.faults),
        tables=[
            BoardTableOut(
                name=one.name,
                title=one.title,
                columns=[BoardColumnOut.model_validate(column) for column in one.columns],
                rows=_rows(one),
            )
            for one in tables
        ],
        notes=[words for section in found.sections for words in section.notes],
        warnings=[
            *([behind] if behind else []),
            *(words for section in found.sections for words in section.warnings),
        ],
    )


@router.get("/boards/{board}/{table}", response_model=BoardRowsOut)
@asks_for(Right.FIGURES)
def read_board_table(
    *,
    context: ContextDep,
    board: BoardName,
    table: Annotated[str, Path(max_length=40)],
    place: PlacePath,
    start: Start = None,
    end: End = None,
    lang: Annotated[Language, Query(description="Language of names and words.")] = "vi",
    tag: Tag = None,
    chart: Chart = None,
    lsl: Limit = None,
    usl: Limit = None,
    kind: StopKindQuery = None,
) -> BoardRowsOut:
    """Return one table of a board, flat, as programs that draw tables take it.

    Of a longer window the newest 93 days are served; `meta` says which.
    """
    now = context.clock()
    if start is not None:
        start = max(start, (end or now) - LONGEST)
    asked = _whole_hours(window(start, end, now=now, default=timedelta(days=1), longest=LONGEST))
    with inquiry(context, place, asked, lang, _options(tag, chart, lsl, usl, kind)) as q:
        found = _named(tables_of(BOARDS[board](q)), table)
    return BoardRowsOut(data=_rows(found), meta=WindowOut.model_validate(asked))


@page_router.get("/board/{board}/{path:path}", response_class=HTMLResponse)
@asks_for(Right.FIGURES)
def show_board(
    *,
    request: Request,
    context: ContextDep,
    pages: PagesDep,
    board: BoardName,
    path: str,
    lang: LanguageQuery = None,
    pick: PickDep,
    tag: Tag = None,
    chart: Chart = None,
    lsl: Limit = None,
    usl: Limit = None,
    kind: StopKindQuery = None,
) -> Response:
    """Show a board: figures, each with its coverage and its table; made to be printed, too."""
    language = pages.language_of(request, lang)
    now = context.clock()
    options = _options(tag, chart, lsl, usl, kind)
    with context.database.drawing(), context.database.reading() as reading:
        tree = tree_of(reading)
        place = tree.get(path)
        picked = resolve(
            reading, tree, place, pick, now=now, default_hours=DEFAULT_HOURS, longest=LONGEST
        )
        asked = _whole_hours(picked.window)
        if picked.pick.hours is not None or "hours" in picked.query:
            # The hour that runs is one of those asked for.
            asked = Window(asked.end - timedelta(hours=int(picked.query["hours"])), asked.end)
        q = _inquiry(context, reading, tree, place, asked, language, options, picked.query)
        content = BOARDS[board](q)
        trust = trust_of(q)
        behind = behind_words(q)
        offered = choices(reading, tree, place, now)
    charts = {
        section.name: section.figure for section in content.sections if section.figure is not None
    }
    trail = [*q.tree.ancestors(path), q.place]
    return pages.page(
        "board.html",
        q.formatter,
        keep=lang,
        query={**picked.query, **options},
        board=board,
        names=tuple(BOARDS),
        content=content,
        trust=trust,
        behind=behind,
        place=q.place,
        place_name=q.name(q.place),
        trail=[(place.path, q.name(place)) for place in trail[:-1]],
        children=[(child.path, name) for child, name in _named_children(q)],
        picked=picked,
        offered=offered,
        day=f"{q.formatter.local(picked.window.start):%Y-%m-%d}",
        spans=SPANS,
        window_words=_window_words(q),
        options=options,
        files={
            "start": asked.start.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "end": asked.end.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "place": path,
            "lang": language,
            **options,
        },
        charts_json=inert_json(charts),
        operator=path if q.place.level == Level.WORK_UNIT else None,
    )


def _named_children(q: Inquiry) -> list[tuple[PlaceRow, str]]:
    children = q.tree.children(q.place.path)
    names = q.tree.names(children, q.formatter.language)
    return [(child, names[child.path]) for child in children]


@contextmanager
def inquiry(
    context: Context, path: str, asked: Window, language: Language, options: dict[str, str]
) -> Iterator[Inquiry]:
    """Yield a board's question, on a connection for as long as it is answered."""
    with context.database.drawing(), context.database.reading() as reading:
        tree = tree_of(reading)
        yield _inquiry(context, reading, tree, tree.get(path), asked, language, options, {})


def _inquiry(
    context: Context,
    reading: Reading,
    tree: PlaceTree,
    place: PlaceRow,
    asked: Window,
    language: Language,
    options: dict[str, str],
    address: Mapping[str, str],
) -> Inquiry:
    now = context.clock()
    return Inquiry(
        reading=reading,
        tree=tree,
        place=place,
        window=asked,
        now=now,
        formatter=Formatter(CATALOGUES[language], ZoneInfo(tree.zone(place.path)), now),
        default_planned_oee=context.settings.planned_oee,
        options=options,
        address=address,
    )


def trust_of(q: Inquiry) -> Trust:
    """Return how complete the data behind a board are."""
    figures = q.figures()
    coverage = oee_of(figures).coverage
    known: AsOfRow = q.reading.boards.as_of(q.place.place_id, q.window.start, q.window.end)
    return Trust(
        coverage=coverage,
        coverage_words=q.formatter.percent(coverage),
        as_of=known.as_of,
        final=known.final,
        unknown=coverage is not None and coverage < 1,
        faults=tuple(fault_words(fault, q.formatter) for fault in q.faults),
    )


def behind_words(q: Inquiry) -> str:
    """Return which machines lack figures that the others have, empty where none does."""
    f = q.formatter
    machines = [
        q.words("not_known", machine=q.name(unit))
        if until is None
        else q.words("known_until", machine=q.name(unit), time=f.clock(until))
        for unit, until in q.behind
    ]
    return q.words("behind", machines=", ".join(machines)) if machines else ""


def about(q: Inquiry, board: Board, trust: Trust, behind: str, title: str) -> list[tuple[str, str]]:
    """Return what a file is about, as names and words."""
    f = q.formatter
    rows = [
        (q.words("about.board"), title),
        (q.words("about.place"), f"{q.name(q.place)} ({q.place.path})"),
        (q.words("about.window"), f"{_window_words(q)} ({f.zone.key})"),
        (f.text("ratio.coverage"), trust.coverage_words),
        (q.words("about.as_of"), f"{f.local(trust.as_of):%d/%m/%Y %H:%M}" if trust.as_of else DASH),
        (
            q.words("about.final"),
            f.text("ratio.final") if trust.final else f.text("ratio.preliminary"),
        ),
    ]
    if behind:
        rows.append(("", behind))
    rows += [(f.text("ratio.faults"), fault) for fault in trust.faults]
    for section in board.sections:
        rows += section.facts
        rows += [(section.title, words) for words in (*section.warnings, *section.notes)]
    return rows


def _window_words(q: Inquiry) -> str:
    start, end = q.formatter.local(q.window.start), q.formatter.local(q.window.end)
    return f"{start:%d/%m/%Y %H:%M} – {end:%d/%m/%Y %H:%M}"


def _whole_hours(asked: Window) -> Window:
    """Return the whole hours that hold a window: sums are stored by hour."""
    start = asked.start.replace(minute=0, second=0, microsecond=0)
    end = asked.end.replace(minute=0, second=0, microsecond=0)
    return Window(start, end if end == asked.end else end + _HOUR)


def _options(
    tag: str | None,
    chart: str | None,
    lsl: str | None,
    usl: str | None,
    kind: str | None = None,
) -> dict[str, str]:
    given = {"tag": tag, "chart": chart, "lsl": lsl, "usl": usl, "kind": kind}
    return {name: value for name, value in given.items() if value}


def _rows(table: Table) -> list[dict[str, Cell]]:
    keys = [column.key for column in table.columns]
    return [dict(zip(keys, row, strict=True)) for row in table.rows]


def _named(tables: list[Table], name: str | None) -> Table:
    if name is None and tables:
        return tables[0]
    for table in tables:
        if table.name == name:
            return table
    raise bad_option("table", f"one of {', '.join(table.name for table in tables) or 'none'}")
