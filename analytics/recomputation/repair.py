"""Which hours of a work unit must be computed: those out of date and those that time has opened.

A reading changes figures also after its own hour: a state stands until the next reading or its
silence limit, an order until the next one, and what a counter shows next is counted from it.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from analytics.readings.interval import HOUR_MS, hour_of, instant, millis
from plant.measurement import TagRole
from store.figure.derived import DirtyWindow
from store.figure.source import EdgeProgress, RoleTag

_FADING = frozenset({TagRole.STATE})
# A mode fades too, but stands through bad readings: as if it lasted is never too little.
_LASTING = frozenset({TagRole.MODE, TagRole.ORDER, TagRole.PRODUCT, TagRole.STOP_REASON})


@dataclass(frozen=True, slots=True)
class Extent:
    """From when to when there is anything of a work unit, in milliseconds."""

    first: int
    """Where its figures begin: at its first reading, or when it was to work."""
    horizon: int
    """Until when something can be said: not beyond the present, nor beyond what has arrived."""
    computed_until: int | None
    """Until when its base sums reach; None before the first."""
    computed_from: int | None = None
    """From when they do."""
    silent: bool = False
    """Whether it has never sent anything: it counts all the same."""
    expected: bool = False
    """Whether its figures begin before its first reading, since it was to work."""


@dataclass(frozen=True, slots=True)
class Repair:
    """What one pass computes of a work unit."""

    hours: tuple[int, ...]
    """Starts of hours in milliseconds, in order."""
    done: tuple[DirtyWindow, ...]
    """Dirty windows that this settles."""
    complete: bool
    """Whether nothing is left for another pass."""

    def spans(self) -> list[tuple[int, int]]:
        """Return neighbouring hours as `[start, end)` spans."""
        found: list[tuple[int, int]] = []
        for hour in self.hours:
            if found and found[-1][1] == hour:
                found[-1] = (found[-1][0], hour + HOUR_MS)
            else:
                found.append((hour, hour + HOUR_MS))
        return found


NextReadings = Mapping[tuple[int, datetime], datetime]


def next_moments(
    tags: Collection[RoleTag], dirty: Collection[DirtyWindow], extent: Extent
) -> list[tuple[RoleTag, datetime]]:
    """Return the moments after which the next reading must be known to expand dirty windows."""
    until = extent.computed_until
    if until is None:
        return []
    starts = {window.hour for window in dirty}
    ends = {start + timedelta(hours=1) for start in starts}
    return [(tag, moment) for moment in starts | ends if millis(moment) < until for tag in tags]


def plan(
    tags: Collection[RoleTag],
    dirty: Collection[DirtyWindow],
    extent: Extent,
    following: NextReadings,
    limit: int,
    fill_ms: int,
    looking_ahead: Collection[datetime] = (),
    more: Collection[int] = (),
) -> Repair:
    """Return the hours to compute now, at most about `limit` of them.

    Hours before the frontier (the last hour computed) are repaired where they are dirty; from the
    frontier on, all hours up to the horizon are computed in order, so no gap is left. A dirty
    window beyond the horizon is settled by the time that will get there. Dirty hours that are
    `looking_ahead` tell of the hour before as well; `more` hours are out of date for other reasons.
    """
    computed = extent.computed_until
    frontier = hour_of(extent.first if computed is None else computed)
    hours: set[int] = set()
    done: list[DirtyWindow] = []
    ahead: list[DirtyWindow] = []
    complete = True
    for window in sorted(dirty, key=lambda one: one.hour):
        hour = millis(window.hour)
        # A judgement in the hour before rests on the next reading, which lies in this one
        # (docs/decisions/0027).
        if window.hour in looking_ahead and hour < extent.horizon:
            hours.add(hour - HOUR_MS)
        if hour >= frontier:
            ahead.append(window)
        # It stays dirty, as only what is `done` is deleted: another pass takes it.
        elif len(hours) >= limit:
            complete = False
        else:
            hours |= _affected(hour, tags, following, extent, fill_ms)
            done.append(window)
    # A machine counts until master data end it, however silent.
    if done:
        hours.update(more)
    begins = extent.computed_from
    if extent.expected and begins is not None and extent.first < begins:
        # Something older came of its line, to which it belonged already.
        hours.update(range(hour_of(extent.first), hour_of(begins) + HOUR_MS, HOUR_MS))
    until = extent.horizon
    behind = computed is None or until > computed
    if behind or any(millis(window.hour) < until for window in ahead):
        opened = list(range(frontier, until, HOUR_MS))
        complete &= len(opened) <= limit
        hours.update(opened[:limit])
    done += [
        window for window in ahead if millis(window.hour) in hours or millis(window.hour) >= until
    ]
    first = hour_of(extent.first)
    return Repair(
        tuple(sorted(hour for hour in hours if first <= hour < extent.horizon)),
        tuple(done),
        complete,
    )


def _affected(
    hour: int,
    tags: Collection[RoleTag],
    following: NextReadings,
    extent: Extent,
    fill_ms: int,
) -> set[int]:
    """Return the hours whose figures depend on readings of an hour.

    Before the first hour computed so far, that includes the silence up to the next reading.
    """
    end = hour + HOUR_MS
    last = extent.computed_until or extent.horizon
    found = {hour}
    if extent.computed_from is not None and hour < extent.computed_from:
        after_any = [following.get((tag.tag_id, instant(end))) for tag in tags]
        resumed = min((millis(after) for after in after_any if after is not None), default=last)
        found.update(range(end, min(resumed, end + fill_ms), HOUR_MS))
    for tag in tags:
        after = following.get((tag.tag_id, instant(end)))
        own = following.get((tag.tag_id, instant(hour)))
        if tag.role not in _FADING and (own is None or own == after):
            # Nothing usable of this tag lies in the hour, and readings never go away.
            continue
        next_ms = last if after is None else millis(after)
        if after is not None:
            found.add(hour_of(next_ms))
        if tag.role in _LASTING:
            found.update(range(end, min(next_ms, last), HOUR_MS))
        elif tag.role in _FADING:
            silence_ms = round(tag.max_silence_s * 1000)
            found.update(range(end, min(next_ms, end + silence_ms, last), HOUR_MS))
    # Hours from there on have no figures yet: computed in their turn, they find this reading.
    return {one for one in found if one < last}


def horizon(
    now: int,
    edge: EdgeProgress | None,
    last_state: int | None,
    away_after: timedelta,
    computed: int | None,
    *,
    stopped_within_ms: int | None = None,
) -> int:
    """Return until when a work unit's time can be told, in milliseconds.

    While its edge reports, that is as far as the edge's data have arrived: data on their way are
    not silence. When the edge is away, it is the present: what has not come is unknown. It never
    goes back. With `stopped_within_ms` the clock stands still, and data that come as close to the
    present as that are complete.
    """
    arrived = last_state
    if edge is not None:
        settled = complete_until(edge)
        arrived = max(
            (moment for moment in (settled, last_state) if moment is not None), default=None
        )
    away = edge is None or not edge.online or now - millis(edge.reported_at) > away_after / _MS
    if away or arrived is None:
        return now
    if stopped_within_ms is not None and now - arrived <= stopped_within_ms:
        return now
    return min(now, max(arrived, computed or arrived))


def complete_until(edge: EdgeProgress) -> int | None:
    """Return until when everything that an edge measured has arrived, None if that is not known."""
    if edge.sampled_time is None:
        return None
    if not edge.pending:
        return millis(edge.sampled_time)
    if edge.oldest_pending_time is None:
        return None
    return min(millis(edge.sampled_time), millis(edge.oldest_pending_time))


_MS = timedelta(milliseconds=1)
