"""Inputs of the metrics from the store: what is there, or why it is not.

A gap is told by its reason, never filled: where a metric needs what no table holds (who looked at
which board, say), its input is `None`.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from fractions import Fraction
from typing import Any, Final

from assessment.evidence import inputs as given
from assessment.evidence.figure import Window
from assessment.scoring import DataQuality
from plant.delivery.lag import lag_quantile_s
from store.assessment.production import DayRow, Production
from store.assessment.record import MachineRow

OF_A_MOMENT: Final = frozenset({"E16"})
"""Metrics of how things stand when they are computed: no window has them again."""
_QUANTILES: Final = 1000
_AUTOMATIC: Final = frozenset({"AUTO", "AUTOMATIC", "PRODUCTION", "PRODUCING"})
_KIND_VI: Final = {
    "breakdown": "hỏng máy",
    "held": "giữ máy",
    "suspended": "chờ, nghẽn",
    "stopped": "dừng",
    "delay": "dừng khác",
    "down": "không có lệnh",
}


@dataclass(frozen=True, slots=True)
class Declared:
    """What people of the enterprise wrote down beside the signals."""

    checks: tuple[given.CheckedShift, ...] = ()
    decisions_with_metric: int | None = None
    decisions: int | None = None


@dataclass(frozen=True, slots=True)
class Gathered:
    """Inputs by metric, the reasons of those that are missing, and the quality of the data."""

    inputs: dict[str, given.Inputs]
    missing_vi: dict[str, str]
    quality: DataQuality
    coverage: Fraction | None
    """Connected machines of the register ÷ its machines."""


def gather(
    production: Production,
    window: Window,
    register: Sequence[MachineRow],
    *,
    register_confirmed: bool,
    declared: Declared = Declared(),
    baseline: Production | None = None,
    pilot_vi: str = "thí điểm",
) -> Gathered:
    """Return what the metrics of a window are computed from.

    `baseline` is the same enterprise over its baseline window, for E18.
    """
    by_unit = {one.work_unit: one for one in register if one.work_unit}
    department = {path: one.department for path, one in by_unit.items()}
    days = production.days()
    stops = production.stops()
    shares = _shares_data(days)
    found: dict[str, given.Inputs] = {}
    missing: dict[str, str] = {}
    planned = sum(one.planned_ms for one in days)
    known = sum(one.known_ms for one in days)
    edges, clock_ms = production.edges()

    found["E01"] = given.Connection(
        register=tuple(given.RegisteredMachine(one.code, one.department) for one in register),
        register_confirmed=register_confirmed,
        days=_machine_days(days, by_unit),
        shares_data=shares,
    )
    if planned:
        # In minutes of planned time: a signal that reports by exception has no expected number.
        found["E02"] = given.Samples(known // 60_000, -(-planned // 60_000))
    else:
        missing["E02"] = "không có giờ kế hoạch trong kỳ"
    lags = production.lags()
    found["E03"] = given.Latencies(_quantiles(lags))
    manual = production.bookings()
    found["E04"] = _collection(days, stops, manual, department, shares)
    run = _time(sum(one.run_ms for one in days))
    weeks = Fraction(window.length // timedelta(days=1), 7)
    found["E05"] = given.Orders(
        _time(sum(one.ordered_ms or 0 for one in days)) if days else None,
        run if days else None,
        Fraction(production.source_weeks()) / weeks if weeks else None,
    )
    found["E06"] = _oee(days, stops)
    unplanned = [one for one in stops if one.kind != "down"]
    found["E07"] = given.Stops(
        _time(sum(one.with_reason_ms for one in unplanned)) if days else None,
        _time(sum(one.length_ms for one in unplanned)) if days else None,
    )
    found["E08"] = _automation(production.modes(), days, department)
    found["E09"] = _traces(production)
    found["E10"] = given.Checks(declared.checks)
    found["E11"] = _alarms(production)
    missing["E12"] = "nền tảng không ghi ai xem bảng nào theo bộ phận"
    if declared.decisions is None:
        missing["E13"] = "doanh nghiệp chưa khai tổng số quyết định trong kỳ"
    else:
        found["E13"] = given.Decisions(declared.decisions_with_metric, declared.decisions)
    found["E14"] = _energy(days, len(register))
    missing["E15"] = (
        f"{edges} cổng kết nối; nền tảng chưa ghi cổng nào dùng TLS bằng chứng thư riêng"
    )
    tags, described, mapped = production.tags()
    found["E16"] = given.TagCatalogue(described, mapped, tags)
    lots, inspected = production.lots()
    found["E17"] = given.Quality(
        inspected,
        lots,
        sum(one.passed_first for one in days),
        sum(one.inspected for one in days),
    )
    if baseline is None:
        missing["E18"] = "chưa có kỳ nền đã chốt"
    else:
        found["E18"] = _before_after(baseline, production, days, pilot_vi)
    quality = DataQuality(
        window.length,
        Fraction(known, planned) if planned else None,
        timedelta(milliseconds=clock_ms) if clock_ms is not None else None,
    )
    coverage = Fraction(len(by_unit), len(register)) if register else None
    return Gathered(found, missing, quality, coverage)


def _time(ms: int) -> timedelta:
    return timedelta(milliseconds=ms)


def _shares_data(days: Sequence[DayRow]) -> bool | None:
    if not days:
        return None
    return any(one.ordered_ms for one in days)


def _machine_days(
    days: Sequence[DayRow], by_unit: Mapping[str, MachineRow]
) -> tuple[given.MachineDays, ...]:
    planned: dict[str, int] = defaultdict(int)
    good: dict[str, int] = defaultdict(int)
    for one in days:
        if one.planned_ms:
            code = by_unit[one.work_unit].code
            planned[code] += 1
            good[code] += one.known_ms > 0
    return tuple(given.MachineDays(code, planned[code], good[code]) for code in sorted(planned))


def _quantiles(lags: Mapping[int, int]) -> tuple[float, ...]:
    """Return so many equally likely times as the histogram has, which any rank of it is among."""
    if not lags:
        return ()
    shares = ((number + 1) / _QUANTILES for number in range(_QUANTILES))
    return tuple(value for share in shares if (value := lag_quantile_s(lags, share)) is not None)


def _collection(
    days: Sequence[DayRow],
    stops: Sequence[Any],
    manual: Mapping[str, int],
    department: Mapping[str, str],
    shares: bool | None,
) -> given.Collection:
    automatic: dict[str, int] = defaultdict(int)
    by_hand: dict[str, int] = defaultdict(int)
    for day in days:
        automatic[department[day.work_unit]] += day.counted
    for stop in stops:
        automatic[department[stop.work_unit]] += stop.number
        by_hand[department[stop.work_unit]] += stop.by_hand
    for unit, number in manual.items():
        by_hand[department[unit]] += number
    names = sorted(automatic.keys() | by_hand.keys())
    rows = (given.DepartmentRecords(one, automatic[one], by_hand[one]) for one in names)
    return given.Collection(tuple(rows), shares)


def _oee(days: Sequence[DayRow], stops: Sequence[Any]) -> given.OeeFigure:
    planned = sum(one.planned_ms for one in days)
    run = sum(one.run_ms for one in days)
    lacking = None
    if not planned:
        lacking = "không có giờ kế hoạch trong kỳ"
    elif not run:
        lacking = "máy không chạy trong kỳ"
    produced = [one for one in days if one.produced]
    if lacking is None and any(one.pri_pq_ms is None for one in produced):
        lacking = "có sản phẩm chưa có thời gian chu kỳ chuẩn"
    made = sum((_exact(one.produced) for one in produced), Fraction(0))
    good = sum((_exact(one.good) for one in days if one.good is not None), Fraction(0))
    if lacking is None and not made:
        lacking = "chưa có sản lượng trong kỳ"
    pri = sum((_exact(one.pri_pq_ms) for one in produced if one.pri_pq_ms is not None), Fraction(0))
    versions = sorted({v for one in days for v in (one.formula_version, one.last_formula_version)})
    losses: dict[str, timedelta] = defaultdict(timedelta)
    for stop in stops:
        losses[_KIND_VI.get(stop.kind, stop.kind)] += _time(stop.length_ms)
    setup = _time(sum(one.setup_ms for one in days))
    if setup:
        losses["chuẩn bị, đổi mã"] = setup
    with_reason = _time(sum(one.with_reason_ms for one in stops)) if days else None
    length = _time(sum(one.length_ms for one in stops)) if days else None
    ok = lacking is None
    return given.OeeFigure(
        Fraction(run, planned) if planned else None,
        pri / run if ok else None,
        good / made if ok else None,
        ", ".join(versions) or "—",
        lacking,
        tuple(sorted(losses.items())),
        with_reason,
        length,
    )


def _exact(value: float | None) -> Fraction:
    return Fraction(value) if value is not None else Fraction(0)


def _automation(
    modes: Sequence[tuple[str, str, int]], days: Sequence[DayRow], department: Mapping[str, str]
) -> given.Automation:
    automatic: dict[str, int] = defaultdict(int)
    running: dict[str, int] = defaultdict(int)
    reporting = {unit for unit, _, _ in modes}
    for unit, mode, ms in modes:
        automatic[department[unit]] += ms if mode in _AUTOMATIC else 0
    for one in days:
        if one.work_unit in reporting:
            running[department[one.work_unit]] += one.run_ms
    return given.Automation(
        tuple(
            given.DepartmentAutomation(
                name,
                # Modes and running time are cut by the same intervals, at whole milliseconds.
                min(_time(automatic[name]), _time(running[name])),
                _time(running[name]),
                None,
                None,
                timedelta(),
            )
            for name in sorted(running)
        )
    )


def _traces(production: Production) -> given.Traces:
    met = dict(production.traces())
    if not met:
        return given.Traces(())
    made = dict(production.products())
    return given.Traces(
        tuple(
            given.ProductTrace(code, met.get(code, 0), round(made.get(code, 0)))
            for code in sorted(met.keys() | made.keys())
        )
    )


def _alarms(production: Production) -> given.Alarms:
    rows = production.alarms()
    minute = timedelta(minutes=1)
    return given.Alarms(
        raised=len(rows),
        acknowledged=sum(one.said_at is not None for one in rows),
        confirmed=sum(one.verdict == "confirmed" for one in rows),
        refuted=sum(one.verdict == "not_anomaly" for one in rows),
        minutes_to_acknowledge=tuple(
            max(0.0, (one.said_at - one.opened_at) / minute) for one in rows if one.said_at
        ),
        minutes_to_close=tuple(
            (one.ended_at - one.opened_at) / minute for one in rows if one.ended_at
        ),
    )


def _energy(days: Sequence[DayRow], machines: int) -> given.Energy:
    metered = {one.work_unit for one in days if one.energy_kwh is not None}
    if not metered:
        return given.Energy(None, None, None, None, machines)
    own = [one for one in days if one.work_unit in metered]
    idle = [one.idle_kwh for one in own if one.idle_kwh is not None]
    return given.Energy(
        sum((_exact(one.energy_kwh) for one in own), Fraction(0)),
        sum((_exact(one) for one in idle), Fraction(0)) if idle else None,
        round(sum(one.good or 0 for one in own)),
        len(metered),
        machines,
    )


def _before_after(
    baseline: Production, production: Production, days: Sequence[DayRow], pilot_vi: str
) -> given.BeforeAfter:
    before = baseline.days()
    versions = sorted({one.formula_version for one in (*before, *days)})
    return given.BeforeAfter(
        figure_vi="OEE toàn doanh nghiệp theo ngày",
        unit="%",
        formula_version=", ".join(versions) or "—",
        before=_side(baseline, before),
        after=_side(production, days),
        pilot_vi=pilot_vi,
    )


def _side(production: Production, days: Sequence[DayRow]) -> given.PilotPeriod:
    """Return the daily OEE of all machines together: Σ PRI·GQ ÷ Σ PBT."""
    by_day: dict[Any, list[DayRow]] = defaultdict(list)
    for one in days:
        by_day[one.day].append(one)
    values = []
    for day, rows in sorted(by_day.items()):
        planned = sum(one.planned_ms for one in rows)
        if planned and all(one.pri_gq_ms is not None for one in rows if one.produced):
            worth = sum(one.pri_gq_ms or 0.0 for one in rows)
            values.append(given.DayValue(day, worth / planned))
    return given.PilotPeriod(
        tuple(values),
        frozenset(one.work_unit for one in days),
        tuple((code or "không rõ", round(number)) for code, number in production.products()),
    )
