"""The plant at a glance: every line with its OEE and what its machines do."""

from dataclasses import dataclass

from api.http.places import PlaceTree
from api.pages.cards import OeeCard, StateCard
from api.pages.views.view import Moment, View, by_place, stale_edges, state_cards
from plant.place import Level
from store.reading.reading import Reading


@dataclass(frozen=True, slots=True)
class MachineChip:
    """A machine in one sign."""

    path: str
    name: str
    state: StateCard


@dataclass(frozen=True, slots=True)
class LineSummary:
    """A line in one row."""

    path: str
    name: str
    area: str
    present: OeeCard
    last: OeeCard
    machines: tuple[MachineChip, ...]


@dataclass(frozen=True, slots=True)
class SiteSummary:
    """A site with its lines and what is wrong with its edges."""

    path: str
    name: str
    enterprise: str
    lines: tuple[LineSummary, ...]
    stale: tuple[str, ...]


def overview_view(reading: Reading, tree: PlaceTree, path: str | None, moment: Moment) -> View:
    """Return the lines at or below a place (None: everywhere), by site."""
    lines = tree.within(path, Level.WORK_CENTER)
    units = tree.within(path, Level.WORK_UNIT)
    results = by_place(reading.latest_shifts([line.place_id for line in lines], moment.now))
    states = state_cards(reading, units, moment)
    stale = stale_edges(reading, [unit.place_id for unit in units], moment)

    def summary(line_path: str) -> LineSummary:
        line = tree.get(line_path)
        present, last = moment.shift_cards(results.get(line_path, []))
        return LineSummary(
            path=line.path,
            name=moment.name(line),
            area=moment.name(tree.ancestors(line.path)[-1]),
            present=present,
            last=last,
            machines=tuple(
                MachineChip(unit.path, moment.name(unit), states[unit.path])
                for unit in units
                if unit.parent == line_path
            ),
        )

    sites = sorted({"/".join(line.path.split("/")[:2]) for line in lines})
    summaries = tuple(
        SiteSummary(
            path=site,
            name=moment.name(tree.get(site)),
            enterprise=moment.name(tree.ancestors(site)[0]),
            lines=tuple(summary(line.path) for line in lines if line.path.startswith(f"{site}/")),
            stale=tuple(
                sorted(
                    {
                        words
                        for unit, found in stale.items()
                        if unit.startswith(f"{site}/")
                        for words in found
                    }
                )
            ),
        )
        for site in sites
    )
    return View({"plant": {"sites": summaries}})
