"""What is wrong about figures, as far as they show it, each named by its likely cause."""

from collections.abc import Iterable
from dataclasses import dataclass

from plant.kpi.result import Missing
from plant.kpi.sums import BaseSums

BUFFER_DRAWN_DOWN = "buffer_drawn_down"
COUNTS_WHILE_STOPPED = "counts_while_stopped"
MACHINE_SILENT = "machine_silent"
EFFECTIVENESS_ABOVE_1 = "effectiveness_above_1"
NEGATIVE_GOOD = "negative_good"
POLICIES_DIFFER = "policies_differ"
PARTS_OF_UNKNOWN_TIME = "parts_of_unknown_time"
PARTS_OUTSIDE_PLAN = "parts_outside_plan"
PARTS_WITHOUT_PRODUCTION_TIME = "parts_without_production_time"
QUALITY_ABOVE_1 = "quality_above_1"
_OF_MARKS = (
    "production_in_break",
    "counter_implausible",
    "counter_reset",
    "counter_restored",
    "counter_undecided",
    "unmapped_state",
    f"{Missing.NO_PLANNED_RUN_TIME}:",
)
"""A wrap or a jitter is counted right; these may hide parts or name a fault in the set-up."""
# A reading just after a stop began counts parts made just before.
_STOPPED_SHARE = 0.1


@dataclass(frozen=True, slots=True)
class Figures:
    """What a place's figures are formed from.

    `absent` names what is missing to compute any figure at all. `minor_stop_ms` is the delay
    time in minor stops that the policy counts as running time (0 by ISO 22400). `stateless` tells
    that nothing says when any of it ran. `drawn_down_items` is by how much more left a serial line
    than its bottleneck made: negative while buffers fill, None where that is not known.
    """

    sums: BaseSums
    absent: Missing | None = None
    minor_stop_ms: int = 0
    stateless: bool = False
    drawn_down_items: float | None = None


def faults_of_marks(marks: Iterable[str]) -> frozenset[str]:
    """Return the marks of slices that a person should look at: faults of whatever holds them."""
    return frozenset(mark for mark in marks if mark.startswith(_OF_MARKS))


def is_silent(sums: BaseSums) -> bool:
    """Tell whether nothing at all is known of a machine that was to work."""
    told = (sums.produced_quantity, sums.good_quantity, sums.energy_kwh)
    return 0 < sums.pbt_ms == sums.unknown_ms and not any(told)


def found_faults(figures: Figures, quality: float | None) -> tuple[str, ...]:
    """Return the faults of a place and window of which the quality ratio is `quality`."""
    sums = figures.sums
    speed = None if figures.stateless else _too_fast(figures)
    found = [] if speed is None else [speed]
    if quality is not None and quality > 1:
        found.append(QUALITY_ABOVE_1)
    if (sums.good_quantity or 0) < 0 or (quality is not None and quality < 0):
        found.append(NEGATIVE_GOOD)
    stopped = sums.stopped_pri_pq_ms or 0.0
    if speed is None and 0 < _STOPPED_SHARE * (sums.pri_pq_ms or 0.0) < stopped:
        found.append(COUNTS_WHILE_STOPPED)
    return tuple(found)


def _too_fast(figures: Figures) -> str | None:
    """Return why more was made than can have been while it ran; None if it was not.

    What was made in breaks or overtime counts too: it may lift effectiveness at no wrong speed.
    """
    sums = figures.sums
    made = sums.pri_pq_ms or 0.0
    unseen, stopped = sums.unseen_pri_pq_ms or 0.0, sums.stopped_pri_pq_ms or 0.0
    running = sums.apt_ms + figures.minor_stop_ms
    ran = running + sums.unscheduled_production_ms
    if made <= running or (ran == 0 and not made):
        idle = sums.apt_ms + sums.unscheduled_production_ms == 0
        lost = idle and not made and (sums.produced_quantity or 0) > 0
        return PARTS_WITHOUT_PRODUCTION_TIME if lost else None
    # From the most harmless cause to the worst: each takes away what it explains of the surplus.
    if made <= ran:
        return PARTS_OUTSIDE_PLAN
    drawn = figures.drawn_down_items or 0.0
    if drawn > 0:
        return f"{BUFFER_DRAWN_DOWN}:{drawn:g}"
    if made - unseen <= ran:
        return PARTS_OF_UNKNOWN_TIME
    if made - unseen - stopped <= ran:
        return COUNTS_WHILE_STOPPED
    return EFFECTIVENESS_ABOVE_1 if ran > 0 else PARTS_WITHOUT_PRODUCTION_TIME
