"""A machine: its state over time, its OEE, why it stopped, what it made, what it measures."""

from datetime import timedelta

from api.figures.pareto import with_shares
from api.http.places import PlaceTree
from api.pages.cards import TagCard, tag_card
from api.pages.charts import hour_board, shown_categories, state_timeline, stop_pareto
from api.pages.views.view import Moment, View, stale_edges, state_cards
from plant.calendar import Window
from plant.measurement import TagRole, ValueType
from store.reading.reading import Reading
from store.reading.row import TrendRow

TREND = timedelta(hours=2)
TREND_BIN = timedelta(minutes=2)


def machine_view(reading: Reading, tree: PlaceTree, path: str, moment: Moment) -> View:
    """Return what the page of a machine shows."""
    unit = tree.get(path)
    window, f = moment.window, moment.formatter
    ids = [unit.place_id]
    present, last = moment.shift_cards(reading.latest_shifts(ids, moment.now))
    bars = with_shares(reading.pareto(ids, window.start, window.end, now=moment.now))
    states = reading.states(ids, window.start, window.end)
    hours = reading.hour_counts(unit.place_id, moment.first_hour, window.end)
    return View(
        {
            "machine_state": {
                "state": state_cards(reading, [unit], moment)[path],
                "stale": tuple(stale_edges(reading, ids, moment).get(path, ())),
            },
            "machine_oee": {"present": present, "last": last, "path": path},
            "timeline_legend": {"shown": shown_categories(states)},
            "pareto_table": {"bars": bars},
            "hours_table": {"hours": hours},
            "trends": {"tags": _tags(reading, ids, moment), "path": path},
        },
        {
            "timeline": state_timeline(states, window, f),
            "pareto": stop_pareto(bars, f),
            "hours": hour_board(hours, f),
        },
    )


def _tags(reading: Reading, units: list[int], moment: Moment) -> list[TagCard]:
    tags = [
        tag
        for tag in reading.tags(units)
        if tag.role == TagRole.NONE and tag.value_type == ValueType.NUMBER
    ]
    window = Window(moment.now - TREND, moment.now)
    course: dict[int, list[TrendRow]] = {tag.tag_id: [] for tag in tags}
    for row in reading.trends(list(course), window.start, window.end, TREND_BIN):
        course[row.tag_id].append(row)
    return [tag_card(tag, course[tag.tag_id], window, moment.formatter) for tag in tags]
