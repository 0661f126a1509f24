"""Which hours of figures depend on a document that changed; they become dirty."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from store.connection import Connection
from store.queries import queries

_Q = queries("mes")

_MOST_WAITING = 20_000
_FAR = datetime(2300, 1, 1, tzinfo=UTC)
_INSTANT = timedelta(microseconds=1)
Fields = dict[str, Any] | None
"""A document as JSON has it; None before it was there, or once it is withdrawn."""


class Effects:
    """Gathers what changed and marks the hours, in as few statements as memory allows."""

    def __init__(self, connection: Connection, now: datetime) -> None:
        self._connection = connection
        self._now = now
        self._marked = 0
        self._locked = False
        self._hours: dict[str, Sequence[datetime]] = {}
        self._spans: list[tuple[str, datetime, datetime]] = []
        self._orders: list[tuple[str, str]] = []
        self._run_times: list[tuple[Any, ...]] = []

    def add(self, kind: str, old: Fields, new: Fields) -> None:
        """Take note of a document that changed from `old` to `new`."""
        match kind:
            case "planned-run-times":
                self._run_times += _run_time_effects(old, new)
            case "orders":
                if (old or {}).get("product") != (new or {}).get("product"):
                    named = new or old or {}
                    self._orders.append((named["site"], named["number"]))
            case "planned-maintenance":
                self._spans += [
                    (said["place"], _moment(said["start"]), _moment(said["end"]))
                    for said in _differing(old, new, ("place", "start", "end"))
                ]
            case "scrap-bookings":
                self._spans += [
                    (said["work_unit"], made, made + _INSTANT)
                    for said in _differing(
                        old, new, ("work_unit", "becomes", "quantity", "produced_at")
                    )
                    for made in (_moment(said["produced_at"]),)
                ]
            case _:
                return
        if len(self._spans) + len(self._orders) + len(self._run_times) > _MOST_WAITING:
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
        spans, orders, run_times = self._spans, self._orders, self._run_times
        hours, self._hours = self._hours, {}
        self._spans, self._orders, self._run_times = [], [], []
        if not (spans or orders or run_times or hours):
            return
        if not self._locked:
            self._connection.execute(_Q["lock_recomputation"])
            self._locked = True
        for site in sorted(hours):
            self._run("mark_site_hours", site=site, hours=list(hours[site]))
        if spans:
            places, starts, ends = map(list, zip(*spans, strict=True))
            self._run("mark_spans", places=places, starts=starts, ends=ends)
        if orders:
            sites, numbers = map(list, zip(*orders, strict=True))
            self._run("mark_orders", sites=sites, numbers=numbers)
        if run_times:
            names = ("units", "products", "starts", "ends", "first_cuts", "second_cuts")
            columns = map(list, zip(*run_times, strict=True))
            self._run("mark_run_times", **dict(zip(names, columns, strict=True)))

    def _run(self, query: str, **parameters: Any) -> None:
        cursor = self._connection.execute(_Q[query], parameters | {"now": self._now})
        self._marked += cursor.rowcount


def _run_time_effects(old: Fields, new: Fields) -> list[tuple[Any, ...]]:
    """Return from when until when another run time holds, and the moments that cut sums.

    The end is that of the entry itself; the query ends it where the next entry begins.
    """
    said = new or old
    assert said is not None, "one of them is there"
    start = _moment(said["valid_from"])
    ends = [_end(one) for one in (old, new) if one is not None]
    cut_at = [_cut(end) for end in ends]
    if old is None or new is None:
        # Without this entry the one before it holds, however long this one is.
        span = (start, _FAR)
        cuts = [_cut(start), cut_at[0]]
    elif old["seconds"] != new["seconds"]:
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


def _end(said: dict[str, Any]) -> datetime:
    return _FAR if said["valid_to"] is None else _moment(said["valid_to"])


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text)
