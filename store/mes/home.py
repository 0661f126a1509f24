"""Where the documents of each kind are kept: in which table, whose they are, what their key is.

A document's key names a place first (`MesDocument.KEY`); the other fields of the key are columns of
the same name, but for a product, which rows refer to by its id.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from functools import cache
from typing import Final, LiteralString

from psycopg.sql import SQL, Composable, Composed, Identifier, Literal
from pydantic import AwareDatetime

from plant.mes.document import MesDocument
from plant.mes.kind import KINDS
from store.engine.queries import forms

_Q = forms("mes/home")
_NOTHING = SQL("")
_PRODUCT: Final = SQL(
    "join place enterprise on enterprise.path = split_part(asked.{place}, '/', 1) "
    "join product on product.enterprise_id = enterprise.place_id and product.code = asked.product"
)
_TYPES: Final[dict[object, SQL]] = {
    str: SQL("text"),
    date: SQL("date"),
    AwareDatetime: SQL("timestamptz"),
}


@dataclass(frozen=True, slots=True)
class _Home:
    table: LiteralString
    owner: LiteralString
    """The column with the id of the place that the key names."""
    condition: LiteralString = "true"
    """Which rows of the table are of this kind."""


HOMES: Final = {
    "products": _Home("product", "enterprise_id"),
    "planned-run-times": _Home("planned_run_time", "work_unit_id"),
    "routings": _Home("routing_step", "work_unit_id"),
    "orders": _Home("production_order", "site_id"),
    "lots": _Home("lot", "site_id"),
    "order-runs": _Home("order_run", "work_unit_id"),
    "oee-targets": _Home("oee_target", "place_id"),
    "time-zones": _Home("place", "place_id", "kept.time_zone is not null"),
    "shifts": _Home("shift_pattern", "site_id"),
    "rotations": _Home("shift_rotation", "site_id"),
    "holidays": _Home("holiday", "site_id"),
    "planned-maintenance": _Home("planned_maintenance", "site_id"),
    "stop-reasons": _Home("stop_reason", "enterprise_id"),
    "scrap-reasons": _Home("quality_reason", "enterprise_id", "kept.outcome = 'scrap'"),
    "rework-reasons": _Home("quality_reason", "enterprise_id", "kept.outcome = 'rework'"),
    "inspections": _Home("inspection", "site_id"),
    "scrap-bookings": _Home("scrap_booking", "site_id"),
    "energy-meters": _Home("energy_meter", "site_id"),
    "import-mappings": _Home("import_mapping", "enterprise_id"),
}


@cache
def page_statement(kind: str) -> Composed:
    """Return the statement that yields a page of the keys of a kind, as JSON, in their order.

    It is the one behind the key `after`, a JSON list of the key's fields; null for the first.
    """
    home, (place, *others) = HOMES[kind], KINDS[kind].KEY
    columns: list[Composable] = [SQL("home.path")]
    columns += [
        SQL("product.code") if name == "product" else _column("kept", name) for name in others
    ]
    fields = KINDS[kind].model_fields
    after = [
        SQL("(%(after)s::jsonb ->> {})::{}").format(Literal(n), _TYPES[fields[name].annotation])
        for n, name in enumerate(KINDS[kind].KEY)
    ]
    return _Q["page"].format(
        key=SQL(", ").join(
            SQL("{} as {}").format(column, Identifier(name))
            for column, name in zip(columns, (place, *others), strict=True)
        ),
        columns=SQL(", ").join(columns),
        after=SQL(", ").join(after),
        table=Identifier(home.table),
        owner=Identifier(home.owner),
        product=SQL("join product on product.product_id = kept.product_id")
        if "product" in others
        else _NOTHING,
        condition=SQL(home.condition),
        order=SQL(", ").join(Identifier(name) for name in KINDS[kind].KEY),
    )


@cache
def found(kind: str) -> Composed:
    """Return what follows `from`: the keys that are `asked` for and the rows `kept` under them."""
    return _Q["found"].format(
        asked=_asked(KINDS[kind]), table=Identifier(HOMES[kind].table), same=_same(kind)
    )


@cache
def withdraw_statement(kind: str) -> Composed:
    """Return the statement that removes documents of a kind by their keys."""
    return _Q["withdraw"].format(
        asked=_asked(KINDS[kind]), table=Identifier(HOMES[kind].table), same=_same(kind)
    )


def _asked(document_type: type[MesDocument]) -> Composed:
    place = Identifier(document_type.KEY[0])
    return _Q["asked"].format(
        key=SQL(", ").join(
            SQL("{} {}").format(
                Identifier(name), _TYPES[document_type.model_fields[name].annotation]
            )
            for name in document_type.KEY
        ),
        place=place,
        product=_PRODUCT.format(place=place) if "product" in document_type.KEY else _NOTHING,
    )


def _same(kind: str) -> Composed:
    """Return when a row is the one that a key means."""
    home, (_, *others) = HOMES[kind], KINDS[kind].KEY
    terms: Iterable[Composable] = (
        SQL("kept.product_id = product.product_id")
        if name == "product"
        else SQL("{} = {}").format(_column("kept", name), _column("asked", name))
        for name in others
    )
    owner = SQL("{} = home.place_id").format(_column("kept", home.owner))
    return SQL(" and ").join((owner, *terms, SQL(home.condition)))


def _column(row: str, name: str) -> Composable:
    return Identifier(row, name)
