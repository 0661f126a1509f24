"""Stories of one machine at one site, told minute by minute, and how the engine is told them.

A story counts in whole minutes from its window's start (a tick); readings may lie up to a
millisecond behind theirs. What the engine must make of it says `tests.property.oee.by_hand`.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
from hypothesis import strategies as st

from analytics.oee.amendment import Booking
from analytics.oee.base_sum import Amendments
from analytics.oee.unit_figure import UnitFacts, UnitFigures, planned_run_times, unit_figures
from plant.calendar import Break, DayOff, DayRules, Rotation, ShiftPattern
from plant.kpi import OeePolicy
from plant.measurement import TagRole
from store.figure.reading import NumberColumns, TextColumns
from store.figure.source import (
    OperationEntry,
    RoleTag,
    RunTimeEntry,
    SiteSource,
    UnitSource,
)

TICK_MS = 60_000
PAST = -240
"""The earliest tick with readings."""


@dataclass(frozen=True)
class Report:
    """One reading of a tag."""

    tick: int
    value: Any
    bad: bool = False
    late_us: int = 0
    """How far behind its minute it lies."""


@dataclass(frozen=True)
class Counter:
    """A counter tag: its readings and what is known of it."""

    reports: tuple[Report, ...]
    modulus: int | None = None
    rate_per_min: int | None = None
    increments: bool = False


@dataclass(frozen=True)
class RunTime:
    """A planned run time per item in seconds, valid in ticks."""

    product: str
    start: int
    end: int | None
    seconds: int


@dataclass(frozen=True)
class Calendar:
    """The shifts of a site and what decides on which days they begin."""

    zone: str
    day: date
    """The window begins at its midnight, UTC."""
    patterns: tuple[ShiftPattern, ...]
    rules: DayRules
    maintenance: tuple[tuple[int, int], ...] = ()

    @property
    def epoch(self) -> datetime:
        """The moment of tick 0."""
        return datetime.combine(self.day, time(), ZoneInfo("UTC"))


@dataclass(frozen=True)
class Story:
    """All that happens to one machine; a signal of None is one that it does not have."""

    calendar: Calendar
    length: int
    states: tuple[Report, ...]
    modes: tuple[Report, ...] | None
    orders: tuple[Report, ...] | None
    products: tuple[Report, ...] | None
    reasons: tuple[Report, ...] | None
    counters: dict[str, Counter]
    run_times: tuple[RunTime, ...]
    pacing: tuple[RunTime, ...] | None
    bookings: tuple[tuple[int, str, int], ...] = ()
    """Tick of production, `scrap` or `rework`, parts."""
    silence: int = 30
    breaks_planned: bool = True
    setup_planned: bool = False
    threshold_s: int = 300
    failure_merge: int = 0
    failure_at_least: int = 0
    parts_per_item: int = 1
    """Parts of product `a` that this machine makes for a finished item."""


STATE_MAP = {
    "CHẠY": "EXECUTE",
    "Kẹt": "held",
    "run": "EXECUTE",
    "cleaning": "PLANNED_DOWNTIME",
    "đổi khuôn": "setup",
    "waiting": "DELAY",
}
ORDER_PRODUCTS = {"LSX-1": "a", "LSX-2": "b"}
STATES = (
    *("EXECUTE", "CHẠY", "run", "HELD", "Kẹt", "UNHOLDING", "SUSPENDED", "ABORTED", "CLEARING"),
    *("IDLE", "STOPPED", "COMPLETE", "??", "cleaning", "đổi khuôn", "waiting"),
)
TELLING = ("EXECUTE", "CHẠY", "run", "HELD", "Kẹt", "UNHOLDING", "SUSPENDED", "ABORTED", "CLEARING")
"""States after which it is known whether a breakdown is open; COMPLETE is another."""


def reports(
    values: st.SearchStrategy[Any], last: int, most: int = 12
) -> st.SearchStrategy[tuple[Report, ...]]:
    """Return readings of distinct moments, one in eight of them bad."""
    one = st.builds(
        Report,
        st.integers(PAST, last),
        values,
        st.sampled_from([False] * 7 + [True]),
        st.sampled_from([0, 0, 0, 1, 999]),
    )
    # A def would hide the type.
    key: Callable[[Report], tuple[int, int]] = lambda each: (each.tick, each.late_us)  # noqa: E731
    return st.lists(one, max_size=most, unique_by=key).map(tuple)


def counters(last: int) -> st.SearchStrategy[Counter]:
    """Return counters that grow, jitter, wrap, are reset and say nonsense, also signed ones."""
    steps = st.lists(
        st.tuples(
            st.one_of(st.integers(1, 12), st.integers(1, 300)),
            st.sampled_from([0, 1, 2, 5, 5, 9, -1, -2, -60, -250, 130, 250, 900, -130, -900]),
        ),
        max_size=14,
    )

    def grown(
        start: int, first: int, moves: list[tuple[int, int]], *, signed: bool, **known: Any
    ) -> Counter:
        tick, value, found = start, first, []
        modulus = known["modulus"]
        lowest = -modulus // 2 if signed and modulus is not None else 0
        for wait, step in [(0, 0), *moves]:
            tick, value = tick + wait, value + step
            if modulus is not None:
                value = (value - lowest) % modulus + lowest
            value = max(value, lowest)
            shown = step if known["increments"] else value
            found.append(Report(tick, shown, bad=(tick * 7 + value) % 11 == 0))
        return Counter(tuple(one for one in found if one.tick < last), **known)

    return st.builds(
        grown,
        st.integers(PAST, last - 1),
        st.integers(0, 255),
        steps,
        signed=st.booleans(),
        modulus=st.sampled_from([None, None, 256]),
        rate_per_min=st.sampled_from([None, 1, 6]),
        increments=st.sampled_from([False, False, False, True]),
    )


def run_times(last: int) -> st.SearchStrategy[tuple[RunTime, ...]]:
    """Return planned run times, some of which end and some of which are missing."""
    one = st.builds(
        lambda product, start, lasts, seconds: RunTime(
            product, start, None if lasts is None else start + lasts, seconds
        ),
        st.sampled_from(["a", "b"]),
        st.one_of(st.just(-9999), st.integers(0, last)),
        st.sampled_from([None, None, None, 200, 12000]),
        st.integers(1, 200),
    )
    return st.lists(one, max_size=4, unique_by=lambda each: (each.product, each.start)).map(tuple)


NIGHTS = [
    ("UTC", date(2026, 3, 3)),
    ("Asia/Ho_Chi_Minh", date(2026, 3, 2)),
    ("Europe/Berlin", date(2026, 3, 28)),
    ("Europe/Berlin", date(2026, 10, 24)),
    ("America/New_York", date(2026, 3, 8)),
    ("America/New_York", date(2026, 11, 1)),
    ("Australia/Lord_Howe", date(2026, 4, 4)),
    ("Australia/Lord_Howe", date(2026, 10, 3)),
]
"""Zones and days, most of them those on which clocks change."""


@st.composite
def calendars(draw: st.DrawFn, length: int) -> Calendar:
    """Return shifts one after another, also over midnight, with versions, rotations, days off."""
    zone, day = draw(st.sampled_from(NIGHTS))
    # On full hours: no shift lies within the hour that clocks skip, which would leave none of it.
    hours = draw(st.lists(st.integers(0, 23), min_size=0, max_size=4, unique=True).map(sorted))
    found: list[ShiftPattern] = []
    for index, begin in enumerate(hours):
        end = hours[(index + 1) % len(hours)]
        if draw(st.integers(0, 5)) == 0:
            continue
        lasts = (end - begin) % 24 or 24
        pauses = []
        for _ in range(draw(st.integers(0, 2))):
            at = draw(st.integers(0, lasts * 4 - 1))
            pauses.append((at, draw(st.integers(1, min(8, lasts * 4 - at)))))
        pattern = ShiftPattern(
            f"C{index}",
            time(begin),
            time(end),
            frozenset(draw(st.sets(st.integers(0, 6), min_size=4))),
            tuple(
                Break("nghỉ", _clock(begin * 4 + at), _clock(begin * 4 + at + long))
                for at, long in pauses
            ),
        )
        found.append(pattern)
        if draw(st.integers(0, 3)) == 0:
            found.append(replace(pattern, breaks=(), valid_from=day, weekdays=frozenset({5, 6})))
    names: list[str] = sorted({pattern.name for pattern in found})
    rotations: tuple[Rotation, ...] = ()
    days_off: dict[date, DayOff] = {}
    turns = draw(st.booleans())
    if names and turns:
        shift_sets = st.frozensets(st.sampled_from(names))
        cycle = draw(st.lists(shift_sets, min_size=1, max_size=3))
        begins = day - timedelta(days=draw(st.integers(-1, 9)))
        rotations = (Rotation("quay", begins, begins + timedelta(days=10), tuple(cycle)),)
    for after in draw(st.sets(st.integers(-1, 1), max_size=1)):
        off = day + timedelta(days=after)
        keeps = (
            frozenset(draw(st.sets(st.sampled_from(names), max_size=1))) if names else frozenset()
        )
        days_off[off] = DayOff(off, draw(st.sampled_from([None, None, 2, 6])), keeps)
    maintenance = draw(
        st.lists(
            st.tuples(st.integers(-60, length), st.integers(0, 200)).map(
                lambda span: (span[0], span[0] + span[1])
            ),
            max_size=2,
        )
    )
    return Calendar(zone, day, tuple(found), DayRules(rotations, days_off), tuple(maintenance))


def _clock(quarters: int) -> time:
    return time(quarters // 4 % 24, quarters % 4 * 15)


@st.composite
def stories(draw: st.DrawFn) -> Story:
    """Return the story of a machine over up to 26 hours."""
    length = draw(st.sampled_from([45, 300, 1440, 1560]))
    states = draw(reports(st.sampled_from(STATES), length, 25))
    modes = reports(
        st.sampled_from(["PRODUCTION", "PRODUCTION", "PRODUCTION", "Setup", "Maintenance"]), length
    )
    orders = reports(st.sampled_from(["", "LSX-1", "LSX-2", "LSX-9"]), length, 6)
    products = reports(st.sampled_from(["a", "b", "", "c"]), length, 6)
    reasons = reports(st.sampled_from(["", "ket", "dao"]), length, 6)
    told = draw(
        st.sets(st.sampled_from(["total", "good", "scrap", "rework", "energy"]), min_size=1)
    )
    return Story(
        calendar=draw(calendars(length)),
        length=length,
        states=states,
        modes=draw(st.one_of(st.none(), modes)),
        orders=draw(st.one_of(st.none(), orders)),
        products=draw(st.one_of(st.none(), products)),
        reasons=draw(st.one_of(st.none(), reasons)),
        counters={name: draw(counters(length)) for name in sorted(told)},
        run_times=draw(run_times(length)),
        pacing=draw(st.one_of(st.none(), run_times(length))),
        bookings=draw(
            st.lists(
                st.tuples(
                    st.integers(-30, length + 30),
                    st.sampled_from(["scrap", "rework"]),
                    st.integers(1, 3),
                ),
                max_size=2,
            ).map(tuple)
        ),
        silence=draw(st.sampled_from([7, 30, 2000])),
        breaks_planned=draw(st.booleans()),
        setup_planned=draw(st.booleans()),
        threshold_s=draw(st.sampled_from([0, 60, 61, 300, 1800])),
        failure_merge=draw(st.sampled_from([0, 0, 5, 60])),
        failure_at_least=draw(st.sampled_from([0, 0, 3])),
        parts_per_item=draw(st.sampled_from([1, 1, 2, 4])),
    )


# How the engine is told a story.

_ROLES = {
    "state": TagRole.STATE,
    "mode": TagRole.MODE,
    "order": TagRole.ORDER,
    "product": TagRole.PRODUCT,
    "reason": TagRole.STOP_REASON,
    "energy": TagRole.ENERGY,
    **{name: TagRole(f"{name}_count") for name in ("total", "good", "scrap", "rework")},
}
_ADDING = {role.counts: role for role in TagRole if role.is_increment}


def base_ms(story: Story) -> int:
    """Return the millisecond of tick 0."""
    return round(story.calendar.epoch.timestamp()) * 1000


def policy_of(story: Story) -> OeePolicy:
    """Return the site's policy."""
    return OeePolicy(
        minor_stop_threshold_s=story.threshold_s,
        breaks_in="planned_downtime" if story.breaks_planned else "busy_time",
        setup_in="planned_downtime" if story.setup_planned else "availability",
        failure_merge_s=story.failure_merge * 60,
        failure_at_least_s=story.failure_at_least * 60,
    )


def engine_figures(
    story: Story,
    start: int = 0,
    end: int | None = None,
    *,
    disorder: Callable[[list[Report]], list[Report]] = list,
    carried_only: bool = False,
) -> UnitFigures:
    """Return what the engine makes of `[start, end)` ticks of a story.

    With `carried_only` it is given what the store reads for the window and no more.
    """
    end = story.length if end is None else end
    tags, readings = _told(story, start, end, disorder, carried_only=carried_only)
    long_ago = story.calendar.epoch - timedelta(days=9)
    way = (OperationEntry("a", long_ago, None, story.parts_per_item, 1.0, None),)
    unit = replace(_unit(story, tags, story.run_times), operations=way)
    pacing = None if story.pacing is None else planned_run_times(_unit(story, (), story.pacing))
    cuts = [planned_run_times(unit).changes(), *([] if pacing is None else [pacing.changes()])]
    base = base_ms(story)
    calendar = story.calendar
    site = SiteSource(
        1,
        "a/b",
        ZoneInfo(calendar.zone),
        policy_of(story),
        calendar.patterns,
        ORDER_PRODUCTS,
        (),
        calendar.rules,
    )
    facts = UnitFacts(
        tuple((base + one * TICK_MS, base + two * TICK_MS) for one, two in calendar.maintenance),
        tuple(
            Booking(base + tick * TICK_MS, TagRole(f"{kind}_count"), parts)
            for tick, kind, parts in story.bookings
            if start <= tick < end
        ),
    )
    return unit_figures(
        unit,
        site,
        readings,
        np.unique(np.concatenate(cuts)),
        base + start * TICK_MS,
        base + end * TICK_MS,
        facts,
        Amendments(pacing=pacing, setup_planned=story.setup_planned),
    )


def _unit(story: Story, tags: Sequence[RoleTag], entries: Sequence[RunTime]) -> UnitSource:
    epoch = story.calendar.epoch

    def moment(tick: int) -> datetime:
        return epoch + timedelta(minutes=tick)

    planned = tuple(
        RunTimeEntry(
            one.product,
            moment(one.start),
            None if one.end is None else moment(one.end),
            one.seconds,
        )
        for one in entries
    )
    return UnitSource(1, "a/b/c/d/e", 1, 1, tuple(tags), STATE_MAP, planned)


def _told(
    story: Story,
    start: int,
    end: int,
    disorder: Callable[[list[Report]], list[Report]],
    *,
    carried_only: bool,
) -> tuple[list[RoleTag], dict[int, NumberColumns | TextColumns]]:
    signals = {
        "state": story.states,
        "mode": story.modes,
        "order": story.orders,
        "product": story.products,
        "reason": story.reasons,
    }
    tags: list[RoleTag] = []
    readings: dict[int, NumberColumns | TextColumns] = {}
    for number, (name, rows) in enumerate(signals.items()):
        if rows is None:
            continue
        told = list(rows)
        if carried_only:
            told = _carried(told, start, end)
        tags.append(RoleTag(number, 1, _ROLES[name], None, None, story.silence * 60.0))
        readings[number] = TextColumns(*_columns(story, disorder(told), lambda value: value))
    for number, (name, counter) in enumerate(story.counters.items(), start=10):
        role = _ROLES[name]
        rate = None if counter.rate_per_min is None else counter.rate_per_min / 60
        told = list(counter.reports)
        if carried_only:
            told = _near(told, start, end)
        shown = _ADDING[role] if counter.increments else role
        tags.append(RoleTag(number, 1, shown, counter.modulus, rate, 60.0))
        times, values, bad = _columns(story, disorder(told), float)
        readings[number] = NumberColumns(times, np.array(values, dtype=np.float64), bad)
    return tags, readings


def _columns(
    story: Story, rows: list[Report], shown: Callable[[Any], Any]
) -> tuple[Any, list[Any], Any]:
    base = base_ms(story) * 1000
    times = np.array([base + one.tick * TICK_MS * 1000 + one.late_us for one in rows], np.int64)
    bad = np.array([2 if one.bad else 0 for one in rows], np.int64)
    return times, [shown(one.value) for one in rows], bad


def _carried(rows: list[Report], start: int, end: int) -> list[Report]:
    """Return the readings that the store reads for `[start, end)`.

    Those of the window, the last one before, the last usable one before, the last one before that
    tells whether a breakdown is open, and the next usable one within an hour.
    """
    before = sorted((one for one in rows if one.tick < start), key=_moment)
    usable = [one for one in before if not one.bad]
    telling = [one for one in usable if one.value in (*TELLING, "COMPLETE")]
    after = sorted((one for one in rows if end <= one.tick < end + 60 and not one.bad), key=_moment)
    inside = [one for one in rows if start <= one.tick < end]
    return [*{*before[-1:], *usable[-1:], *telling[-1:]}, *inside, *after[:1]]


def _near(rows: list[Report], start: int, end: int) -> list[Report]:
    """Return the readings of a counter that the store reads for `[start, end)`.

    Those of its whole hours, of the hour of the last usable one before, and the next one within
    an hour.
    """
    usable = sorted((one for one in rows if not one.bad), key=_moment)
    before = [one for one in usable if one.tick < start // 60 * 60]
    first = before[-1].tick // 60 * 60 if before else start // 60 * 60
    later = [one for one in usable if end <= one.tick < end + 60]
    inside = [one for one in rows if first <= one.tick < end]
    return [*inside, *later[:1]]


def _moment(one: Report) -> tuple[int, int]:
    return one.tick, one.late_us
