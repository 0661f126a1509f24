"""True figures: a second, naive implementation of the definitions, to judge the first by.

It shares no code with `analytics`. It walks over every stretch of time and every part, one by
one. The figures are those of a perfect observer of what was *observable*: time in which a
machine gave out no state at all (nobody read it, or it said Bad, but for a moment in the middle of
one and the same stop) is unknown, unless its mode still told of a setup, and a part counts at the
first reading that shows it.
"""

from bisect import bisect_left
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise

from plant.measurement import Quality, TagRole
from plant.state import (
    BREAKDOWN_STATES,
    HELD_STATES,
    IDLE_STATES,
    PRODUCING_STATES,
    SETUP_MODES,
    SUSPENDED_STATES,
    TimeElement,
)
from simulators.truth.reading import Part, Reading, StateInterval, TruthReader

Span = tuple[int, int]
_COUNT_ROLES = (TagRole.GOOD_COUNT, TagRole.SCRAP_COUNT, TagRole.REWORK_COUNT)
_FOLLOWED = (("state", TagRole.STATE), ("mode", TagRole.MODE), ("order_number", TagRole.ORDER))
STOPS = BREAKDOWN_STATES | HELD_STATES | SUSPENDED_STATES | IDLE_STATES
_BUSY = (
    TimeElement.PRODUCTION,
    TimeElement.SETUP,
    TimeElement.DELAY,
    TimeElement.DOWN,
    TimeElement.UNKNOWN,
)


@dataclass(frozen=True, slots=True)
class ShownPart:
    """A part and when the counter first showed it; None when a reset came before."""

    part: Part
    shown_us: int | None


@dataclass(frozen=True, slots=True)
class TrueFigures:
    """Figures of one machine and window; ratios are None where they have no meaning.

    Formulas (ISO 22400-2): availability APT / PBT; effectiveness sum(PRI PQ) / APT; quality
    ratio sum(PRI GQ) / sum(PRI PQ), which is GQ / PQ for one product; OEE their product,
    sum(PRI GQ) / PBT.
    """

    elements_ms: dict[TimeElement, float]
    produced: int
    good: int
    scrap: int
    rework: int
    availability: float | None
    effectiveness: float | None
    quality_ratio: float | None
    oee: float | None


@dataclass(frozen=True, slots=True)
class Transition:
    """What a machine did before and after a moment."""

    before: StateInterval
    after: StateInterval
    late_us: int
    """From the transition to the reading that shows it, without time that nobody could know of: at
    most one sampling period, mostly far less."""


class UnitTruth:
    """What truly happened on one machine, prepared for questions about windows."""

    def __init__(self, reader: TruthReader, work_unit: str) -> None:
        self.work_unit = work_unit
        self._reader = reader
        self._states = reader.states(work_unit)
        self.unobserved = _unobserved(reader, work_unit)
        self._read_us = {
            name: [r.source_us for r in reader.readings(tag) if r.quality == Quality.GOOD]
            for name, role in _FOLLOWED
            if (tag := reader.tag_of(work_unit, role)) is not None
        }
        self._mode_told = _told(reader, work_unit, TagRole.MODE)
        self.first_seen_us = self.unobserved[0][1]
        """When the first reading of its state was given out."""
        self.shown = [
            shown for role in _COUNT_ROLES for shown in _shown_parts(reader, work_unit, role.value)
        ]

    def elements(self, start_us: int, end_us: int) -> dict[TimeElement, float]:
        """Return the milliseconds of every time element in a window; they sum to the window."""
        found = dict.fromkeys(TimeElement, 0.0)
        for start, end, element in self._stretches(start_us, end_us):
            found[element] += (end - start) / 1000
        return found

    def figures(self, start_us: int, end_us: int) -> TrueFigures:
        """Return the figures of a window `[start_us, end_us)`."""
        elements = self.elements(start_us, end_us)
        busy = sum(elements[element] for element in _BUSY)
        running = elements[TimeElement.PRODUCTION]
        counts = dict.fromkeys((role.value for role in _COUNT_ROLES), 0)
        planned_good = planned_all = 0.0
        for shown in self.shown:
            if shown.shown_us is None or not start_us <= shown.shown_us < end_us:
                continue
            counts[shown.part.outcome] += 1
            seconds = self._reader.run_time_s(
                self.work_unit, shown.part.product, shown.part.time_us
            )
            planned_all += (seconds or 0.0) * 1000
            if shown.part.outcome == TagRole.GOOD_COUNT:
                planned_good += (seconds or 0.0) * 1000
        return TrueFigures(
            elements_ms=elements,
            produced=sum(counts.values()),
            good=counts[TagRole.GOOD_COUNT.value],
            scrap=counts[TagRole.SCRAP_COUNT.value],
            rework=counts[TagRole.REWORK_COUNT.value],
            availability=_ratio(running, busy),
            effectiveness=_ratio(planned_all, running),
            quality_ratio=_ratio(planned_good, planned_all),
            oee=_ratio(planned_good, busy),
        )

    def transitions(self, start_us: int, end_us: int) -> list[Transition]:
        """Return the transitions within a window, and how late readings before its end told."""
        found = []
        for before, after in pairwise(self._states):
            if not start_us < after.start_us < end_us:
                continue
            late_us = 0
            for name, read_us in self._read_us.items():
                if getattr(before, name) != getattr(after, name):
                    place = bisect_left(read_us, after.start_us)
                    shown_us = min([*read_us[place : place + 1], end_us])
                    late_us = max(late_us, self._observed_us(after.start_us, shown_us))
            found.append(Transition(before, after, late_us))
        return found

    def _observed_us(self, start_us: int, end_us: int) -> int:
        unseen = sum(max(0, min(b, end_us) - max(a, start_us)) for a, b in self.unobserved)
        return end_us - start_us - unseen

    def _stretches(self, start_us: int, end_us: int) -> Iterable[tuple[int, int, TimeElement]]:
        planned = [
            window
            for window in self._reader.planned
            if window.start_us < end_us and window.end_us > start_us
        ]
        states = [
            state for state in self._states if state.start_us < end_us and state.end_us > start_us
        ]
        gaps = [gap for gap in self.unobserved if gap[0] < end_us and gap[1] > start_us]
        told = [span for span in self._mode_told if span[0] < end_us and span[1] > start_us]
        edges = {start_us, end_us}
        for window in planned:
            edges |= {window.start_us, window.end_us}
        for state in states:
            edges |= {state.start_us, state.end_us}
        for span in (*gaps, *told):
            edges |= set(span)
        cuts = sorted(edge for edge in edges if start_us <= edge <= end_us)
        for start, end in pairwise(cuts):
            kinds = {w.kind for w in planned if w.start_us <= start < w.end_us}
            during = next((s for s in states if s.start_us <= start < s.end_us), None)
            if during is not None and _within(start, gaps):
                # The mode outranks the state, which then need not be known.
                tells = during.mode in SETUP_MODES and _within(start, told)
                during = during if tells else None
            yield start, end, _element(during, "shift" in kinds, "break" in kinds)


def true_figures(reader: TruthReader, work_unit: str, start_us: int, end_us: int) -> TrueFigures:
    """Return the true figures of one machine and window."""
    return UnitTruth(reader, work_unit).figures(start_us, end_us)


def _element(state: StateInterval | None, in_shift: bool, in_break: bool) -> TimeElement:
    setup = state is not None and state.mode in SETUP_MODES
    producing = state is not None and state.state in PRODUCING_STATES and not setup
    if not in_shift:
        return TimeElement.UNSCHEDULED_PRODUCTION if producing else TimeElement.NOT_SCHEDULED
    if in_break:
        return TimeElement.UNSCHEDULED_PRODUCTION if producing else TimeElement.PLANNED_BREAK
    if state is None:
        return TimeElement.UNKNOWN
    if setup:
        return TimeElement.SETUP
    if producing:
        return TimeElement.PRODUCTION
    if state.state in IDLE_STATES and not state.order_number:
        return TimeElement.DOWN
    return TimeElement.DELAY


def _unobserved(reader: TruthReader, work_unit: str) -> list[Span]:
    """Return when nothing trustworthy was known of a machine's state."""
    tag = reader.tag_of(work_unit, TagRole.STATE)
    end_us = reader.progress_us
    if tag is None:
        return [(0, end_us)]
    gaps: list[Span] = []
    known_until = 0
    for reading in _without_blinks(reader.readings(tag), tag.max_silence_us):
        if reading.source_us > known_until:
            gaps.append((known_until, reading.source_us))
        if reading.quality == Quality.GOOD:
            known_until = reading.source_us + tag.max_silence_us
        else:
            known_until = reading.source_us
    if known_until < end_us:
        gaps.append((known_until, end_us))
    return gaps


def _without_blinks(readings: Iterable[Reading], silence_us: int) -> list[Reading]:
    """Return the readings of a state without bad ones in the middle of one and the same stop."""
    found: list[Reading] = []
    blinks: list[Reading] = []
    before: Reading | None = None
    for reading in readings:
        if reading.quality != Quality.GOOD:
            blinks.append(reading)
            continue
        known_stop = str(reading.value).upper() in STOPS
        same = before is not None and before.value == reading.value and known_stop
        if not (same and before and reading.source_us - before.source_us <= silence_us):
            found += blinks
        found.append(reading)
        before, blinks = reading, []
    return found + blinks


def _told(reader: TruthReader, work_unit: str, role: TagRole) -> list[Span]:
    """Return when the last good reading of a tag still stood; a bad one does not end it."""
    tag = reader.tag_of(work_unit, role)
    if tag is None:
        return []
    times = [r.source_us for r in reader.readings(tag) if r.quality == Quality.GOOD]
    return [
        (time, min(time + tag.max_silence_us, following))
        for time, following in pairwise([*times, reader.progress_us])
    ]


def _within(moment: int, spans: Iterable[Span]) -> bool:
    return any(start <= moment < end for start, end in spans)


def _shown_parts(reader: TruthReader, work_unit: str, role: str) -> list[ShownPart]:
    """Return the parts of one counter, each with the reading that shows it first."""
    tag = reader.tag_of(work_unit, role)
    parts = [part for part in reader.parts(work_unit) if part.outcome == role]
    if tag is None:
        return []
    times = [r.source_us for r in reader.readings(tag) if r.quality == Quality.GOOD]
    resets = reader.resets(work_unit, role)
    shown = []
    for part in parts:
        place = bisect_left(times, part.time_us)
        # The first reading of all only says where the counter stands.
        seen = times[place] if 0 < place < len(times) else None
        later_resets = [reset for reset in resets if reset > part.time_us]
        if seen is not None and later_resets and seen >= later_resets[0]:
            seen = None
        shown.append(ShownPart(part, seen))
    return shown


def _ratio(above: float, below: float) -> float | None:
    return above / below if below else None
