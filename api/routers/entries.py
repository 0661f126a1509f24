"""What people at a machine see of it and say of it beside reasons: orders begun, parts scrapped."""

import hashlib
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from http import HTTPStatus
from typing import Annotated, Any, Literal
from uuid import UUID
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field

from api.access.declaration import asks_for
from api.access.principal import CURRENT
from api.access.role import Right
from api.delivery.presence import edge_state
from api.http.context import Context, ContextDep, tree_of
from api.http.origin import OwnPagesOnly
from api.http.places import PlaceTree
from api.http.problems import ProblemError, client_id_reused, writing_disabled
from api.http.wire import Time, Wire
from api.pages.cards import present_and_last
from api.pages.views.view import Moment, state_cards
from api.routers.master_data import write_parsed
from api.routers.master_data_wire import ReportOut
from api.routers.places import PlacePath
from api.settings import Language
from api.words.catalogue import CATALOGUES
from api.words.formatting import Formatter
from plant.calendar import Window
from plant.mes import KINDS
from plant.mes.file.json_file import JsonDocuments
from plant.place import Level
from store.mes.reading import list_documents
from store.mes.writing import Provenance
from store.reading.reading import Reading
from store.reading.row import PlaceRow

router = APIRouter(prefix="/api/v1/operator", tags=["stops"])

LOOKED_BACK = timedelta(hours=24)
LONGEST_WAIT_S = 86_400.0
MOST_ORDERS = 10_000
KEPT = timedelta(days=40)
"""How long it is known that something was said: a tablet may be away for long."""
_OPEN = frozenset({"planned", "released", "running"})


class OrderChoiceOut(Wire):
    """An order that can be begun."""

    order: str
    product: str


class NowOut(Wire):
    """A machine as people in front of it see it."""

    place: str
    category: str = Field(description="`production`, `breakdown`, ..., as the page colours it.")
    label: str = Field(description="The state in words.")
    since: str = Field(description="Since when and how long, in words; empty where not known.")
    detail: str = Field(description="Reason, order and product in words.")
    order: str | None = Field(description="Order of the newest state.")
    product: str | None
    shift: str | None
    produced: float | None = Field(description="Parts of the present shift.")
    good: float | None
    scrap: float | None
    as_of: Time | None = Field(description="Until when the parts are counted.")


class _Said(BaseModel):
    model_config = ConfigDict(extra="forbid")

    client_id: UUID = Field(description="Made by the client; sending it again changes nothing.")
    place: Annotated[str, Field(max_length=400, description="Path of the machine.")]
    waited_s: Annotated[float, Field(ge=0, le=LONGEST_WAIT_S)] = Field(
        default=0.0, description="Seconds since it was said, for what is sent later."
    )


class ScrapIn(_Said):
    """Parts of the product on the machine that turned out to be scrap or rework."""

    quantity: Annotated[int, Field(ge=1, le=100_000)]
    becomes: Literal["scrap", "rework"] = "scrap"


class OrderIn(_Said):
    """An order that began on the machine; it holds until the next one."""

    order: Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]*$")]


@router.get("/now", response_model=NowOut)
@asks_for(Right.OPERATE)
def show_now(
    *,
    context: ContextDep,
    place: PlacePath,
    lang: Annotated[Language, Query(description="Language of the words.")] = "vi",
) -> NowOut:
    """Return what a machine does now, for which order, and what it made in this shift."""
    with context.database.reading() as reading:
        tree = tree_of(reading)
        unit = tree.of_level(place, Level.WORK_UNIT)
        return now_of(context, reading, tree, unit, lang)


@router.post("/scrap", dependencies=[OwnPagesOnly], status_code=HTTPStatus.CREATED)
@asks_for(Right.CLASSIFY)
def book_scrap(said: ScrapIn, context: ContextDep) -> ReportOut:
    """Book parts as scrap or rework of the product and order that the machine has now.

    They are taken from the good ones at this moment; safe to send again.
    """
    with context.database.reading() as reading:
        unit = tree_of(reading).of_level(said.place, Level.WORK_UNIT)

    def booking() -> dict[str, Any]:
        with context.database.reading() as reading:
            order, product = _present(reading, unit, context.clock())
        if product is None:
            raise ProblemError(
                HTTPStatus.UNPROCESSABLE_ENTITY,
                "no-product",
                "No product",
                f"It is not known what {said.place} makes; begin an order first.",
            )
        at = _said_at(context, said.waited_s).isoformat()
        return {
            "site": "/".join(said.place.split("/")[:2]),
            "number": str(said.client_id),
            "work_unit": said.place,
            "product": product,
            "becomes": said.becomes,
            "quantity": said.quantity,
            "produced_at": at,
            "booked_at": at,
            **({"order": order} if order in _orders(context, said.place) else {}),
        }

    return _write(context, said, "scrap-bookings", booking)


@router.post("/order", dependencies=[OwnPagesOnly], status_code=HTTPStatus.CREATED)
@asks_for(Right.CLASSIFY)
def begin_order(said: OrderIn, context: ContextDep) -> ReportOut:
    """Say that an order begins on a machine; it must be one of the site's. Safe to send again."""
    with context.database.reading() as reading:
        tree_of(reading).of_level(said.place, Level.WORK_UNIT)

    def run() -> dict[str, Any]:
        at = _said_at(context, said.waited_s).replace(microsecond=0)
        return {"work_unit": said.place, "started_at": at.isoformat(), "order": said.order}

    return _write(context, said, "order-runs", run)


def now_of(
    context: Context, reading: Reading, tree: PlaceTree, unit: PlaceRow, language: Language
) -> NowOut:
    """Return what a machine does now."""
    now = context.clock()
    f = Formatter(CATALOGUES[language], ZoneInfo(tree.zone(unit.path)), now)
    moment = Moment(
        Window(now - LOOKED_BACK, now), f, context.is_stale, partial(edge_state, context)
    )
    card = state_cards(reading, [unit], moment)[unit.path]
    shift, _ = present_and_last(reading.latest_shifts([unit.place_id], now), now)
    order, product = _present(reading, unit, now)
    return NowOut(
        place=unit.path,
        category=card.category.value,
        label=card.label,
        since=card.since,
        detail=card.detail,
        order=order,
        product=product,
        shift=None if shift is None else shift.shift,
        produced=None if shift is None else shift.produced_quantity,
        good=None if shift is None else shift.good_quantity,
        scrap=None if shift is None else shift.scrap_quantity,
        as_of=None if shift is None else shift.as_of,
    )


def order_choices(context: Context, line: str) -> list[OrderChoiceOut]:
    """Return the orders of a line that are not over."""
    site = "/".join(line.split("/")[:2])
    found, _ = list_documents(context.reading_login(), "orders", site, limit=MOST_ORDERS)
    return [
        OrderChoiceOut(order=one["number"], product=one["product"])
        for one in found
        if one["work_center"] == line and one.get("status", "released") in _OPEN
    ]


def _orders(context: Context, place: str) -> set[str]:
    line = place.rpartition("/")[0]
    return {one.order for one in order_choices(context, line)}


def _present(reading: Reading, unit: PlaceRow, now: datetime) -> tuple[str | None, str | None]:
    states = reading.states([unit.place_id], now - LOOKED_BACK, now)
    for row in reversed(states):
        if row.product is not None:
            return row.order, row.product
    return None, None


def _said_at(context: Context, waited_s: float) -> datetime:
    # How long ago it was is known; what time a tablet believes it is need not be right.
    return context.clock() - context.plant_time(waited_s)


def _write(
    context: Context, said: ScrapIn | OrderIn, kind: str, decide: Callable[[], dict[str, Any]]
) -> ReportOut:
    """Write what was said, once: sent again it is what was decided the first time.

    It is decided only then: what the machine makes, or makes no more, when it is sent again does
    not matter.
    """
    if not context.settings.knows_writers():
        raise writing_disabled()
    asked = f"{kind} {said.model_dump_json(exclude={'waited_s'})}"
    digest = hashlib.sha256(asked.encode()).digest()
    # By enterprise: whoever sends it then, somebody else or another tablet, says the same.
    whose, key = f"entries of {said.place.partition('/')[0]}", str(said.client_id)
    now = datetime.now(UTC)
    known = context.keys.known(whose, key)
    document = None
    if known is None:
        document = decide()
        known = context.keys.begin(whose, key, digest, now, now + KEPT, document)
    if known is not None:
        if known.digest != digest:
            raise client_id_reused()
        if known.content is not None:
            return ReportOut.model_validate_json(known.content)
        # It broke off: the same document, moment included, changes nothing where it was written.
        document = known.decided or document
    if document is None:
        document = decide()
    provenance = Provenance(
        who=CURRENT.get().name, source="operator page", now=context.clock(), reason=""
    )
    parsed = JsonDocuments([document]).parsed(KINDS[kind], None)
    try:
        report = ReportOut.model_validate(write_parsed(context, parsed, provenance, preview=False))
    except ProblemError:
        context.keys.release(whose, key)
        raise
    content = report.model_dump_json().encode()
    context.keys.finish(whose, key, HTTPStatus.CREATED, "application/json", content)
    return report
