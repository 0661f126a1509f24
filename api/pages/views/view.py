"""The form in which every page's content comes, and what pages have in common."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from api.delivery.fleet import StateOf
from api.http.places import name_of
from api.pages.cards import OeeCard, StateCard, oee_card, present_and_last, state_card
from api.pages.charts import Figure
from api.words.formatting import Formatter
from plant.calendar import Window
from store.reading.reading import Reading
from store.reading.row import OeeRow, PlaceRow, StateRow

IsStale = Callable[[bool, datetime | None], bool]


@dataclass(frozen=True, slots=True)
class View:
    """Content of a page: values for its regions' templates, and its charts by name."""

    regions: Mapping[str, Mapping[str, Any]]
    """By region: what its template `regions/<region>.html` is given."""
    charts: Mapping[str, Figure] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Moment:
    """When, in which words and by which rules a page is built."""

    window: Window
    """The last hours, up to now."""
    formatter: Formatter
    is_stale: IsStale
    edge_state: StateOf

    @property
    def now(self) -> datetime:
        """The plant's present."""
        return self.window.end

    @property
    def first_hour(self) -> datetime:
        """The first full hour within the window."""
        whole = self.window.start.replace(minute=0, second=0, microsecond=0)
        return whole if whole == self.window.start else whole + timedelta(hours=1)

    def name(self, place: PlaceRow) -> str:
        """Return a place's name in the page's language."""
        return name_of(place, self.formatter.language)

    def shift_cards(self, rows: list[OeeRow]) -> tuple[OeeCard, OeeCard]:
        """Return the cards of the present and the last shift of one place."""
        present, last = present_and_last(rows, self.now)
        return (
            oee_card(present, self.formatter, self.formatter.text("shift.present")),
            oee_card(last, self.formatter, self.formatter.text("shift.last")),
        )


def by_place(rows: Iterable[OeeRow]) -> dict[str, list[OeeRow]]:
    """Return results by place, in their given order."""
    found: dict[str, list[OeeRow]] = {}
    for row in rows:
        found.setdefault(row.place, []).append(row)
    return found


def stale_edges(reading: Reading, units: list[int], moment: Moment) -> dict[str, list[str]]:
    """Return, by path of machine, the edges that measure it and are out of touch, in words."""
    found: dict[str, list[str]] = {}
    for row in reading.unit_edges(units):
        if moment.is_stale(row.online, row.reported_at):
            found.setdefault(row.work_unit, []).append(
                moment.formatter.text(
                    "edge.stale",
                    edge=row.edge.rpartition("/")[2],
                    time=moment.formatter.clock(row.reported_at),
                )
            )
    return found


def state_cards(
    reading: Reading, units: Sequence[PlaceRow], moment: Moment
) -> dict[str, StateCard]:
    """Return what each machine does, by its path."""
    rows: dict[str, list[StateRow]] = {unit.path: [] for unit in units}
    ids = [unit.place_id for unit in units]
    for row in reading.states(ids, moment.window.start, moment.window.end):
        rows[row.place].append(row)
    reasons = {
        enterprise: reading.stop_reasons(enterprise)
        for enterprise in {path.split("/", 1)[0] for path in rows}
    }
    return {
        path: state_card(
            mine,
            moment.window,
            moment.formatter,
            reasons[path.split("/", 1)[0]],
            lambda end: moment.is_stale(True, end),
        )
        for path, mine in rows.items()
    }
