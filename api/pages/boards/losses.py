"""Time that was lost: the OEE waterfall, and the trend of the six big losses."""

from collections.abc import Sequence
from datetime import datetime

from api.pages.boards.board import Board, Inquiry, Section
from api.pages.boards.figures import Series, Step, bar_trend, waterfall_figure
from api.pages.boards.paced import paced_units
from api.pages.boards.stopping import KINDS
from api.tables.table import Cell, Table
from plant.calendar import Window
from plant.kpi import BaseSums, add
from plant.kpi.loss import six_losses
from plant.kpi.oee import oee_of
from plant.kpi.ratio import (
    overall_operations_effectiveness,
    ratio,
    total_effective_equipment_performance,
)
from plant.state import StopKind, TimeElement
from store.reading.board_row import SliceRow, StateTimeRow

LOSSES = (
    ("breakdown", "breakdown_ms", "var(--state-breakdown)", "x"),
    ("setup", "setup_ms", "var(--state-setup)", ""),
    ("minor", "minor_stops_ms", "var(--state-suspended)", ""),
    ("idling", "idling_ms", "var(--state-down)", "-"),
    ("speed", "reduced_speed_ms", "var(--state-held)", ""),
    ("defects", "defects_ms", "var(--scrap)", "|"),
    ("start_up", "start_up_ms", "var(--state-stopped)", "+"),
    ("unknown", "unknown_ms", "var(--state-unknown)", "."),
)
"""Of each its key, where `six_losses` has it, its colour and its pattern."""
_BEFORE_PBT = frozenset({"calendar", "not_scheduled", "unscheduled", "planned"})
_PARTS = (*(name for _, name, _, _ in LOSSES), "productive_ms")


def waterfall_board(q: Inquiry) -> Board:
    """Return the way from calendar time to fully productive time, in hours and parts."""
    figures = q.figures()
    sums = figures.sums
    steps = steps_of(sums, _delays(q.state_times, [unit.path for unit in paced_units(q)]))
    result = oee_of(figures)
    per_part = _mean_run_time(sums)
    residual = residual_ms(steps)
    f = q.formatter
    rows = tuple(_row(step, sums, per_part, q) for step in steps)
    columns = (
        q.column("step"),
        q.column("time_s", "duration"),
        q.column("parts", "number"),
        q.column("share_of_calendar", "percent"),
        q.column("share_of_pbt", "percent"),
    )
    paced = paced_units(q)
    path = paced[0].path if len(paced) == 1 else q.place.path
    links = tuple(_link(step.key, path, q) for step in steps)
    facts = (
        ("OEE", f.percent(result.oee)),
        ("OOE", f.percent(overall_operations_effectiveness(sums))),
        ("TEEP", f.percent(total_effective_equipment_performance(sums))),
        (
            q.words("residual"),
            q.words("seconds", s=f.number(round(residual / 1000, 3), 0 if residual == 0 else 3)),
        ),
    )
    reason = result.missing.get("oee")
    return Board(
        (
            Section(
                "waterfall",
                q.words("title.waterfall"),
                waterfall_figure(steps, per_part, q),
                (Table("waterfall", q.words("title.waterfall"), columns, rows, links),),
                facts,
                (q.words("note.waterfall"), q.words("note.parts")),
                (f.catalogue.name_of("missing", reason),) if reason else (),
            ),
        )
    )


def _link(step: str, path: str, q: Inquiry) -> str | None:
    """Return where it can be seen what a loss is made of."""
    if step in KINDS:
        return q.link("stops", path, kind=step)
    board = {"unknown": "timeline", "setup": "timeline", "speed": "hours", "quality": "hours"}
    return q.link(board[step], path) if step in board else None


def _row(step: Step, sums: BaseSums, per_part: float | None, q: Inquiry) -> tuple[Cell, ...]:
    name = q.words(f"step.{step.key}")
    if step.ms is None:
        return (name, None, None, None, None)
    signed = step.ms if step.level else -step.ms
    return (
        name,
        signed / 1000,
        ratio(signed, per_part),
        ratio(step.ms, sums.calendar_ms),
        # What comes before planned busy time is no share of it.
        None if step.key in _BEFORE_PBT else ratio(step.ms, sums.pbt_ms),
    )


def steps_of(sums: BaseSums, delays: dict[str, int]) -> list[Step]:
    """Return the bars from calendar time down; `delays` is delay time by kind of stop.

    Every level is what the one before leaves after the losses between, so the bars add up to
    calendar time; delay that no state explains is a bar of its own.
    """
    explained = sum(delays.values())
    planned = sums.planned_break_ms + sums.planned_maintenance_ms + sums.planned_setup_ms
    steps = [
        Step("calendar", sums.calendar_ms, True, "var(--soft)"),
        Step(
            "not_scheduled",
            sums.calendar_ms - sums.unscheduled_production_ms - planned - sums.pbt_ms,
            False,
            "var(--state-not-scheduled)",
        ),
        Step(
            "unscheduled",
            sums.unscheduled_production_ms,
            False,
            "var(--state-unscheduled-production)",
        ),
        Step("planned", planned, False, "var(--state-planned-break)"),
        Step("pbt", sums.pbt_ms, True, "var(--bar)"),
        Step("unknown", sums.unknown_ms, False, "var(--state-unknown)"),
        Step("down", sums.adot_ms, False, "var(--state-down)"),
        *(
            Step(kind.value, delays.get(kind.value, 0), False, f"var(--state-{kind.value})")
            for kind in StopKind
        ),
    ]
    if sums.adet_ms != explained:
        steps.append(Step("other_delay", sums.adet_ms - explained, False, "var(--state-stopped)"))
    steps += [
        Step("setup", sums.aust_ms, False, "var(--state-setup)"),
        Step("apt", sums.apt_ms, True, "var(--state-production)"),
    ]
    made, good = sums.pri_pq_ms, sums.pri_gq_ms
    if made is None or sums.produced_quantity is None:
        return [*steps, Step("speed", None, False, "var(--state-held)")]
    steps += [
        Step("speed", sums.apt_ms - made, False, "var(--state-held)"),
        Step("net", made, True, "var(--state-production)"),
    ]
    if good is None or sums.good_quantity is None:
        return [*steps, Step("quality", None, False, "var(--scrap)")]
    return [
        *steps,
        Step("quality", made - good, False, "var(--scrap)"),
        Step("productive", good, True, "var(--good)"),
    ]


def residual_ms(steps: Sequence[Step]) -> float:
    """Return calendar time less everything lost and what is left at the end: 0 when bars add up."""
    levels = [step.ms for step in steps if step.level and step.ms is not None]
    lost = sum(step.ms for step in steps if not step.level and step.ms is not None)
    # Sums of products of decimal run times differ from whole milliseconds by rounding only.
    residual = levels[0] - lost - levels[-1]
    return 0.0 if abs(residual) < 1e-3 else residual


def _delays(rows: Sequence[StateTimeRow], units: Sequence[str]) -> dict[str, int]:
    found: dict[str, int] = {}
    for row in rows:
        if row.element == TimeElement.DELAY and row.place in units:
            kind = row.stop_kind or StopKind.STOPPED.value
            found[kind] = found.get(kind, 0) + row.duration_ms
    return found


def _mean_run_time(sums: BaseSums) -> float | None:
    if not sums.produced_quantity or not sums.pri_pq_ms:
        return None
    return sums.pri_pq_ms / sums.produced_quantity


def losses_board(q: Inquiry) -> Board:
    """Return the six big losses of TPM per hour or day."""
    paced = {unit.path for unit in paced_units(q)}
    by_bin: dict[datetime, list[SliceRow]] = {}
    for row in q.slices:
        if row.place in paced:
            by_bin.setdefault(q.bin_of(row.hour), []).append(row)
    steps = sorted(by_bin)
    found = [
        six_losses(
            add(row.sums for row in by_bin[moment]),
            sum(
                q.minor_stops(path, [Window(moment, moment + q.bins)], breakdowns=False)
                for path in paced
            ),
        )
        for moment in steps
    ]
    pbt = [sum(row.sums.pbt_ms for row in by_bin[moment]) for moment in steps]
    known = [pbt[i] - sum(row.sums.unknown_ms for row in by_bin[m]) for i, m in enumerate(steps)]
    columns = (
        q.step_column,
        q.column("pbt_s", "duration"),
        *(q.column(f"loss_{key}_s", "duration") for key, _, _, _ in LOSSES),
        q.column("productive_s", "duration"),
        q.column("coverage", "percent"),
    )
    rows = tuple(
        (
            moment,
            busy / 1000,
            *(
                (None,) * (len(LOSSES) + 1)
                if six is None
                else (getattr(six, name) / 1000 for name in _PARTS)
            ),
            ratio(seen, busy),
        )
        for moment, busy, seen, six in zip(steps, pbt, known, found, strict=True)
    )
    series = [
        Series(
            q.words(f"loss.{key}"),
            [None if six is None else getattr(six, name) / 3_600_000 for six in found],
            color,
            pattern,
        )
        for key, name, color, pattern in LOSSES
    ]
    gaps = any(six is None for six in found)
    return Board(
        (
            Section(
                "losses",
                q.words("title.losses"),
                bar_trend(steps, series, q, unit=q.words("hours")),
                (Table("losses", q.words("title.losses"), columns, rows),),
                notes=(q.words("note.losses"),),
                warnings=(q.words("note.losses_missing"),) if gaps else (),
            ),
        )
    )
