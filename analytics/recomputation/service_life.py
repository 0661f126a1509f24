"""From when on a machine counts: until master data end it, however silent."""

from collections.abc import Mapping
from datetime import datetime

from analytics.readings.interval import millis
from store.figure.source import PlantSource, RoleTag, UnitSource


def own_tags(unit: UnitSource) -> list[RoleTag]:
    """Return the tags that say something of this machine: a meter of its line does not."""
    return [tag for tag in unit.tags if tag.meter is None or not tag.meter.shared]


def first_readings(
    plant: PlantSource, extents: Mapping[int, tuple[datetime, datetime]]
) -> dict[int, int]:
    """Return by work unit the millisecond at which its figures begin; `extents` are by tag id.

    That is its first reading. A machine that has sent nothing, and every one of a parallel line,
    counts since the first of its line sent anything, a line that has sent nothing since that of
    its site: their planned time is part of the whole. What master data say of the beginning
    outranks the line.
    """
    own = {
        unit.unit_id: min(
            (millis(extents[tag.tag_id][0]) for tag in own_tags(unit) if tag.tag_id in extents),
            default=None,
        )
        for unit in plant.units.values()
    }
    found: dict[int, int] = {}
    for site in plant.sites.values():
        units = [unit_id for line in site.lines for unit_id in line.unit_ids]
        of_site = _first(own, units)
        for line in site.lines:
            of_line = _first(own, line.unit_ids)
            for unit_id in line.unit_ids:
                mine, entered = own[unit_id], plant.units[unit_id].in_service_from
                expected = of_site if of_line is None else of_line
                if expected is not None and entered is not None:
                    expected = max(expected, millis(entered))
                if mine is not None and (line.kind != "parallel" or expected is None):
                    expected = mine
                moments = [one for one in (mine, expected) if one is not None]
                if moments:
                    found[unit_id] = min(moments)
    return found


def _first(own: Mapping[int, int | None], units: tuple[int, ...] | list[int]) -> int | None:
    return min((one for unit in units if (one := own[unit]) is not None), default=None)
