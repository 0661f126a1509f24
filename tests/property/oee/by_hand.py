"""A second, naive implementation of the rules: minute by minute, in the words of the rules.

It shares no code with the engine but the names of standard elements. What is a signal is asked of
each minute anew; times are counted, not computed; quantities are exact.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from zoneinfo import ZoneInfo

from tests.property.oee.stories import (
    ORDER_PRODUCTS,
    PAST,
    STATE_MAP,
    Calendar,
    Report,
    Story,
)

BROKEN = ("ABORTING", "ABORTED", "CLEARING")
HELD = ("HOLDING", "HELD", "UNHOLDING")
SUSPENDED = ("SUSPENDING", "SUSPENDED", "UNSUSPENDING")
RAN_AGAIN = ("EXECUTE", *HELD, *SUSPENDED, "COMPLETING", "COMPLETE")
IDLE = ("STOPPING", "STOPPED", "RESETTING", "IDLE", "STARTING", "COMPLETING", "COMPLETE")
KINDS = {
    **dict.fromkeys(BROKEN, "breakdown"),
    **dict.fromkeys(HELD, "held"),
    **dict.fromkeys(SUSPENDED, "suspended"),
    **dict.fromkeys(IDLE, "stopped"),
    "EXECUTE": "run",
    # What a machine's own states may be mapped to beside the standard ones.
    "PLANNED_DOWNTIME": "planned",
    "SETUP": "setup",
    "DELAY": "held",
}


@dataclass(frozen=True)
class Minute:
    """What is true of one minute."""

    element: str
    kind: str | None
    """Kind of stop, also where the stop costs nothing."""
    shift: tuple[str, date] | None
    order: str | None
    product: str | None
    reason: str | None
    works_in_break: bool
    silent: bool
    """Whether nothing is said of it at all."""


# The calendar, by what the clock on the wall shows.


@cache
def _wall(zone: str, day: date) -> dict[datetime, datetime]:
    """Return the first minute of UTC at which the wall clock shows each minute around a day."""
    found: dict[datetime, datetime] = {}
    moment = datetime.combine(day - timedelta(days=1), time(), UTC)
    for _ in range(4 * 1440):
        found.setdefault(moment.astimezone(ZoneInfo(zone)).replace(tzinfo=None), moment)
        moment += timedelta(minutes=1)
    return found


def _instant(zone: str, local: datetime) -> datetime:
    """Return when the wall clock first shows a time; a skipped one lies as much later."""
    shown = _wall(zone, local.date())
    minutes = 0
    while local - timedelta(minutes=minutes) not in shown:
        minutes += 1
    return shown[local - timedelta(minutes=minutes)] + timedelta(minutes=minutes)


def shifts(calendar: Calendar) -> dict[tuple[str, date], tuple[set[int], set[int]]]:
    """Return of each shift its minutes and those of its breaks, in ticks."""
    found = {}
    for days in range(-3, 4):
        day = calendar.day + timedelta(days=days)
        for name in {pattern.name for pattern in calendar.patterns}:
            versions = [
                pattern
                for pattern in calendar.patterns
                if pattern.name == name and pattern.valid_from <= day < pattern.valid_to
            ]
            if not versions:
                continue
            pattern = max(versions, key=lambda each: each.valid_from)
            off = calendar.rules.days_off.get(day)
            weekday = day.weekday()
            if off is not None and name not in off.keeps:
                if off.works_as is None:
                    continue
                weekday = off.works_as
            begins = weekday in pattern.weekdays
            for rotation in calendar.rules.rotations:
                turns = any(name in names for names in rotation.cycle)
                if turns and rotation.valid_from <= day < rotation.valid_to:
                    place = (day - rotation.valid_from).days
                    begins = name in rotation.cycle[place % len(rotation.cycle)]
            if not begins:
                continue
            span = _span(calendar, day, pattern.start, pattern.start, pattern.end)
            pauses: set[int] = set()
            for pause in pattern.breaks:
                pauses |= _span(calendar, day, pattern.start, pause.start, pause.end)
            found[name, day] = span, pauses
    return found


def _span(calendar: Calendar, day: date, shift: time, start: time, end: time) -> set[int]:
    first = datetime.combine(day, start)
    if start < shift:
        first += timedelta(days=1)
    last = datetime.combine(first.date(), end)
    if last <= first:
        last += timedelta(days=1)
    begins, ends = (
        (_instant(calendar.zone, local) - calendar.epoch) // timedelta(minutes=1)
        for local in (first, last)
    )
    return set(range(begins, ends))


# Signals, minute by minute.


def _ordered(rows: Sequence[Report]) -> list[Report]:
    return sorted(rows, key=lambda one: (one.tick, one.late_us))


def _held(
    rows: Sequence[Report], length: int, silence: int | None, *, through_bad: bool
) -> dict[int, str | None]:
    """Return what stands in each minute from the earliest one on."""
    queue = [one for one in _ordered(rows) if not (through_bad and one.bad)]
    found: dict[int, str | None] = {}
    last: Report | None = None
    for tick in range(PAST, length):
        while queue and queue[0].tick == tick:
            last = queue.pop(0)
        stands = (
            last is not None and not last.bad and (silence is None or tick - last.tick < silence)
        )
        found[tick] = str(last.value) if stands and last is not None else None
    return found


def packml(name: object) -> str | None:
    """Return the standard name of what a machine calls its state."""
    standard = STATE_MAP.get(str(name), str(name)).upper()
    return standard if standard in KINDS else None


def bridged(story: Story) -> list[Report]:
    """Return the states without bad readings in the middle of one and the same stop."""
    rows = _ordered(story.states)
    found = []
    for place, one in enumerate(rows):
        before = [other for other in rows[:place] if not other.bad]
        after = [other for other in rows[place + 1 :] if not other.bad]
        if one.bad and before and after:
            first, last = packml(before[-1].value), packml(after[0].value)
            same = first == last and first is not None and KINDS[first] != "run"
            if same and after[0].tick - before[-1].tick <= story.silence:
                continue
        found.append(one)
    return found


def is_broken(story: Story, tick: int) -> bool:
    """Tell whether the machine has not run again since it last said that it was broken."""
    said = [packml(one.value) for one in _ordered(story.states) if one.tick <= tick and not one.bad]
    telling = [name for name in said if name in BROKEN or name in RAN_AGAIN]
    return bool(telling) and telling[-1] in BROKEN


def minutes(story: Story) -> list[Minute]:
    """Return what is true of each minute of the window."""
    length = story.length
    state = _held(bridged(story), length, story.silence, through_bad=False)
    mode = _held(story.modes or (), length, story.silence, through_bad=True)
    order = _held(story.orders or (), length, None, through_bad=True)
    product = _held(story.products or (), length, None, through_bad=True)
    reason = _held(story.reasons or (), length, None, through_bad=True)
    of_shift: dict[int, tuple[str, date]] = {}
    pauses: set[int] = set()
    for key, (span, pause) in shifts(story.calendar).items():
        of_shift |= dict.fromkeys(span, key)
        pauses |= pause
    repaired = {tick for start, end in story.calendar.maintenance for tick in range(start, end)}
    found = []
    for tick in range(length):
        kind = KINDS.get(packml(state[tick]) or "")
        if story.modes is not None and kind == "run" and mode[tick] is None:
            kind = None
        if (mode[tick] or "").upper() in ("SETUP", "MANUAL"):
            kind = "setup"
        if packml(state[tick]) is not None and is_broken(story, tick):
            kind = "breakdown"
        held_order = (order[tick] or None) if story.orders is not None else "some"
        if story.products is None and story.orders is not None:
            made = ORDER_PRODUCTS.get(order[tick] or "")
        else:
            made = product[tick] or None
        stopped = kind in ("breakdown", "held", "suspended", "stopped")
        shift = of_shift.get(tick)
        in_break = shift is not None and tick in pauses and story.breaks_planned
        found.append(
            Minute(
                element=_element(
                    kind,
                    scheduled=shift is not None,
                    in_break=in_break,
                    repaired=tick in repaired,
                    ordered=held_order is not None,
                ),
                kind=kind if stopped else None,
                shift=shift,
                order=held_order if story.orders is not None else None,
                product=made,
                reason=(reason[tick] or None) if stopped else None,
                works_in_break=kind == "run" and in_break,
                silent=packml(state[tick]) is None,
            )
        )
    return found


def _element(
    kind: str | None, *, scheduled: bool, in_break: bool, repaired: bool, ordered: bool
) -> str:
    """Not scheduled > break > maintenance > setup > known stop > unknown > run."""
    if not scheduled or in_break or repaired:
        if kind == "run":
            return "unscheduled_production"
        if not scheduled:
            return "not_scheduled"
        return "planned_break" if in_break else "planned_maintenance"
    if kind == "setup":
        return "setup"
    if kind == "planned":
        return "planned_maintenance"
    if kind == "stopped":
        return "delay" if ordered else "down"
    if kind is None:
        return "unknown"
    return "production" if kind == "run" else "delay"


@dataclass(frozen=True)
class HandStop:
    """A whole stop in ticks."""

    start: int
    end: int
    element: str
    kind: str | None
    reason: str | None
    stood: int = 0
    """Minutes of it that were not planned otherwise."""


def stops(told: Sequence[Minute]) -> list[HandStop]:
    """Return the stops: minutes stopped in the same way, planned pauses within them joining."""
    found: list[HandStop] = []
    tick = 0
    while tick < len(told):
        first = told[tick]
        if first.element not in ("delay", "down"):
            tick += 1
            continue
        look, end, reason, stood = tick, tick, None, 0
        while look < len(told) and told[look].kind == first.kind:
            if told[look].element == first.element:
                end, stood = look + 1, stood + 1
                reason = reason or told[look].reason
            elif told[look].element not in ("planned_break", "planned_maintenance"):
                break
            look += 1
        found.append(HandStop(tick, end, first.element, first.kind, reason, stood))
        tick = end
    return found


def failures(told: Sequence[Minute], at_least: int, merge: int) -> list[tuple[int, int | None]]:
    """Return breakdowns in ticks; None is the end of one that nothing shows to be over.

    Those close together are one, and so are those between which nothing else was said.
    """
    standing = [
        tick
        for tick, one in enumerate(told)
        if one.kind == "breakdown" and one.element in ("delay", "down")
    ]

    def otherwise(first: int, last: int) -> bool:
        return any(
            one.element == "setup" or (one.kind != "breakdown" and not one.silent)
            for one in told[first:last]
        )

    whole: list[tuple[int, int]] = []
    for tick in standing:
        if whole and not otherwise(whole[-1][1], tick):
            whole[-1] = (whole[-1][0], tick + 1)
        else:
            whole.append((tick, tick + 1))
    found: list[tuple[int, int | None]] = []
    for start, end in whole:
        over = end if otherwise(end, len(told)) else None
        if (over or len(told)) - start < at_least:
            continue
        last = found[-1][1] if found else None
        if last is not None and start - last < merge:
            found[-1] = (found[-1][0], over)
        else:
            found.append((start, over))
    return found


def runs(keys: Sequence[object]) -> Iterator[tuple[int, int]]:
    """Return the longest spans of equal neighbours."""
    start = 0
    for place in range(1, len(keys) + 1):
        if place == len(keys) or keys[place] != keys[start]:
            yield start, place
            start = place
