"""What machines lack so that some figures of them, or all, cannot be formed."""

from dataclasses import dataclass

from plant.kpi import BaseSums, Missing


@dataclass(frozen=True, slots=True)
class Lacking:
    """Machines, by id, of which something is not there."""

    state: frozenset[int] = frozenset()
    """They have signals but none of their state: when they ran is not known."""
    calendar: frozenset[int] = frozenset()
    """Some hour of theirs in the window has no calendar."""

    def of(self, unit_id: int, sums: BaseSums) -> Missing | None:
        """Return what is missing to form any figure of a machine from its sums, if anything."""
        lacking = sums.pbt_ms == 0 and unit_id in self.calendar
        return Missing.NO_CALENDAR if lacking else None
