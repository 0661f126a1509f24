"""A production line: its OEE, its machines in the order of the flow, why it stopped."""

from dataclasses import dataclass

from api.figures.pareto import with_shares
from api.http.places import PlaceTree
from api.pages.appearance import Category
from api.pages.cards import OeeCard, StateCard
from api.pages.charts import stop_pareto
from api.pages.views.view import Moment, View, by_place, stale_edges, state_cards
from plant.place import Level
from store.reading.reading import Reading


@dataclass(frozen=True, slots=True)
class MachineCard:
    """A machine on its line's page."""

    path: str
    name: str
    is_bottleneck: bool
    state: StateCard
    present: OeeCard
    stale: tuple[str, ...]


def line_view(reading: Reading, tree: PlaceTree, path: str, moment: Moment) -> View:
    """Return what the page of a line shows."""
    line = tree.get(path)
    units = tree.within(path, Level.WORK_UNIT)
    ids = [unit.place_id for unit in units]
    results = by_place(reading.latest_shifts([line.place_id, *ids], moment.now))
    states = state_cards(reading, units, moment)
    stale = stale_edges(reading, ids, moment)
    pareto = reading.pareto(ids, moment.window.start, moment.window.end, now=moment.now)
    present, last = moment.shift_cards(results.get(path, []))
    cards = tuple(
        MachineCard(
            path=unit.path,
            name=moment.name(unit),
            is_bottleneck=unit.path == line.bottleneck,
            state=states[unit.path],
            present=moment.shift_cards(results.get(unit.path, []))[0],
            stale=tuple(stale.get(unit.path, ())),
        )
        for unit in units
    )
    bars = with_shares(pareto)
    return View(
        {
            "line_oee": {
                "present": present,
                "last": last,
                "path": path,
                "basis": _basis(tree, path, moment),
                "stale": tuple(sorted({words for found in stale.values() for words in found})),
            },
            "machines": {
                "cards": cards,
                "shown": [
                    kind
                    for kind in Category
                    if any(part.category is kind for card in cards for part in card.state.strip)
                ],
            },
            "pareto_table": {"bars": bars},
        },
        {"pareto": stop_pareto(bars, moment.formatter)},
    )


def _basis(tree: PlaceTree, path: str, moment: Moment) -> str:
    line = tree.get(path)
    if line.bottleneck is not None:
        return moment.formatter.text("line.bottleneck", name=moment.name(tree.get(line.bottleneck)))
    kind = "parallel" if line.line_kind == "parallel" else "no_bottleneck"
    return moment.formatter.text(f"line.{kind}")
