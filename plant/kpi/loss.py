"""Where planned busy time went: the six big losses of TPM, and the waterfall from the calendar."""

from dataclasses import astuple, dataclass

from plant.kpi.sums import BaseSums


@dataclass(frozen=True, slots=True)
class SixLosses:
    """The six big losses in milliseconds; with unknown and productive time they make up PBT."""

    breakdown_ms: float
    setup_ms: float
    minor_stops_ms: float
    """Stops shorter than the policy's threshold that are no breakdowns."""
    idling_ms: float
    """Longer stops that are no breakdowns, and time without an order (ADOT)."""
    reduced_speed_ms: float
    """Production time beyond what the parts made should take; negative above planned speed."""
    defects_ms: float
    start_up_ms: float
    """Rejects made while setting up."""
    unknown_ms: float
    """Unknown time less what the parts made in it should take: no loss by its own fault, but not
    known to be anything else."""
    productive_ms: float

    @property
    def total_ms(self) -> float:
        """Planned busy time."""
        return float(sum(astuple(self)))


def six_losses(sums: BaseSums, minor_stop_ms: int = 0) -> SixLosses | None:
    """Return the six big losses of planned busy time, also of mixed products.

    `minor_stop_ms` is the delay time in minor stops that are no breakdowns. None when parts are
    not counted: then speed and quality losses cannot be told.
    """
    made, good, start_up = sums.pri_pq_ms, sums.pri_gq_ms, sums.start_up_pri_ms
    if made is None or good is None or start_up is None:
        return None
    # What was made while nobody saw it fills unknown time, and is no speed of the time known.
    unseen = min(sums.unseen_pri_pq_ms or 0.0, float(sums.unknown_ms))
    return SixLosses(
        breakdown_ms=sums.breakdown_ms,
        setup_ms=sums.aust_ms,
        minor_stops_ms=minor_stop_ms,
        idling_ms=sums.adet_ms - sums.breakdown_ms - minor_stop_ms + sums.adot_ms,
        reduced_speed_ms=sums.apt_ms - (made - unseen),
        defects_ms=made - good - start_up,
        start_up_ms=start_up,
        unknown_ms=sums.unknown_ms - unseen,
        productive_ms=good,
    )


@dataclass(frozen=True, slots=True)
class Waterfall:
    """What is left of calendar time after each kind of loss; the steps take away exactly that."""

    calendar_ms: float
    not_scheduled_ms: float
    """Outside every shift and not producing."""
    unscheduled_production_ms: float
    planned_downtime_ms: float
    """Breaks, maintenance, and setup where the policy plans it."""
    pbt_ms: float
    losses: SixLosses

    @property
    def rest_ms(self) -> float:
        """What the bars do not explain; 0 but for the rounding of floating point."""
        away = self.not_scheduled_ms + self.unscheduled_production_ms + self.planned_downtime_ms
        return self.calendar_ms - away - self.losses.total_ms


def waterfall(sums: BaseSums, minor_stop_ms: int = 0) -> Waterfall | None:
    """Return the waterfall of base sums, None where their losses cannot be told."""
    losses = six_losses(sums, minor_stop_ms)
    if losses is None:
        return None
    planned = sums.planned_break_ms + sums.planned_maintenance_ms + sums.planned_setup_ms
    known = sums.unscheduled_production_ms + planned + sums.pbt_ms
    return Waterfall(
        sums.calendar_ms,
        sums.calendar_ms - known,
        sums.unscheduled_production_ms,
        planned,
        sums.pbt_ms,
        losses,
    )
