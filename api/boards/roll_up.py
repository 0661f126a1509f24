"""Figures of any place from the base sums of its machines, by the formulas of `plant.kpi`."""

from collections.abc import Iterable, Sequence

from api.places import PlaceTree
from plant.kpi import BaseSums, Missing, add
from plant.kpi.oee import Figures, pooled, serial_line
from plant.place import Level
from store.board_row import SliceRow
from store.reading_row import PlaceRow


def figures_of(tree: PlaceTree, place: PlaceRow, slices: Sequence[SliceRow]) -> Figures:
    """Return the figures of a place from slices of its machines.

    A serial line has its bottleneck's clock and speed and the good parts that leave its last
    machine; everything else adds sums (`docs/explanations/oee.md`).
    """
    by_unit: dict[str, list[SliceRow]] = {}
    for row in slices:
        by_unit.setdefault(row.place, []).append(row)
    return _figures(tree, place, by_unit)


def _figures(tree: PlaceTree, place: PlaceRow, by_unit: dict[str, list[SliceRow]]) -> Figures:
    if place.level == Level.WORK_UNIT:
        own = by_unit.get(place.path)
        return Figures(add(row.sums for row in own)) if own else _nothing()
    if place.level == Level.WORK_CENTER:
        return _line(tree, place, by_unit)
    lines = tree.within(place.path, Level.WORK_CENTER)
    parts = [_line(tree, line, by_unit) for line in lines if _present(tree, line, by_unit)]
    return pooled(parts) if parts else _nothing()


def _present(tree: PlaceTree, line: PlaceRow, by_unit: dict[str, list[SliceRow]]) -> bool:
    return any(unit.path in by_unit for unit in tree.children(line.path))


def _line(tree: PlaceTree, line: PlaceRow, by_unit: dict[str, list[SliceRow]]) -> Figures:
    units = tree.children(line.path)
    present = [unit.path for unit in units if unit.path in by_unit]
    members = [Figures(add(row.sums for row in by_unit[path])) for path in present]
    if not members:
        return _nothing()
    if line.line_kind == "parallel":
        return pooled(members)
    bottleneck = units[0].path if len(units) == 1 else line.bottleneck
    if bottleneck is None:
        return serial_line(members, None, None)
    out = units[-1].path
    if bottleneck not in by_unit or out not in by_unit:
        return Figures(BaseSums(calendar_ms=members[0].sums.calendar_ms), Missing.NO_DATA)
    return serial_line(members, present.index(bottleneck), _leaving(by_unit[out]))


def _leaving(rows: Iterable[SliceRow]) -> float | None:
    parts = [row.line_pri_gq_ms for row in rows]
    known = [part for part in parts if part is not None]
    return sum(known) if len(known) == len(parts) else None


def _nothing() -> Figures:
    return Figures(BaseSums(), Missing.NO_DATA)
