"""What machines lack so that no figure of them can be formed."""

from dataclasses import dataclass

from plant.kpi import BaseSums, Missing


@dataclass(frozen=True, slots=True)
class Lacking:
    """Machines, by id, of which something needed for every figure is not there."""

    state: frozenset[int] = frozenset()
    """They have no state signal."""
    calendar: frozenset[int] = frozenset()
    """Some hour of theirs in the window has no calendar."""

    def of(self, unit_id: int, sums: BaseSums) -> Missing | None:
        """Return what is missing to form any figure of a machine from its sums, if anything."""
        if sums.pbt_ms == 0 and unit_id in self.calendar:
            return Missing.NO_CALENDAR
        return Missing.NO_STATE if unit_id in self.state else None
