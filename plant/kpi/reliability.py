"""Failures, and the times between and after them (ISO 22400-2, IEC 60050-192)."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

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


def failures(stops: Iterable[Stop], policy: OeePolicy, now: int) -> list[Failure]:
    """Return the failures among the whole stops of one machine, in order.

    The policy says which kinds of stop are failures and how long one lasts at least; those with
    less than `failure_merge_s` between them are one, from the first beginning to the last end.
    """
    least, apart = round(policy.failure_at_least_s * 1000), round(policy.failure_merge_s * 1000)
    found: list[Failure] = []
    for stop in sorted(stops, key=lambda each: each.start):
        length = (now if stop.end is None else stop.end) - stop.start
        if stop.stop_kind is None or stop.stop_kind not in policy.failure_states or length < least:
            continue
        before = found[-1] if found else None
        if before is not None and before.end is not None and stop.start - before.end < apart:
            found[-1] = Failure(before.start, stop.end)
        else:
            found.append(Failure(stop.start, stop.end))
    return found


def reliability(
    began: Sequence[Failure], operating_ms: int, operating_to_last_ms: int | None = None
) -> Reliability:
    """Return the reliability of machines of which these failures began in a window.

    `operating_ms` is APT + AUST of the window, `operating_to_last_ms` the part of it before each
    machine's last failure.
    """
    repairs = [failure.end - failure.start for failure in began if failure.end is not None]
    return Reliability(
        len(began),
        mean_time_between_failures(operating_ms, len(began)),
        mean_time_between_failures(operating_ms, len(began), plus_one=True),
        ratio(operating_to_last_ms, len(began)),
        mean_time_to_repair(repairs),
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
