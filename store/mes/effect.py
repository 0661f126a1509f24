"""Which hours of figures depend on a document that changed; they become dirty."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from store.engine.connection import Connection
from store.engine.queries import queries

_Q = queries("mes/mes")

_MOST_WAITING = 20_000
_FAR = datetime(2300, 1, 1, tzinfo=UTC)
_INSTANT = timedelta(microseconds=1)
Fields = dict[str, Any] | None
"""A document as JSON has it; None before it was there, or once it is withdrawn."""


MASTER_DATA = "master_data"
CORRECTION = "correction"
"""Facts about parts made earlier: why a figure changed is then not that its foundations did."""


class Effects:
    """Gathers what changed and marks the hours, in as few statements as memory allows."""

    def __init__(self, connection: Connection, now: datetime) -> None:
        self._connection = connection
        self._now = now
        self._marked = 0
        self._locked = False
        self._hours: dict[str, Sequence[datetime]] = {}
        self._waiting: dict[tuple[str, str], list[tuple[Any, ...]]] = {}

    def add(self, kind: str, old: Fields, new: Fields) -> None:
        """Take note of a document that changed from `old` to `new`."""
        for query, cause, row in _effects(kind, old, new):
            self._waiting.setdefault((query, cause), []).append(row)
        if sum(map(len, self._waiting.values())) > _MOST_WAITING:
            self._mark()

    def add_hours(self, site: str, hours: Sequence[datetime]) -> None:
        """Take note of hours of a site whose calendar says something else now."""
        if hours:
            self._hours[site] = hours

    def mark_all(self) -> int:
        """Mark what is still waiting; return how many hours of machines were marked in all."""
        self._mark()
        return self._marked

    def _mark(self) -> None:
        waiting, self._waiting = self._waiting, {}
        hours, self._hours = self._hours, {}
        if not (waiting or hours):
            return
        if not self._locked:
            self._connection.execute(_Q["lock_recomputation"])
            self._locked = True
        for site in sorted(hours):
            self._run("mark_site_hours", MASTER_DATA, site=site, hours=list(hours[site]))
        for (query, cause), rows in waiting.items():
            columns = map(list, zip(*rows, strict=True))
            self._run(query, cause, **dict(zip(_COLUMNS[query], columns, strict=True)))

    def _run(self, query: str, cause: str, **parameters: Any) -> None:
        cursor = self._connection.execute(
            _Q[query], parameters | {"now": self._now, "cause": cause}
        )
        self._marked += cursor.rowcount


_COLUMNS = {
    "mark_spans": ("places", "starts", "ends"),
    "mark_orders": ("sites", "numbers"),
    "mark_order_runs": ("units", "begins", "starts", "ends"),
    "mark_run_times": (
        *("units", "products", "starts", "ends", "first_cuts", "second_cuts"),
        "bounded",
    ),
    "mark_serials": ("units", "serials"),
    "mark_meter_tags": ("sites", "tags"),
}
Effect = tuple[str, str, tuple[Any, ...]]
"""Query, cause and its parameters."""


def _effects(kind: str, old: Fields, new: Fields) -> Iterator[Effect]:
    yield from _BY_KIND[kind](old, new) if kind in _BY_KIND else ()


def _of_run_time(old: Fields, new: Fields) -> Iterator[Effect]:
    for row in _run_time_effects(old, new, ("seconds",)):
        yield "mark_run_times", MASTER_DATA, (*row, True)


def _of_routing(old: Fields, new: Fields) -> Iterator[Effect]:
    for row in _run_time_effects(old, new, ("parts_per_item", "parts_per_cycle", "seconds")):
        yield "mark_run_times", MASTER_DATA, (*row, False)


def _of_order(old: Fields, new: Fields) -> Iterator[Effect]:
    if (old or {}).get("product") != (new or {}).get("product"):
        named = new or old or {}
        yield "mark_orders", MASTER_DATA, (named["site"], named["number"])


def _of_maintenance(old: Fields, new: Fields) -> Iterator[Effect]:
    for said in _differing(old, new, ("place", "start", "end")):
        span = (said["place"], _moment(said["start"]), _moment(said["end"]))
        yield "mark_spans", MASTER_DATA, span


def _of_booking(old: Fields, new: Fields) -> Iterator[Effect]:
    for said in _differing(old, new, ("work_unit", "becomes", "quantity", "produced_at")):
        yield "mark_spans", CORRECTION, _at(said["work_unit"], said["produced_at"])


def _of_inspection(old: Fields, new: Fields) -> Iterator[Effect]:
    names = ("work_unit", "serial_number", "attempt", "result", "inspected_at", "produced_at")
    for said in _differing(old, new, names):
        if said["serial_number"] is not None:
            made = said["produced_at"] or said["inspected_at"]
            yield "mark_spans", CORRECTION, _at(said["work_unit"], made)
            yield "mark_serials", CORRECTION, (said["work_unit"], said["serial_number"])


def _of_meter(old: Fields, new: Fields) -> Iterator[Effect]:
    names = ("place", "tag", "carrier", "reading", "kwh_per_unit", "shares", "valid_to")
    for said in _differing(old, new, names):
        span = (said["place"], _moment(said["valid_from"]), _end(said["valid_to"]))
        yield "mark_spans", MASTER_DATA, span
        yield "mark_meter_tags", MASTER_DATA, (said["site"], said["tag"])


def _at(place: str, moment: str) -> tuple[str, datetime, datetime]:
    return place, _moment(moment), _moment(moment) + _INSTANT


def _of_order_run(old: Fields, new: Fields) -> Iterator[Effect]:
    """Yield from when until when another order is executed; the next run ends it at the latest."""
    said = new or old
    assert said is not None, "one of them is there"
    start, first, last = _moment(said["started_at"]), _moment(said["started_at"]), _FAR
    if old is not None and new is not None:
        if all(old[name] == new[name] for name in ("order", "product", "lot")):
            first, last = sorted((_end(old["ended_at"]), _end(new["ended_at"])))
        if first == last:
            return
    yield "mark_order_runs", MASTER_DATA, (said["work_unit"], start, first, last)


_BY_KIND = {
    "planned-run-times": _of_run_time,
    "routings": _of_routing,
    "orders": _of_order,
    "order-runs": _of_order_run,
    "planned-maintenance": _of_maintenance,
    "scrap-bookings": _of_booking,
    "inspections": _of_inspection,
    "energy-meters": _of_meter,
}


def _run_time_effects(old: Fields, new: Fields, names: Sequence[str]) -> list[tuple[Any, ...]]:
    """Return from when until when another run time holds, and the moments that cut sums.

    The end is that of the entry itself; the query ends it where the next entry begins.
    """
    said = new or old
    assert said is not None, "one of them is there"
    start = _moment(said["valid_from"])
    ends = [_end(one["valid_to"]) for one in (old, new) if one is not None]
    cut_at = [_cut(end) for end in ends]
    if old is None or new is None:
        # Without this entry the one before it holds, however long this one is.
        span = (start, _FAR)
        cuts = [_cut(start), cut_at[0]]
    elif any(old[name] != new[name] for name in names):
        span = (start, max(ends))
        cuts = cut_at if ends[0] != ends[1] else [None, None]
    elif ends[0] != ends[1]:
        span = (min(ends), max(ends))
        cuts = cut_at
    else:
        return []
    return [(said["work_unit"], said["product"], *span, *cuts)]


def _cut(moment: datetime) -> datetime | None:
    """Return a moment that divides an hour; sums are cut at whole hours anyway."""
    whole = moment.replace(minute=0, second=0, microsecond=0)
    return None if moment in {whole, _FAR} else moment


def _differing(old: Fields, new: Fields, names: Sequence[str]) -> list[dict[str, Any]]:
    """Return the sides that are there, none if they agree in these fields."""
    if old is not None and new is not None and all(old[name] == new[name] for name in names):
        return []
    return [side for side in (old, new) if side is not None]


def _end(text: str | None) -> datetime:
    return _FAR if text is None else _moment(text)


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text)
