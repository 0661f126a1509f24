"""Runs a golden case: a small story of one machine or a set of sums in, figures out.

Times of a case are minutes unless the key says otherwise (`_s`, `_h`); clock times are `HH:MM` of
one day. What comes out is a flat mapping of names to values, durations in minutes.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, time
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np

from analytics.amendment import Booking, amended
from analytics.base_sum import Amendments, FirstInspection, slices
from analytics.counting import Counter, CounterEvent, added, increments
from analytics.execution import OrderRun
from analytics.interval import millis
from analytics.machine import MachineSignals, held_signals
from analytics.operation import Operation, PlannedRunTime, PlannedRunTimes, Routing
from analytics.schedule import site_schedule
from analytics.signal import TextReadings, number_readings, text_readings
from analytics.state import Timeline, timeline
from analytics.unit_figure import in_parts
from analytics.unit_figure import tiles as tiles_of
from plant.calendar import Break, ShiftPattern, expand_shifts
from plant.idset import IdSet
from plant.kpi import BaseSums, OeePolicy, OeeResult, loss, ratio, reliability
from plant.kpi.oee import Figures, oee, pooled, serial_line
from plant.kpi.stop import minor_stop_ms, stops
from plant.kpi.sums import add
from plant.measurement import TagRole
from plant.state import TimeElement
from tests.golden import driver_cases

MINUTE_MS = 60_000
DAY = datetime(2026, 3, 3, tzinfo=UTC)
EVERY_DAY = frozenset(range(7))

Case = Mapping[str, Any]


def run(kind: str, given: Case) -> dict[str, Any]:
    """Return what the engine makes of a case's input."""
    return _KINDS[kind](given)


def of_result(result: OeeResult) -> dict[str, Any]:
    """Return a result's ratios and what is said about them."""
    return {
        "availability": result.availability,
        "effectiveness": result.effectiveness,
        "quality_ratio": result.quality_ratio,
        "oee": result.oee,
        "coverage": result.coverage,
        "availability_low": result.availability_low,
        "availability_high": result.availability_high,
        "missing": {name: str(reason) for name, reason in result.missing.items()},
        "faults": list(result.faults),
    }


def of_sums(sums: BaseSums) -> dict[str, Any]:
    """Return the times of base sums in minutes, their quantities and every ratio of them."""
    return {
        "pbt": sums.pbt_ms / MINUTE_MS,
        "apt": sums.apt_ms / MINUTE_MS,
        "aust": sums.aust_ms / MINUTE_MS,
        "adet": sums.adet_ms / MINUTE_MS,
        "adot": sums.adot_ms / MINUTE_MS,
        "unknown": sums.unknown_ms / MINUTE_MS,
        "unscheduled_production": sums.unscheduled_production_ms / MINUTE_MS,
        "produced": sums.produced_quantity,
        "good": sums.good_quantity,
        "scrap": sums.scrap_quantity,
        "failure_events": sums.failure_events,
        "aupt": ratio.actual_unit_processing_time(sums) / MINUTE_MS,
        "aubt": ratio.actual_unit_busy_time(sums) / MINUTE_MS,
        "nee": ratio.net_equipment_effectiveness(sums),
        "ooe": ratio.overall_operations_effectiveness(sums),
        "teep": ratio.total_effective_equipment_performance(sums),
        "technical_efficiency": ratio.technical_efficiency(sums),
        "utilization_efficiency": ratio.utilization_efficiency(sums),
        "allocation_efficiency": ratio.allocation_efficiency(sums),
        "setup_ratio": ratio.setup_ratio(sums),
        "scrap_ratio": ratio.scrap_ratio(sums),
        "rework_ratio": ratio.rework_ratio(sums),
        "energy_per_item": ratio.energy_per_item(sums),
        "energy_per_good_item": ratio.energy_per_good_item(sums),
        "idle_energy_share": ratio.idle_energy_share(sums),
    }


def clock(text: str, plus_days: int = 0) -> int:
    """Return the millisecond of `HH:MM[:SS]` on the day of the case; `+1d` means a day later."""
    if text.endswith("+1d"):
        return clock(text.removesuffix("+1d").strip(), 1)
    parsed = time.fromisoformat(text)
    return millis(datetime.combine(DAY.date(), parsed, UTC)) + plus_days * 86_400_000


def base_sums(given: Case) -> BaseSums:
    """Return base sums from minutes: what is not given is zero, or follows from the rest."""
    ms = {name: round(float(given.get(name, 0)) * MINUTE_MS) for name in _TIMES}
    pbt = sum(ms.values())
    pri_ms = given.get("pri", 0) * MINUTE_MS
    made, good = given.get("produced"), given.get("good")
    planned = round(given.get("planned_downtime", 0) * MINUTE_MS)
    parts = {name: given.get(name) for name in ("produced", "good", "scrap", "rework")}
    per_item = given.get("parts_per_item", 1)
    items: dict[str, Any] = {
        f"{name}_items": None if count is None else count / per_item
        for name, count in parts.items()
    }
    calendar = round(given.get("calendar", 0) * MINUTE_MS)
    return BaseSums(
        calendar_ms=max(calendar, pbt + planned),
        pot_ms=pbt + planned,
        pbt_ms=pbt,
        apt_ms=ms["apt"],
        aust_ms=ms["aust"],
        adet_ms=ms["adet"],
        adot_ms=ms["adot"],
        unknown_ms=ms["unknown"],
        pri_pq_ms=_times(pri_ms, made),
        pri_gq_ms=_times(pri_ms, good),
        produced_quantity=made,
        good_quantity=good,
        scrap_quantity=given.get("scrap"),
        rework_quantity=given.get("rework"),
        energy_kwh=given.get("energy"),
        idle_energy_kwh=given.get("idle_energy"),
        breakdown_ms=round(given.get("breakdown", 0) * MINUTE_MS),
        start_up_pri_ms=given.get("start_up_rejects", 0) * pri_ms,
        **items,
    )


_TIMES = ("apt", "aust", "adet", "adot", "unknown")


def _times(run_time: float, quantity: float | None) -> float | None:
    return None if quantity is None else run_time * quantity


def _texts(events: Any) -> TextReadings | None:
    if events is None:
        return None
    return text_readings(
        [clock(event[0]) * 1000 for event in events],
        [event[1] for event in events],
        [2 if len(event) > 2 and event[2] == "bad" else 0 for event in events],
    )


def _scenario(given: Case) -> dict[str, Any]:
    """One machine through the whole engine: signals, time elements, base sums, OEE."""
    patterns = [_pattern(shift) for shift in given.get("shifts", ())]
    start, end = (clock(text) for text in given["window"])
    schedule = site_schedule(patterns, ZoneInfo("UTC"), start, end)
    signals = held_signals(
        MachineSignals(
            state=_texts(given["states"]),
            state_silence_ms=round(given.get("silence_s", 86_400) * 1000),
            mode=_texts(given.get("modes")),
            mode_silence_ms=round(given.get("mode_silence_s", 86_400) * 1000),
            order=_texts(given.get("orders")),
            product=_texts(given.get("products")),
            state_map=given.get("state_map"),
            runs=tuple(_runs(given)),
            mes_first=given.get("order_from") == "mes",
        )
    )
    line = timeline(start, end, signals, schedule)
    counts = {
        TagRole(f"{name}_count"): increments(
            number_readings([clock(at) * 1000 for at, _ in readings], [v for _, v in readings]),
            Counter(given.get("modulus")),
        )
        for name, readings in given.get("counters", {}).items()
    }
    routing = Routing(
        {
            product: [
                Operation(
                    -(10**15),
                    None,
                    step.get("parts_per_item", 1),
                    step.get("parts_per_cycle", 1),
                    step["cycle_s"] * 1000 if "cycle_s" in step else None,
                )
            ]
            for product, step in given.get("routing", {}).items()
        }
    )
    planned = PlannedRunTimes(
        {
            product: [PlannedRunTime(-(10**15), None, seconds * 1000)]
            for product, seconds in given.get("run_times_s", {}).items()
        },
        routing,
    )
    counts = amended(
        in_parts(counts, routing, signals.product),
        [
            Booking(clock(made), TagRole(f"{becomes}_count"), parts)
            for made, becomes, parts in given.get("bookings", ())
        ],
    )
    inspections = tuple(
        FirstInspection(clock(made), result == "good", result == "rework")
        for made, result in given.get("first_inspections", ())
    )
    parts = slices(line, schedule, counts, planned, Amendments(inspections=inspections))
    failed = reliability.failures(tiles_of(line), OeePolicy(), end)
    total = replace(add(part.sums for part in parts), failure_events=len(failed))
    found = of_sums(total) | of_result(oee(total, _minor_ms(given, line, end)))
    found["marks"] = sorted({mark for part in parts for mark in part.marks})
    found["stops"] = [
        [(stop.start - start) / MINUTE_MS, ((stop.end or end) - start) / MINUTE_MS]
        for stop in stops(tiles_of(line))
    ]
    found["inspected"] = total.inspected_parts
    found["first_pass_yield"] = ratio.first_pass_yield(
        total.good_at_first_parts, total.inspected_parts
    )
    for part in parts:
        for text in (part.order, part.lot):
            if text is not None:
                minutes = (part.end - part.start) / MINUTE_MS
                found[f"{text}_minutes"] = found.get(f"{text}_minutes", 0) + minutes
        if part.shift is not None:
            name = part.shift.name
            found[f"{name}_adet"] = found.get(f"{name}_adet", 0) + part.sums.adet_ms / MINUTE_MS
            made = part.sums.produced_quantity or 0
            found[f"{name}_produced"] = found.get(f"{name}_produced", 0) + made
    return found


def _runs(given: Case) -> Iterator[OrderRun]:
    for run in given.get("runs", ()):
        yield OrderRun(
            clock(run["start"]),
            clock(run["end"]) if "end" in run else None,
            run["order"],
            run.get("product"),
            run.get("lot"),
        )


def _minor_ms(given: Case, line: Timeline, end: int) -> int:
    if "minor_stop_threshold_s" not in given:
        return 0
    tiles = tiles_of(line)
    delays = [tile for tile in tiles if tile.element is TimeElement.DELAY]
    return minor_stop_ms(stops(tiles), delays, round(given["minor_stop_threshold_s"] * 1000), end)


def _pattern(shift: Case) -> ShiftPattern:
    return ShiftPattern(
        name=shift["name"],
        start=time.fromisoformat(shift["start"]),
        end=time.fromisoformat(shift["end"]),
        weekdays=EVERY_DAY,
        breaks=tuple(
            Break("break", time.fromisoformat(start), time.fromisoformat(end))
            for start, end in shift.get("breaks", ())
        ),
    )


def _sums(given: Case) -> dict[str, Any]:
    sums = base_sums(given)
    return of_sums(sums) | of_result(oee(sums))


def _mix(given: Case) -> dict[str, Any]:
    total = add(base_sums(lot) for lot in given["lots"])
    return of_sums(total) | of_result(oee(total))


def _pool(given: Case) -> dict[str, Any]:
    figures = pooled(Figures(base_sums(place)) for place in given["places"])
    return of_sums(figures.sums) | of_result(oee(figures.sums))


def _line(given: Case) -> dict[str, Any]:
    units = [Figures(base_sums(unit)) for unit in given["units"]]
    paced = given.get("bottleneck")
    out = None
    if paced is not None:
        out = given["units"][paced]["pri"] * MINUTE_MS * given["units"][-1]["good"]
    figures = serial_line(units, paced, out)
    return of_sums(figures.sums) | of_result(oee(figures.sums, absent=figures.absent))


def _counter(given: Case) -> dict[str, Any]:
    readings = given["readings"]
    times = given.get("times_s", list(range(len(readings))))
    made = increments(
        number_readings(np.array(times, dtype=np.int64) * 1_000_000, readings),
        Counter(given.get("modulus"), given.get("max_rate_per_s")),
    )
    return {
        "total": made.total,
        "amounts": made.amounts.tolist(),
        "events": [CounterEvent(event).name.lower() for event in made.events],
    }


def _increments(given: Case) -> dict[str, Any]:
    """Messages `[id, seq, amount]` or `[id, seq, amount, second]`, in the order of arrival."""
    ledger = IdSet()
    kept: list[tuple[int, float]] = []
    for _, seq, amount, *second in given["messages"]:
        span = (seq, seq + 1)
        if ledger.missing(*span):
            kept.append((second[0] if second else seq, amount))
        ledger = ledger.union(IdSet((span,)))
    # What the ledger let through twice (a device that sends again under a new number) ends here.
    made = added(number_readings([at * 1_000_000 for at, _ in kept], [n for _, n in kept]))
    return {
        "total": made.total,
        "written": len(kept),
        "amounts": made.amounts.tolist(),
        "events": [CounterEvent(event).name.lower() for event in made.events],
    }


def _calendar(given: Case) -> dict[str, Any]:
    day = date.fromisoformat(given["day"])
    zone = ZoneInfo(given["zone"])
    noon = datetime.combine(day, time(12), zone).astimezone(UTC)
    midnight = datetime.combine(day, time(23, 59), zone).astimezone(UTC)
    (shift,) = [
        shift
        for shift in expand_shifts([_pattern(given["shift"])], zone, noon, midnight)
        if shift.business_date == day
    ]
    return {
        "duration_h": shift.window.duration.total_seconds() / 3600,
        "business_date": shift.business_date.isoformat(),
        "start_utc": shift.window.start.isoformat(),
    }


def _losses(given: Case) -> dict[str, Any]:
    found = loss.six_losses(base_sums(given))
    assert found is not None
    return {
        "breakdown": found.breakdown_ms / MINUTE_MS,
        "setup": found.setup_ms / MINUTE_MS,
        "minor_stops": (found.minor_stops_ms + found.idling_ms) / MINUTE_MS,
        "reduced_speed": found.reduced_speed_ms / MINUTE_MS,
        "defects": found.defects_ms / MINUTE_MS,
        "start_up": found.start_up_ms / MINUTE_MS,
        "productive": found.productive_ms / MINUTE_MS,
    }


def _failures(given: Case) -> dict[str, Any]:
    hour = 3_600_000
    operating = round(sum(given["operating_h"]) * hour)
    mtbf = reliability.mean_time_between_failures(operating, given["failures"])
    plus_one = reliability.mean_time_between_failures(operating, given["failures"], plus_one=True)
    mttr = reliability.mean_time_to_repair([round(length * hour) for length in given["repair_h"]])
    return {
        "mtbf_h": None if mtbf is None else mtbf / hour,
        "mtbf_plus_one_h": None if plus_one is None else plus_one / hour,
        "mttr_h": None if mttr is None else mttr / hour,
    }


_KINDS = {
    "scenario": _scenario,
    "sums": _sums,
    "mix": _mix,
    "pool": _pool,
    "line": _line,
    "counter": _counter,
    "increments": _increments,
    "calendar": _calendar,
    "losses": _losses,
    "failures": _failures,
    **driver_cases.KINDS,
}
