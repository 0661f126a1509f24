"""The edges of every site: who is there, what arrived, what is missing and why, what to do."""

import math
from collections import Counter
from dataclasses import dataclass

from api.delivery.fleet import EdgeSummary, fleet, overall
from api.delivery.presence import EdgeState
from api.http.places import PlaceTree
from api.pages.views.view import Moment, View
from api.words.formatting import DASH, Formatter
from plant.delivery.gap import GapReason
from store.reading.fleet_row import DeliveryRow
from store.reading.reading import Reading

SHOWN_GAPS = 30
"""Ranges listed of one edge; the newest are of interest."""
_LEAST_WIDTH = 1.0
_ICONS = {
    EdgeState.ONLINE: "online",
    EdgeState.STALE: "offline",
    EdgeState.LOST: "warning",
    EdgeState.NEVER: "unknown",
}


@dataclass(frozen=True, slots=True)
class Part:
    """A part of the bar of completeness, in percent of its length."""

    kind: str
    """`committed`, or a reason why ids are missing."""
    label: str
    count: str
    left: float
    width: float


@dataclass(frozen=True, slots=True)
class GapWords:
    """A missing range in words."""

    life: str
    ids: str
    count: str
    reason: str


@dataclass(frozen=True, slots=True)
class LifeWords:
    """One life of an outbox in words."""

    name: str
    present: bool
    first: str
    last: str
    issued: str
    share: str


@dataclass(frozen=True, slots=True)
class EdgeCard:
    """An edge as its card shows it."""

    path: str
    code: str
    state: str
    icon: str
    label: str
    since: str
    completeness: str
    bar_label: str
    parts: tuple[Part, ...]
    facts: tuple[tuple[str, str, bool], ...]
    """Name, value, and whether it needs attention."""
    advice: tuple[str, ...]
    unreachable: tuple[str, ...]
    gaps: tuple[GapWords, ...]
    more_gaps: int
    lives: tuple[LifeWords, ...]


@dataclass(frozen=True, slots=True)
class SiteFleet:
    """The edges of one site."""

    path: str
    name: str
    enterprise: str
    edges: tuple[EdgeCard, ...]


def fleet_view(reading: Reading, tree: PlaceTree, moment: Moment) -> View:
    """Return every enrolled edge by site."""
    summaries = fleet(reading.fleet, moment.now, moment.edge_state)
    f = moment.formatter
    states = Counter(one.state for one in summaries)
    sites = tuple(
        SiteFleet(
            path=site,
            name=moment.name(tree.get(site)),
            enterprise=moment.name(tree.ancestors(site)[0]),
            edges=tuple(_card(one, moment) for one in summaries if one.site == site),
        )
        for site in dict.fromkeys(one.site for one in summaries)
    )
    tallies = tuple(
        (state.value, _ICONS[state], f.text(f"fleet.state.{state.value}"), f.number(states[state]))
        for state in EdgeState
    )
    whole = {"tallies": tallies, "completeness": share(overall(summaries), f), "sites": sites}
    return View({"fleet": whole})


def share(value: float | None, f: Formatter) -> str:
    """Return a share as a percentage that says 100 only when nothing at all is missing."""
    if value is None or value >= 1:
        return f.percent(value, 0)
    return f.percent(math.floor(value * 10_000) / 10_000, 2)


def short_time(seconds: float | None, f: Formatter) -> str:
    """Return a time from milliseconds to days in two figures."""
    if seconds is None:
        return DASH
    if seconds < 0.001:
        return f.text("fleet.below_ms")
    if seconds < 1:
        return f.text("unit.milliseconds", ms=f.number(1000 * seconds))
    if seconds < 10:
        return f.text("unit.seconds", s=f.number(seconds, 1))
    return f.duration(seconds)


def _card(one: EdgeSummary, moment: Moment) -> EdgeCard:
    f = moment.formatter
    listed = [(life, gap) for life in reversed(one.lives) for gap in reversed(life.gaps)]
    return EdgeCard(
        path=one.edge,
        code=one.edge.rpartition("/")[2],
        state=one.state.value,
        icon=_ICONS[one.state],
        label=f.text(f"fleet.state.{one.state.value}"),
        since=_since(one, moment),
        completeness=share(one.completeness, f),
        bar_label=f.text("fleet.bar", share=share(one.completeness, f)),
        parts=tuple(_parts(one, f)),
        facts=_facts(one, f),
        advice=_advice(one, moment),
        unreachable=tuple(one.said.unreachable),
        gaps=tuple(
            GapWords(
                life=_life_name(life),
                ids=f"{f.number(gap.first_id)} – {f.number(gap.last_id)}",
                count=f.number(gap.count),
                reason=f.text(f"fleet.reason.{gap.reason.value}"),
            )
            for life, gap in listed[:SHOWN_GAPS]
        ),
        more_gaps=max(0, len(listed) - SHOWN_GAPS),
        lives=tuple(_life(life, f) for life in reversed(one.lives)),
    )


def _since(one: EdgeSummary, moment: Moment) -> str:
    f = moment.formatter
    if one.said.reported_at is None or one.state is EdgeState.NEVER:
        return f.text("fleet.no_word")
    if one.state is EdgeState.ONLINE:
        return f.text("fleet.just_now")
    silent_s = (moment.now - one.said.reported_at).total_seconds()
    return f.text(
        "fleet.last_word", time=f.clock(one.said.reported_at), length=f.duration(silent_s)
    )


def _parts(one: EdgeSummary, f: Formatter) -> list[Part]:
    counts = [("committed", one.committed)]
    counts += [(reason.value, one.gaps[reason]) for reason in GapReason if one.gaps[reason]]
    widths = [max(_LEAST_WIDTH, 100 * count / (one.issued or 1)) for _, count in counts[1:]]
    # A single lost row of millions must still be seen.
    widths.insert(0, max(0.0, 100 - sum(widths)) if one.issued else 0.0)
    parts = []
    left = 0.0
    for (kind, count), width in zip(counts, widths, strict=True):
        label = f.text("fleet.committed" if kind == "committed" else f"fleet.reason.{kind}")
        parts.append(Part(kind, label, f.number(count), round(left, 2), round(width, 2)))
        left += width
    return parts


def _facts(one: EdgeSummary, f: Formatter) -> tuple[tuple[str, str, bool], ...]:
    said = one.said
    wrong = set(one.advice)
    lag = (
        DASH
        if one.lag_p50_s is None
        else f"{short_time(one.lag_p50_s, f)} · {short_time(one.lag_p95_s, f)}"
    )
    return (
        (f.text("fleet.lag"), lag, "late" in wrong),
        (f.text("fleet.pending"), f.number(said.pending), False),
        (f.text("fleet.buffer"), _buffer(one, f), "buffer_short" in wrong),
        (f.text("fleet.clock"), _offset(said.clock_offset_ms, f), "clock" in wrong),
        (f.text("fleet.configuration"), _configuration(one, f), "config_failed" in wrong),
        (
            f.text("fleet.agent"),
            f.text(
                "fleet.agent_words", version=said.agent_version or DASH, tags=f.number(said.tags)
            ),
            False,
        ),
    )


def _buffer(one: EdgeSummary, f: Formatter) -> str:
    left = one.said.buffer_hours_left
    if left is None:
        return DASH
    return f.text("fleet.buffer_hours", hours=f.number(left, 1 if left < 10 else 0))


def _offset(offset_ms: float | None, f: Formatter) -> str:
    if offset_ms is None:
        return DASH
    if abs(offset_ms) < 1:
        return f.text("fleet.clock_right")
    key = "fleet.clock_ahead" if offset_ms > 0 else "fleet.clock_behind"
    return f.text(key, time=short_time(abs(offset_ms) / 1000, f))


def _configuration(one: EdgeSummary, f: Formatter) -> str:
    in_force, pushed = one.said.config_version, one.configuration
    if pushed is None and one.state is EdgeState.NEVER:
        return DASH
    words = (
        f.text("fleet.own_file") if in_force is None else f.text("fleet.version", version=in_force)
    )
    if pushed is None or (pushed.state == "applied" and pushed.version == in_force):
        return words
    state = f.text(f"fleet.config_state.{pushed.state}")
    return f"{words} · {f.text('fleet.version', version=pushed.version)}: {state}"


def _advice(one: EdgeSummary, moment: Moment) -> tuple[str, ...]:
    f = moment.formatter
    pushed = one.configuration
    values = {
        "edge": one.edge,
        "pending": f.number(one.said.pending),
        "hours": f.number(one.said.buffer_hours_left, 1),
        "unknown": f.number(one.gaps[GapReason.UNKNOWN]),
        "dropped": f.number(one.gaps[GapReason.DROPPED]),
        "set_back": f.number(one.gaps[GapReason.PLATFORM_SET_BACK]),
        "damaged": f.number(one.gaps[GapReason.OUTBOX_DAMAGED]),
        "lost": f.number(one.gaps[GapReason.LOST_LIFE]),
        "sources": f.number(len(one.said.unreachable)),
        "offset": _offset(one.said.clock_offset_ms, f),
        "version": pushed.version if pushed else DASH,
        "said": (pushed.said if pushed else None) or DASH,
        "rejections": ", ".join(
            f"{_refused(reason, f)}: {f.number(count)}" for reason, count in one.rejections.items()
        ),
        "first_reason": next(iter(one.rejections), DASH),
        "late": short_time(one.lag_p95_s, f),
    }
    return tuple(f.text(f"fleet.advice.{advice.value}", **values) for advice in one.advice)


def _refused(reason: str, f: Formatter) -> str:
    """Return why rows were refused in words, with the code that the command takes."""
    words = f.catalogue.name_of("rejection", reason)
    return reason if words == reason else f"{words} ({reason})"


def _life_name(life: DeliveryRow) -> str:
    return (life.epoch or DASH)[:8]


def _life(life: DeliveryRow, f: Formatter) -> LifeWords:
    issued = life.committed_count + sum(gap.count for gap in life.gaps)
    stored = max(0, life.committed_count - life.rejected_count)
    return LifeWords(
        name=_life_name(life),
        present=life.present,
        first=f.clock(life.first_commit_at),
        last=f.clock(life.last_commit_at),
        issued=f.number(issued),
        share=share(stored / issued if issued else None, f),
    )
