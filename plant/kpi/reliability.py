"""Failures, and the times between and after them (ISO 22400-2, IEC 60050-192)."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from plant.kpi.policy import OeePolicy
from plant.kpi.ratio import ratio
from plant.kpi.stop import Stop


@dataclass(frozen=True, slots=True)
class Failure:
    """A failure of one machine, from its beginning to the end of its repair, in milliseconds."""

    start: int
    end: int | None
    """None while it lasts."""


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
    """Mean of repairs that are over; an open failure is in FE but has no repair time yet."""


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


def failure_columns(
    stops: FailureColumns,
    at_least_ms: NDArray[np.int64],
    merge_ms: NDArray[np.int64],
    now: int,
) -> FailureColumns:
    """Return the failures among the whole stops of many machines, all of a kind that may be one.

    `at_least_ms` and `merge_ms` are those of each stop's machine; see `failures`.
    """
    order = np.lexsort((stops.start, stops.machine))
    lasted = np.where(stops.end == OPEN, now, stops.end) - stops.start
    order = order[(lasted >= at_least_ms)[order]]
    machine, start, end = stops.machine[order], stops.start[order], stops.end[order]
    joined = (machine[1:] == machine[:-1]) & (end[:-1] != OPEN)
    # Both ends of a comparison with OPEN would overflow.
    joined[joined] = (start[1:] - np.where(joined, end[:-1], 0) < merge_ms[order][1:])[joined]
    first = np.flatnonzero(np.concatenate((np.ones(min(1, order.size), dtype=np.bool_), ~joined)))
    last = np.append(first[1:], order.size)[: first.size] - 1
    return FailureColumns(machine[first], start[first], end[last])


def failures(stops: Iterable[Stop], policy: OeePolicy, now: int) -> list[Failure]:
    """Return the failures among the whole stops of one machine, in order.

    The policy says which kinds of stop are failures and how long one lasts at least; those with
    less than `failure_merge_s` between them are one, from the first beginning to the last end.
    """
    chosen = [stop for stop in stops if stop.stop_kind in policy.failure_states]
    columns = FailureColumns(
        np.zeros(len(chosen), dtype=np.int64),
        np.array([stop.start for stop in chosen], dtype=np.int64),
        np.array([OPEN if stop.end is None else stop.end for stop in chosen], dtype=np.int64),
    )
    least, apart = round(policy.failure_at_least_s * 1000), round(policy.failure_merge_s * 1000)
    found = failure_columns(columns, np.full(len(chosen), least), np.full(len(chosen), apart), now)
    return [
        Failure(start, None if end == OPEN else end)
        for start, end in zip(found.start.tolist(), found.end.tolist(), strict=True)
    ]


def reliability(
    began: Sequence[Failure], operating_ms: int, operating_to_last_ms: int | None = None
) -> Reliability:
    """Return the reliability of machines of which these failures began in a window.

    `operating_ms` is APT + AUST of the window, `operating_to_last_ms` the part of it before each
    machine's last failure.
    """
    repairs = [failure.end - failure.start for failure in began if failure.end is not None]
    return reliability_of(
        len(began), len(repairs), sum(repairs), operating_ms, operating_to_last_ms
    )


def reliability_of(
    failure_events: int,
    repairs: int,
    repair_ms: int,
    operating_ms: int,
    operating_to_last_ms: int | None = None,
) -> Reliability:
    """Return the reliability of machines by how many failures began, and the repairs over."""
    return Reliability(
        failure_events,
        mean_time_between_failures(operating_ms, failure_events),
        mean_time_between_failures(operating_ms, failure_events, plus_one=True),
        ratio(operating_to_last_ms, failure_events),
        ratio(repair_ms, repairs),
    )


def mean_time_between_failures(
    operating_ms: float, failure_events: int, *, plus_one: bool = False
) -> float | None:
    """MTBF = operating time / FE, in milliseconds.

    `plus_one` divides by FE + 1, the other convention in use: it also counts the stretch that has
    not ended in a failure. None without failures: then it is longer than the operating time.
    """
    return ratio(operating_ms, failure_events and failure_events + plus_one)


def mean_time_to_repair(repairs_ms: Sequence[int]) -> float | None:
    """MTTR over repairs that are over, in milliseconds; an open failure has no repair time yet."""
    return ratio(sum(repairs_ms), len(repairs_ms))
