"""What a page says of an OEE result, a machine's state or a tag, already in words."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import urlencode

from api.pages.appearance import Category, category
from api.words.formatting import DASH, Formatter
from plant.calendar import Window
from plant.measurement import Quality
from store.reading.row import OeeRow, StateRow, TagRow, TrendRow

_STAMP = "%Y-%m-%dT%H:%M:%SZ"


@dataclass(frozen=True, slots=True)
class RatioCard:
    """A ratio as text; `reason` says in words why there is none."""

    symbol: str
    label: str
    text: str
    reason: str | None
    fill: float | None
    """Length of its bar in percent, capped for display only."""


@dataclass(frozen=True, slots=True)
class OeeCard:
    """OEE of one shift with everything a reader needs to trust it or not."""

    title: str
    oee: RatioCard
    factors: tuple[RatioCard, ...]
    """A, E and Q, then coverage; empty when there is no result at all."""
    bounds: str | None
    """Between which values availability lies, when part of the time is unknown."""
    final: bool
    as_of: str
    faults: tuple[str, ...]
    counts: tuple[tuple[str, str], ...]
    window: str = ""
    """The result's window as the query of an address; empty without a result."""


@dataclass(frozen=True, slots=True)
class Segment:
    """A stretch of a state strip, in percent of its length."""

    left: float
    width: float
    category: Category


@dataclass(frozen=True, slots=True)
class StateCard:
    """What a machine does now and did in the last hours."""

    category: Category
    label: str
    since: str
    """Since when and how long; empty when nothing is known."""
    detail: str
    """Reason, order and product, as far as known."""
    strip: tuple[Segment, ...]
    strip_label: str


@dataclass(frozen=True, slots=True)
class TagCard:
    """A process value with its recent course."""

    name: str
    description: str
    text: str
    unit: str
    at: str
    quality: str | None
    """In words when it is not good."""
    points: str
    """Points of an SVG polyline in a box of 200 by 40; empty when there is no course."""


def ratio_card(
    symbol: str, label: str, value: float | None, reason: str | None, f: Formatter
) -> RatioCard:
    """Return a ratio as text, or a dash with the reason."""
    if value is None:
        return RatioCard(symbol, label, DASH, reason or f.text("missing.no_result"), None)
    return RatioCard(
        symbol, label, f.percent(value), None, round(min(100.0, max(0.0, 100 * value)), 2)
    )


def oee_card(row: OeeRow | None, f: Formatter, title: str) -> OeeCard:
    """Return the card of a result; without one OEE is a dash that says so."""
    if row is None:
        nothing = ratio_card("OEE", "OEE", None, None, f)
        return OeeCard(title, nothing, (), None, False, DASH, (), ())
    factors = (
        ("A", f.text("ratio.availability"), row.availability, _reason(row, "availability", f)),
        ("E", f.text("ratio.effectiveness"), row.effectiveness, _reason(row, "effectiveness", f)),
        ("Q", f.text("ratio.quality_ratio"), row.quality_ratio, _reason(row, "quality_ratio", f)),
        ("", f.text("ratio.coverage"), row.coverage, _reason(row, "availability", f)),
    )
    return OeeCard(
        title=f"{title} · {_shift_name(row, f)}",
        oee=ratio_card("OEE", "OEE", row.oee, _reason(row, "oee", f), f),
        factors=tuple(ratio_card(*factor, f) for factor in factors),
        bounds=_bounds(row, f),
        final=row.final,
        as_of=f.clock(row.as_of),
        faults=tuple(fault_words(fault, f) for fault in row.faults),
        counts=_counts(row, f),
        window=urlencode(
            {
                "start": f"{row.start.astimezone(UTC):{_STAMP}}",
                "end": f"{row.end.astimezone(UTC):{_STAMP}}",
            }
        ),
    )


def _reason(row: OeeRow, name: str, f: Formatter) -> str | None:
    code = row.missing.get(name)
    return f.catalogue.name_of("missing", code) if code else None


def fault_words(fault: str, f: Formatter) -> str:
    """Return a fault in words."""
    # Some faults name what is at fault: `unmapped_state:FAUST`.
    code, _, detail = fault.partition(":")
    return f.catalogue.name_of("fault", code, detail=detail)


def _shift_name(row: OeeRow, f: Formatter) -> str:
    return f"{row.shift or f.text('shift.unnamed')}, {f.clock(row.start)}–{f.local(row.end):%H:%M}"


def _bounds(row: OeeRow, f: Formatter) -> str | None:
    if row.coverage is None or row.coverage >= 1:
        return None
    if row.availability_low is None or row.availability_high is None:
        return None
    return f.text(
        "ratio.bounds", low=f.percent(row.availability_low), high=f.percent(row.availability_high)
    )


def _counts(row: OeeRow, f: Formatter) -> tuple[tuple[str, str], ...]:
    counts = (
        ("produced", row.produced_quantity),
        ("good", row.good_quantity),
        ("scrap", row.scrap_quantity),
        ("rework", row.rework_quantity),
    )
    shown = [
        (f.text(f"count.{name}"), f.number(value))
        for name, value in counts
        if value is not None or name != "rework"
    ]
    if row.energy_kwh is not None:
        shown.append((f.text("count.energy"), f"{f.number(row.energy_kwh, 1)} kWh"))
    return tuple(shown)


def present_and_last(rows: Sequence[OeeRow], now: datetime) -> tuple[OeeRow | None, OeeRow | None]:
    """Return the shift that is on and the one before, of one place's shifts, newest first."""
    if not rows:
        return None, None
    if rows[0].end > now:
        return rows[0], rows[1] if len(rows) > 1 else None
    return None, rows[0]


def state_card(
    rows: Sequence[StateRow],
    window: Window,
    f: Formatter,
    reasons: dict[str, tuple[str, str]],
    is_old: Callable[[datetime], bool],
) -> StateCard:
    """Return what a machine's states (in time order, clipped to the window) say of the present.

    `is_old` tells whether what was known until a moment says nothing of the present: while an
    edge sends what it has kept, the newest state may be one of hours ago.
    """
    strip = tuple(_segment(row, window) for row in rows)
    hours = f.number(window.duration.total_seconds() / 3600)
    label = f.text("machine.strip", hours=hours)
    if not rows:
        unknown = Category.UNKNOWN
        return StateCard(unknown, f.text("state.unknown"), "", f.text("missing.no_data"), (), label)
    last = rows[-1]
    kind = category(last.element, last.stop_kind)
    # Order and product may change while the state stays: look back to where the state began.
    began = last.start
    for row in reversed(rows[:-1]):
        if (row.element, row.stop_kind, row.state) != (last.element, last.stop_kind, last.state):
            break
        began = row.start
    if is_old(last.end):
        silent = f.duration((window.end - last.end).total_seconds())
        return StateCard(
            category=Category.UNKNOWN,
            label=f.text("state.unknown"),
            since=f.text("machine.known_until", time=f.clock(last.end), length=silent),
            detail=f.text("machine.state_then", state=f.text(f"state.{kind.value}")),
            strip=strip,
            strip_label=label,
        )
    length = f.duration((last.end - began).total_seconds())
    key = "machine.since_before" if began <= window.start else "machine.since"
    return StateCard(
        category=kind,
        label=f.text(f"state.{kind.value}"),
        since=f.text(key, time=f.clock(began), length=length),
        detail=" · ".join(_details(last, f, reasons)),
        strip=strip,
        strip_label=label,
    )


def _details(row: StateRow, f: Formatter, reasons: dict[str, tuple[str, str]]) -> list[str]:
    found = []
    if row.stop_reason:
        names = reasons.get(row.stop_reason, (row.stop_reason, row.stop_reason))
        found.append(names[0] if f.language == "vi" else names[1])
    elif row.element == "delay":
        found.append(f.text("reason.unassigned"))
    if row.order:
        found.append(f"{f.text('machine.order')} {row.order}")
    if row.product:
        found.append(f"{f.text('machine.product')} {row.product}")
    return found


def _segment(row: StateRow, window: Window) -> Segment:
    left = 100 * ((row.start - window.start) / window.duration)
    width = 100 * ((row.end - row.start) / window.duration)
    return Segment(round(left, 3), round(width, 3), category(row.element, row.stop_kind))


def tag_card(tag: TagRow, course: Sequence[TrendRow], window: Window, f: Formatter) -> TagCard:
    """Return a number tag's newest value and its course over the window."""
    last = tag.last
    value = last.value if last and isinstance(last.value, int | float) else None
    poor = last is not None and last.quality != Quality.GOOD
    return TagCard(
        name=tag.name.rpartition("/")[2],
        description=tag.description,
        text=f.short(value),
        unit=f.unit(tag.unit),
        at=f.clock(last.source_time) if last else f.text("missing.no_data"),
        quality=f.text(f"quality.{Quality(last.quality).name.lower()}") if last and poor else None,
        points=polyline(course, window),
    )


def polyline(course: Sequence[TrendRow], window: Window) -> str:
    """Return the course as points of an SVG polyline in a box of 200 by 40, high values on top."""
    known = [
        (row.moment, row.mean) for row in course if row.mean is not None and math.isfinite(row.mean)
    ]
    if len(known) < 2:
        return ""
    low = min(mean for _, mean in known)
    spread = max(mean for _, mean in known) - low or 1.0
    return " ".join(
        f"{200 * ((moment - window.start) / window.duration):.1f}"
        f",{38 - 36 * (mean - low) / spread:.1f}"
        for moment, mean in known
    )
