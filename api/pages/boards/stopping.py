"""Why and when machines stood: Pareto, states over time, time between failures and to repair."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

from api.figures.pareto import with_shares
from api.pages.boards.board import Board, Inquiry, Option, Section
from api.pages.boards.figures import Series, grouped_bars
from api.pages.boards.minor import millis
from api.pages.charts import shown_categories, state_timeline, stop_pareto
from api.tables.table import Table
from plant.calendar import Window
from plant.clock import from_microseconds
from plant.kpi import add
from plant.kpi.ratio import ratio
from plant.kpi.reliability import reliability
from plant.state import StopKind, TimeElement
from store.reading.row import StopRow

KINDS = (*(kind.value for kind in StopKind), TimeElement.DOWN.value)
"""Kinds of stops that a list can be of."""
MOST_STRETCHES = 20_000
"""Of states in one drawing; more are narrower than a pixel, and heavy for service and browser."""
_AROUND = timedelta(minutes=10)
_MOST_AROUND = timedelta(hours=2)


def stops_board(q: Inquiry) -> Board:
    """Return stops by reason, by time and by number, and every stop."""
    f = q.formatter
    bars = with_shares(q.reading.pareto(q.unit_ids, q.window.start, q.window.end, now=q.now))
    pareto = Table(
        "pareto",
        q.words("title.stops"),
        (
            q.column("reason"),
            q.column("code"),
            q.column("time_s", "duration"),
            q.column("count", "number"),
            q.column("cumulative_share", "percent"),
        ),
        tuple(
            (
                bar.name_vi if f.language == "vi" else bar.name_en,
                bar.reason,
                bar.duration_s,
                bar.count,
                bar.cumulative_share,
            )
            for bar in bars
        ),
    )
    kind = q.options.get("kind")
    stops = [stop for stop in q.stops if kind in {None, _kind_code(stop)}]
    listed = Table(
        "stops",
        q.words("title.stop_list"),
        (
            q.column("machine"),
            q.column("start", "time"),
            q.column("end", "time"),
            q.column("time_s", "duration"),
            q.column("kind"),
            q.column("reason"),
            q.column("reason_source"),
        ),
        tuple(
            (
                q.name_at(stop.place),
                stop.start,
                stop.end,
                stop.duration_s,
                _kind(stop, q),
                q.reason_name(stop.stop_reason)
                if stop.stop_reason or stop.element != "down"
                else "",
                q.words(f"source_{stop.reason_source}") if stop.reason_source else "",
            )
            for stop in stops
        ),
        links=tuple(trend_address(stop, q) for stop in stops),
    )
    open_reasons = sum(
        not stop.stop_reason and stop.element != TimeElement.DOWN for stop in q.stops
    )
    return Board(
        (
            Section(
                "pareto",
                q.words("title.stops"),
                stop_pareto(bars, f),
                (pareto,),
                facts=(
                    (q.words("stop_count"), f.number(len(q.stops))),
                    (q.words("stops_without_reason"), f.number(open_reasons)),
                ),
                notes=(q.words("note.stops"),),
            ),
            Section(
                "stop_list",
                q.words("title.stop_list"),
                tables=(listed,),
                notes=(q.words("note.stop_list"),),
            ),
        ),
        (
            Option(
                "kind",
                q.words("kind"),
                kind or "",
                (
                    ("", q.words("kind_all")),
                    *((one, q.formatter.text(f"state.{one}")) for one in KINDS),
                ),
            ),
        ),
    )


def _kind_code(stop: StopRow) -> str:
    if stop.element == TimeElement.DOWN:
        return stop.element
    return stop.stop_kind or StopKind.STOPPED.value


def trend_address(stop: StopRow, q: Inquiry) -> str:
    """Return the address of the signals of a stop's machine from before it until after it."""
    end = stop.end or q.now
    around = min(max(_AROUND, (end - stop.start) / 2), _MOST_AROUND)
    values = {
        "start": f"{stop.start - around:%Y-%m-%dT%H:%M:%SZ}",
        "end": f"{min(end + around, max(q.now, end)):%Y-%m-%dT%H:%M:%SZ}",
        "stop": f"{stop.start:%Y-%m-%dT%H:%M:%SZ}",
    }
    return f"/trend/{stop.place}?{urlencode(values)}"


def _reason(stop: StopRow, q: Inquiry) -> str:
    if stop.element == TimeElement.DOWN and not stop.stop_reason:
        return q.formatter.text("reason.no_order")
    return q.reason_name(stop.stop_reason or None)


def _kind(stop: StopRow, q: Inquiry) -> str:
    if stop.element == TimeElement.DOWN:
        return q.formatter.text("state.down")
    return q.formatter.text(f"state.{stop.stop_kind or StopKind.STOPPED.value}")


def timeline_board(q: Inquiry) -> Board:
    """Return every machine's states over the window, and how long it was in each."""
    f = q.formatter
    window = Window(q.window.start, q.end)
    names = {unit.path: q.name(unit) for unit in q.units}
    total: dict[tuple[str, str], int] = {}
    for row in q.state_times:
        key = (row.place, _element(row.element, row.stop_kind, q))
        total[key] = total.get(key, 0) + row.duration_ms
    whole = {path: sum(ms for (place, _), ms in total.items() if place == path) for path in names}
    table = Table(
        "states",
        q.words("title.timeline"),
        (
            q.column("machine"),
            q.column("state"),
            q.column("time_s", "duration"),
            q.column("share_of_calendar", "percent"),
        ),
        tuple(
            (names[place], words, ms / 1000, ratio(ms, whole[place]))
            for (place, words), ms in sorted(
                total.items(), key=lambda entry: (list(names).index(entry[0][0]), -entry[1])
            )
        ),
    )
    states = q.states
    warnings: tuple[str, ...] = ()
    if len(states) > MOST_STRETCHES:
        said = {"count": f.number(len(states)), "most": f.number(MOST_STRETCHES)}
        states, warnings = [], (q.words("note.timeline_too_many", **said),)
    return Board(
        (
            Section(
                "timeline",
                q.words("title.timeline"),
                None if warnings else state_timeline(states, window, f, names),
                (table,),
                notes=(q.words("note.timeline"),),
                warnings=warnings,
                legend=shown_categories(states),
            ),
        )
    )


def _element(element: str, kind: str | None, q: Inquiry) -> str:
    if element == TimeElement.DELAY:
        return q.formatter.text(f"state.{kind or StopKind.STOPPED.value}")
    return q.formatter.text(f"state.{element}")


def failures_board(q: Inquiry) -> Board:
    """Return mean times between failures and to repair per machine, with the failures counted."""
    f = q.formatter
    rows: list[tuple[Any, ...]] = []
    for unit in q.units:
        sums = add(row.sums for row in q.slices if row.place == unit.path)
        # A failure counts where it begins.
        began = [
            failure
            for failure in q.failures.get(unit.place_id, ())
            if failure.start >= millis(q.window.start)
        ]
        found = reliability(began, sums.apt_ms + sums.aust_ms)
        between = found.mtbf_per_failure_ms
        if q.policy_of(unit.path).mtbf_per == "failure_plus_1":
            between = found.mtbf_per_failure_plus_1_ms
        operating_s = (sums.apt_ms + sums.aust_ms) / 1000
        rows.append(
            (
                q.name(unit),
                found.failure_events,
                sum(failure.end is None for failure in began),
                operating_s,
                None if between is None else between / 1000,
                None if found.mttr_ms is None else found.mttr_ms / 1000,
                ratio(sums.pbt_ms - sums.unknown_ms, sums.pbt_ms),
                "" if found.failure_events else q.words("above", time=f.duration(operating_s)),
            )
        )
    columns = (
        q.column("machine"),
        q.column("failures", "number"),
        q.column("open_failures", "number"),
        q.column("operating_s", "duration"),
        q.column("mtbf_s", "duration"),
        q.column("mttr_s", "duration"),
        q.column("coverage", "percent"),
        q.column("remark"),
    )
    labels = [f"{row[0]}\nFE = {row[1]}" for row in rows]
    mtbf = [None if row[4] is None else row[4] / 3600 for row in rows]
    mttr = [None if row[5] is None else row[5] / 60 for row in rows]
    title = q.words("title.failures")
    return Board(
        (
            Section(
                "mtbf",
                q.words("title.mtbf"),
                grouped_bars(
                    labels,
                    [Series("MTBF", mtbf, "var(--bar)")],
                    q,
                    percent=False,
                    unit=q.words("hours"),
                    words=lambda hours: f.duration(None if hours is None else 3600 * hours),
                ),
                (Table("failures", title, columns, tuple(rows)),),
                notes=(q.words("note.mtbf"),),
            ),
            Section(
                "mttr",
                q.words("title.mttr"),
                grouped_bars(
                    labels,
                    [Series("MTTR", mttr, "var(--state-breakdown)")],
                    q,
                    percent=False,
                    unit=q.words("minutes"),
                    words=lambda minutes: f.duration(None if minutes is None else 60 * minutes),
                ),
                (
                    Table(
                        "failure_list",
                        q.words("title.failure_list"),
                        (
                            q.column("machine"),
                            q.column("start", "time"),
                            q.column("end", "time"),
                            q.column("time_s", "duration"),
                            q.column("reason"),
                        ),
                        tuple(_failure_rows(q)),
                    ),
                ),
                notes=(q.words("note.mttr"),),
            ),
        )
    )


def _failure_rows(q: Inquiry) -> Iterator[tuple[Any, ...]]:
    """Yield every failure with the first reason given to a stop of it, newest first."""
    listed = [(failure, unit) for unit in q.units for failure in q.failures.get(unit.place_id, ())]
    for failure, unit in sorted(listed, key=lambda each: -each[0].start):
        end = millis(q.now) if failure.end is None else failure.end
        reasons = [
            stop.stop_reason
            for stop in reversed(q.stops)
            if stop.place == unit.path
            and failure.start <= millis(stop.start) < end
            and stop.stop_kind in q.policy_of(unit.path).failure_states
            and stop.stop_reason
        ]
        yield (
            q.name(unit),
            from_microseconds(failure.start * 1000),
            None if failure.end is None else from_microseconds(end * 1000),
            (end - failure.start) / 1000,
            q.reason_name(next(iter(reasons), None)),
        )
