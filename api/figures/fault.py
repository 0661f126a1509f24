"""Faults of the set-up as the figures of a window show them, each with what mends it."""

from api.figures.wire import FaultOut
from api.http.places import PlaceTree
from api.words.catalogue import CATALOGUES
from plant.calendar import Window
from plant.kpi import Missing, add
from plant.kpi.fault import NEGATIVE_GOOD
from plant.place import Level
from store.reading.kpi import FaultRow, KpiReading
from store.reading.reading import Reading
from store.reading.row import PlaceRow

BOTTLENECK_DRIFT = "bottleneck_drift"
# Reasons for a missing ratio that only a person can mend; the others mend themselves.
_MENDED_BY_PEOPLE = frozenset(
    {
        Missing.NO_CALENDAR,
        Missing.NO_STATE,
        Missing.NO_COUNTS,
        Missing.NO_QUALITY_COUNTS,
        Missing.NO_BOTTLENECK,
    }
)
_REASONS = frozenset(Missing)
_DRIFT = 1.05


def faults(reading: Reading, tree: PlaceTree, place: PlaceRow, asked: Window) -> list[FaultOut]:
    """Return the faults at or below a place."""
    units = tree.within(place.path, Level.WORK_UNIT)
    lines = tree.within(place.path, Level.WORK_CENTER)
    kpi = reading.kpi(
        [unit.place_id for unit in units],
        [unit.time_zone or "UTC" for unit in units],
        "",
        asked.start,
        asked.end,
    )
    found = []
    paths_of_units = {unit.path for unit in units}
    for row in kpi.faults([one.place_id for one in [*units, *lines]]):
        code, _, detail = row.fault.partition(":")
        # Of a line only what is the line's own: the rest is told of its machines.
        own = code == Missing.NO_BOTTLENECK or row.place in paths_of_units
        if own and (code not in _REASONS or code in _MENDED_BY_PEOPLE):
            found.append(_fault(row, code, detail))
    found += [
        _fault(row, Missing.NO_PLANNED_RUN_TIME.value, row.fault)
        for row in kpi.products_without_run_time()
    ]
    return sorted(found + _of_sums(kpi, units, lines), key=lambda one: (one.place, one.fault))


def _of_sums(kpi: KpiReading, units: list[PlaceRow], lines: list[PlaceRow]) -> list[FaultOut]:
    """Return faults that only the sums of the window show."""
    rows = {row.unit_id: row for row in kpi.sums()}
    found = []
    for unit in units:
        row = rows.get(unit.place_id)
        if row is not None and (row.sums.good_quantity or 0) < 0:
            seen = FaultRow(unit.path, NEGATIVE_GOOD, 1, row.first, row.last)
            found.append(_fault(seen, NEGATIVE_GOOD, ""))
    for line in lines:
        members = [unit for unit in units if unit.parent == line.path]
        needed = {
            unit.path: sums.pri_pq_ms / sums.produced_quantity
            for unit in members
            if unit.place_id in rows
            for sums in (add([rows[unit.place_id].sums]),)
            if sums.pri_pq_ms and sums.produced_quantity
        }
        if line.line_kind != "serial" or line.bottleneck not in needed:
            continue
        slowest = max(needed, key=lambda path: needed[path])
        if needed[slowest] > needed[line.bottleneck] * _DRIFT:
            first = min(row.first for row in rows.values())
            last = max(row.last for row in rows.values())
            seen = FaultRow(line.path, BOTTLENECK_DRIFT, 1, first, last)
            found.append(_fault(seen, BOTTLENECK_DRIFT, slowest))
    return found


def _fault(row: FaultRow, code: str, detail: str) -> FaultOut:
    return FaultOut(
        place=row.place,
        fault=code,
        detail=detail,
        count=row.count,
        first=row.first,
        last=row.last,
        fix_vi=CATALOGUES["vi"].name_of("fix", code),
        fix_en=CATALOGUES["en"].name_of("fix", code),
    )
