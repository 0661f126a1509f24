"""Whose clock a place runs by."""

from api.pages.boards.board import Inquiry
from plant.place import Level
from store.reading.row import PlaceRow


def paced_units(q: Inquiry) -> list[PlaceRow]:
    """Return the machines whose time is the place's: a serial line's is its bottleneck's."""
    if q.place.level == Level.WORK_UNIT:
        return [q.place]
    found = []
    for line in q.tree.within(q.place.path, Level.WORK_CENTER):
        units = q.tree.children(line.path)
        if line.line_kind == "parallel" or len(units) == 1:
            found += units
        else:
            found += [unit for unit in units if unit.path == line.bottleneck]
    return found


def last_units(q: Inquiry) -> list[PlaceRow]:
    """Return the machines whose good parts are the place's: those that leave the last one."""
    if q.place.level == Level.WORK_UNIT:
        return [q.place]
    found = []
    for line in q.tree.within(q.place.path, Level.WORK_CENTER):
        units = q.tree.children(line.path)
        found += units if line.line_kind == "parallel" else units[-1:]
    return found
