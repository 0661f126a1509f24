"""Figures of any place from the base sums of its machines, by the formulas of `plant.kpi`."""

from collections.abc import Mapping, Sequence

from api.figures.lacking import Lacking
from api.http.places import PlaceTree
from plant.kpi import BaseSums, Missing, add
from plant.kpi.fault import Figures
from plant.kpi.rollup import Line, line_figures, place_figures
from plant.place import Level
from store.reading.board_row import SliceRow
from store.reading.row import PlaceRow


def figures_of(
    tree: PlaceTree,
    place: PlaceRow,
    slices: Sequence[SliceRow],
    minor_stop_ms: Mapping[str, int],
    lacking: Lacking,
    *,
    of_time: bool,
) -> Figures:
    """Return the figures of a place from slices of its machines.

    `minor_stop_ms` is the minor stops that the policy counts as running, by machine; slices
    `of_time` are all of a window, not those of a product.
    """
    by_unit: dict[str, list[BaseSums]] = {}
    for row in slices:
        by_unit.setdefault(row.place, []).append(row.sums)
    units: dict[str, Figures] = {}
    for path, sums in by_unit.items():
        total = add(sums)
        unit_id = tree.get(path).place_id
        absent = lacking.of(unit_id, total)
        stateless = unit_id in lacking.state
        units[path] = Figures(total, absent, minor_stop_ms.get(path, 0), stateless)
    nothing = Figures(BaseSums(), Missing.NO_DATA)
    if place.level == Level.WORK_UNIT:
        return units.get(place.path, nothing)
    lines = [
        _line(tree, line, units)
        for line in tree.within(place.path, Level.WORK_CENTER)
        if any(unit.path in units for unit in tree.children(line.path))
    ]
    if not lines:
        return nothing
    if place.level == Level.WORK_CENTER:
        return line_figures(*lines[0], of_time=of_time)
    return place_figures(lines, of_time=of_time)


def _line(
    tree: PlaceTree, line: PlaceRow, units: Mapping[str, Figures]
) -> tuple[Line, dict[int, Figures]]:
    members = tree.children(line.path)
    bottleneck = tree.get(line.bottleneck).place_id if line.bottleneck else None
    return (
        Line(line.line_kind or "serial", bottleneck, [unit.place_id for unit in members]),
        {unit.place_id: units[unit.path] for unit in members if unit.path in units},
    )
