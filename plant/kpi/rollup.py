"""From the figures of machines to those of a line, and of any place above it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from plant.kpi.fault import Figures, is_silent
from plant.kpi.oee import in_items, incomputable_line, pooled, serial_line
from plant.kpi.result import Missing
from plant.kpi.sums import add


@dataclass(frozen=True, slots=True)
class Line:
    """A work centre: how its machines work together."""

    kind: str
    """`serial` or `parallel`."""
    bottleneck_id: int | None
    """The machine that paces a serial line, as configured."""
    unit_ids: Sequence[int]
    """Its machines in the order of the flow."""

    @property
    def pacing_id(self) -> int | None:
        """The machine that paces a serial line; a line of one machine needs no configuration."""
        return self.unit_ids[0] if len(self.unit_ids) == 1 else self.bottleneck_id


LAG = 0.1
"""Share of a time by which one machine's figures may end before another's, as they always do a
little while both go on."""


def line_figures(line: Line, units: Mapping[int, Figures], *, of_time: bool = True) -> Figures:
    """Return the figures of a line from those of its machines of which anything is known.

    A parallel line is the pool of its machines, a line of one machine is that. A serial line has
    the clock and the speed of its bottleneck, the good parts that leave its last machine, and the
    scrap of all; when one of these two is not known, nothing is guessed. Figures `of_time` are of
    one window of all machines; those of a product, order or lot are not, as it comes to each
    machine at another time.
    """
    if line.kind == "parallel":
        return pooled(units[unit_id] for unit_id in line.unit_ids if unit_id in units)
    if len(line.unit_ids) == 1:
        return _serial(line, units, of_time=of_time)
    # What never counted anything tells nothing of what left the line, but it uses energy all the
    # same: without a meter, nobody knows how much the line has used.
    telling = {unit_id: unit for unit_id, unit in units.items() if not _is_mute(unit)}
    figures = _serial(line, telling, of_time=of_time)
    every = add(unit.sums for unit in units.values())
    used = {name: getattr(every, name) for name in ("energy_kwh", "idle_energy_kwh")}
    return replace(figures, sums=replace(figures.sums, **used))


def _serial(line: Line, units: Mapping[int, Figures], *, of_time: bool) -> Figures:
    present = [unit_id for unit_id in line.unit_ids if unit_id in units]
    members = [units[unit_id] for unit_id in present]
    pacing, out = line.pacing_id, line.unit_ids[-1]
    if pacing is None:
        return incomputable_line(members, Missing.NO_BOTTLENECK, units.get(out))
    if pacing not in units or out not in units:
        return incomputable_line(members, Missing.NO_DATA, units.get(out))
    clocks = sorted((units[pacing].sums.calendar_ms, units[out].sums.calendar_ms))
    if of_time and clocks[0] < (1 - LAG) * clocks[1]:
        return incomputable_line(members, Missing.BEHIND, units[out])
    if len(line.unit_ids) == 1:
        return in_items(members[0])
    leaving = units[out].sums.line_pri_gq_ms
    scrap = add(unit.sums for unit in members).line_pri_sq_ms
    return serial_line(members, present.index(pacing), leaving, scrap)


def _is_mute(unit: Figures) -> bool:
    counted = (unit.sums.produced_quantity, unit.sums.good_quantity)
    return is_silent(unit.sums) and counted == (None, None)


def place_figures(
    lines: Iterable[tuple[Line, Mapping[int, Figures]]], *, of_time: bool = True
) -> Figures:
    """Return the figures of an area, a site or an enterprise: its lines, pooled."""
    return pooled(line_figures(line, units, of_time=of_time) for line, units in lines if units)
