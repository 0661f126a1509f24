"""From a machine's state, mode and order signals to time elements that tile the window.

States map to time elements by their PackML name (the numbers differ between standards). The
precedence is: not scheduled > planned break > planned maintenance > setup > known stop > unknown
> run; production outside planned busy time is its own element, so availability never exceeds 1.
"""

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from analytics.oee.machine import HeldSignals, is_setup
from analytics.oee.schedule import Plan, Schedule
from analytics.readings.interval import HOUR_MS, Moments
from analytics.readings.signal import NOTHING, Codes, Steps
from plant.state import (
    BREAKDOWN_STATES,
    DELAY_STATES,
    HELD_STATES,
    PLANNED_STATES,
    PRODUCING_STATES,
    RUN_AGAIN_STATES,
    SETUP_STATES,
    SUSPENDED_STATES,
    StopKind,
    TimeElement,
)

ELEMENTS = tuple(TimeElement)
STOP_KINDS = tuple(StopKind)


class Activity(IntEnum):
    """What a machine does, before the calendar and the order say what that means."""

    BREAKDOWN = 0
    HELD = 1
    SUSPENDED = 2
    IDLE = 3
    """Stopped, Idle or Complete: a delay with an order, down time without."""
    RUN = 4
    SETUP = 5
    UNKNOWN = 6
    PLANNED = 7
    """Its own planned downtime: cleaning, maintenance."""


@dataclass(frozen=True, slots=True)
class Timeline:
    """Tiles `[edges[k], edges[k + 1])` of a machine's time without gaps.

    `edges` has shape (n + 1,), the other columns shape (n,). `element` and `stop_kind` index
    into `ELEMENTS` and `STOP_KINDS`; text columns hold the codes of their signal. `shift` is the
    index of the shift in the schedule or -1, `hour` the start of the UTC hour, `part` changes
    where an extra cut was asked for.
    """

    edges: Moments
    element: NDArray[np.int64]
    stop_kind: NDArray[np.int64]
    state: Codes
    order: Codes
    product: Codes
    lot: Codes
    stop_reason: Codes
    shift: NDArray[np.int64]
    hour: Moments
    part: NDArray[np.int64]
    produces_in_break: NDArray[np.bool_]
    signals: HeldSignals

    def duration_ms(self, element: TimeElement) -> int:
        """Return how long the element lasts in all."""
        chosen = self.element == ELEMENTS.index(element)
        return int(np.diff(self.edges)[chosen].sum())


def timeline(
    start: int,
    end: int,
    signals: HeldSignals,
    schedule: Schedule,
    cuts: Moments | None = None,
) -> Timeline:
    """Return the time elements of `[start, end)`, cut at hours, shifts, orders and `cuts`.

    Readings from before the window carry in. Neighbouring tiles differ in at least one column.
    """
    plan_edges, plan = schedule.plan(start, end)
    extra = np.empty(0, dtype=np.int64) if cuts is None else cuts
    edges = _edges(start, end, signals, schedule, np.concatenate((plan_edges, extra)))
    begins = edges[:-1]
    state = signals.state.at(begins)
    activity = _activity(signals, state, begins)
    order = _at(signals.order, begins)
    planned = plan[np.searchsorted(plan_edges, begins, side="right") - 1] if plan.size else begins
    # Without an order signal nobody can claim that there was no order: a stop is then a delay.
    executing = order >= 0 if signals.order is not None else np.ones(begins.size, dtype=np.bool_)
    if signals.orders_since is not None:
        executing |= begins < signals.orders_since
    stopped = activity <= Activity.IDLE
    columns = {
        "element": _elements(activity, planned, executing),
        "stop_kind": np.where(stopped, activity, -1),
        "state": state,
        "order": order,
        "product": signals.product.at(begins),
        "lot": signals.lot.at(begins),
        "stop_reason": np.where(stopped, signals.stop_reason.at(begins), NOTHING),
        "shift": schedule.shift_at(begins),
        "hour": begins - begins % HOUR_MS,
        "part": np.searchsorted(np.sort(extra), begins, side="right"),
        "produces_in_break": (activity == Activity.RUN) & (planned == Plan.BREAK),
    }
    kept = _changes(columns, begins.size)
    return Timeline(
        edges=np.concatenate((begins[kept], edges[-1:])),
        element=columns["element"][kept],
        stop_kind=columns["stop_kind"][kept],
        state=columns["state"][kept],
        order=columns["order"][kept],
        product=columns["product"][kept],
        lot=columns["lot"][kept],
        stop_reason=columns["stop_reason"][kept],
        shift=columns["shift"][kept],
        hour=columns["hour"][kept],
        part=columns["part"][kept],
        produces_in_break=columns["produces_in_break"][kept].astype(np.bool_),
        signals=signals,
    )


def _edges(
    start: int, end: int, signals: HeldSignals, schedule: Schedule, extra: Moments
) -> Moments:
    steps = (
        *(signals.state, signals.mode, signals.order, signals.product, signals.lot),
        signals.stop_reason,
    )
    moments = [signal.times for signal in steps if signal is not None]
    hours = np.arange(start - start % HOUR_MS, end, HOUR_MS, dtype=np.int64)
    window = np.array([start, end], dtype=np.int64)
    found = np.concatenate([*moments, hours, schedule.starts, schedule.ends, extra, window])
    return np.unique(found[(found >= start) & (found <= end)])


def _changes(columns: dict[str, NDArray[np.int64]], count: int) -> NDArray[np.bool_]:
    changed = np.zeros(max(count - 1, 0), dtype=np.bool_)
    for column in columns.values():
        changed |= column[1:] != column[:-1]
    return np.concatenate(([True], changed)) if count else changed


def _at(signal: Steps | None, moments: Moments) -> Codes:
    if signal is None:
        return np.full(moments.size, NOTHING, dtype=np.int64)
    return signal.at(moments)


def _activity(signals: HeldSignals, state: Codes, moments: Moments) -> NDArray[np.int64]:
    of_state = np.array(
        # `NOTHING` is -1 and finds the last entry; so does every table of codes here.
        [_state_activity(name) for name in signals.state.names] + [Activity.UNKNOWN],
        dtype=np.int64,
    )
    activity = of_state[state]
    # What nobody has seen is unknown, also within an open breakdown.
    broken = _broken(signals, moments) & (activity != Activity.UNKNOWN)
    if signals.mode is None:
        return np.where(broken, Activity.BREAKDOWN, activity)
    mode = signals.mode.at(moments)
    sets_up = is_setup(signals.mode.names)[mode]
    # A machine that says that it stands is stopped, whatever its mode; one that runs may set up.
    unclear = (mode == NOTHING) & (activity == Activity.RUN)
    activity = np.where(unclear, Activity.UNKNOWN, activity)
    activity = np.where(sets_up, Activity.SETUP, activity)
    return np.where(broken, Activity.BREAKDOWN, activity)


def _broken(signals: HeldSignals, moments: Moments) -> NDArray[np.bool_]:
    """Return at which moments a breakdown is open; shape is kept.

    It begins with a state that says so and lasts until the machine has run again, whatever mode or
    other state it is put in. The signals hold the last reading before the window that tells.
    """
    steps, names = signals.state, signals.state.names
    begins = np.array([name in BREAKDOWN_STATES for name in names] + [False], dtype=np.bool_)
    ends = np.array([name in RUN_AGAIN_STATES for name in names] + [False], dtype=np.bool_)
    place = np.arange(1, steps.codes.size + 1)
    began = np.maximum.accumulate(np.where(begins[steps.codes], place, 0))
    ended = np.maximum.accumulate(np.where(ends[steps.codes], place, 0))
    broken = np.concatenate((began > ended, [False]))
    found: NDArray[np.bool_] = broken[np.searchsorted(steps.times, moments, side="right") - 1]
    return found


def _elements(
    activity: NDArray[np.int64], planned: NDArray[np.int64], executing: NDArray[np.bool_]
) -> NDArray[np.int64]:
    number = {element: index for index, element in enumerate(ELEMENTS)}
    busy = np.select(
        [
            activity == Activity.SETUP,
            activity == Activity.RUN,
            activity == Activity.UNKNOWN,
            activity == Activity.PLANNED,
            (activity == Activity.IDLE) & ~executing,
        ],
        [
            number[TimeElement.SETUP],
            number[TimeElement.PRODUCTION],
            number[TimeElement.UNKNOWN],
            number[TimeElement.PLANNED_MAINTENANCE],
            number[TimeElement.DOWN],
        ],
        default=number[TimeElement.DELAY],
    )
    idle = np.select(
        [planned == Plan.BREAK, planned == Plan.MAINTENANCE],
        [number[TimeElement.PLANNED_BREAK], number[TimeElement.PLANNED_MAINTENANCE]],
        default=number[TimeElement.NOT_SCHEDULED],
    )
    off = np.where(activity == Activity.RUN, number[TimeElement.UNSCHEDULED_PRODUCTION], idle)
    return np.where(planned == Plan.BUSY, busy, off)


def _state_activity(name: str) -> Activity:
    if name in PRODUCING_STATES:
        return Activity.RUN
    if name in BREAKDOWN_STATES:
        return Activity.BREAKDOWN
    if name in HELD_STATES or name in DELAY_STATES:
        return Activity.HELD
    if name in SUSPENDED_STATES:
        return Activity.SUSPENDED
    if name in SETUP_STATES:
        return Activity.SETUP
    if name in PLANNED_STATES:
        return Activity.PLANNED
    return Activity.IDLE
