"""Failures, and the times between and after them (ISO 22400-2, IEC 60050-192)."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from plant.kpi.policy import OeePolicy
from plant.kpi.ratio import ratio
from plant.kpi.stop import STOPPED, StateInterval
from plant.state import TimeElement


@dataclass(frozen=True, slots=True)
class Failure:
    """A failure of one machine, from its beginning to the end of its repair, in milliseconds."""

    start: int
    end: int | None
    """None while it lasts."""
    worked_ms: int = 0
    """Planned busy time within it, so far: what its repair took in working time."""


@dataclass(frozen=True, slots=True)
class Reliability:
    """How often machines failed in a window and how long repairs took; times in milliseconds."""

    failure_events: int
    """FE: failures that began in the window."""
    mtbf_per_failure_ms: float | None
    """Operating time / FE; None without failures: then it is longer than the operating time."""
    mtbf_per_failure_plus_1_ms: float | None
    """Operating time / (FE + 1): also counts the stretch that has not ended in a failure."""
    mttf_ms: float | None
    """Operating time that ended in a failure / FE: leaves the stretch after the last one out."""
    mttr_ms: float | None
    """Mean of repairs that are over, in working time; an open failure is in FE but has no repair
    time yet."""
    mttr_calendar_ms: float | None = None
    """The same by the clock, with nights and weekends."""


OPEN = np.iinfo(np.int64).max
"""The end of what lasts, in columns."""


@dataclass(frozen=True, slots=True)
class FailureColumns:
    """Failures of many machines in columns of shape (n,), by machine and beginning."""

    machine: NDArray[np.int64]
    start: NDArray[np.int64]
    """Milliseconds."""
    end: NDArray[np.int64]
    """Milliseconds; `OPEN` while it lasts."""
    worked: NDArray[np.int64]
    """Working time within each, in milliseconds."""

    def by_machine(self) -> dict[int, list[Failure]]:
        """Return the failures one by one, by machine."""
        found: dict[int, list[Failure]] = {}
        columns = (self.machine, self.start, self.end, self.worked)
        rows = zip(*(column.tolist() for column in columns), strict=True)
        for machine, start, end, worked in rows:
            failure = Failure(start, None if end == OPEN else end, worked)
            found.setdefault(machine, []).append(failure)
        return found


def failures(tiles: Iterable[StateInterval], policy: OeePolicy, horizon: int) -> list[Failure]:
    """Return the failures among the neighbouring tiles of one machine, in order.

    A failure begins where the machine stands in one of the policy's `failure_states` within
    planned busy time. It is over when the machine says something else, and ends where it last
    stood so: neither unknown time nor a pause in the plan ends it, because nobody saw it repaired;
    setup does. It lasts at least `failure_at_least_s`, an open one up to `horizon`, the end of
    what is known. Those with less than `failure_merge_s` between them are one, from the first
    beginning to the last end.
    """
    least, apart = round(policy.failure_at_least_s * 1000), round(policy.failure_merge_s * 1000)
    found: list[Failure] = []
    for one in _seen(tiles, policy):
        lasted = (horizon if one.end is None else one.end) - one.start
        if lasted < least:
            continue
        over = found[-1].end if found else None
        if over is not None and one.start - over < apart:
            found[-1] = Failure(found[-1].start, one.end, found[-1].worked_ms + one.worked_ms)
        else:
            found.append(one)
    return found


def _seen(tiles: Iterable[StateInterval], policy: OeePolicy) -> Iterator[Failure]:
    """Yield the failures as far as what machines say divides them."""
    start = end = None
    worked = unseen = 0
    for tile in tiles:
        if start is not None and tile.element is TimeElement.UNKNOWN:
            unseen += tile.end - tile.start
        if tile.stop_kind in policy.failure_states:
            if tile.element in STOPPED:
                start, end = tile.start if start is None else start, tile.end
                # Unknown time counts once the machine is seen to stand in the same failure after
                # it.
                worked, unseen = worked + unseen + tile.end - tile.start, 0
        elif start is not None and (tile.state is not None or tile.element is TimeElement.SETUP):
            yield Failure(start, end, worked)
            start, worked, unseen = None, 0, 0
    if start is not None:
        yield Failure(start, None, worked)


def reliability(
    began: Sequence[Failure], operating_ms: int, operating_to_last_ms: int | None = None
) -> Reliability:
    """Return the reliability of machines of which these failures began in a window.

    `operating_ms` is APT + AUST of the window, `operating_to_last_ms` the part of it before each
    machine's last failure.
    """
    over = [failure for failure in began if failure.end is not None]
    return reliability_of(
        len(began),
        len(over),
        sum(failure.worked_ms for failure in over),
        operating_ms,
        operating_to_last_ms,
        repair_calendar_ms=sum((failure.end or 0) - failure.start for failure in over),
    )


def reliability_of(
    failure_events: int,
    repairs: int,
    repair_ms: int,
    operating_ms: int,
    operating_to_last_ms: int | None = None,
    *,
    repair_calendar_ms: int = 0,
) -> Reliability:
    """Return the reliability of machines by how many failures began, and the repairs over.

    `repair_ms` is working time, `repair_calendar_ms` time by the clock.
    """
    return Reliability(
        failure_events,
        mean_time_between_failures(operating_ms, failure_events),
        mean_time_between_failures(operating_ms, failure_events, plus_one=True),
        ratio(operating_to_last_ms, failure_events),
        ratio(repair_ms, repairs),
        ratio(repair_calendar_ms, repairs),
    )


def mean_time_between_failures(
    operating_ms: float, failure_events: int, *, plus_one: bool = False
) -> float | None:
    """MTBF = operating time / FE, in milliseconds.

    `plus_one` divides by FE + 1, the other convention in use: it also counts the stretch that has
    not ended in a failure. None without failures: then it is longer than the operating time.
    """
    # None stays 0: by FE + 1 a machine without failures would get a time between them.
    return ratio(operating_ms, failure_events and failure_events + plus_one)


def mean_time_to_repair(repairs_ms: Sequence[int]) -> float | None:
    """MTTR over repairs that are over, in milliseconds; an open failure has no repair time yet."""
    return ratio(sum(repairs_ms), len(repairs_ms))
